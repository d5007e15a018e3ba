// How much memory this process may use, by its control group.
#pragma once

#include <cstddef>
#include <string>

namespace proa::models {

// PROA_MEMORY_LIMIT_BYTES, else the least limit of the control group and its parents; 0: none.
size_t memory_limit();

// For tests: the limit by the text of /proc/self/cgroup and the folder where cgroups are mounted.
size_t cgroup_memory_limit(const std::string& self_cgroup, const std::string& mount);

}  // namespace proa::models
