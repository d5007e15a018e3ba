#include "serving/spec/container.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "serving/spec/config.h"
#include "serving/spec/defaults.h"
#include "serving/spec/merge.h"

namespace proa::serving {
namespace {

// Fields of a component that are no PodSpec fields.
bool pod_field(std::string_view name) {
  for (auto own : {"minReplicas",
                   "maxReplicas",
                   "scaleTarget",
                   "scaleMetric",
                   "scaleMetricType",
                   "autoScaling",
                   "containerConcurrency",
                   "timeout",
                   "canaryTrafficPercent",
                   "logger",
                   "batcher",
                   "labels",
                   "annotations",
                   "deploymentStrategy",
                   "storageUris",
                   "name",
                   "storageContainerName",
                   "workerSpec",
                   "model",
                   "containers"})
    if (name == own) return false;
  for (auto framework : legacy_frameworks())
    if (name == framework) return false;
  return true;
}

// Fields of a ServingRuntime's spec that are PodSpec fields.
bool runtime_pod_field(std::string_view name) {
  for (auto f : {"volumes", "nodeSelector", "affinity", "tolerations", "imagePullSecrets",
                 "schedulerName", "resourceClaims", "hostIPC"})
    if (name == f) return true;
  return false;
}

// The container part of a model spec.
json::Value container_of(const json::Value& model) {
  json::Value c = model;
  for (auto own : {"modelFormat", "runtime", "storageUri", "runtimeVersion", "protocolVersion",
                   "storage", "confidential"})
    c.erase(own);
  if (c["name"].str().empty()) c.erase("name");
  return c;
}

json::Value merge_container(const json::Value& runtime, const json::Value& own) {
  json::Value out = runtime;
  strategic_merge(out, own);
  json::Value args{json::Array{}};
  for (const auto* part : {&runtime["args"], &own["args"]})
    for (const auto& a : part->array()) args.push(a);
  if (args.size() > 0) out.set("args", std::move(args));
  return out;
}

void name_the_service(json::Value& container, const std::string& isvc) {
  auto& env = container.ref("env").make_array();
  const bool set = std::any_of(env.begin(), env.end(), [](const auto& e) {
    return e["name"].str() == "INFERENCE_SERVICE_NAME";
  });
  if (!set) env.push_back(json::object({{"name", "INFERENCE_SERVICE_NAME"}, {"value", isvc}}));
}

Result<json::Value> model_containers(const json::Value& isvc, const json::Value& runtime) {
  const auto& predictor = isvc["spec"]["predictor"];
  const auto& model = predictor["model"];
  json::Value main, others{json::Array{}};
  for (const auto& c : runtime["containers"].array()) {
    if (c["name"].str() == kModelContainer)
      main = c;
    else
      others.push(c);
  }
  if (main.is_null())
    return error(Code::kInvalid,
                 str("No container found in the runtime with name ", kModelContainer));
  main = merge_container(main, container_of(model));
  main.set("name", std::string(kModelContainer));
  TRY_STATUS(fill_placeholders(main, isvc["metadata"]));
  if (const auto& version = model["runtimeVersion"].str(); !version.empty())
    main.set("image", with_tag(main["image"].str(), version));
  name_the_service(main, isvc["metadata"]["name"].str());
  strategic_merge(others, predictor["containers"], "containers");
  json::Value all = json::array({std::move(main)});
  for (const auto& c : others.array()) all.push(c);
  return all;
}

json::Value custom_containers(const json::Value& isvc) {
  json::Value all = isvc["spec"]["predictor"]["containers"];
  auto& list = all.make_array();
  auto at = std::find_if(list.begin(), list.end(),
                         [](const auto& c) { return c["name"].str() == kModelContainer; });
  if (at == list.end()) at = list.begin();
  std::rotate(list.begin(), at, at + 1);
  if (list[0]["name"].str().empty()) list[0].set("name", std::string(kModelContainer));
  name_the_service(list[0], isvc["metadata"]["name"].str());
  return all;
}

}  // namespace

Result<json::Value> predictor_pod_spec(const json::Value& isvc, const json::Value* runtime) {
  json::Value pod{json::Object{}};
  if (runtime)
    for (const auto& [key, value] : runtime->object())
      if (runtime_pod_field(key)) pod.set(key, value);
  TRY_STATUS(fill_placeholders(pod, isvc["metadata"]));
  json::Value own{json::Object{}};
  for (const auto& [key, value] : isvc["spec"]["predictor"].object())
    if (pod_field(key)) own.set(key, value);
  strategic_merge(pod, own);
  if (runtime) {
    TRY(auto containers, model_containers(isvc, *runtime));
    pod.set("containers", std::move(containers));
  } else {
    pod.set("containers", custom_containers(isvc));
  }
  return pod;
}

std::string with_tag(std::string_view image, std::string_view tag) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  if (colon != image.npos && (slash == image.npos || colon > slash)) image = image.substr(0, colon);
  return str(image, ":", tag);
}

}  // namespace proa::serving
