// The allow-list: which (module, name) pairs a model file may mention. Exact pairs, no patterns, no
// attribute walk. Being on it never means being called: the reader only makes a node of it.
// This is the part that all frameworks share (Python, numpy, scipy, joblib); an engine adds its own
// classes by giving the reader a function of its own that asks this one last.
#pragma once

#include <string_view>

namespace proa::pickle {

enum class Verdict {
  kAllowed,
  kUnsupported,  // a known library's class that no engine reads
  kRefused,      // anything else
};
using Allow = Verdict (*)(std::string_view module, std::string_view name);

Verdict classify(std::string_view module, std::string_view name);
Verdict unlisted(std::string_view module, std::string_view name);  // kUnsupported or kRefused

// "a b c" lists "b", and neither "" nor "a b".
bool lists(std::string_view words, std::string_view word);

}  // namespace proa::pickle
