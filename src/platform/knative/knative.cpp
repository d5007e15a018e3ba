#include "platform/knative/knative.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/configuration.h"
#include "platform/knative/hpa_class.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/objects/objects.h"
#include "platform/knative/revision.h"
#include "platform/knative/routes/route.h"
#include "platform/knative/service.h"

namespace proa::knative {
namespace {

constexpr std::string_view kSystem = "knative-serving", kMesh = "istio-system";

using Installed = std::vector<std::pair<client::Kind, json::Value>>;

void config_map(Installed& all, const char* name,
                std::initializer_list<std::pair<std::string_view, json::Value>> data) {
  json::Value map = shell_of(api::kConfigMap, kSystem, name);
  map.ref("metadata", "labels", "app.kubernetes.io/name") = "knative-serving";
  map.set("data", json::object(data));
  all.emplace_back(api::kConfigMap, std::move(map));
}

void gateway(Installed& all, const char* name, const char* workload, int port) {
  json::Value g = shell_of(api::kGateway, kSystem, name);
  g.ref("metadata", "labels", "app.kubernetes.io/name") = "knative-serving";
  g.ref("spec", "selector", "istio") = workload;
  json::Value server = json::object({{"hosts", json::array({"*"})}});
  server.set("port", json::object({{"name", "http"}, {"number", port}, {"protocol", "HTTP"}}));
  g.ref("spec", "servers") = json::array({std::move(server)});
  all.emplace_back(api::kGateway, std::move(g));
}

void gateway_service(Installed& all, const char* name, const char* type) {
  json::Value s = shell_of(api::kService, kMesh, name);
  s.ref("metadata", "labels", "istio") = "ingressgateway";
  s.ref("spec", "type") = type;
  auto port = [](const char* n, int number) {
    return json::object(
        {{"name", n}, {"port", number}, {"protocol", "TCP"}, {"targetPort", number}});
  };
  s.ref("spec", "ports") = json::array({port("http2", 80)});
  all.emplace_back(api::kService, std::move(s));
}

void config_maps(Installed& all, const Options& options) {
  config_map(all, "config-autoscaler",
             {{"container-concurrency-target-percentage", "70"},
              {"container-concurrency-target-default", "100"},
              {"requests-per-second-target-default", "200"},
              {"target-burst-capacity", "211"},
              {"stable-window", "60s"},
              {"panic-window-percentage", "10.0"},
              {"panic-threshold-percentage", "200.0"},
              {"max-scale-up-rate", "1000.0"},
              {"max-scale-down-rate", "2.0"},
              {"enable-scale-to-zero", "true"},
              {"scale-to-zero-grace-period", "30s"},
              {"scale-to-zero-pod-retention-period", "0s"},
              {"activator-capacity", "100.0"},
              {"initial-scale", "1"},
              {"allow-zero-initial-scale", "false"},
              {"min-scale", "0"},
              {"max-scale", "0"},
              {"max-scale-limit", "0"},
              {"pod-autoscaler-class", kKpaClass},
              {"scale-down-delay", "0s"}});
  config_map(all, "config-domain", {{options.domain, ""}});
  config_map(all, "config-defaults",
             {{"revision-timeout-seconds", "300"},
              {"max-revision-timeout-seconds", "600"},
              {"revision-response-start-timeout-seconds", "300"},
              {"revision-idle-timeout-seconds", "0"},
              {"container-concurrency", "0"},
              {"container-concurrency-max-limit", "1000"},
              {"allow-container-concurrency-zero", "true"},
              {"container-name-template", "user-container"},
              {"init-container-name-template", "init-container"},
              {"enable-service-links", "false"}});
  config_map(all, "config-deployment",
             {{"progress-deadline", "600s"},
              {"digest-resolution-timeout", "10s"},
              {"queue-sidecar-cpu-request", "25m"},
              {"queue-sidecar-image", kQueueImage}});
  config_map(all, "config-gc",
             {{"retain-since-create-time", "48h"},
              {"retain-since-last-active-time", "15h"},
              {"min-non-active-revisions", "20"},
              {"max-non-active-revisions", "1000"}});
  config_map(all, "config-network",
             {{"ingress-class", "istio.ingress.networking.knative.dev"},
              {"domain-template", "{{.Name}}.{{.Namespace}}.{{.Domain}}"},
              {"tag-template", "{{.Tag}}-{{.Name}}"},
              {"default-external-scheme", "http"},
              {"rollout-duration", "0"}});
  json::Value features = json::Object();
  for (const auto& [key, value] : default_features()) features.set(key, value);
  config_map(all, "config-features", {});
  all.back().second.set("data", std::move(features));
}

// A ConfigMap that was deleted comes back with its defaults; one that cannot be read, by whatever
// way it got there, is told of.
Status tend_config(client::Client& client, const Options& options, const client::Key& key) {
  TRY(Object map, find(client, api::kConfigMap, key.ns, key.name));
  if (map) {
    Status valid = validate_config(key.name, (*map)["data"]);
    if (!valid.ok())
      client::record_event(client, *map, "knative", "Warning", "InvalidConfiguration",
                           "the last good configuration stays in force: " + valid.error().message);
    return {};
  }
  for (auto& [kind, object] : installation(options)) {
    if (!(kind == api::kConfigMap) || name_of(object) != key.name) continue;
    auto made = client.create(kind, std::move(object));
    if (!made.ok() && made.error().code != Code::kAlreadyExists) return std::move(made).error();
  }
  return {};
}

client::ControllerSpec config_controller(client::Client& client, const Options& options) {
  client::ControllerSpec spec;
  spec.name = "knative-config";
  spec.watches.push_back({api::kConfigMap, [](const client::Event& event) {
                            std::vector<client::Key> keys;
                            if (namespace_of(*event.object) == kSystem)
                              keys.push_back(client::key_of(*event.object));
                            return keys;
                          }});
  spec.reconcile = [&client, options](const client::Key& key) -> Result<client::Outcome> {
    TRY_STATUS(tend_config(client, options, key));
    return client::Outcome{};
  };
  return spec;
}

}  // namespace

std::vector<client::ControllerSpec> controllers(client::Client& client, Clock& clock,
                                                const Options& options) {
  std::vector<client::ControllerSpec> all;
  all.push_back(revision_controller(client, clock));
  all.push_back(configuration_controller(client, clock));
  all.push_back(route_controller(client, clock, options.domain));
  all.push_back(service_controller(client, clock));
  all.push_back(hpa_class_controller(client, clock));
  all.push_back(config_controller(client, options));
  return all;
}

Installed installation(const Options& options) {
  Installed all;
  for (std::string_view ns : {kSystem, kMesh})
    all.emplace_back(api::kNamespace, shell_of(api::kNamespace, "", ns));
  config_maps(all, options);
  gateway(all, "knative-ingress-gateway", "ingressgateway", 80);
  gateway(all, "knative-local-gateway", "ingressgateway", 8081);
  gateway_service(all, "istio-ingressgateway", "LoadBalancer");
  gateway_service(all, "knative-local-gateway", "ClusterIP");
  return all;
}

Status apply_bootstrap(client::Client& client, const std::string& domain) {
  for (auto& [kind, object] : installation({.domain = domain})) {
    const std::string ns = namespace_of(object), name = name_of(object);
    TRY(Object have, find(client, kind, ns, name));
    if (have && name == "config-domain" && !((*have)["data"] == object["data"])) {
      json::Value data = object["data"];  // the domain of last time goes
      for (const auto& [key, value] : (*have)["data"].object())
        if (!data.has(key)) data.set(key, json::Value());
      json::Value patch;
      patch.set("data", std::move(data));
      auto done = client.patch(kind, ns, name, std::move(patch));
      if (!done.ok()) return std::move(done).error().with_context("set the domain");
    }
    if (have) continue;
    auto made = client.create(kind, std::move(object));
    if (!made.ok() && made.error().code != Code::kAlreadyExists)
      return std::move(made).error().with_context(str("create ", kind.kind, " ", name));
  }
  return {};
}

}  // namespace proa::knative
