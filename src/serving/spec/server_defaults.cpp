#include "serving/spec/server_defaults.h"

#include "serving/spec/config.h"

namespace proa::serving {
namespace {

std::string_view model_class(std::string_view format) {
  static constexpr std::pair<std::string_view, std::string_view> kClasses[] = {
      {"sklearn", "mlserver_sklearn.SKLearnModel"},
      {"xgboost", "mlserver_xgboost.XGBoostModel"},
      {"lightgbm", "mlserver_lightgbm.LightGBMModel"},
      {"catboost", "mlserver_catboost.CatboostModel"},
      {"mlflow", "mlserver_mlflow.MLflowRuntime"}};
  for (const auto& [name, type] : kClasses)
    if (name == format) return type;
  return "";
}

void put_first(json::Value& model, const json::Array& added) {
  json::Array env;
  for (const auto& e : added) {
    bool given = false;
    for (const auto& own : model["env"].array()) given |= own["name"].str() == e["name"].str();
    if (!given) env.push_back(e);
  }
  for (const auto& own : model["env"].array()) env.push_back(own);
  model.set("env", std::move(env));
}

json::Value env(const char* key, std::string_view value) {
  return json::object({{"name", key}, {"value", value}});
}

bool has_storage(const json::Value& isvc) {
  const auto& predictor = isvc["spec"]["predictor"];
  return predictor["model"].has("storageUri") || predictor["model"].has("storage") ||
         predictor["storageUris"].size() > 0;
}

void mlserver(json::Value& isvc) {
  const std::string name = isvc["metadata"]["name"].str();
  const auto& predictor = isvc["spec"]["predictor"];
  json::Array added;
  if (has_storage(isvc)) {
    added = {env("MLSERVER_MODEL_NAME", name), env("MLSERVER_MODEL_URI", kModelPath)};
  } else {
    added = {env("MLSERVER_LOAD_MODELS_AT_STARTUP", "false")};
  }
  const std::string_view type = model_class(predictor["model"]["modelFormat"]["name"].str());
  put_first(isvc.ref("spec", "predictor", "model"), added);
  if (!type.empty()) isvc.ref("metadata", "labels", "modelClass") = type;
}

void torchserve(json::Value& isvc) {
  json::Value& model = isvc.ref("spec", "predictor", "model");
  const std::string protocol = model["protocolVersion"].str_or("v1");
  const bool second = protocol == "v2" || protocol == "grpc-v2";
  isvc.ref("metadata", "labels", "serviceEnvelope") = second ? "kservev2" : "kserve";
  model.ref("env").push(env("PROTOCOL_VERSION", protocol));
}

void triton(json::Value& isvc) {
  if (!has_storage(isvc))
    isvc.ref("spec", "predictor", "model", "args").push("--model-control-mode=explicit");
}

}  // namespace

json::Value with_server_defaults(json::Value isvc, std::string_view runtime) {
  const auto& model = isvc["spec"]["predictor"]["model"];
  if (!model.is_object()) return isvc;
  // A Revision has one port, which says how its pods are spoken to: gRPC needs HTTP/2 on it.
  if (model["protocolVersion"].str().starts_with("grpc-") && model["ports"].size() == 0)
    isvc.ref("spec", "predictor", "model", "ports") = json::array(
        {json::object({{"name", "h2c"}, {"containerPort", 8080}, {"protocol", "TCP"}})});
  if (runtime == "kserve-mlserver") mlserver(isvc);
  if (runtime == "kserve-torchserve") torchserve(isvc);
  if (runtime == "kserve-tritonserver") triton(isvc);
  return isvc;
}

}  // namespace proa::serving
