// The lean way to answer: a function that is called with views into the connection's buffer, and
// appends its answer to the connection's output. No allocation, no hand-over; for the model server.
//
// Set ServerOptions::inline_handler. It is called on the loop's thread for HTTP/1.x requests whose
// whole body (by content-length, at most kMostInlineBody) has arrived. It answers by respond() or
// body()+finish() and returns true, or returns false, untouched, and the ordinary Handler gets the
// request. Chunked and larger bodies and HTTP/2 always go to the ordinary Handler. Views die when
// it returns. It must not block for long: the loop waits.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "foundation/http/http.h"

namespace proa::http {

inline constexpr size_t kMostInlineBody = 1 << 20;

struct FieldView {
  std::string_view name, value;
};

struct RequestView {
  std::string_view method, target, authority, body;
  std::span<const FieldView> fields;  // as received, in order
  int version = 11;
  bool tls = false;
  std::string_view peer;

  std::string_view path() const { return target.substr(0, target.find('?')); }
  std::string_view header(std::string_view name) const;  // case ignored; "" if absent
};

// Writes one response with content-length, date and, where needed, connection.
class ResponseBuffer {
 public:
  // The whole answer. extra: header lines, each "name: value\r\n", or "".
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view extra = {});
  // A scratch text to write the body into (empty at first, its memory is reused), then finish().
  std::string& body() { return scratch_; }
  void finish(int status, std::string_view content_type, std::string_view extra = {}) {
    respond(status, content_type, scratch_, extra);
  }

 private:
  friend class H1Connection;
  ResponseBuffer(std::string& out, std::string& scratch, std::string_view date, bool keep_alive,
                 int version, bool head_only)
      : out_(out),
        scratch_(scratch),
        date_(date),
        keep_alive_(keep_alive),
        version_(version),
        head_only_(head_only) {}
  std::string& out_;
  std::string& scratch_;
  std::string_view date_;  // "date: …\r\n"
  bool keep_alive_;
  int version_;
  bool head_only_;
  bool answered_ = false;
};

}  // namespace proa::http
