// The lean way to answer: a function that is called with views into the connection's buffer, and
// appends its answer to the connection's output. No allocation, no hand-over; for the model server.
//
// Set ServerOptions::inline_handler. It is called on the loop's thread for requests whose whole
// body has arrived: HTTP/1.x with content-length, and HTTP/2, of at most kMostInlineBody. It
// answers by respond() or body()+finish() and returns true, or returns false, untouched, and the
// ordinary handler gets the request. Chunked (HTTP/1.1) and larger bodies always go to the ordinary
// handler; so do HTTP/2 requests with a body for which ServerOptions::inline_wanted says no when
// their head has come, at once. Views die when it returns. It must not block for long: the loop
// waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/http/http.h"

namespace proa::http {

inline constexpr size_t kMostInlineBody = 1 << 20;

struct FieldView {
  std::string_view name, value;
};

struct RequestView {
  std::string_view method, target, authority, body;
  std::span<const FieldView> fields;  // as received, in order; HTTP/2's names are in lower case
  int version = 11;
  bool tls = false;
  std::string_view peer;

  std::string_view path() const { return target.substr(0, target.find('?')); }
  std::string_view header(std::string_view name) const;  // case ignored; "" if absent
};

// One answer on HTTP/2, until its stream is closed: the fields in one text, and the body.
struct H2Reply {
  struct Field {
    uint32_t name = 0, name_size = 0, value = 0, value_size = 0;  // places in `text`
  };
  std::string text, body;
  std::vector<Field> fields;
  size_t trailers_at = 0;  // fields from here on are trailers
  size_t sent = 0;         // of the body
  bool bodiless = false;
  void clear();
  void add(std::string_view name, std::string_view value);  // the name is put into lower case
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
  // For gRPC, HTTP/2 only: body() between these fields and these trailers; no content-length, no
  // date. Names and values must be valid ones. Without body and trailers the answer is the fields
  // alone.
  void finish_with(int status, std::span<const FieldView> fields,
                   std::span<const FieldView> trailers);

 private:
  friend class H1Connection;
  friend class H2Connection;
  ResponseBuffer(std::string& out, std::string& scratch, std::string_view date, bool keep_alive,
                 int version, bool head_only)
      : out_(out),
        scratch_(scratch),
        date_(date),
        keep_alive_(keep_alive),
        version_(version),
        head_only_(head_only) {}
  ResponseBuffer(H2Reply& reply, std::string_view date, bool head_only)
      : out_(reply.text),
        scratch_(reply.body),
        date_(date),
        version_(20),
        head_only_(head_only),
        reply_(&reply) {}
  void respond_h2(int status, std::string_view content_type, std::string_view body,
                  std::string_view extra);
  void add_status(int status);

  std::string& out_;
  std::string& scratch_;
  std::string_view date_;  // "date: …\r\n"
  bool keep_alive_ = true;
  int version_;
  bool head_only_;
  bool answered_ = false;
  H2Reply* reply_ = nullptr;  // HTTP/2
};

}  // namespace proa::http
