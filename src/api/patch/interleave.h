// The order of a merged list: what only the old list has keeps its place relative to its
// neighbours, the rest stands in the wanted order.
//
// Used by strategic merge patch and server-side apply. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace proa::api {

// old [a x b c], wanted [c b d] → [a x c b d]: names in `wanted` in its order, others of `old`
// before the first wanted one that follows them in `old`.
inline std::vector<std::string> interleave(const std::vector<std::string>& old,
                                           const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  out.reserve(old.size() + wanted.size());
  size_t next = 0;
  auto index = [&](const std::string& name) {
    return static_cast<size_t>(std::find(wanted.begin(), wanted.end(), name) - wanted.begin());
  };
  for (const std::string& name : old) {
    size_t at = index(name);
    if (at == wanted.size()) {
      out.push_back(name);
      continue;
    }
    while (next <= at && next < wanted.size()) out.push_back(wanted[next++]);
  }
  while (next < wanted.size()) out.push_back(wanted[next++]);
  return out;
}

}  // namespace proa::api
