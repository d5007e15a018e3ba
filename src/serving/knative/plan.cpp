#include "serving/knative/plan.h"

#include <algorithm>

#include "client/client.h"
#include "foundation/base/strings.h"
#include "serving/spec/container.h"
#include "serving/spec/metadata.h"
#include "serving/spec/server_defaults.h"

namespace proa::serving {
namespace {

void scaling_annotations(const json::Value& predictor, json::Value& annotations) {
  const auto& metric = predictor["scaleMetric"].str();
  if (!annotations.has("autoscaling.knative.dev/class")) {
    const bool hpa = metric == "cpu" || metric == "memory";
    annotations.set("autoscaling.knative.dev/class",
                    hpa ? "hpa.autoscaling.knative.dev" : "kpa.autoscaling.knative.dev");
  }
  annotations.set("autoscaling.knative.dev/min-scale", str(predictor["minReplicas"].integer(1)));
  if (const auto max = predictor["maxReplicas"].integer(); max > 0)
    annotations.set("autoscaling.knative.dev/max-scale", str(max));
  if (!metric.empty()) annotations.set("autoscaling.knative.dev/metric", metric);
  if (!predictor["scaleTarget"].is_null())
    annotations.set("autoscaling.knative.dev/target", str(predictor["scaleTarget"].integer()));
}

Result<json::Value> template_metadata(const json::Value& isvc, const SelectedRuntime* runtime,
                                      const Config& config) {
  TRY(auto marks, predictor_marks(isvc, runtime, config));
  marks.annotations.erase("serving.knative.dev/rollout-duration");  // belongs on the Service itself
  scaling_annotations(isvc["spec"]["predictor"], marks.annotations);
  return json::object(
      {{"annotations", std::move(marks.annotations)}, {"labels", std::move(marks.labels)}});
}

json::Value traffic_for(const json::Value& isvc, std::string_view rolled_out) {
  const auto& canary = isvc["spec"]["predictor"]["canaryTrafficPercent"];
  const bool tags =
      isvc["metadata"]["annotations"]["serving.kserve.io/enable-tag-routing"].str() == "true";
  const bool split = !canary.is_null() && !rolled_out.empty();
  const int64_t percent = split ? canary.integer() : 100;
  json::Value latest = json::object({{"latestRevision", true}, {"percent", percent}});
  if (tags) latest.set("tag", "latest");
  json::Value out = json::array({latest});
  if (split && percent < 100)
    out.push(json::object({{"latestRevision", false},
                           {"percent", 100 - percent},
                           {"revisionName", rolled_out},
                           {"tag", "prev"}}));
  return out;
}

std::string regex_for(std::string_view host) {
  return str("^", replace_all(host, ".", "\\."), "(?::\\d{1,5})?$");
}

json::Value match_host(std::string_view host, const json::Value& gateways) {
  return json::object(
      {{"authority", json::object({{"regex", regex_for(host)}})}, {"gateways", gateways}});
}

json::Value http_rule(const json::Value& isvc, json::Value match, const Config& config) {
  const std::string& ns = namespace_of(isvc);
  json::Value set =
      json::object({{"Host", str(predictor_name(isvc), ".", ns, ".svc.", config.cluster_domain)},
                    {"KServe-Isvc-Name", name_of(isvc)},
                    {"KServe-Isvc-Namespace", ns}});
  json::Value route =
      json::object({{"destination", json::object({{"host", config.local_gateway_service},
                                                  {"port", json::object({{"number", 80}})}})},
                    {"weight", 100}});
  return json::object(
      {{"headers", json::object({{"request", json::object({{"set", std::move(set)}})}})},
       {"match", std::move(match)},
       {"route", json::array({std::move(route)})}});
}

// What comes to the domain itself below the service's path.
json::Value path_rule(const json::Value& isvc, const std::string& path, const Config& config) {
  json::Value match{json::Array{}};
  for (const auto& [kind, uri] : {std::pair{"prefix", path + "/"}, std::pair{"exact", path}}) {
    auto one = match_host(config.domain, json::array({config.ingress_gateway}));
    one.ref("uri", kind) = uri;
    match.push(std::move(one));
  }
  auto rule = http_rule(isvc, std::move(match), config);
  rule.ref("rewrite", "uri") = "/";
  return rule;
}

// The same name below each of additionalIngressDomains.
std::vector<std::string> additional_hosts(const json::Value& isvc, const Config& config) {
  std::vector<std::string> out;
  for (const auto& domain : config.additional_domains) {
    auto host = str(name_of(isvc), ".", namespace_of(isvc), ".", domain);
    if (std::find(out.begin(), out.end(), host) == out.end()) out.push_back(std::move(host));
  }
  return out;
}

}  // namespace

std::string predictor_name(const json::Value& isvc) { return name_of(isvc) + "-predictor"; }

Result<json::Value> plan_knative_service(const json::Value& given, const SelectedRuntime* runtime,
                                         std::string_view rolled_out, const Config& config) {
  const json::Value isvc = with_server_defaults(given, runtime ? runtime->name : "");
  const auto& predictor = isvc["spec"]["predictor"];
  TRY(auto pod, predictor_pod_spec(isvc, runtime ? &(*runtime->object)["spec"] : nullptr));
  if (!predictor["containerConcurrency"].is_null())
    pod.set("containerConcurrency", predictor["containerConcurrency"]);
  if (!predictor["timeout"].is_null()) pod.set("timeoutSeconds", predictor["timeout"]);
  TRY(auto template_meta, template_metadata(isvc, runtime, config));

  auto metadata = metadata_for(isvc, predictor_name(isvc));
  auto labels = own_labels(isvc, config);
  labels.erase("networking.kserve.io/visibility");
  if (cluster_local(isvc, config)) labels.set("networking.knative.dev/visibility", "cluster-local");
  metadata.set("labels", std::move(labels));
  for (const char* hoisted :
       {"serving.knative.dev/rollout-duration", "serving.knative.openshift.io/enablePassthrough"})
    if (const auto& v = isvc["metadata"]["annotations"][hoisted]; !v.is_null())
      metadata.ref("annotations", hoisted) = v;
  return json::object(
      {{"apiVersion", "serving.knative.dev/v1"},
       {"kind", "Service"},
       {"metadata", std::move(metadata)},
       {"spec", json::object({{"template", json::object({{"metadata", std::move(template_meta)},
                                                         {"spec", std::move(pod)}})},
                              {"traffic", traffic_for(isvc, rolled_out)}})}});
}

json::Value plan_service(const json::Value& isvc, const Config& config) {
  return json::object({{"apiVersion", "v1"},
                       {"kind", "Service"},
                       {"metadata", metadata_for(isvc, name_of(isvc))},
                       {"spec", json::object({{"type", "ExternalName"},
                                              {"externalName", config.local_gateway_service},
                                              {"sessionAffinity", "None"}})}});
}

Result<json::Value> plan_virtual_service(const json::Value& isvc, std::string_view external_host,
                                         const Config& config) {
  const std::string& name = name_of(isvc);
  const std::string local = str(name, ".", namespace_of(isvc), ".svc.", config.cluster_domain);
  TRY(const std::string path, url_path(isvc, config));
  json::Value gateways = json::array({config.local_gateway, "mesh"});
  json::Value match = json::array({match_host(local, gateways)});
  json::Value hosts = json::array({local});
  json::Value http{json::Array{}};
  if (!external_host.empty()) {
    auto names = additional_hosts(isvc, config);
    names.insert(names.begin(), std::string(external_host));
    gateways.push(config.ingress_gateway);
    for (const auto& host : names) {
      hosts.push(host);
      match.push(match_host(host, json::array({config.ingress_gateway})));
    }
  }
  http.push(http_rule(isvc, std::move(match), config));
  if (!external_host.empty() && !path.empty()) {
    http.push(path_rule(isvc, path, config));
    hosts.push(config.domain);
  }
  auto metadata = metadata_for(isvc, name);
  auto annotations = without(isvc["metadata"]["annotations"], config.annotations_disallowed);
  if (annotations.size() > 0) metadata.set("annotations", std::move(annotations));
  auto labels = without(isvc["metadata"]["labels"], config.labels_disallowed);
  if (labels.size() > 0) metadata.set("labels", std::move(labels));
  return json::object({{"apiVersion", "networking.istio.io/v1beta1"},
                       {"kind", "VirtualService"},
                       {"metadata", std::move(metadata)},
                       {"spec", json::object({{"gateways", std::move(gateways)},
                                              {"hosts", std::move(hosts)},
                                              {"http", std::move(http)}})}});
}

std::string external_host(const json::Value& isvc, std::string_view predictor_url,
                          const Config& config) {
  if (const auto at = predictor_url.find("://"); at != predictor_url.npos)
    predictor_url.remove_prefix(at + 3);
  predictor_url = predictor_url.substr(0, predictor_url.find('/'));
  if (predictor_url.empty() || cluster_local(isvc, config) ||
      predictor_url.ends_with(str(".svc.", config.cluster_domain)))
    return {};
  const std::string service = predictor_name(isvc);
  if (predictor_url.starts_with(service))
    return str(name_of(isvc), predictor_url.substr(service.size()));
  return std::string(predictor_url);
}

Result<Urls> knative_urls(const json::Value& isvc, std::string_view predictor_url,
                          const Config& config) {
  const std::string own = config.no_virtual_host ? predictor_name(isvc) : name_of(isvc);
  Urls out;
  out.address = str("http://", own, ".", namespace_of(isvc), ".svc.", config.cluster_domain);
  const auto host = external_host(isvc, predictor_url, config);
  TRY(const auto path, url_path(isvc, config));
  if (host.empty())
    out.url = out.address;
  else if (config.no_virtual_host)
    out.url = predictor_url;
  else if (!path.empty())
    out.url = str(config.url_scheme, "://", config.domain, path);
  else
    out.url = str(config.url_scheme, "://", host);
  return out;
}

}  // namespace proa::serving
