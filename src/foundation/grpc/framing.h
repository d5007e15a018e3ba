// gRPC's messages in the body of a request: five bytes before each (compressed?, length), gzip and
// deflate, the timeout's text. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
//
// Used by Server. Codec keeps zlib's state between messages; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/clock.h"
#include "foundation/base/result.h"

namespace proa::grpc {

inline constexpr size_t kPrefix = 5;

struct Frame {
  bool compressed = false;
  std::string_view payload;
  size_t used = 0;  // bytes of prefix and payload
};

// The first message of `bytes`; nullopt: more bytes are needed. kTooLarge past `most` bytes,
// kInternal for a flag that is neither 0 nor 1.
Result<std::optional<Frame>> next_frame(std::string_view bytes, size_t most);

// Writes the prefix over the five bytes at `at`, for what follows them in `out`.
void write_prefix(std::string& out, size_t at, bool compressed);

enum class Encoding : uint8_t { kIdentity, kGzip, kDeflate };
std::optional<Encoding> encoding(std::string_view name);  // "" is identity
const char* to_string(Encoding encoding);
inline constexpr std::string_view kEncodings = "identity,deflate,gzip";
// The encodings that grpc-accept-encoding lists.
bool accepts(std::string_view list, Encoding encoding);

class Codec {
 public:
  Codec();
  ~Codec();
  // Replaces `out`. kTooLarge past `most` bytes, kInvalid if damaged or cut off.
  Status unpack(Encoding encoding, std::string_view packed, size_t most, std::string& out);
  Status pack(Encoding encoding, std::string_view plain, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "100m" → 100 ms: at most 8 digits and one of H M S m u n. nullopt if it is no such text.
std::optional<Duration> parse_timeout(std::string_view text);

}  // namespace proa::grpc
