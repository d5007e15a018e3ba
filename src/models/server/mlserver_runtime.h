// MLServer's runtimes of a user's own: a model-settings.json whose `implementation` is Python code
// is served by MLServer itself, in the interpreter that the variable PROA_PYTHON names. This
// process becomes that interpreter, so ports, signals and logs are MLServer's own.
//
// Used by serve_main before anything else is done. Blocking; for a process of one thread.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/result.h"
#include "models/worker/options.h"

namespace proa::models {

// The implementation that is Python code, "my_runtime.MyRuntime": of the variables, or of a
// model-settings.json in the model's folder or in a folder of it. "" where there is none.
Result<std::string> python_implementation(const ServeOptions& options);

// What is executed, as execve takes it.
struct Command {
  std::vector<std::string> argv, env;
};
// MLServer over the options' folder, told address and ports by its variables; other variables
// stay, and so do MLServer's own that a user has set.
Command mlserver_command(const ServeOptions& options, const std::string& python,
                         char** environment);

// Executes MLServer in this process's place. Returns only with what is in the way, and the way out.
Error become_mlserver(const ServeOptions& options, const std::string& implementation);

// A process that was allowed to become an interpreter, and does not, starts no programs from here
// on. No effect without PROA_PYTHON.
Status forbid_programs();

}  // namespace proa::models
