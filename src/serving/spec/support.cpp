#include "serving/spec/support.h"

#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

Refusal later(std::string what, std::string_view next = "") {
  return {"InvalidPredictorSpec", str(what, " is not supported yet"),
          str(what, " is not supported by this version", next)};
}

std::optional<Refusal> unsupported_predictor(const json::Value& predictor,
                                             const std::string& where) {
  for (const char* f : {"logger", "workerSpec"})
    if (predictor[f].is_object()) return later(str(where, ".", f));
  if (!predictor["storageContainerName"].str().empty())
    return later(str(where, ".storageContainerName"));
  if (predictor["batcher"].is_object() && !predictor["model"].is_object())
    return later(str(where, ".batcher for a custom predictor"));
  if (!predictor["model"]["storage"]["schemaPath"].str().empty())
    return later(str(where, ".model.storage.schemaPath"));
  if (predictor["model"]["confidential"]["enabled"].boolean())
    return later(str(where, ".model.confidential"));
  if (!predictor["model"].is_object() && predictor["containers"].size() == 0)
    return Refusal{"InvalidPredictorSpec", str(where, " names no model"),
                   str(where, " has neither model nor containers")};
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> unsupported(const json::Value& isvc, const Config& config) {
  const auto mode = deployment_mode(isvc, config);
  const auto& spec = isvc["spec"];
  if (mode != "Knative" && mode != "Standard")
    return later(str("deployment mode ", mode),
                 str("; set annotation ", kModeAnnotation, " to Knative or Standard"));
  for (const char* c : {"transformer", "explainer"})
    if (spec[c].is_object()) return later(str("spec.", c));
  if (auto refused = unsupported_predictor(spec["predictor"], "spec.predictor")) return refused;
  for (size_t i = 0; i < spec["canary"].size(); ++i)
    if (auto refused = unsupported_predictor(spec["canary"][i]["predictor"],
                                             str("spec.canary[", i, "].predictor")))
      return refused;
  if (mode == "Knative" && spec["predictor"]["autoScaling"].is_object())
    return later("spec.predictor.autoScaling in Knative mode",
                 "; use scaleMetric, or Standard mode");
  if (isvc["metadata"]["annotations"][kAutoscalerAnnotation].str() == "keda")
    return later(str("annotation ", kAutoscalerAnnotation, ": keda"),
                 "; minReplicas: 0 scales to zero without it");
  return std::nullopt;
}

std::vector<std::string> without_effect(const json::Value& isvc) {
  std::vector<std::string> out;
  const auto& annotations = isvc["metadata"]["annotations"];
  const auto& predictor = isvc["spec"]["predictor"];
  const bool standard = canonical_mode(annotations[kModeAnnotation].str()) == "Standard";
  const auto say = [&](std::string what) { out.push_back(what + " has no effect"); };
  for (const char* a :
       {"serving.kserve.io/disable-auto-update", "serving.kserve.io/enable-metric-aggregation"})
    if (annotations[a].str() == "true") say(str("annotation ", a));
  if (!annotations["serving.kserve.io/gke-accelerator"].str().empty())
    say("annotation serving.kserve.io/gke-accelerator");
  if (!standard && !predictor["scaleMetricType"].str().empty())
    say("spec.predictor.scaleMetricType in Knative mode");
  if (!standard && !predictor["name"].str().empty()) say("spec.predictor.name in Knative mode");
  if (standard && predictor["minReplicas"].is_int() && predictor["minReplicas"].integer() == 0) {
    const auto& metric = predictor["scaleMetric"].str();
    if (metric == "cpu" || metric == "memory" || predictor["autoScaling"].is_object())
      out.push_back(str("with minReplicas: 0 the number of pods follows the requests in hand; ",
                        metric.empty() ? "spec.predictor.autoScaling" : "scaleMetric " + metric,
                        " has no effect"));
  }
  if (standard && !predictor["timeout"].is_null())
    out.push_back("spec.predictor.timeout in Standard mode reaches HTTPRoutes only");
  if (standard && !predictor["containerConcurrency"].is_null() &&
      predictor["minReplicas"].integer(1) > 0)
    say("spec.predictor.containerConcurrency in Standard mode with minReplicas above 0");
  return out;
}

}  // namespace proa::serving
