// Knative's ConfigMaps as values: config-defaults, -deployment, -domain, -features, -gc, -network
// (config-autoscaler is in scaling/). Keys that are missing keep the documented default; a value
// that cannot be read is an error that names its key. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/json/value.h"
#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

inline constexpr std::string_view kSystemNamespace = "knative-serving";

struct Defaults {
  int64_t timeout = 300, max_timeout = 600, response_start = 300, idle = 0;  // seconds
  int64_t concurrency = 0, max_concurrency = 1000;
  bool allow_concurrency_zero = true, enable_service_links = false;
  std::string container_name = "user-container", init_container_name = "init-container";
  json::Value requests, limits;  // by resource: what a container gets that asks for nothing
};
Result<Defaults> parse_defaults(const json::Value& data);

struct DeploymentSettings {
  Duration progress_deadline = std::chrono::seconds(600);
  std::string queue_cpu_request = "25m";
  std::string queue_image = "gcr.io/knative-releases/knative.dev/serving/cmd/queue";
};
Result<DeploymentSettings> parse_deployment(const json::Value& data);

struct Domains {
  struct Domain {
    std::string name;
    std::map<std::string, std::string> selector;  // empty: for all
  };
  std::vector<Domain> all;
  // The one whose selector has the most labels of those that choose the Route.
  std::string of(const json::Value& labels, const std::string& fallback) const;
};
Result<Domains> parse_domains(const json::Value& data);

struct Features {
  bool tag_headers = false;          // tag-header-based-routing
  std::map<std::string, bool> pods;  // kubernetes.podspec-* → may it be used
  bool allows(std::string_view feature) const;
};
Result<Features> parse_features(const json::Value& data);
const std::map<std::string, std::string>& default_features();  // key → enabled | disabled

struct GarbageSettings {
  std::optional<Duration> since_create = std::chrono::hours(48);  // not set: "disabled"
  std::optional<Duration> since_active = std::chrono::hours(15);
  int64_t min_non_active = 20;
  std::optional<int64_t> max_non_active = 1000;
};
Result<GarbageSettings> parse_garbage(const json::Value& data);

struct Network {
  std::string domain_template = "{{.Name}}.{{.Namespace}}.{{.Domain}}";
  std::string tag_template = "{{.Tag}}-{{.Name}}";
  std::string scheme = "http";
  Duration rollout_duration{};
};
Result<Network> parse_network(const json::Value& data);

// Fills {{.Name}} and {{index .Labels "key"}} in; an error names what it does not know.
using TemplateValues = std::map<std::string, std::string>;
Result<std::string> fill_template(std::string_view text, const TemplateValues& values,
                                  const json::Value& labels = {},
                                  const json::Value& annotations = {});

// Any of the ConfigMaps, by name; others are nobody's business here. The error is a webhook's.
Status validate_config(std::string_view name, const json::Value& data);

}  // namespace proa::knative
