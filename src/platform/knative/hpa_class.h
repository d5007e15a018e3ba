// The class hpa.autoscaling.knative.dev: a PodAutoscaler that a HorizontalPodAutoscaler of its name
// carries out, by cpu or memory. What it makes and its status are pure.
#pragma once

#include "client/controller.h"
#include "platform/knative/objects/objects.h"
#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

json::Value hpa_of(const json::Value& autoscaler, const AutoscalerConfig& config);

// `hpa` and `deployment` may be null.
json::Value hpa_class_status(const json::Value& autoscaler, const Object& hpa,
                             const Object& deployment, WallTime now);

client::ControllerSpec hpa_class_controller(client::Client& client, Clock& clock);

}  // namespace proa::knative
