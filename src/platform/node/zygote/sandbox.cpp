#include "platform/node/zygote/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "foundation/base/arguments.h"
#include "foundation/base/strings.h"
#include "platform/node/zygote/landlock.h"
#include "platform/node/zygote/rootfs.h"
#include "platform/node/zygote/title.h"

extern char** environ;

namespace proa::node {

namespace {
Status put(const char* path, const std::string& text) {
  Fd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return errno_error(str("write ", path));
  return {};
}

Status set_rlimits(const Launch& l, bool has_cgroup) {
  auto lower = [](__rlimit_resource_t resource, uint64_t value) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    limit.rlim_max = std::min<rlim_t>(limit.rlim_max, value);
    limit.rlim_cur = std::min<rlim_t>(value, limit.rlim_max);
    return ::setrlimit(resource, &limit);
  };
  if (lower(RLIMIT_CORE, 0) != 0) return errno_error("limit core files");
  if (l.open_files && lower(RLIMIT_NOFILE, l.open_files) != 0)
    return errno_error("limit open files");
  // Without a cgroup the heap is bounded instead; the room on top is for stacks and libraries.
  if (!has_cgroup && l.memory_bytes && lower(RLIMIT_DATA, l.memory_bytes + (64u << 20)) != 0)
    return errno_error("limit memory");
  return {};
}

// All of them but, where asked for, the one to read files of others.
Status drop_capabilities(bool keep_reading) {
  for (int cap = 0; cap <= 63; ++cap)
    if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
      break;  // EINVAL past the last, EPERM without any
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct left[2]{};
  if (keep_reading) left[0].effective = left[0].permitted = 1u << CAP_DAC_READ_SEARCH;
  if (::syscall(SYS_capset, &header, left) != 0) return errno_error("drop capabilities");
  return {};
}

Status become(const SandboxContext& context, const Launch& l) {
  if (context.isolation == Isolation::kRoot) {
    if (::setgroups(l.groups.size(), reinterpret_cast<const gid_t*>(l.groups.data())) != 0)
      return errno_error("setgroups");
    if (::setresgid(l.gid, l.gid, l.gid) != 0) return errno_error(str("become group ", l.gid));
    // Ids change last what they must: the bounding set can only be lowered with capabilities.
    for (int cap = 0; !l.root_inside && cap <= 63; ++cap)
      if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) break;
    if (l.read_all) ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (::setresuid(l.uid, l.uid, l.uid) != 0) return errno_error(str("become user ", l.uid));
    if (l.root_inside) {
      ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // else /proc/self/uid_map belongs to root
      TRY_STATUS(enter_user_namespace(0, 0));
    }
  } else if (context.isolation == Isolation::kUserNamespace && !l.root_inside) {
    TRY_STATUS(enter_user_namespace(l.uid, l.gid));
  }
  return drop_capabilities(l.read_all && context.isolation == Isolation::kRoot);
}

// The zygote may have died while this process changed its ids, which clears the death signal.
Status die_with_parent(int life) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno_error("PR_SET_PDEATHSIG");
  pollfd fd{life, POLLIN, 0};
  if (life >= 0 && ::poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)))
    return error(Code::kCancelled, "the zygote is gone");
  return {};
}

// 0: /dev/null, 1 and 2: the logs, 3: status, 4: gate if there is one; everything else closed.
Status arrange_descriptors(Output& o) {
  int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return errno_error("open /dev/null");
  if (o.status.get() < 10) o.status = Fd(::fcntl(o.status.get(), F_DUPFD_CLOEXEC, 10));
  if (o.err.get() < 10) o.err = Fd(::fcntl(o.err.get(), F_DUPFD_CLOEXEC, 10));
  if (o.gate && o.gate.get() < 10) o.gate = Fd(::fcntl(o.gate.get(), F_DUPFD_CLOEXEC, 10));
  if (::dup2(null, 0) < 0 || ::dup2(o.out.get(), 1) < 0 || ::dup2(o.err.get(), 2) < 0 ||
      ::dup3(o.status.get(), 3, O_CLOEXEC) < 0)
    return errno_error("dup2");
  if (int status = o.status.release(); status != 3) ::close(status);
  if (int fd = o.out.release(); fd > 3) ::close(fd);
  if (int fd = o.err.release(); fd > 3) ::close(fd);
  int gate = o.gate.release();
  if (gate >= 0 && ::dup3(gate, 4, O_CLOEXEC) < 0) return errno_error("dup2");
  ::syscall(SYS_close_range, gate >= 0 ? 5u : 4u, ~0u, 0u);
  if (gate >= 0) o.gate = Fd(4);
  o.status = Fd(3);
  return {};
}

void reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
}

const Program* find_program(const SandboxContext& context, const std::string& name) {
  for (const Program& p : context.programs)
    if (p.name == name) return &p;
  return nullptr;
}

Status restrict(const SandboxContext& context, Cgroup* cgroup, const Launch& l) {
  TRY_STATUS(set_rlimits(l, cgroup != nullptr));
  TRY_STATUS(become(context, l));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("no_new_privs");
  if (context.isolation == Isolation::kPlain) TRY_STATUS(restrict_files(l));
  return {};
}

[[noreturn]] void fail(const Output& output, const Error& e) {
  (void)!::write(output.status.get(), e.message.data(), e.message.size());
  ::_exit(127);
}

// A held program is ready to run before it may: its turn comes, or never does.
void wait_at(Fd& gate) {
  char go = 0;
  ssize_t n = 0;
  while ((n = ::read(gate.get(), &go, 1)) < 0 && errno == EINTR) {
  }
  if (n != 1) ::_exit(0);
  gate.reset();
}

// On the status pipe: closed without a byte as any other program begins; see Zygote::on_status.
void tell_begin(const Launch& l, Output& output) {
  if (!l.tells_end) return output.status.reset();
  (void)!::write(output.status.get(), &kBegins, 1);
}

// What is left of the process, its memory and its mounts, takes longer to go than a small program
// takes to run. Nobody needs to wait for that.
[[noreturn]] void end_native(const Launch& l, Output& output, int code) {
  std::fflush(nullptr);
  const char end[2] = {kEnds, static_cast<char>(code)};
  ::signal(SIGPIPE, SIG_IGN);
  if (l.tells_end) (void)!::write(output.status.get(), end, sizeof end);
  ::_exit(code);
}

// The last steps, alike for a fresh sandbox and a joined one.
[[noreturn]] void become_program(const SandboxContext& context, Launch& l, Output& output) {
  const Program* native = l.native.empty() ? nullptr : find_program(context, l.native);
  if (!l.native.empty() && !native)
    fail(output, error(Code::kNotFound, str("no native program \"", l.native, "\"")));
  if (::chdir(l.cwd.c_str()) != 0) fail(output, errno_error(str("working directory ", l.cwd)));
  if (auto s = die_with_parent(context.life); !s.ok()) fail(output, s.error());
  const SeccompFilter& filter = native && !l.may_execute ? context.native : context.general;
  if (auto s = arrange_descriptors(output); !s.ok()) fail(output, s.error());
  reset_signals();
  ::umask(022);
  std::vector<char*> argv = pointers(l.argv), env = pointers(l.env);
  environ = env.data();
  if (native) set_process_title(join(l.argv, " "));
  if (!filter.empty())
    if (auto s = install_seccomp(filter); !s.ok()) fail(output, s.error());
  if (native) {
    if (output.gate) wait_at(output.gate);
    tell_begin(l, output);
    end_native(l, output, native->main(static_cast<int>(l.argv.size()), argv.data()));
  }
  ::execvpe(argv[0], argv.data(), env.data());
  int err = errno;
  std::string why = err == ENOENT ? "executable file not found in $PATH" : std::strerror(err);
  fail(output, error(Code::kNotFound, str("exec: \"", l.argv[0], "\": ", why)));
}

