// What an earlier run of this node left: processes that somehow outlived it, by a record in the
// data folder that a reused process id cannot deceive (it holds the start time as well).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace proa::node {

void record_processes(const std::string& dir, const std::vector<pid_t>& pids);
void forget_processes(const std::string& dir);
// Kills those recorded that still run, with their process groups.
void clean_leftovers(const std::string& dir);

}  // namespace proa::node
