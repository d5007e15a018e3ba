#include "serving/spec/runtime.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

constexpr const char* kWrongFramework =
    "Specified runtime does not support specified framework/version";
constexpr const char* kWrongProtocol =
    "Specified runtime does not support specified protocol version";

struct Wanted {
  std::string format, version, protocol;
  bool multi_model = false;  // no model URI: a server that is given its models later
};

Wanted wanted(const json::Value& isvc) {
  const auto& predictor = isvc["spec"]["predictor"];
  const auto& model = predictor["model"];
  Wanted w{model["modelFormat"]["name"].str(), model["modelFormat"]["version"].str(),
           model["protocolVersion"].str_or("v1")};
  if (w.protocol.empty()) w.protocol = "v1";
  w.multi_model = model["storageUri"].str().empty() && model["storage"].is_null() &&
                  predictor["storageUris"].size() == 0 && w.format != "huggingface";
  return w;
}

bool format_fits(const json::Value& format, const Wanted& w) {
  if (format["name"].str() != w.format) return false;
  return w.version.empty() || format["version"].str() == w.version;
}

bool supports_format(const json::Value& spec, const Wanted& w, bool named) {
  for (const auto& f : spec["supportedModelFormats"].array())
    if ((named || f["autoSelect"].boolean()) && format_fits(f, w)) return true;
  return false;
}

bool supports_protocol(const json::Value& spec, const Wanted& w) {
  const auto& list = spec["protocolVersions"].array();
  if (list.empty()) return true;
  return std::any_of(list.begin(), list.end(),
                     [&](const auto& p) { return p.str() == w.protocol; });
}

int64_t priority_of(const json::Value& spec, const Wanted& w) {
  int64_t best = 0;
  for (const auto& f : spec["supportedModelFormats"].array())
    if (f["autoSelect"].boolean() && format_fits(f, w))
      best = std::max(best, f["priority"].integer());
  return best;
}

int protocol_rank(const json::Value& spec) {
  int lowest = 4;
  const char* const order[] = {"v1", "v2", "grpc-v1", "grpc-v2"};
  for (const auto& p : spec["protocolVersions"].array())
    for (int i = 0; i < 4; ++i)
      if (p.str() == order[i]) lowest = std::min(lowest, i);
  return lowest;
}

void order(std::vector<client::Object>& list, const Wanted& w) {
  std::sort(list.begin(), list.end(), [](const client::Object& a, const client::Object& b) {
    const int ra = protocol_rank((*a)["spec"]), rb = protocol_rank((*b)["spec"]);
    if (ra != rb) return ra < rb;
    const auto& ta = (*a)["metadata"]["creationTimestamp"].str();
    const auto& tb = (*b)["metadata"]["creationTimestamp"].str();
    if (ta != tb) return ta > tb;
    return (*a)["metadata"]["name"].str() < (*b)["metadata"]["name"].str();
  });
  std::stable_sort(list.begin(), list.end(), [&](const client::Object& a, const client::Object& b) {
    return priority_of((*a)["spec"], w) > priority_of((*b)["spec"], w);
  });
}

client::Object first_fitting(const std::vector<client::Object>& all, const Wanted& w) {
  std::vector<client::Object> fitting;
  for (const auto& o : all) {
    const auto& spec = (*o)["spec"];
    if (!spec["disabled"].boolean() && spec["multiModel"].boolean() == w.multi_model &&
        !spec.has("workerSpec") && supports_format(spec, w, false) && supports_protocol(spec, w))
      fitting.push_back(o);
  }
  order(fitting, w);
  return fitting.empty() ? nullptr : fitting.front();
}

client::Object named(const std::vector<client::Object>& all, std::string_view name) {
  for (const auto& o : all)
    if ((*o)["metadata"]["name"].str() == name) return o;
  return nullptr;
}

RuntimeChoice check_named(SelectedRuntime found, const Wanted& w) {
  const auto& spec = (*found.object)["spec"];
  const std::string who = str("specified runtime ", found.name);
  if (spec["disabled"].boolean())
    return Refusal{"RuntimeDisabled", "Specified runtime is disabled", str(who, " is disabled")};
  if (!supports_protocol(spec, w))
    return Refusal{"NoSupportingRuntime", kWrongProtocol,
                   str(who, " does not support specified protocol version ", w.protocol)};
  if (!supports_format(spec, w, true) || spec["multiModel"].boolean() != w.multi_model)
    return Refusal{"NoSupportingRuntime", kWrongFramework,
                   str(who, " does not support specified framework/version ", w.format,
                       w.version.empty() ? "" : ":", w.version)};
  return found;
}

}  // namespace

RuntimeChoice select_runtime(const json::Value& isvc, const std::vector<client::Object>& namespaced,
                             const std::vector<client::Object>& cluster) {
  const Wanted w = wanted(isvc);
  const auto& name = isvc["spec"]["predictor"]["model"]["runtime"].str();
  if (!name.empty()) {
    if (auto o = named(namespaced, name)) return check_named({name, false, o}, w);
    if (auto o = named(cluster, name)) return check_named({name, true, o}, w);
    return Refusal{"RuntimeNotRecognized", "Waiting for runtime to become available",
                   str("no ServingRuntimes or ClusterServingRuntimes with the name: ", name)};
  }
  if (auto o = first_fitting(namespaced, w))
    return SelectedRuntime{(*o)["metadata"]["name"].str(), false, o};
  if (auto o = first_fitting(cluster, w))
    return SelectedRuntime{(*o)["metadata"]["name"].str(), true, o};
  return Refusal{"NoSupportingRuntime", "No runtime found to support specified framework/version",
                 str("no runtime found to support predictor with model type: {", w.format, " ",
                     w.version.empty() ? "<nil>" : w.version, "}")};
}

}  // namespace proa::serving
