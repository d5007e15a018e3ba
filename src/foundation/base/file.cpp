#include "foundation/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "foundation/base/strings.h"

namespace proa {

void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::string> read_file(const std::string& path, size_t most) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(str("open ", path));
  std::string out;
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && info.st_size > 0)
    out.reserve(std::min(static_cast<size_t>(info.st_size), most));
  char buf[65536];
  for (;;) {
    ssize_t n = ::read(fd.get(), buf, sizeof buf);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(str("read ", path));
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > most)
      return error(Code::kTooLarge, str("read ", path, ": larger than ", most, " bytes"));
    out.append(buf, static_cast<size_t>(n));
  }
}

static Status write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(str("write ", path));
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status write_file(const std::string& path, std::string_view content, unsigned mode, bool durable) {
  static std::atomic<unsigned> counter{0};
  std::string temporary = str(path, ".", ::getpid(), "-", counter++, ".tmp");
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return errno_error(str("create ", temporary));
  Status written = write_all(fd.get(), content, temporary);
  if (written.ok() && durable && ::fsync(fd.get()) != 0) written = errno_error(str("fsync ", path));
  fd.reset();
  if (written.ok() && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = errno_error(str("rename to ", path));
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (durable) {
    std::string dir = path.substr(0, path.find_last_of('/') + 1);
    Fd folder(::open(dir.empty() ? "." : dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder && ::fsync(folder.get()) != 0) return errno_error(str("fsync ", dir));
  }
  return {};
}

Status make_dirs(const std::string& path, unsigned mode) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      int err = errno;
      if (!exists(part)) return errno_error(str("mkdir ", part), err);
    }
  }
  return {};
}

static Status remove_below(int parent, const char* name, const std::string& path) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return errno_error(str("remove ", path));
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno_error(str("open ", path));
  DIR* dir = ::fdopendir(fd);
  if (!dir) {
    ::close(fd);
    return errno_error(str("open ", path));
  }
  Status status;
  while (dirent* entry = ::readdir(dir)) {
    std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    status = remove_below(fd, entry->d_name, str(path, "/", child));
    if (!status.ok()) break;
  }
  ::closedir(dir);
  if (!status.ok()) return status;
  if (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
    return errno_error(str("remove ", path));
  return {};
}

Status remove_tree(const std::string& path) { return remove_below(AT_FDCWD, path.c_str(), path); }

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0;
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
  DIR* dir = ::opendir(path.c_str());
  if (!dir) return errno_error(str("open folder ", path));
  std::vector<std::string> names;
  while (dirent* entry = ::readdir(dir)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace proa
