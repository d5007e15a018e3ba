#include "platform/node/zygote/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
constexpr uint64_t kRead =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                            LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                            LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                            LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
constexpr uint64_t kFileOnly =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;

Status allow(int rules, const std::string& path, uint64_t access) {
  Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? Status{} : errno_error(str("open ", path));
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && !S_ISDIR(info.st_mode)) access &= kFileOnly;
  landlock_path_beneath_attr rule{access, fd.get()};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return errno_error(str("landlock rule for ", path));
  return {};
}
}  // namespace

bool landlock_available() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

Status restrict_files(const Launch& launch) {
  if (!landlock_available()) return {};
  landlock_ruleset_attr attr{};
  attr.handled_access_fs = kRead | kWrite;
  Fd rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0)));
  if (!rules) return errno_error("landlock_create_ruleset");
  for (const char* path :
       {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/proc", "/sys"})
    TRY_STATUS(allow(rules.get(), path, kRead));
  TRY_STATUS(allow(rules.get(), "/dev", kRead | LANDLOCK_ACCESS_FS_WRITE_FILE));
  for (const Mount& m : launch.mounts) {
    if (m.kind != Mount::Kind::kBind) continue;
    std::string path = m.sub_path.empty() ? m.source : str(m.source, "/", m.sub_path);
    TRY_STATUS(allow(rules.get(), path, m.read_only ? kRead : kRead | kWrite));
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("no_new_privs");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)
    return errno_error("landlock_restrict_self");
  return {};
}

}  // namespace proa::node
