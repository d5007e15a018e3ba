// The programs that run in this binary by name: as commands, by argv[0], and in pods as forks of
// the zygote. The one visible table of them.
#pragma once

#include <span>
#include <string_view>

namespace proa::app {

struct Program {
  std::string_view name;
  int (*main)(int argc, char** argv);
};

std::span<const Program> programs();
const Program* find_program(std::string_view name);  // nullptr if there is none

}  // namespace proa::app
