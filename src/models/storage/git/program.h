// Runs a program with a given environment, bounded, and takes what it prints.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/result.h"

namespace proa::storage {

struct Ran {
  int exit = -1;  // 127: not found; 128 + signal
  std::string out, err;
};

// Blocks. No shell. kDeadline after `most_s`, and the program is killed; files that it writes have
// at most `most_file` bytes.
Result<Ran> run_program(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                        int most_s, int64_t most_file);

}  // namespace proa::storage
