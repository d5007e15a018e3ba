// Knative Serving on one machine: its controllers in one list for a ControllerHost, and the objects
// that an installation of Knative and Istio brings along.
//
//   auto autoscaler = std::make_unique<Autoscaler>(client, loop, clock, registry);
//   apply_bootstrap(client, "example.com");
//   for (auto& spec : controllers(client, clock, {…})) host.add(std::move(spec));
//   host.add(autoscaler->controller());
//   autoscaler->start(host);   // and it is the gateway's DemandSink
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/kinds.h"
#include "client/controller.h"
#include "platform/knative/admission.h"
#include "platform/knative/autoscaler.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {

struct Options {
  std::string domain = "example.com";
};

// Service, Configuration, Revision, Route; the PodAutoscaler's comes from the Autoscaler.
std::vector<client::ControllerSpec> controllers(client::Client& client, Clock& clock,
                                                const Options& options);

// Namespaces, Gateways, gateway Services, config-* ConfigMaps. Pure.
std::vector<std::pair<client::Kind, json::Value>> installation(const Options& options);

// Makes what is missing of it; what a user has changed stays, but config-domain follows the option.
Status apply_bootstrap(client::Client& client, const std::string& domain);

// Knative's webhooks, as a list of the API server's Admission, whose type this folder does not
// know: {Kind, mutate(object, old) → Result<void>, validate(object, old) → Result<vector<string>>}.
// `client` is looked at with each call; while it is null, Knative's defaults hold.
template <typename Admission>
std::vector<Admission> admissions(client::Client* const& client) {
  using Warnings = std::vector<std::string>;
  using Old = const json::Value*;
  auto live = std::make_shared<LiveSettings>();
  auto policy = [live, &client] {
    return Policy{*live->autoscaler.get(client), *live->defaults.get(client),
                  *live->features.get(client)};
  };
  auto defaulted = [policy](void (*set)(json::Value&, const Policy&)) {
    return [policy, set](json::Value& object, Old) -> Result<void> {
      set(object, policy());
      return {};
    };
  };
  auto checked = [policy](Status (*check)(const json::Value&, Old, const Policy&)) {
    return [policy, check](const json::Value& object, Old old) -> Result<Warnings> {
      TRY_STATUS(check(object, old, policy()));
      return Warnings{};
    };
  };
  std::vector<Admission> all;
  all.push_back({api::kKnService, defaulted(default_service), checked(validate_service)});
  all.push_back(
      {api::kConfiguration, defaulted(default_configuration), checked(validate_configuration)});
  all.push_back({api::kRevision, defaulted(default_revision), checked(validate_revision)});
  all.push_back({api::kRoute, defaulted(default_route), checked(validate_route)});
  all.push_back({api::kPodAutoscaler, {}, checked(validate_autoscaler)});
  all.push_back({api::kConfigMap, {}, [](const json::Value& map, Old) -> Result<Warnings> {
                   if (map["metadata"]["namespace"].str() == kSystemNamespace)
                     TRY_STATUS(validate_config(map["metadata"]["name"].str(), map["data"]));
                   return Warnings{};
                 }});
  return all;
}

}  // namespace proa::knative
