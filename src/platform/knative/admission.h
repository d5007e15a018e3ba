// Defaults and validation of Knative's objects, as its webhooks do them. Pure; for the API server's
// admission, wired by app/. Errors are kInvalid and read as the webhook's: "validation failed: …"
// with the field's path.
#pragma once

#include <string>

#include "foundation/json/value.h"
#include "platform/knative/scaling/scaling_config.h"
#include "platform/knative/settings/settings.h"

namespace proa::knative {

// What the ConfigMaps say to it.
struct Policy {
  AutoscalerConfig scaling;
  Defaults defaults;
  Features features;
};

void default_service(json::Value& service, const Policy& policy = {});
void default_configuration(json::Value& configuration, const Policy& policy = {});
void default_revision(json::Value& revision, const Policy& policy = {});
void default_route(json::Value& route, const Policy& policy = {});

Status validate_service(const json::Value& service, const json::Value* old = nullptr,
                        const Policy& policy = {});
Status validate_configuration(const json::Value& configuration, const json::Value* old = nullptr,
                              const Policy& policy = {});
Status validate_revision(const json::Value& revision, const json::Value* old = nullptr,
                         const Policy& policy = {});
Status validate_route(const json::Value& route, const json::Value* old = nullptr,
                      const Policy& policy = {});

// A PodAutoscaler: what it scales, and its annotations.
Status validate_autoscaler(const json::Value& autoscaler, const json::Value* old = nullptr,
                           const Policy& policy = {});

// A RevisionSpec at `path`: containers, ports, volumes, probes, limits.
Status check_revision_spec(const json::Value& spec, const std::string& path, const Policy& policy);

// "validation failed: TEXT", as the webhook denies it.
Error refusal(std::string text);

}  // namespace proa::knative
