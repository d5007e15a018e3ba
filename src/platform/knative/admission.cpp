#include "platform/knative/admission.h"

#include <algorithm>
#include <set>
#include <string>

#include "client/client.h"
#include "foundation/base/strings.h"

namespace proa::knative {
namespace {

Error missing(const std::string& path) { return refusal("missing field(s): " + path); }

std::string filled(const std::string& text, const json::Value& meta) {
  return fill_template(text, {{"Name", meta["name"].str()}, {"Namespace", meta["namespace"].str()}},
                       meta["labels"], meta["annotations"])
      .value_or(text);
}

void default_resources(json::Value& container, const Defaults& d) {
  json::Value& resources = container.ref("resources");
  if (!resources.is_object()) resources = json::Object();
  for (const auto& [key, value] : d.requests.object())
    if (!resources["requests"].has(key)) resources.ref("requests", key) = value;
  for (const auto& [key, value] : d.limits.object())
    if (!resources["limits"].has(key)) resources.ref("limits", key) = value;
}

// The container that serves is probed, by a connection if nothing else is asked for.
void default_probe(json::Value& container) {
  json::Value& probe = container.ref("readinessProbe");
  if (!probe.is_object()) probe = json::Object();
  bool handler = false;
  for (const char* h : {"exec", "grpc", "httpGet", "tcpSocket"}) handler |= probe.has(h);
  if (!handler) probe.ref("tcpSocket", "port") = 0;
  for (const char* h : {"httpGet", "tcpSocket"})  // 0: the container's own
    if (probe[h].is_object() && !probe[h].has("port")) probe.ref(h, "port") = 0;
  if (!probe.has("successThreshold")) probe.set("successThreshold", 1);
}

void default_containers(json::Value& spec, const json::Value& meta, const Defaults& d) {
  if (spec["containers"].size() == 0) return;  // validation will say so
  json::Array& all = spec.ref("containers").make_array();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!all[i].is_object()) continue;
    if (all[i]["name"].str().empty()) {
      const std::string name = filled(d.container_name, meta);
      all[i].set("name", all.size() == 1 ? name : str(name, "-", i));
    }
    if (all.size() == 1 || all[i]["ports"].size() > 0) default_probe(all[i]);
    default_resources(all[i], d);
  }
  if (spec["initContainers"].size() == 0) return;
  json::Array& init = spec.ref("initContainers").make_array();
  for (size_t i = 0; i < init.size(); ++i)
    if (init[i].is_object() && init[i]["name"].str().empty()) {
      const std::string name = filled(d.init_container_name, meta);
      init[i].set("name", init.size() == 1 ? name : str(name, "-", i));
    }
}

void default_template(json::Value& pods, const json::Value& meta, const Policy& policy) {
  const Defaults& d = policy.defaults;
  json::Value& spec = pods.ref("spec");
  if (!spec.has("containerConcurrency")) spec.set("containerConcurrency", d.concurrency);
  if (spec["timeoutSeconds"].integer() == 0) spec.set("timeoutSeconds", d.timeout);
  if (d.response_start > 0 && d.response_start < spec["timeoutSeconds"].integer() &&
      !spec.has("responseStartTimeoutSeconds"))
    spec.set("responseStartTimeoutSeconds", d.response_start);
  if (d.idle > 0 && !spec.has("idleTimeoutSeconds"))
    spec.set("idleTimeoutSeconds", std::min(d.idle, spec["timeoutSeconds"].integer()));
  if (!spec.has("enableServiceLinks")) spec.set("enableServiceLinks", d.enable_service_links);
  default_containers(spec, meta, d);
}

void default_traffic(json::Value& spec) {
  if (spec["traffic"].size() == 0) {
    spec.set("traffic", json::array({json::object({{"latestRevision", true}, {"percent", 100}})}));
    return;
  }
  for (auto& target : spec.ref("traffic").make_array())
    if (!target.has("latestRevision"))
      target.set("latestRevision", target["revisionName"].str().empty());
}

