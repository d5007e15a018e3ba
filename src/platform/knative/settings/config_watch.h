// ConfigWatch: wakes every object that a controller has when one of its ConfigMaps changes. It
// keeps the keys from the controller's own watch, since key functions must not call the client.
// Thread-safe.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "client/controller.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

class ConfigWatch : public std::enable_shared_from_this<ConfigWatch> {
 public:
  explicit ConfigWatch(std::vector<std::string> names) : names_(std::move(names)) {}

  // Adds the watch of the controller's own kind, and that of the ConfigMaps.
  void add_to(client::ControllerSpec& spec, const client::Kind& own) {
    auto self = shared_from_this();
    spec.watches.push_back({own, [self](const client::Event& e) {
                              client::Key key = client::key_of(*e.object);
                              std::lock_guard lock(self->mutex_);
                              if (e.type == client::Event::kDeleted)
                                self->keys_.erase(key);
                              else
                                self->keys_.insert(key);
                              return std::vector<client::Key>{std::move(key)};
                            }});
    spec.watches.push_back(
        {api::kConfigMap, [self](const client::Event& e) {
           std::vector<client::Key> keys;
           const client::Key map = client::key_of(*e.object);
           if (e.type != client::Event::kModified || map.ns != kSystemNamespace ||
               std::find(self->names_.begin(), self->names_.end(), map.name) == self->names_.end())
             return keys;
           std::lock_guard lock(self->mutex_);
           keys.assign(self->keys_.begin(), self->keys_.end());
           return keys;
         }});
  }

 private:
  const std::vector<std::string> names_;
  std::mutex mutex_;
  std::set<client::Key> keys_;
};

}  // namespace proa::knative
