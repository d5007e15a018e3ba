#include "platform/apiserver/store/label_index.h"

namespace proa::apiserver {
namespace {

const std::string& label_of(const Record& record, const std::string& label) {
  return record.value["metadata"]["labels"][label].str();
}

}  // namespace

const LabelIndex::ByValue* LabelIndex::kept(std::string_view label, const Items& items) {
  auto it = labels_.find(label);
  if (it != labels_.end()) return &it->second;
  if (labels_.size() >= kMostLabels) return nullptr;
  it = labels_.emplace(std::string(label), ByValue()).first;
  for (const auto& [key, item] : items)
    if (const std::string& value = label_of(*item, it->first); !value.empty())
      it->second[value].insert(key);
  return &it->second;
}

const LabelIndex::Keys* LabelIndex::find(std::span<const LabelIs> labels, const Items& items) {
  static const Keys kNone;
  const Keys* best = nullptr;
  for (const LabelIs& wanted : labels) {
    const ByValue* values = kept(wanted.label, items);
    if (!values) continue;
    auto it = values->find(wanted.value);
    if (it == values->end()) return &kNone;
    if (!best || it->second.size() < best->size()) best = &it->second;
  }
  return best;
}

void LabelIndex::change(std::string_view key, const Record* old, const Record* now) {
  static const std::string kNone;
  for (auto& [label, values] : labels_) {
    const std::string& before = old ? label_of(*old, label) : kNone;
    const std::string& after = now ? label_of(*now, label) : kNone;
    if (before == after) continue;
    if (auto it = values.find(before); it != values.end()) {
      if (auto place = it->second.find(key); place != it->second.end()) it->second.erase(place);
      if (it->second.empty()) values.erase(it);
    }
    if (!after.empty()) values[after].emplace(key);
  }
}

}  // namespace proa::apiserver
