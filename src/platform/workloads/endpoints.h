// Endpoints: the EndpointSlices of every Service with a selector. plan_slices() computes them from
// the Service and the pods it selects; the controller applies them and removes what is left over.
//
// Pods whose named targetPort resolves to different numbers go to different slices. Names are
// `SERVICE-xxxxx`, the suffix a hash, so that the same set of ports keeps its slice.
#pragma once

#include <vector>

#include "client/controller.h"
#include "platform/workloads/objects/common.h"

namespace proa::workloads {

inline constexpr size_t kMostEndpoints = 1000;  // in one slice, as Kubernetes allows

// The slices to apply, in a stable order; at least one, so that a Service without pods is seen to
// have none. Pure.
std::vector<json::Value> plan_slices(const json::Value& service, const std::vector<Object>& pods);

client::ControllerSpec endpoints_controller(client::Client& client);

}  // namespace proa::workloads
