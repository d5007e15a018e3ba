// Knative Service: a Configuration and a Route of its name, and their conditions together. Pure but
// for the controller.
#pragma once

#include "client/controller.h"
#include "platform/knative/objects/objects.h"

namespace proa::knative {

json::Value service_configuration(const json::Value& service);
json::Value service_route(const json::Value& service);

// `configuration` and `route` may be null.
json::Value service_status(const json::Value& service, const Object& configuration,
                           const Object& route, WallTime now);

client::ControllerSpec service_controller(client::Client& client, Clock& clock);

}  // namespace proa::knative
