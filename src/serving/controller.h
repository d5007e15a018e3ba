// The InferenceService controller, as KServe's in Knative mode.
//
//   InferenceService x → Service x (ExternalName), Knative Service x-predictor, VirtualService x
//   (once the predictor is ready), finalizer, status, events
//
// Level-based: a reconcile reads everything it decides on and writes the status at most once. Runs
// on the controllers' loop. Deleting is left to the owner references.
#pragma once

#include "client/client.h"
#include "client/controller.h"
#include "foundation/base/clock.h"
#include "serving/spec/config.h"

namespace proa::serving {

// Both must outlive the controller host that runs the spec.
client::ControllerSpec inference_service_controller(client::Client& client, Clock& clock);

// The Config as the ConfigMap says now; the defaults if there is none. Errors: parse_config's.
Result<Config> current_config(const client::Client& client);

}  // namespace proa::serving
