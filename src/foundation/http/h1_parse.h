// The HTTP/1.x codec: heads parsed in place and chunked bodies (RFC 9112). Strict: whatever two
// parsers might read differently is refused, so that nothing can be smuggled past this one.
//
// Used by the server and the upstream connections. Pure; views point into the text given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/http/http.h"
#include "foundation/http/inline.h"

namespace proa::http {

struct H1Head {
  std::string_view method, target;  // request; target in origin form or "*"
  std::string_view authority;       // Host, or what an absolute target says
  int status = 0;                   // response
  int version = 11;
  std::vector<FieldView> fields;  // all, as received
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;  // what Connection and the version say
  bool expect_continue = false;
  std::string_view upgrade;  // protocol named by Upgrade, if Connection says so

  void clear();
};

struct Parsed {
  enum State { kMore, kDone, kBad } state = kMore;
  size_t used = 0;        // kDone: bytes of the head, blank line included
  int status = 400;       // kBad: what to answer
  const char* why = "";   // kBad
  bool not_http = false;  // kBad: the first line does not end as one of HTTP does
};

inline constexpr size_t kMostFields = 256;

// `scanned` is kept by the caller between calls with the same, growing text; 0 for a new one.
Parsed parse_request(std::string_view text, size_t& scanned, size_t most_bytes, H1Head& head);
Parsed parse_response(std::string_view text, size_t& scanned, size_t most_bytes, H1Head& head);

// Field lines without the blank line, each ended by CRLF. False: malformed.
bool parse_fields(std::string_view text, std::vector<FieldView>& fields);

// size CRLF data CRLF … 0 CRLF trailers CRLF. Fed with whatever has come.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(size_t most_trailer_bytes = 16 << 10)
      : most_trailer_(most_trailer_bytes) {}
  struct Step {
    size_t used = 0;        // bytes of the input that were taken
    std::string_view data;  // of the body, within the input; may be empty
    bool done = false, bad = false;
  };
  // Takes as much as gives at most one piece of data. used 0, not done, not bad: more is needed.
  Step next(std::string_view input);
  Headers trailers() const;  // after done
  void reset();

 private:
  enum class State : uint8_t {
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kDone
  };
  bool size_byte(char c);
  bool trailer_byte(char c);
  State state_ = State::kSize;
  int digits_ = 0;
  size_t extension_ = 0;
  uint64_t left_ = 0;
  size_t most_trailer_;
  std::string trailer_;
};

}  // namespace proa::http
