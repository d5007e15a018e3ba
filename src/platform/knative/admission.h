// Defaults and validation of Knative's objects, as its webhooks do them. Pure; for the API server's
// admission, wired by app/. Errors are kInvalid and read "validation failed: …" with the field's
// path.
#pragma once

#include "foundation/json/value.h"
#include "platform/knative/scaling/scaling_config.h"

namespace proa::knative {

void default_service(json::Value& service);
void default_configuration(json::Value& configuration);
void default_revision(json::Value& revision);
void default_route(json::Value& route);

Status validate_service(const json::Value& service, const json::Value* old = nullptr,
                        const AutoscalerConfig& config = {});
Status validate_configuration(const json::Value& configuration, const json::Value* old = nullptr,
                              const AutoscalerConfig& config = {});
Status validate_revision(const json::Value& revision, const json::Value* old = nullptr,
                         const AutoscalerConfig& config = {});
Status validate_route(const json::Value& route);

}  // namespace proa::knative
