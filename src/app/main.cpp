// proa: one binary, several roles. As `vegeta` (by its name) it is the load test that KServe's
// tutorials run; else the first argument says what it does.
#include <cstdio>
#include <string>
#include <string_view>

#include "app/programs.h"
#include "app/up.h"

namespace {

constexpr const char* kHelp = R"(proa: KServe-compatible model serving on one machine

  proa up       the whole platform: apply InferenceServices with kubectl, send requests to its gateway
  proa serve    a model server for one model folder, alone or in a pod
  proa fetch    download models: the storage initializer
  proa load     a load test at a constant rate
  proa version  what this is

Each has --help.
)";

}  // namespace

int main(int argc, char** argv) {
  std::string_view self = argv[0];
  self = self.substr(self.find_last_of('/') + 1);
  if (const auto* program = proa::app::find_program(self)) return program->main(argc, argv);
  std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "up") return proa::app::up_main(argc - 1, argv + 1);
  if (const auto* program = proa::app::find_program("proa " + std::string(command)))
    return program->main(argc - 1, argv + 1);
  if (command == "version" || command == "--version") {
    std::puts("proa " PROA_VERSION);
    return 0;
  }
  bool asked = command == "help" || command == "--help" || command == "-h";
  std::fputs(kHelp, asked ? stdout : stderr);
  if (!asked && !command.empty()) std::fprintf(stderr, "\nproa: unknown command \"%s\"\n", argv[1]);
  return asked ? 0 : 2;
}
