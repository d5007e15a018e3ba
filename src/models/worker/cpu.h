// How many processors this process may use at once, for the threads of an engine's library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace proa::models {

// PROA_CPU_LIMIT ("2", "0.5", "500m"), else the least quota of the control group and its parents,
// else the processors that the scheduler gives it. At least 1.
size_t cpu_limit();

// For tests. Processors, rounded up; 0: none said.
size_t parse_cpus(std::string_view text);
size_t cgroup_cpu_limit(const std::string& self_cgroup, const std::string& mount);

}  // namespace proa::models
