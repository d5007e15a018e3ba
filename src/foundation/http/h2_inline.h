// A request on HTTP/2 on its way to the inline handler: its fields and body in two texts that are
// used again for the next one. Private to H2Connection, which owns them; loop thread only.
//
//   kHead ──END_HEADERS──▶ kBody ──END_STREAM──▶ handler ──▶ kReply ──stream closed──▶ back
//     └──────────────────────┴────── not for it: promoted to an H2Stream
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/http/inline.h"

namespace proa::http {

// The fields of a request, in order; the pseudo ones come first (nghttp2 sees to it).
struct LeanHead {
  std::string text;
  std::vector<H2Reply::Field> fields;
  size_t regular_at = 0;                     // in fields
  H2Reply::Field method, target, authority;  // value and value_size only
  uint32_t header_bytes = 0;

  void clear();
  void add(std::string_view name, std::string_view value);
  std::string_view at(uint32_t place, uint32_t size) const {
    return std::string_view(text).substr(place, size);
  }
  std::string_view value(const H2Reply::Field& f) const { return at(f.value, f.value_size); }
  // The first `count` fields of another.
  void copy(const LeanHead& from, size_t count);
  bool has_at(size_t place, std::string_view name, std::string_view value) const;
};

struct LeanRequest : LeanHead {
  enum class State : uint8_t { kHead, kBody, kReply };
  int32_t id = 0;
  size_t place = 0;  // in LeanRequests::active
  State state = State::kHead;
  bool too_large = false;
  bool follows =
      false;  // its fields so far are the first `followed` of the connection's known head
  size_t followed = 0;
  MonoTime heard{}, sent{};
  std::string body;
  H2Reply reply;

  void clear();
  // Fills `fields_out`, which the view points to.
  RequestView view(std::vector<FieldView>& fields_out) const;
  size_t memory() const { return text.capacity() + body.capacity() + reply.body.capacity(); }
};

// Those in use, and some for the next ones.
class LeanRequests {
 public:
  LeanRequest* take(int32_t id, MonoTime now);
  void give_back(LeanRequest* request);
  void drop_spares() { spares_.clear(); }
  void clear();
  bool empty() const { return active_.empty(); }
  const std::vector<std::unique_ptr<LeanRequest>>& active() const { return active_; }

 private:
  std::vector<std::unique_ptr<LeanRequest>> active_, spares_;
};

// The nghttp2_nv of fields of a reply; they point into it and are not copied.
void point_to(const H2Reply& reply, size_t from, size_t to, std::vector<nghttp2_nv>& out);

}  // namespace proa::http
