// The command line that ps shows for a native program, which was never executed.
//
// The kernel shows the memory between arg_start and arg_end; a title longer than that runs on into
// the old environment, which the child has replaced. Single-threaded children only.
#pragma once

#include <string_view>

namespace proa::node {

// Remembers where the arguments are; called by the zygote while /proc is still the host's.
void remember_arguments();

// After this the original argv and environment strings are gone.
void set_process_title(std::string_view title);

}  // namespace proa::node
