#include "models/protocols/request.h"

namespace proa::protocols {

const Parameter* find(std::span<const Parameter> parameters, std::string_view name) {
  for (const Parameter& p : parameters)
    if (p.name == name) return &p;
  return nullptr;
}

}  // namespace proa::protocols
