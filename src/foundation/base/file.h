// Files and descriptors: an owning fd, whole-file reads and atomic writes.
//
// Blocking; not for the data path. Errors name the path.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa {

// Owns a file descriptor and closes it.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// The whole file; kTooLarge past `most` bytes.
Result<std::string> read_file(const std::string& path, size_t most = size_t{1} << 30);

// Writes beside the target and renames over it, so that a reader sees the old or the new whole
// file. durable: also fsync of file and folder.
Status write_file(const std::string& path, std::string_view content, unsigned mode = 0644,
                  bool durable = false);

Status make_dirs(const std::string& path, unsigned mode = 0755);  // like mkdir -p
Status remove_tree(const std::string& path);                      // like rm -rf; no error if absent
bool exists(const std::string& path);
Result<std::vector<std::string>> list_dir(const std::string& path);  // names, sorted, no . and ..

}  // namespace proa
