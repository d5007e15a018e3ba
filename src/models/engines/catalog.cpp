#include "models/engines/sklearn/catalog.h"

#include <algorithm>
#include <array>
#include <vector>

#include "models/engines/parts.h"
#include "models/engines/pickle/allowed.h"

namespace proa::engines {
namespace {

struct Named {
  std::string_view name;
  const Entry* entry;
};

// All entries by name; those with a maker before those without. Made once, never changed.
const std::vector<Named>& by_name() {
  static const std::vector<Named> index = [] {
    std::vector<Named> out;
    for (std::span<const Entry> family : catalog())
      for (const Entry& e : family) out.push_back({e.name, &e});
    std::stable_sort(out.begin(), out.end(), [](const Named& a, const Named& b) {
      if (a.name != b.name) return a.name < b.name;
      return a.entry->make && !b.entry->make;
    });
    return out;
  }();
  return index;
}

}  // namespace

std::span<const std::span<const Entry>> catalog() {
  static const std::array<std::span<const Entry>, 8> kFamilies = {
      linear_entries(), bayes_entries(),         tree_entries(),    neighbor_entries(),
      meta_entries(),   preprocessing_entries(), feature_entries(), part_entries()};
  return kFamilies;
}

const Entry* find_entry(std::string_view module, std::string_view name) {
  const auto& index = by_name();
  auto at = std::lower_bound(index.begin(), index.end(), name,
                             [](const Named& a, std::string_view b) { return a.name < b; });
  for (; at != index.end() && at->name == name; ++at)
    if (pickle::lists(at->entry->modules, module)) return at->entry;
  return nullptr;
}

}  // namespace proa::engines
