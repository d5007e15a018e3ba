// The objects that are made of InferenceServices: applies them, remembers what was applied, takes
// them away.
//
// Used by the InferenceService controller, on its loop. `owner` is always the InferenceService.
#pragma once

#include <map>
#include <string>

#include "client/client.h"

namespace proa::serving {

class Children {
 public:
  explicit Children(client::Client& client) : client_(client) {}  // must outlive this

  // Leaves an object alone that was made of the same plan and not touched since.
  Result<client::Object> apply(const json::Value& owner, const client::Kind& kind,
                               json::Value plan);
  // Only if it is there and `owner` is its controller.
  Status remove(const json::Value& owner, const client::Kind& kind, const std::string& name);
  bool owns(const json::Value& owner, const json::Value& object) const;
  void forget(const client::Key& owner);

 private:
  struct Applied {
    json::Value plan;
    std::string uid, version;
  };

  client::Client& client_;
  std::map<client::Key, std::map<std::string, Applied>> applied_;
};

}  // namespace proa::serving
