// The autoscaler of one Deployment in Standard mode.
//
// Used by plan.cpp; pure. A HorizontalPodAutoscaler as KServe makes it; with minReplicas 0 a
// PodAutoscaler, which also scales to zero and from it; none for the classes external and none.
#pragma once

#include "foundation/json/value.h"

namespace proa::serving::standard {

bool scales_to_zero(const json::Value& isvc);
// Nobody but the InferenceService's author says how many pods there are.
bool fixed_scale(const json::Value& isvc);

// apiVersion, kind and spec of the object, for the Deployment of this name; null for none. `marks`
// are the annotations that it will have, to which a PodAutoscaler's are added.
json::Value plan_autoscaler(const json::Value& isvc, const std::string& deployment, bool http2,
                            json::Value& annotations);

}  // namespace proa::serving::standard
