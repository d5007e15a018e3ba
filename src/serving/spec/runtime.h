// Which ServingRuntime or ClusterServingRuntime serves an InferenceService.
//
// Used by the InferenceService controller; pure. KServe's rules: a named runtime is looked up in
// the namespace, then in the cluster; else the fitting ones are ordered by protocol, age, name and
// priority, those of the namespace first.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "client/client.h"
#include "foundation/json/value.h"

namespace proa::serving {

// Why there is none: `reason` and `message` as in modelStatus.lastFailureInfo, `detail` for the
// condition and the event (names what was asked for).
struct Refusal {
  std::string reason, message, detail;
};

struct SelectedRuntime {
  std::string name;
  bool cluster = false;  // a ClusterServingRuntime
  client::Object object;
};

using RuntimeChoice = std::variant<SelectedRuntime, Refusal>;

RuntimeChoice select_runtime(const json::Value& isvc, const std::vector<client::Object>& namespaced,
                             const std::vector<client::Object>& cluster);

}  // namespace proa::serving
