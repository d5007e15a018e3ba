// The bytes of a pickle with a position, and the frames of protocol 4: nothing may straddle a
// frame.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "foundation/base/result.h"
#include "foundation/base/strings.h"

namespace proa::pickle {

class Stream {
 public:
  explicit Stream(std::string_view bytes, size_t at = 0) : bytes_(bytes), at_(at) {}
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  bool in_frame() const { return frame_end_ != 0 && at_ < frame_end_; }
  std::string_view all() const { return bytes_; }

  Result<std::string_view> take(uint64_t n) {
    if (n > left())
      return error(Code::kDataLoss, str("truncated: ", n, " bytes are announced at byte ", at_,
                                        ", ", left(), " are there"));
    if (in_frame() && n > frame_end_ - at_)
      return error(Code::kDataLoss, str("damaged: a value at byte ", at_, " straddles its frame"));
    std::string_view out = bytes_.substr(at_, n);
    at_ += n;
    return out;
  }

  // Up to the next newline, which is taken too.
  Result<std::string_view> line() {
    size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos)
      return error(Code::kDataLoss, str("truncated: a line at byte ", at_, " has no end"));
    TRY(std::string_view out, take(end + 1 - at_));
    return out.substr(0, out.size() - 1);
  }

  // Little-endian.
  template <typename T>
  Result<T> number() {
    TRY(std::string_view b, take(sizeof(T)));
    T v{};
    std::memcpy(&v, b.data(), sizeof v);
    return v;
  }

  Status open_frame(uint64_t size) {
    if (in_frame()) return error(Code::kDataLoss, str("damaged: a frame in a frame at byte ", at_));
    if (size > left())
      return error(Code::kDataLoss, str("truncated: a frame of ", size, " bytes at byte ", at_,
                                        ", ", left(), " are there"));
    frame_end_ = at_ + size;
    return {};
  }

 private:
  std::string_view bytes_;
  size_t at_;
  size_t frame_end_ = 0;  // 0: none
};

}  // namespace proa::pickle
