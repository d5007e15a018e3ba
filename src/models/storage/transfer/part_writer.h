// Writes a part of a file from the small pieces in which a network delivers it.
//
// Used by download, one for each request. Several workers write parts of one file: the kernel lets
// one write at a time, and those who wait for it spin there, so they wait at `writing` instead.
// Pieces of 128 KiB took the least processor time (of 16 to 512 KiB, on ext4).
#pragma once

#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <string_view>

namespace proa::storage {

class PartWriter {
 public:
  // `writing` must outlive this.
  PartWriter(int fd, std::mutex& writing, int64_t at) : fd_(fd), writing_(writing), at_(at) {}

  // false: see failed.
  bool add(std::string_view bytes) {
    pending_ += bytes;
    return pending_.size() < kPiece || flush();
  }
  bool flush() {
    if (failed == 0) failed = write_pending();
    pending_.clear();
    return failed == 0;
  }

  int failed = 0;  // errno

 private:
  static constexpr size_t kPiece = 128u << 10;

  int write_pending() {
    std::lock_guard lock(writing_);
    std::string_view bytes = pending_;
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), at_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno;
      bytes.remove_prefix(static_cast<size_t>(n));
      at_ += n;
    }
    return 0;
  }

  int fd_;
  std::mutex& writing_;
  int64_t at_;
  std::string pending_;
};

}  // namespace proa::storage
