#include "app/programs.h"

#include "load/load.h"
#include "models/fetch/fetch.h"
#include "models/server/serve.h"

namespace proa::app {

namespace {
constexpr Program kPrograms[] = {
    {"proa serve", models::serve_main},
    {"proa fetch", models::fetch_main},
    {"proa load", load::load_main},
    {"vegeta", load::vegeta_main},
};
}  // namespace

std::span<const Program> programs() { return kPrograms; }

const Program* find_program(std::string_view name) {
  for (const Program& program : kPrograms)
    if (program.name == name) return &program;
  return nullptr;
}

}  // namespace proa::app