Status check_template(const json::Value& pods, const std::string& owner, const Policy& policy) {
  if (!pods.is_object()) return missing("spec.template");
  const std::string& name = pods["metadata"]["name"].str();
  if (!name.empty() && !owner.empty() && !name.starts_with(owner + "-"))
    return refusal(str("invalid value: \"", name,
                       "\": spec.template.metadata.name\n"
                       "The revision name must have the prefix \"",
                       owner, "-\""));
  Status scaling = validate_autoscaling(pods["metadata"]["annotations"], policy.scaling);
  if (!scaling.ok()) return refusal("spec.template." + scaling.error().message);
  return check_revision_spec(pods["spec"], "spec.template.spec", policy);
}

Status check_name_reuse(const json::Value& object, const json::Value* old) {
  const json::Value& now = object["spec"]["template"];
  const std::string& name = now["metadata"]["name"].str();
  if (!old || name.empty() || (*old)["spec"]["template"]["metadata"]["name"].str() != name)
    return {};
  if ((*old)["spec"]["template"] == now) return {};
  return refusal(str(
      "Saw the following changes without a name change (-old +new): spec.template.metadata.name: ",
      name));
}

Status check_target(const json::Value& target, const std::string& at, bool of_service) {
  const bool named = !target["revisionName"].str().empty();
  const bool configured = !target["configurationName"].str().empty();
  if (of_service && configured)
    return refusal("must not set the field(s): " + at + ".configurationName");
  if (named && configured)
    return refusal("expected exactly one, got both: " + at + ".configurationName, " + at +
                   ".revisionName");
  if (named && target["latestRevision"].boolean())
    return refusal(str("may not set revisionName \"", target["revisionName"].str(),
                       "\" when latestRevision is true: ", at, ".latestRevision"));
  if (!of_service && !named && !configured)
    return refusal("expected exactly one, got neither: " + at + ".configurationName, " + at +
                   ".revisionName");
  const int64_t percent = target["percent"].integer();
  if (percent < 0 || percent > 100)
    return refusal(str("expected 0 <= ", percent, " <= 100: ", at, ".percent"));
  if (!target["url"].str().empty()) return refusal("must not set the field(s): " + at + ".url");
  return {};
}

bool is_label(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  for (char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  return true;
}

Status check_traffic(const json::Value& traffic, bool of_service) {
  int64_t sum = 0;
  std::set<std::string> tags;
  for (size_t i = 0; i < traffic.size(); ++i) {
    const std::string at = str("spec.traffic[", i, "]");
    TRY_STATUS(check_target(traffic[i], at, of_service));
    sum += traffic[i]["percent"].integer();
    const std::string& tag = traffic[i]["tag"].str();
    if (!tag.empty() && !is_label(tag))
      return refusal(str("invalid value: ", tag, ": ", at, ".tag\nnot a DNS 1035 label"));
    if (!tag.empty() && !tags.insert(tag).second)
      return refusal(str("Multiple definitions for \"", tag, "\": ", at, ".tag"));
  }
  if (traffic.size() > 0 && sum != 100)
    return refusal(str("Traffic targets sum to ", sum, ", want 100: spec.traffic"));
  return {};
}

// What Knative reads from the object's own metadata.
Status check_meta(const json::Value& object) {
  const json::Value& meta = object["metadata"];
  const json::Value& visibility = meta["labels"]["networking.knative.dev/visibility"];
  if (!visibility.is_null() && visibility.str() != "cluster-local")
    return refusal(str("invalid value: ", visibility.str(),
                       ": metadata.labels.networking.knative.dev/visibility"));
  for (const char* key :
       {"serving.knative.dev/rollout-duration", "serving.knative.dev/rolloutDuration"}) {
    if (!meta["annotations"].has(key)) continue;
    const std::string& text = meta["annotations"][key].str();
    auto d = parse_duration(text);
    const std::string at = str("metadata.annotations.", key);
    if (!d) return refusal(str("invalid value: ", text, ": ", at));
    if (*d % std::chrono::seconds(1) != Duration::zero())
      return refusal(str(at, "=", text, " is not at second precision: ", at));
    if (*d < Duration::zero()) return refusal(str(at, "=", text, " must be positive: ", at));
  }
  return {};
}

}  // namespace

