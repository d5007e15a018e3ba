#include "models/storage/transfer/beneath.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

constexpr off_t kWorthALink = 64 << 10;  // smaller files are copied as fast as linked

// -1 and errno; components one by one, none of them a link.
int walk_open(int root, const std::string& path, int flags, unsigned mode) {
  Fd at(dup(root));
  if (!at) return -1;
  const auto parts = split(path, '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string part(parts[i]);
    const bool last = i + 1 == parts.size();
    const int how = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW;
    const int fd = openat(at.get(), part.c_str(), how | O_CLOEXEC, mode);
    if (fd < 0 || last) return fd;
    at = Fd(fd);
  }
  errno = ENOENT;
  return -1;
}

int beneath_open(int root, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = flags & O_CREAT ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return walk_open(root, path, flags, mode);
}

}  // namespace

Result<Folder> Folder::open(const std::string& path) {
  Folder f;
  f.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!f.fd_) return errno_error(str("open folder ", path));
  f.path_ = path;
  return f;
}

Result<Fd> Folder::open_file(const std::string& path, int flags, unsigned mode) const {
  Fd fd(beneath_open(fd_.get(), path, flags, mode));
  if (!fd) return errno_error(str("open ", path_, "/", path));
  return fd;
}

Result<Fd> Folder::create(const std::string& path, unsigned mode) const {
  TRY_STATUS(make_parents(path));
  return open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
}

Status Folder::make_dir(const std::string& path) const { return make_parents(path + "/x"); }

Status Folder::make_parents(const std::string& path) const {
  Fd at(dup(fd_.get()));
  if (!at) return errno_error("dup");
  const auto parts = split(path, '/');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::string part(parts[i]);
    if (mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST)
      return errno_error(str("make folder ", path_, "/", path));
    Fd next(openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return errno_error(str("make folder ", path_, "/", path));
    at = std::move(next);
  }
  return {};
}

Result<Fd> Folder::open_parent(const std::string& path, std::string& name) const {
  const auto slash = path.rfind('/');
  name = slash == path.npos ? path : path.substr(slash + 1);
  if (slash == path.npos) {
    Fd fd(dup(fd_.get()));
    if (!fd) return errno_error("dup");
    return fd;
  }
  return open_file(path.substr(0, slash), O_RDONLY | O_DIRECTORY);
}

Status Folder::remove_file(const std::string& path) const {
  std::string name;
  auto parent = open_parent(path, name);
  if (!parent.ok()) return parent.error().code == Code::kNotFound ? Status{} : parent.error();
  if (unlinkat(parent->get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return errno_error(str("remove ", path_, "/", path));
  return {};
}

Status copy_content(int from, int to, std::string_view name) {
  if (ioctl(to, FICLONE, from) == 0) return {};
  off_t at = 0;
  for (;;) {
    const ssize_t n = copy_file_range(from, &at, to, nullptr, size_t{1} << 30, 0);
    if (n == 0) return {};
    if (n > 0) continue;
    if (errno == EINTR) continue;
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
      return errno_error(str("copy ", name));
    break;
  }
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t n = pread(from, buffer.data(), buffer.size(), at);
    if (n == 0) return {};
    if (n < 0) return errno_error(str("read ", name));
    for (ssize_t done = 0; done < n;) {
      const ssize_t w = write(to, buffer.data() + done, static_cast<size_t>(n - done));
      if (w < 0) return errno_error(str("write ", name));
      done += w;
    }
    at += n;
  }
}

Status Folder::take(const Folder& from, const std::string& path, const std::string& as,
                    bool may_link, const std::string& symlink_to) const {
  TRY_STATUS(make_parents(as));
  std::string from_name, to_name;
  TRY(auto from_dir, from.open_parent(path, from_name));
  TRY(auto to_dir, open_parent(as, to_name));
  if (unlinkat(to_dir.get(), to_name.c_str(), 0) != 0 && errno != ENOENT)
    return errno_error(str("replace ", path_, "/", as));
  if (may_link && linkat(from_dir.get(), from_name.c_str(), to_dir.get(), to_name.c_str(), 0) == 0)
    return {};
  Fd source(openat(from_dir.get(), from_name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return errno_error(str("open ", from.path_, "/", path));
  Fd target(openat(to_dir.get(), to_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!target) return errno_error(str("create ", path_, "/", as));
  struct stat st {};
  if (symlink_to.empty() || fstat(source.get(), &st) != 0 || st.st_size < kWorthALink ||
      ioctl(target.get(), FICLONE, source.get()) == 0)
    return copy_content(source.get(), target.get(), as);
  unlinkat(to_dir.get(), to_name.c_str(), 0);
  if (symlinkat(symlink_to.c_str(), to_dir.get(), to_name.c_str()) != 0)
    return errno_error(str("link ", path_, "/", as));
  return {};
}

}  // namespace proa::storage
