#include "platform/knative/admission.h"

#include <set>
#include <string>

#include "foundation/base/strings.h"

namespace proa::knative {
namespace {

constexpr int64_t kTimeout = 300, kMostTimeout = 600, kMostConcurrency = 1000;

Error refuse(std::string text) {
  return error(Code::kInvalid, "validation failed: " + std::move(text));
}
Error missing(const std::string& path) { return refuse("missing field(s): " + path); }

void default_template(json::Value& pods) {
  json::Value& spec = pods.ref("spec");
  if (!spec.has("containerConcurrency")) spec.set("containerConcurrency", 0);
  if (!spec.has("timeoutSeconds")) spec.set("timeoutSeconds", kTimeout);
  if (!spec.has("enableServiceLinks")) spec.set("enableServiceLinks", false);
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

Status check_containers(const json::Value& spec, const std::string& path) {
  const json::Array& all = spec["containers"].array();
  if (all.empty()) return missing(path + ".containers");
  std::set<std::string> names;
  int serving = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string at = str(path, ".containers[", i, "]");
    if (all[i]["image"].str().empty()) return missing(at + ".image");
    const std::string& name = all[i]["name"].str();
    if (name == "queue-proxy")
      return refuse("\"queue-proxy\" is a reserved container name: " + at + ".name");
    if (!name.empty() && !names.insert(name).second)
      return refuse(str("duplicate container name \"", name, "\": ", at, ".name"));
    if (all[i]["ports"].size() > 1)
      return refuse("more than one container port is set: " + at +
                    ".ports\nOnly a single port is allowed across all containers");
    serving += all[i]["ports"].size() == 1;
    const std::string& port = all[i]["ports"][0]["name"].str();
    if (!port.empty() && port != "h2c" && port != "http1" && port != "http2" && port != "http")
      return refuse(str("invalid value: ", port, ": ", at,
                        ".ports[0].name\nPort name must be one of: h2c, http1"));
  }
  if (serving > 1)
    return refuse("more than one container port is set: " + path +
                  ".containers[*].ports\nOnly a single port is allowed across all containers");
  if (all.size() > 1 && serving == 0)
    return refuse("missing field(s): " + path + ".containers[*].ports");
  return {};
}

Status check_spec(const json::Value& spec, const std::string& path) {
  TRY_STATUS(check_containers(spec, path));
  const int64_t concurrency = spec["containerConcurrency"].integer();
  if (concurrency < 0 || concurrency > kMostConcurrency)
    return refuse(str("expected 0 <= ", concurrency, " <= ", kMostConcurrency, ": ", path,
                      ".containerConcurrency"));
  const int64_t timeout = spec["timeoutSeconds"].integer(kTimeout);
  if (timeout < 0 || timeout > kMostTimeout)
    return refuse(
        str("expected 0 <= ", timeout, " <= ", kMostTimeout, ": ", path, ".timeoutSeconds"));
  for (const char* key : {"responseStartTimeoutSeconds", "idleTimeoutSeconds"})
    if (const int64_t v = spec[key].integer(); v < 0 || (timeout > 0 && v > timeout))
      return refuse(str("expected 0 <= ", v, " <= ", timeout, ": ", path, ".", key));
  return {};
}

Status check_template(const json::Value& pods, const std::string& owner,
                      const AutoscalerConfig& config) {
  if (!pods.is_object()) return missing("spec.template");
  const std::string& name = pods["metadata"]["name"].str();
  if (!name.empty() && !owner.empty() && !name.starts_with(owner + "-"))
    return refuse(str("invalid value: \"", name,
                      "\": spec.template.metadata.name\n"
                      "The revision name must have the prefix \"",
                      owner, "-\""));
  Status scaling = validate_autoscaling(pods["metadata"]["annotations"], config);
  if (!scaling.ok()) return refuse("spec.template." + scaling.error().message);
  return check_spec(pods["spec"], "spec.template.spec");
}

Status check_name_reuse(const json::Value& object, const json::Value* old) {
  const json::Value& now = object["spec"]["template"];
  const std::string& name = now["metadata"]["name"].str();
  if (!old || name.empty() || (*old)["spec"]["template"]["metadata"]["name"].str() != name)
    return {};
  if ((*old)["spec"]["template"] == now) return {};
  return refuse(str(
      "Saw the following changes without a name change (-old +new): spec.template.metadata.name: ",
      name));
}

Status check_target(const json::Value& target, const std::string& at, bool of_service) {
  const bool named = !target["revisionName"].str().empty();
  const bool configured = !target["configurationName"].str().empty();
  if (of_service && configured)
    return refuse("must not set the field(s): " + at + ".configurationName");
  if (named && configured)
    return refuse("expected exactly one, got both: " + at + ".configurationName, " + at +
                  ".revisionName");
  if (named && target["latestRevision"].boolean())
    return refuse(str("may not set revisionName \"", target["revisionName"].str(),
                      "\" when latestRevision is true: ", at, ".latestRevision"));
  if (!of_service && !named && !configured)
    return refuse("expected exactly one, got neither: " + at + ".configurationName, " + at +
                  ".revisionName");
  const int64_t percent = target["percent"].integer();
  if (percent < 0 || percent > 100)
    return refuse(str("expected 0 <= ", percent, " <= 100: ", at, ".percent"));
  if (!target["url"].str().empty()) return refuse("must not set the field(s): " + at + ".url");
  return {};
}

Status check_traffic(const json::Value& traffic, bool of_service) {
  int64_t sum = 0;
  std::set<std::string> tags;
  for (size_t i = 0; i < traffic.size(); ++i) {
    const std::string at = str("spec.traffic[", i, "]");
    TRY_STATUS(check_target(traffic[i], at, of_service));
    sum += traffic[i]["percent"].integer();
    const std::string& tag = traffic[i]["tag"].str();
    if (!tag.empty() && !tags.insert(tag).second)
      return refuse(str("Multiple definitions for \"", tag, "\": ", at, ".tag"));
  }
  if (traffic.size() > 0 && sum != 100)
    return refuse(str("Traffic targets sum to ", sum, ", want 100: spec.traffic"));
  return {};
}

}  // namespace

void default_service(json::Value& service) {
  default_template(service.ref("spec", "template"));
  default_traffic(service.ref("spec"));
}

void default_configuration(json::Value& configuration) {
  default_template(configuration.ref("spec", "template"));
}

void default_revision(json::Value& revision) { default_template(revision); }

void default_route(json::Value& route) {
  if (route["spec"]["traffic"].size() > 0) default_traffic(route.ref("spec"));
}

Status validate_service(const json::Value& service, const json::Value* old,
                        const AutoscalerConfig& config) {
  TRY_STATUS(
      check_template(service["spec"]["template"], service["metadata"]["name"].str(), config));
  TRY_STATUS(check_name_reuse(service, old));
  return check_traffic(service["spec"]["traffic"], true);
}

Status validate_configuration(const json::Value& configuration, const json::Value* old,
                              const AutoscalerConfig& config) {
  TRY_STATUS(check_template(configuration["spec"]["template"],
                            configuration["metadata"]["name"].str(), config));
  return check_name_reuse(configuration, old);
}

Status validate_revision(const json::Value& revision, const json::Value* old,
                         const AutoscalerConfig& config) {
  if (old && (*old)["spec"] != revision["spec"])
    return refuse("Immutable fields changed (-old +new): spec");
  if (old) return {};
  Status scaling = validate_autoscaling(revision["metadata"]["annotations"], config);
  if (!scaling.ok()) return refuse(scaling.error().message);
  return check_spec(revision["spec"], "spec");
}

Status validate_route(const json::Value& route) {
  if (route["spec"]["traffic"].size() == 0) return missing("spec.traffic");
  return check_traffic(route["spec"]["traffic"], false);
}

}  // namespace proa::knative