// A program may open /dev/stdout anew, which asks for the pipe's owner.
Status own_pipes(const SandboxContext& context, const Launch& l, const Output& o) {
  if (context.isolation != Isolation::kRoot) return {};
  if (::fchown(o.out.get(), l.uid, l.gid) != 0 || ::fchown(o.err.get(), l.uid, l.gid) != 0)
    return errno_error("chown of the log pipes");
  return {};
}
}  // namespace

const char* to_string(Isolation isolation) {
  switch (isolation) {
    case Isolation::kRoot:
      return "namespaces";
    case Isolation::kUserNamespace:
      return "user-namespace";
    case Isolation::kPlain:
      break;
  }
  return landlock_available() ? "landlock" : "none";
}

Status enter_user_namespace(uint32_t inside_uid, uint32_t inside_gid) {
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER) != 0) return errno_error("new user namespace");
  TRY_STATUS(put("/proc/self/setgroups", "deny"));
  TRY_STATUS(put("/proc/self/uid_map", str(inside_uid, " ", uid, " 1")));
  return put("/proc/self/gid_map", str(inside_gid, " ", gid, " 1"));
}

Status prepare_sandbox(const SandboxContext& context) {
  if (context.isolation == Isolation::kPlain) return {};
  if (::unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) != 0)
    return errno_error("new namespaces");
  TRY_STATUS(detach_mounts(context.config.root_dir));
  return make_root(context.config.root_dir);
}

void run_launch(const SandboxContext& context, Cgroup* cgroup, Launch l, Output output) {
  auto set_up = [&]() -> Status {
    if (context.isolation != Isolation::kPlain) {
      TRY_STATUS(furnish_root(context.config.root_dir, l));
      TRY_STATUS(enter_root(context.config.root_dir));
      if (!l.hostname.empty() && ::sethostname(l.hostname.data(), l.hostname.size()) != 0)
        return errno_error("sethostname");
    }
    if (cgroup) TRY_STATUS(cgroup->limit(l));
    TRY_STATUS(own_pipes(context, l, output));
    return restrict(context, cgroup, l);
  };
  if (auto s = set_up(); !s.ok()) fail(output, s.error());
  become_program(context, l, output);
}

void run_joined(const SandboxContext& context, Cgroup* cgroup, int pid, Launch l, Output output) {
  auto join_all = [&]() -> Status {
    if (cgroup) TRY_STATUS(cgroup->join());
    if (context.isolation == Isolation::kPlain) return {};
    Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process) return errno_error("pidfd_open");
    if (::setns(process.get(), CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) != 0)
      return errno_error("enter the container");
    return {};
  };
  if (auto s = join_all(); !s.ok()) fail(output, s.error());
  pid_t child = ::fork();  // only a child is inside the process namespace
  if (child < 0) fail(output, errno_error("fork"));
  if (child == 0) {
    SandboxContext inner = context;
    inner.life = -1;
    auto set_up = [&]() -> Status {
      TRY_STATUS(own_pipes(context, l, output));
      return restrict(context, cgroup, l);
    };
    if (auto s = set_up(); !s.ok()) fail(output, s.error());
    become_program(inner, l, output);
  }
  output = {};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

bool can_isolate(bool user_namespace) {
  pid_t pid = ::fork();
  if (pid < 0) return false;
  if (pid == 0) {
    SandboxContext context;
    context.isolation = Isolation::kRoot;
    context.config.root_dir = "/mnt";
    bool ok = (!user_namespace || enter_user_namespace(0, 0).ok()) && ::unshare(CLONE_NEWPID) == 0;
    pid_t inner = ok ? ::fork() : -1;
    if (inner == 0) {
      bool works = prepare_sandbox(context).ok() && enter_root(context.config.root_dir).ok();
      ::_exit(works ? 0 : 1);
    }
    int status = 1;
    if (inner > 0) ::waitpid(inner, &status, 0);
    ::_exit(inner > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  int status = 1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace proa::node
