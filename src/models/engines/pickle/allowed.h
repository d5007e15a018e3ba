// The allow-list: which (module, name) pairs a model file may mention. Exact pairs, no patterns, no
// attribute walk. Being on it never means being called: the reader only makes a node of it.
#pragma once

#include <string_view>

namespace proa::pickle {

enum class Verdict {
  kAllowed,
  kUnsupported,  // a known library's class that no engine reads yet
  kRefused,      // anything else
};
Verdict classify(std::string_view module, std::string_view name);

}  // namespace proa::pickle
