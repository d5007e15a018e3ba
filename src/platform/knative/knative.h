// Knative Serving on one machine: its controllers in one list for a ControllerHost, and the objects
// that an installation of Knative and Istio brings along.
//
//   auto autoscaler = std::make_unique<Autoscaler>(client, loop, clock, registry);
//   ensure_installation(client, {.domain = "example.com"});
//   for (auto& spec : controllers(client, clock, *autoscaler, {…})) host.add(std::move(spec));
//   autoscaler->start(host);   // and it is the gateway's DemandSink
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/controller.h"
#include "platform/knative/autoscaler.h"

namespace proa::knative {

struct Options {
  std::string domain = "example.com";
};

std::vector<client::ControllerSpec> controllers(client::Client& client, Clock& clock, Autoscaler& autoscaler,
                                                const Options& options);

// Namespaces, Gateways, gateway Services, config-* ConfigMaps. Pure.
std::vector<std::pair<client::Kind, json::Value>> installation(const Options& options);

// Makes what is missing of it; what a user has changed stays, but config-domain follows the option.
Status ensure_installation(client::Client& client, const Options& options);

}  // namespace proa::knative
