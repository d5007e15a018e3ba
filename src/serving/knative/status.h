// The whole status of an InferenceService in Knative mode, from what was observed.
//
// Used by the controller, which writes it once a reconcile; pure. Conditions as KServe sets them:
// Ready = PredictorReady ∧ IngressReady, the others with severity Info. Where KServe leaves
// PredictorReady Unknown although the cause is known (no runtime, model not loadable), it is False
// here, with the cause as its message.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "serving/spec/config.h"

namespace proa::serving {

struct Observed {
  const json::Value* isvc = nullptr;     // as stored, with the status before
  const json::Value* knative = nullptr;  // the Knative Service; null if there is none
  std::vector<client::Object> pods;      // of the latest created revision
  bool ingress_made = false;             // the VirtualService is there
  std::string now;                       // RFC 3339
};

// Adds to `status`.
void running_status(const Observed& o, const Config& config, json::Value& status);

// The Knative Service is ready and its status is about its present spec.
bool predictor_ready(const json::Value* knative);

// status.components.predictor from the Knative Service's status, and what it was before; keeps
// track of which revision had all of the traffic last.
json::Value predictor_component(const json::Value& before, const json::Value& knative_status);

}  // namespace proa::serving
