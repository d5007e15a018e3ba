#include "serving/spec/defaults.h"

namespace proa::serving {
namespace {

void default_mode(json::Value& isvc, const Config& config) {
  const auto& now = isvc["metadata"]["annotations"][kModeAnnotation];
  if (now.is_string() && !now.str().empty()) {
    isvc.ref("metadata", "annotations", kModeAnnotation) = canonical_mode(now.str());
  } else if (config.default_mode == "Standard" || config.default_mode == "ModelMesh") {
    isvc.ref("metadata", "annotations", kModeAnnotation) = config.default_mode;
  }
}

// `sklearn: {…}` becomes `model: {modelFormat: {name: sklearn}, …}`.
void framework_to_model(json::Value& predictor) {
  if (predictor.has("model")) return;
  std::string_view found;
  for (auto name : legacy_frameworks()) {
    if (!predictor[name].is_object()) continue;
    if (!found.empty()) return;  // two: the validator says so
    found = name;
  }
  if (found.empty()) return;
  for (const auto& c : predictor["containers"].array())
    if (c["name"].str() == kModelContainer) return;
  json::Value model = predictor[found];
  model.ref("modelFormat", "name") = found;
  predictor.erase(found);
  predictor.set("model", std::move(model));
}

void default_protocol(json::Value& model) {
  if (!model["protocolVersion"].str().empty()) return;
  const auto& format = model["modelFormat"]["name"].str();
  if (format == "triton" || format == "vLLM") model.set("protocolVersion", "v2");
}

void default_quantity(json::Value& resources, const char* kind, const char* name,
                      const std::string& value) {
  if (!value.empty() && resources[kind][name].is_null()) resources.ref(kind, name) = value;
}

void default_resources(json::Value& container, const Config& c) {
  if (!container["resources"].is_object()) container.set("resources", json::Object{});
  auto& r = container.ref("resources");
  default_quantity(r, "requests", "cpu", c.cpu_request);
  default_quantity(r, "requests", "memory", c.memory_request);
  default_quantity(r, "limits", "cpu", c.cpu_limit);
  default_quantity(r, "limits", "memory", c.memory_limit);
}

void default_component(json::Value& component, const Config& config) {
  auto& containers = component.ref("containers");
  if (containers.size() == 0) {
    component.erase("containers");
    return;
  }
  auto& list = containers.make_array();
  size_t model = 0;
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i]["name"].str() == kModelContainer) model = i;
  if (list[model]["name"].str().empty()) list[model].set("name", kModelContainer);
  default_resources(list[model], config);
}

}  // namespace

const std::vector<std::string_view>& legacy_frameworks() {
  static const std::vector<std::string_view> names{"sklearn",  "xgboost", "tensorflow",  "pytorch",
                                                   "triton",   "onnx",    "huggingface", "pmml",
                                                   "lightgbm", "paddle"};
  return names;
}

void default_inference_service(json::Value& isvc, const Config& config) {
  default_mode(isvc, config);
  if (!isvc["spec"]["predictor"].is_object()) return;
  auto& predictor = isvc.ref("spec", "predictor");
  const bool legacy = !predictor.has("model");
  framework_to_model(predictor);
  if (predictor["model"].is_object()) {
    auto& model = predictor.ref("model");
    const std::string format = model["modelFormat"]["name"].str();
    if (legacy && (format == "onnx" || format == "huggingface") && !model.has("protocolVersion"))
      model.set("protocolVersion", "v2");
    default_protocol(model);
    if (!model.has("name")) model.set("name", "");
    default_resources(model, config);
    if (!format.empty() && isvc["metadata"]["annotations"]["modelFormat"].str().empty())
      isvc.ref("metadata", "annotations", "modelFormat") = format;
  } else {
    default_component(predictor, config);
  }
  for (const char* name : {"transformer", "explainer"})
    if (isvc["spec"][name].is_object()) default_component(isvc.ref("spec", name), config);
}

}  // namespace proa::serving
