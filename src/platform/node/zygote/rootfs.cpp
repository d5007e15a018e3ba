#include "platform/node/zygote/rootfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
int openat2(int folder, const std::string& path, uint64_t flags, uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
}

std::string parent_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// `path` below `root`, made if it is absent; symbolic links never lead out of `root`.
Result<Fd> make_inside(int root, const std::string& path, bool folder) {
  Fd there(openat2(root, path, O_PATH, RESOLVE_IN_ROOT));
  if (there) return there;
  if (errno != ENOENT) return errno_error(str("open ", path));
  if (path.empty() || path == "/")
    return error(Code::kInvalid, "the sandbox's / cannot be replaced");
  TRY(Fd parent, make_inside(root, parent_of(path), true));
  std::string name = name_of(path);
  int rc = folder ? ::mkdirat(parent.get(), name.c_str(), 0755)
                  : ::mknodat(parent.get(), name.c_str(), S_IFREG | 0644, 0);
  if (rc != 0 && errno != EEXIST) return errno_error(str("make ", path));
  Fd made(openat2(root, path, O_PATH, RESOLVE_IN_ROOT));
  if (!made) return errno_error(str("open ", path));
  return made;
}

// The folder or file `sub` below `source`; missing folders are made with source's owner.
Result<Fd> open_source(const Mount& m) {
  Fd base(::open(m.source.c_str(), O_PATH | O_CLOEXEC));
  if (!base) return errno_error(str("open ", m.source));
  if (m.sub_path.empty()) return base;
  struct stat owner {};
  ::fstat(base.get(), &owner);
  std::string so_far;
  Fd at(::fcntl(base.get(), F_DUPFD_CLOEXEC, 0));
  for (auto part : split(m.sub_path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..")
      return error(Code::kInvalid, str("subPath ", m.sub_path, ": must not contain '..'"));
    so_far += (so_far.empty() ? "" : "/") + std::string(part);
    Fd next(openat2(base.get(), so_far, O_PATH, RESOLVE_BENEATH));
    if (!next && errno == ENOENT) {
      if (::mkdirat(at.get(), std::string(part).c_str(), owner.st_mode & 07777) == 0 &&
          ::fchownat(at.get(), std::string(part).c_str(), owner.st_uid, owner.st_gid,
                     AT_SYMLINK_NOFOLLOW) != 0)
        return errno_error(str("chown subPath ", m.sub_path));
      next = Fd(openat2(base.get(), so_far, O_PATH, RESOLVE_BENEATH));
    }
    if (!next) return errno_error(str("subPath ", m.sub_path));
    at = std::move(next);
  }
  return at;
}

Status bind(int source, int target, bool read_only, bool devices) {
  Fd tree(static_cast<int>(::syscall(
      SYS_open_tree, source, "",
      static_cast<unsigned>(AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC))));
  if (!tree) return errno_error("open_tree");
  mount_attr attr{};
  attr.attr_set =
      MOUNT_ATTR_NOSUID | (read_only ? MOUNT_ATTR_RDONLY : 0) | (devices ? 0 : MOUNT_ATTR_NODEV);
  if (::syscall(SYS_mount_setattr, tree.get(), "",
                static_cast<unsigned>(AT_EMPTY_PATH | AT_RECURSIVE), &attr, sizeof attr) != 0)
    return errno_error("mount_setattr");
  if (::syscall(SYS_move_mount, tree.get(), "", target, "",
                MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return errno_error("move_mount");
  return {};
}

Status bind_path(int root, const std::string& source, const std::string& target, bool read_only,
                 bool devices = false) {
  Fd from(::open(source.c_str(), O_PATH | O_CLOEXEC));
  if (!from) return errno_error(str("open ", source));
  struct stat info {};
  ::fstat(from.get(), &info);
  TRY(Fd to, make_inside(root, target, S_ISDIR(info.st_mode)));
  return bind(from.get(), to.get(), read_only, devices).context(str("bind ", source));
}

Status make_devices(int root, const std::string& path) {
  struct Node {
    const char* name;
    unsigned minor;
  };
  static constexpr Node kNodes[] = {
      {"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};
  for (const Node& n : kNodes) {
    std::string file = str(path, "/dev/", n.name);
    if (::mknod(file.c_str(), S_IFCHR | 0666, makedev(1, n.minor)) == 0) {
      if (::chmod(file.c_str(), 0666) != 0) return errno_error(str("chmod ", file));
      continue;
    }
    TRY_STATUS(bind_path(root, str("/dev/", n.name), str("/dev/", n.name), false, true));
  }
  for (auto [name, target] :
       {std::pair{"fd", "/proc/self/fd"}, std::pair{"stdin", "/proc/self/fd/0"},
        std::pair{"stdout", "/proc/self/fd/1"}, std::pair{"stderr", "/proc/self/fd/2"}})
    if (::symlink(target, str(path, "/dev/", name).c_str()) != 0)
      return errno_error("symlink in /dev");
  return {};
}

// /bin, /lib, … as on the host: links into /usr, or folders of their own.
Status make_system_folders(int root, const std::string& path) {
  TRY_STATUS(bind_path(root, "/usr", "/usr", true));
  for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt"}) {
    std::string host = str("/", name);
    struct stat info {};
    if (::lstat(host.c_str(), &info) != 0) continue;
    if (S_ISLNK(info.st_mode)) {
      char target[256];
      ssize_t n = ::readlink(host.c_str(), target, sizeof target - 1);
      if (n <= 0) continue;
      target[n] = 0;
      if (::symlink(target, str(path, host).c_str()) != 0) return errno_error(str("link ", host));
    } else if (S_ISDIR(info.st_mode)) {
      TRY_STATUS(bind_path(root, host, host, true));
    }
  }
  return {};
}

// Links from /etc to the host's, which is at /proa/etc, except for what a pod has of its own.
void link_etc(const std::string& root, bool all) {
  static const std::set<std::string> kFew = {
      "ssl",       "ca-certificates", "pki",      "nsswitch.conf", "services",
      "protocols", "localtime",       "timezone", "ld.so.cache",   "passwd",
      "group",     "mime.types",      "gai.conf", "alternatives"};
  static const std::set<std::string> kNever = {"hosts",     "hostname", "resolv.conf", "shadow",
                                               "shadow-",   "gshadow",  "gshadow-",    "sudoers",
                                               "sudoers.d", "mtab",     "machine-id"};
  auto link = [&](const std::string& name) {
    std::string host = str("/etc/", name), here = str(root, "/etc/", name);
    char target[1024];
    ssize_t n = ::readlink(host.c_str(), target, sizeof target - 1);
    std::string to = n > 0 ? std::string(target, static_cast<size_t>(n)) : str("/proa/etc/", name);
    if (n <= 0 && ::access(host.c_str(), F_OK) != 0) return;
    if (::symlink(to.c_str(), here.c_str()) != 0) return;  // a mount or file of the pod is there
  };
  if (!all) {
    for (const auto& name : kFew) link(name);
    return;
  }
  auto names = list_dir("/etc");
  if (!names.ok()) return;
  for (const auto& name : *names)
    if (!kNever.count(name)) link(name);
}

Status add_mount(int root, const Mount& m) {
  if (m.kind == Mount::Kind::kTmpfs) {
    TRY(Fd target, make_inside(root, m.target, true));
    std::string options = m.size_bytes ? str("mode=1777,size=", m.size_bytes) : "mode=1777";
    if (::mount("tmpfs", str("/proc/self/fd/", target.get()).c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
                options.c_str()) != 0)
      return errno_error("mount tmpfs");
    return {};
  }
  TRY(Fd source, open_source(m));
  struct stat info {};
  ::fstat(source.get(), &info);
  TRY(Fd target, make_inside(root, m.target, S_ISDIR(info.st_mode)));
  return bind(source.get(), target.get(), m.read_only, false);
}

Status add_file(int root, const std::string& path, const std::string& content) {
  TRY(Fd target, make_inside(root, path, false));
  Fd fd(::open(str("/proc/self/fd/", target.get()).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd) return errno_error(str("write ", path));
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    return errno_error(str("write ", path));
  return {};
}

Status add_link(int root, const std::string& path, const std::string& target) {
  TRY(Fd parent, make_inside(root, parent_of(path), true));
  if (::symlinkat(target.c_str(), parent.get(), name_of(path).c_str()) != 0 && errno != EEXIST)
    return errno_error(str("link ", path));
  return {};
}
}  // namespace

Status make_root(const std::string& root) {
  if (::mount("tmpfs", root.c_str(), "tmpfs", MS_NOSUID, "mode=0755") != 0)
    return errno_error(str("mount tmpfs on ", root));
  for (const char* name : {"proa", "etc", "dev", "dev/shm", "proc", "tmp", "var", "var/tmp", "run",
                           "mnt", "root", "home", "srv"})
    if (::mkdir(str(root, "/", name).c_str(), 0755) != 0) return errno_error(str("mkdir ", name));
  for (const char* name : {"tmp", "var/tmp", "dev/shm", "run"})
    if (::chmod(str(root, "/", name).c_str(), 01777) != 0) return errno_error(str("chmod ", name));
  Fd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(str("open ", root));
  TRY_STATUS(make_system_folders(fd.get(), root));
  TRY_STATUS(bind_path(fd.get(), "/etc", "/proa/etc", true));
  TRY_STATUS(make_devices(fd.get(), root));
  if (::mount("proc", str(root, "/proc").c_str(), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "") !=
      0)
    return errno_error("mount proc");
  return {};
}

Status furnish_root(const std::string& root, const Launch& launch) {
  Fd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(str("open ", root));
  for (const Mount& m : launch.mounts)
    TRY_STATUS(add_mount(fd.get(), m).context(str("mount ", m.target)));
  for (const auto& [path, content] : launch.files) TRY_STATUS(add_file(fd.get(), path, content));
  for (const auto& [path, target] : launch.links) TRY_STATUS(add_link(fd.get(), path, target));
  link_etc(root, launch.host_root);
  return {};
}

namespace {
// The kernel detaches mounts and changes roots only for a process whose own root is a mount. One in
// a bare chroot (no mount, just a folder) goes to the root of its mount namespace first, which is
// above: whoever may call chroot at all can leave one by its open folders.
Status leave_chroot(const std::string& folder_below) {
  Fd outside(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!outside || ::chroot(folder_below.c_str()) != 0 || ::fchdir(outside.get()) != 0)
    return errno_error("leave the chroot");
  for (int depth = 0; depth < 4096; ++depth) {
    struct stat here {}, above {};
    if (::stat(".", &here) != 0 || ::stat("..", &above) != 0)
      return errno_error("leave the chroot");
    if (here.st_dev == above.st_dev && here.st_ino == above.st_ino) break;
    if (::chdir("..") != 0) return errno_error("leave the chroot");
  }
  if (::chroot(".") != 0) return errno_error("leave the chroot");
  return {};
}
}  // namespace

Status detach_mounts(const std::string& root) {
  auto detach = [] { return ::mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0; };
  if (detach()) return {};
  if (errno != EINVAL) return errno_error("detach mounts");
  Fd back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  TRY_STATUS(leave_chroot(root));
  if (!detach()) return errno_error("detach mounts");
  if (::fchdir(back.get()) != 0 || ::chroot(".") != 0) return errno_error("return to the chroot");
  return {};
}

Status enter_root(const std::string& root) {
  if (::chdir(root.c_str()) != 0) return errno_error(str("chdir ", root));
  // Both at the same place: the old root lies over the new one until it is let go.
  auto pivot = [] { return ::syscall(SYS_pivot_root, ".", ".") == 0; };
  if (!pivot()) {
    if (errno != EINVAL) return errno_error("pivot_root");
    Fd there(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    TRY_STATUS(leave_chroot(root));
    if (::fchdir(there.get()) != 0 || !pivot()) return errno_error("pivot_root");
  }
  if (::umount2(".", MNT_DETACH) != 0) return errno_error("umount the old root");
  if (::chdir("/") != 0) return errno_error("chdir /");
  return {};
}

}  // namespace proa::node
