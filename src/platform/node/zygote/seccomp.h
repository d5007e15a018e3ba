// The system calls that programs in a sandbox may not use, as ready-made filters.
//
// Compiled once by the zygote; installing one in a child is a single system call.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "foundation/base/result.h"

namespace proa::node {

enum class SeccompProfile {
  kGeneral,  // programs of other people: no mounts, namespaces, tracing, kernel keys, BPF, …
  kNative,   // our own: besides that no execve and no sockets but IP, Unix and netlink
};

using SeccompFilter = std::vector<sock_filter>;

Result<SeccompFilter> compile_seccomp(SeccompProfile profile);
Status install_seccomp(const SeccompFilter& filter);  // needs no_new_privs or CAP_SYS_ADMIN

}  // namespace proa::node
