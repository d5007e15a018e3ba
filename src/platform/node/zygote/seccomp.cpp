#include "platform/node/zygote/seccomp.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
constexpr const char* kDenied[] = {"mount",
                                   "umount2",
                                   "pivot_root",
                                   "chroot",
                                   "move_mount",
                                   "open_tree",
                                   "fsopen",
                                   "fsconfig",
                                   "fsmount",
                                   "fspick",
                                   "mount_setattr",
                                   "unshare",
                                   "setns",
                                   "ptrace",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "kcmp",
                                   "bpf",
                                   "perf_event_open",
                                   "userfaultfd",
                                   "add_key",
                                   "request_key",
                                   "keyctl",
                                   "init_module",
                                   "finit_module",
                                   "delete_module",
                                   "kexec_load",
                                   "kexec_file_load",
                                   "reboot",
                                   "swapon",
                                   "swapoff",
                                   "acct",
                                   "settimeofday",
                                   "clock_settime",
                                   "clock_adjtime",
                                   "adjtimex",
                                   "iopl",
                                   "ioperm",
                                   "syslog",
                                   "quotactl",
                                   "quotactl_fd",
                                   "nfsservctl",
                                   "vhangup",
                                   "lookup_dcookie",
                                   "open_by_handle_at",
                                   "name_to_handle_at",
                                   "mknod",
                                   "mknodat",
                                   "personality",
                                   "uselib",
                                   "ustat",
                                   "sysfs",
                                   "_sysctl",
                                   "vm86",
                                   "vm86old",
                                   "create_module",
                                   "get_kernel_syms",
                                   "query_module",
                                   "sethostname",
                                   "setdomainname",
                                   "io_uring_setup",
                                   "io_uring_enter",
                                   "io_uring_register",
                                   "fanotify_init",
                                   "move_pages",
                                   "migrate_pages",
                                   "mbind",
                                   "set_mempolicy"};
constexpr const char* kDeniedNative[] = {"execve", "execveat", "shmget", "semget", "msgget"};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

// Names that this architecture or library does not know need no rule.
int deny(void* context, const char* name, int errno_value) {
  int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR || number < 0) return 0;
  return seccomp_rule_add(context, SCMP_ACT_ERRNO(static_cast<uint32_t>(errno_value)), number, 0);
}

int deny_namespaces(void* context) {
  constexpr uint64_t kFlags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                              CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
  for (uint64_t flag = 1; flag <= kFlags; flag <<= 1) {
    if (!(kFlags & flag)) continue;
    int rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag));
    if (rc != 0) return rc;
  }
  // Its flags are behind a pointer; ENOSYS makes the C library use clone.
  return deny(context, "clone3", ENOSYS);
}

int deny_sockets(void* context) {
  int rc = 0;
  for (int family : {AF_PACKET, AF_KEY, AF_ALG, AF_VSOCK, AF_BLUETOOTH, AF_CAN, AF_TIPC, AF_XDP})
    if (rc == 0)
      rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, static_cast<uint64_t>(family)));
  return rc;
}

Result<SeccompFilter> export_filter(void* context) {
  Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return errno_error("memfd_create");
  if (int rc = seccomp_export_bpf(context, file.get()); rc != 0)
    return errno_error("seccomp_export_bpf", -rc);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return errno_error("fstat");
  SeccompFilter filter(static_cast<size_t>(info.st_size) / sizeof(sock_filter));
  size_t size = filter.size() * sizeof(sock_filter);
  if (::pread(file.get(), filter.data(), size, 0) != static_cast<ssize_t>(size))
    return errno_error("read filter");
  return filter;
}
}  // namespace

Result<SeccompFilter> compile_seccomp(SeccompProfile profile) {
  Context context(seccomp_init(SCMP_ACT_ALLOW));
  if (!context) return error(Code::kInternal, "seccomp_init failed");
  int rc = 0;
  for (const char* name : kDenied)
    if (rc == 0) rc = deny(context.get(), name, EPERM);
  if (rc == 0) rc = deny_namespaces(context.get());
  if (rc == 0) rc = deny_sockets(context.get());
  if (profile == SeccompProfile::kNative)
    for (const char* name : kDeniedNative)
      if (rc == 0) rc = deny(context.get(), name, EPERM);
  if (rc != 0) return errno_error("seccomp_rule_add", -rc);
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree: fewer comparisons a call
  return export_filter(context.get());
}

Status install_seccomp(const SeccompFilter& filter) {
  sock_fprog program{static_cast<unsigned short>(filter.size()),
                     const_cast<sock_filter*>(filter.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return errno_error("seccomp");
  return {};
}

}  // namespace proa::node
