// Sandbox: what a forked child does to itself before it becomes a pod's program.
//
//   fork ─ prepare() ─ [waits, if it is a spare] ─ run(launch): mounts, pivot_root, limits, ids,
//          namespaces, cgroup, skeleton of /        no_new_privs, seccomp, main() or execve()
//
// Runs in children of the zygote only: one thread, no return on success.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "platform/node/zygote/cgroup.h"
#include "platform/node/zygote/launch.h"
#include "platform/node/zygote/seccomp.h"

namespace proa::node {

// A native program, called in a fork of the zygote instead of an exec.
struct Program {
  std::string name;  // "proa serve"
  int (*main)(int argc, char** argv);
};

enum class Isolation {
  kRoot,           // real root made the namespaces; programs run under ids of their own
  kUserNamespace,  // an ordinary user's: namespaces, but one id for all
  kPlain,          // no namespaces to be had: Landlock, no_new_privs, seccomp
};
const char* to_string(Isolation isolation);

// What the zygote knows, and every child inherits.
struct SandboxContext {
  Isolation isolation = Isolation::kPlain;
  ZygoteConfig config;
  std::vector<Program> programs;
  SeccompFilter general, native;
  int life = -1;  // reads end-of-file once the zygote is gone
};

// What a launch that tells its end writes to its status pipe; an exit code follows kEnds.
inline constexpr char kBegins = 1, kEnds = 2;

struct Output {
  Fd out, err;
  Fd status;  // closed without a byte, or kBegins: the program runs; text: why it does not
  Fd gate;    // of a held launch: a byte lets main begin, end-of-file ends the process
};

// Namespaces and an empty root under config.root_dir. In kPlain nothing.
Status prepare_sandbox(const SandboxContext& context);

// Becomes the program, or writes the cause to output.status and exits 127.
[[noreturn]] void run_launch(const SandboxContext& context, Cgroup* cgroup, Launch launch,
                             Output output);

// The same inside the namespaces of process `pid`, as its neighbour.
[[noreturn]] void run_joined(const SandboxContext& context, Cgroup* cgroup, int pid, Launch launch,
                             Output output);

// Whether prepare_sandbox() would work here, tried in a child. `user_namespace`: in a new one.
bool can_isolate(bool user_namespace);
Status enter_user_namespace(uint32_t inside_uid, uint32_t inside_gid);

}  // namespace proa::node