void default_service(json::Value& service, const Policy& policy) {
  const json::Value meta = service["metadata"];
  default_template(service.ref("spec", "template"), meta, policy);
  default_traffic(service.ref("spec"));
}

void default_configuration(json::Value& configuration, const Policy& policy) {
  const json::Value meta = configuration["metadata"];
  default_template(configuration.ref("spec", "template"), meta, policy);
}

void default_revision(json::Value& revision, const Policy& policy) {
  const json::Value meta = revision["metadata"];
  default_template(revision, meta, policy);
}

void default_route(json::Value& route, const Policy&) {
  if (route["spec"]["traffic"].size() > 0) default_traffic(route.ref("spec"));
}

Status validate_service(const json::Value& service, const json::Value* old, const Policy& policy) {
  if (old && client::deleting(service)) return {};
  // What is stored already is not to be refused for a setting that has changed since.
  if (old && (*old)["spec"] == service["spec"] &&
      (*old)["metadata"]["annotations"] == service["metadata"]["annotations"] &&
      (*old)["metadata"]["labels"] == service["metadata"]["labels"])
    return {};
  TRY_STATUS(check_meta(service));
  TRY_STATUS(
      check_template(service["spec"]["template"], service["metadata"]["name"].str(), policy));
  TRY_STATUS(check_name_reuse(service, old));
  return check_traffic(service["spec"]["traffic"], true);
}

Status validate_configuration(const json::Value& configuration, const json::Value* old,
                              const Policy& policy) {
  if (old && (*old)["spec"] == configuration["spec"]) return {};
  TRY_STATUS(check_template(configuration["spec"]["template"],
                            configuration["metadata"]["name"].str(), policy));
  return check_name_reuse(configuration, old);
}

Status validate_revision(const json::Value& revision, const json::Value* old,
                         const Policy& policy) {
  if (old && (*old)["spec"] != revision["spec"])
    return refusal("Immutable fields changed (-old +new): spec");
  if (old) return {};
  Status scaling = validate_autoscaling(revision["metadata"]["annotations"], policy.scaling);
  if (!scaling.ok()) return refusal(scaling.error().message);
  return check_revision_spec(revision["spec"], "spec", policy);
}

Status validate_route(const json::Value& route, const json::Value* old, const Policy&) {
  if (old && (*old)["spec"] == route["spec"] &&
      (*old)["metadata"]["annotations"] == route["metadata"]["annotations"])
    return {};
  TRY_STATUS(check_meta(route));
  if (route["spec"]["traffic"].size() == 0) return missing("spec.traffic");
  return check_traffic(route["spec"]["traffic"], false);
}

Status validate_autoscaler(const json::Value& autoscaler, const json::Value* old,
                           const Policy& policy) {
  if (old && (*old)["spec"] == autoscaler["spec"] &&
      (*old)["metadata"]["annotations"] == autoscaler["metadata"]["annotations"])
    return {};
  const json::Value& target = autoscaler["spec"]["scaleTargetRef"];
  for (const char* key : {"apiVersion", "kind", "name"})
    if (target[key].str().empty()) return missing(str("spec.scaleTargetRef.", key));
  if (target["apiVersion"].str() != "apps/v1" || target["kind"].str() != "Deployment")
    return refusal(str("invalid value: ", target["apiVersion"].str(), " ", target["kind"].str(),
                       ": spec.scaleTargetRef\nOnly an apps/v1 Deployment is scaled"));
  Status scaling = validate_autoscaling(autoscaler["metadata"]["annotations"], policy.scaling);
  return scaling.ok() ? Status() : refusal(scaling.error().message);
}

}  // namespace proa::knative
