// What is to be made of an InferenceService in Standard mode: a Deployment, its Service and its
// autoscaler, once for each variant of the predictor.
//
// Used by the controller; pure: same input, same objects. routes.h plans how requests get there,
// rollout.h which variants there are.
#pragma once

#include <string>
#include <string_view>

#include "serving/spec/config.h"
#include "serving/spec/runtime.h"

namespace proa::serving::standard {

// Of what the Deployment's template was made; a changed value is a new rollout.
inline constexpr std::string_view kTemplateAnnotation = "serving.proa.dev/template";
// On a Service: the PodAutoscaler that is to be told of requests which find no pod.
inline constexpr std::string_view kActivatorAnnotation = "autoscaling.proa.dev/pod-autoscaler";

// One Deployment with its Service. `isvc` has the variant's predictor as its spec.predictor.
struct Variant {
  std::string name;  // of all its objects
  json::Value isvc;
  const SelectedRuntime* runtime = nullptr;  // null for a custom predictor
  int64_t replicas = -1;  // a fixed number, without autoscaler; -1: as the spec says
};

struct VariantPlan {
  json::Value deployment, service;
  json::Value autoscaler;   // HorizontalPodAutoscaler, PodAutoscaler or null
  std::string fingerprint;  // of the template
};

// "x-predictor", or "x-NAME-predictor" for a predictor with a name.
std::string variant_name(const json::Value& isvc, const json::Value& predictor);

// Errors: kInvalid with a message for the user.
Result<VariantPlan> plan_variant(const Variant& variant, const Config& config);

// The Service's own address: "http://x-predictor.ns.svc.cluster.local"; a headless one needs the
// pods' port.
std::string service_url(const json::Value& isvc, std::string_view service, const Config& config);

}  // namespace proa::serving::standard
