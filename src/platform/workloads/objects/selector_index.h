// SelectorIndex: which objects (Services, ReplicaSets) select a pod, kept from their watch events.
//
// For the key functions of controllers, which may run on any thread and must not call the client.
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "client/client.h"

namespace proa::workloads {

class SelectorIndex {
 public:
  // How a selector is matched: LabelSelector (`selects`) or a plain map (`map_selects`).
  using Matches = bool (*)(const json::Value& selector, const json::Value& labels);
  explicit SelectorIndex(Matches matches) : matches_(matches) {}

  // Takes note of the object's spec.selector; a deleted object is forgotten.
  void note(const client::Event& event) {
    client::Key key = client::key_of(*event.object);
    std::lock_guard lock(mutex_);
    if (event.type == client::Event::kDeleted)
      selectors_[key.ns].erase(key.name);
    else
      selectors_[key.ns][key.name] = (*event.object)["spec"]["selector"];
    if (selectors_[key.ns].empty()) selectors_.erase(key.ns);
  }

  std::vector<client::Key> selecting(const std::string& ns, const json::Value& labels) const {
    std::vector<client::Key> keys;
    std::lock_guard lock(mutex_);
    auto all = selectors_.find(ns);
    if (all == selectors_.end() || labels.size() == 0) return keys;
    for (const auto& [name, selector] : all->second)
      if (selector.size() > 0 && matches_(selector, labels)) keys.push_back({ns, name});
    return keys;
  }

 private:
  Matches matches_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, json::Value>> selectors_;  // by namespace, name
};

}  // namespace proa::workloads
