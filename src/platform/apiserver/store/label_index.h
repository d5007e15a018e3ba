// Which objects of a table have a label of some value, kept for the labels that lists ask for: a
// controller that looks for the children of one object need not walk over everybody's.
//
// A part of the Store, guarded by its mutex. At most kMostLabels labels of a table are kept; a list
// by others walks.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "platform/apiserver/store/store.h"

namespace proa::apiserver {

class LabelIndex {
 public:
  using Items = std::map<std::string, Item, std::less<>>;
  using Keys = std::set<std::string, std::less<>>;

  // The fewest keys that hold all objects with these labels (none is the empty text); nullptr:
  // they are not kept. The result is valid until the next call.
  const Keys* find(std::span<const LabelIs> labels, const Items& items);
  // Before the table changes: nullptr where there was, or will be, nothing.
  void change(std::string_view key, const Record* old, const Record* now);

 private:
  static constexpr size_t kMostLabels = 8;
  using ByValue = std::map<std::string, Keys, std::less<>>;
  const ByValue* kept(std::string_view label, const Items& items);

  std::map<std::string, ByValue, std::less<>> labels_;
};

}  // namespace proa::apiserver
