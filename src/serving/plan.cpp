#include "serving/plan.h"

#include <algorithm>

#include "client/client.h"
#include "foundation/base/strings.h"
#include "serving/container.h"
#include "serving/defaults.h"
#include "serving/server_defaults.h"
#include "serving/validate.h"

namespace proa::serving {
namespace {

const std::string& name_of(const json::Value& isvc) { return isvc["metadata"]["name"].str(); }
const std::string& namespace_of(const json::Value& isvc) {
  return isvc["metadata"]["namespace"].str();
}

bool listed(const std::vector<std::string>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

json::Value without(const json::Value& map, const std::vector<std::string>& disallowed) {
  json::Value out{json::Object{}};
  for (const auto& [key, value] : map.object())
    if (!listed(disallowed, key)) out.set(key, value);
  return out;
}

void add_all(json::Value& to, const json::Value& from) {
  for (const auto& [key, value] : from.object()) to.set(key, value);
}

json::Value metadata_for(const json::Value& isvc, std::string name) {
  return json::object({{"name", std::move(name)},
                       {"namespace", namespace_of(isvc)},
                       {"ownerReferences", json::array({client::owner_reference(isvc)})}});
}

json::Value own_labels(const json::Value& isvc, const Config& config) {
  auto labels = without(isvc["metadata"]["labels"], config.labels_disallowed);
  labels.set("component", "predictor");
  labels.set(std::string(kIsvcLabel), name_of(isvc));
  return labels;
}

bool cluster_local(const json::Value& isvc) {
  const auto& labels = isvc["metadata"]["labels"];
  return labels["networking.kserve.io/visibility"].str() == "cluster-local" ||
         labels["networking.knative.dev/visibility"].str() == "cluster-local";
}

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

Status storage_annotations(const json::Value& predictor, json::Value& annotations) {
  const auto& uri = predictor["model"]["storageUri"].str();
  if (!uri.empty()) {
    TRY_STATUS(check_storage_uri(uri));
    annotations.set(std::string(kSourceUriAnnotation), uri);
  }
  for (const auto& c : predictor["containers"].array())  // a custom predictor's way of saying it
    for (const auto& env : c["env"].array())
      if (env["name"].str() == "STORAGE_URI" && c["name"].str() == kModelContainer) {
        TRY_STATUS(check_storage_uri(env["value"].str()));
        annotations.set(std::string(kSourceUriAnnotation), env["value"].str());
      }
  if (predictor["storageUris"].size() == 0) return {};
  for (const auto& item : predictor["storageUris"].array())
    TRY_STATUS(check_storage_uri(item["uri"].str()));
  annotations.set(std::string(kSourceUrisAnnotation), json::dump(predictor["storageUris"]));
  return {};
}

void batcher_annotations(const json::Value& batcher, json::Value& annotations) {
  if (!batcher.is_object()) return;
  annotations.set(std::string(kBatcherAnnotation), "true");
  for (const auto& [field, key] : {std::pair{"maxBatchSize", kBatcherSizeAnnotation},
                                   std::pair{"maxLatency", kBatcherLatencyAnnotation}})
    if (!batcher[field].is_null()) annotations.set(std::string(key), str(batcher[field].integer()));
}

Result<json::Value> template_metadata(const json::Value& isvc, const SelectedRuntime* runtime,
                                      const Config& config) {
  const auto& predictor = isvc["spec"]["predictor"];
  auto annotations = without(isvc["metadata"]["annotations"], config.annotations_disallowed);
  annotations.erase("serving.knative.dev/rollout-duration");  // belongs on the Service itself
  auto labels = json::Value(json::Object{});
  if (runtime) {
    add_all(annotations, (*runtime->object)["spec"]["annotations"]);
    add_all(labels, (*runtime->object)["spec"]["labels"]);
  }
  add_all(annotations, predictor["annotations"]);
  scaling_annotations(predictor, annotations);
  TRY_STATUS(storage_annotations(predictor, annotations));
  batcher_annotations(predictor["batcher"], annotations);
  add_all(labels, own_labels(isvc, config));
  labels.erase("networking.kserve.io/visibility");
  add_all(labels, predictor["labels"]);
  return json::object({{"annotations", std::move(annotations)}, {"labels", std::move(labels)}});
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

Refusal later(std::string what, std::string_view next = "") {
  return {"InvalidPredictorSpec", str(what, " is not supported yet"),
          str(what, " is not supported by this version", next)};
}

}  // namespace

std::string predictor_name(const json::Value& isvc) { return name_of(isvc) + "-predictor"; }

std::optional<Refusal> unsupported(const json::Value& isvc, const Config& config) {
  const auto mode = deployment_mode(isvc, config);
  const auto& spec = isvc["spec"];
  const auto& predictor = spec["predictor"];
  if (mode != "Knative")
    return later(str("deployment mode ", mode),
                 str("; set annotation ", kModeAnnotation, " to Knative"));
  for (const char* c : {"transformer", "explainer"})
    if (spec[c].is_object()) return later(str("spec.", c));
  for (const char* f : {"logger", "workerSpec", "autoScaling"})
    if (predictor[f].is_object()) return later(str("spec.predictor.", f));
  if (predictor["batcher"].is_object() && !predictor["model"].is_object())
    return later("spec.predictor.batcher for a custom predictor");
  if (predictor["model"]["storage"].is_object())
    return later("spec.predictor.model.storage", "; use storageUri");
  if (predictor["model"]["confidential"]["enabled"].boolean())
    return later("spec.predictor.model.confidential");
  if (!predictor["model"].is_object() && predictor["containers"].size() == 0)
    return Refusal{"InvalidPredictorSpec", "spec.predictor names no model",
                   "spec.predictor has neither model nor containers"};
  return std::nullopt;
}

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
  if (cluster_local(isvc)) labels.set("networking.knative.dev/visibility", "cluster-local");
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

json::Value plan_virtual_service(const json::Value& isvc, std::string_view external_host,
                                 const Config& config) {
  const std::string& name = name_of(isvc);
  const std::string& ns = namespace_of(isvc);
  const std::string local = str(name, ".", ns, ".svc.", config.cluster_domain);
  json::Value gateways = json::array({config.local_gateway, "mesh"});
  json::Value match = json::array({json::object(
      {{"authority", json::object({{"regex", regex_for(local)}})}, {"gateways", gateways}})});
  json::Value hosts = json::array({local});
  if (!external_host.empty()) {
    hosts.push(external_host);
    gateways.push(config.ingress_gateway);
    match.push(json::object({{"authority", json::object({{"regex", regex_for(external_host)}})},
                             {"gateways", json::array({config.ingress_gateway})}}));
  }
  json::Value set =
      json::object({{"Host", str(predictor_name(isvc), ".", ns, ".svc.", config.cluster_domain)},
                    {"KServe-Isvc-Name", name},
                    {"KServe-Isvc-Namespace", ns}});
  json::Value route =
      json::object({{"destination", json::object({{"host", config.local_gateway_service},
                                                  {"port", json::object({{"number", 80}})}})},
                    {"weight", 100}});
  auto metadata = metadata_for(isvc, name);
  auto annotations = without(isvc["metadata"]["annotations"], config.annotations_disallowed);
  if (annotations.size() > 0) metadata.set("annotations", std::move(annotations));
  auto labels = without(isvc["metadata"]["labels"], config.labels_disallowed);
  if (labels.size() > 0) metadata.set("labels", std::move(labels));
  json::Value http = json::object(
      {{"headers", json::object({{"request", json::object({{"set", std::move(set)}})}})},
       {"match", std::move(match)},
       {"route", json::array({std::move(route)})}});
  return json::object({{"apiVersion", "networking.istio.io/v1beta1"},
                       {"kind", "VirtualService"},
                       {"metadata", std::move(metadata)},
                       {"spec", json::object({{"gateways", std::move(gateways)},
                                              {"hosts", std::move(hosts)},
                                              {"http", json::array({std::move(http)})}})}});
}

std::string external_host(const json::Value& isvc, std::string_view predictor_url,
                          const Config& config) {
  if (const auto at = predictor_url.find("://"); at != predictor_url.npos)
    predictor_url.remove_prefix(at + 3);
  predictor_url = predictor_url.substr(0, predictor_url.find('/'));
  if (predictor_url.empty() || cluster_local(isvc) ||
      predictor_url.ends_with(str(".svc.", config.cluster_domain)))
    return {};
  const std::string service = predictor_name(isvc);
  if (predictor_url.starts_with(service))
    return str(name_of(isvc), predictor_url.substr(service.size()));
  return std::string(predictor_url);
}

}  // namespace proa::serving
