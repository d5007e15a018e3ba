// What is to be made of an InferenceService in Knative mode: the Knative Service of its predictor,
// the ExternalName Service and the VirtualService of its own name.
//
// Used by the controller; pure: same input, same objects. Every object carries name, namespace and
// the ownerReference. Errors: kInvalid with a message for the user.
#pragma once

#include <string>
#include <string_view>

#include "serving/spec/config.h"
#include "serving/spec/runtime.h"

namespace proa::serving {

std::string predictor_name(const json::Value& isvc);  // "x-predictor"

// `runtime` is null for a custom predictor (containers of its own). `rolled_out` is the revision
// that last had all of the traffic, "" if none: a canary's traffic is split with it.
Result<json::Value> plan_knative_service(const json::Value& isvc, const SelectedRuntime* runtime,
                                         std::string_view rolled_out, const Config& config);
json::Value plan_service(const json::Value& isvc, const Config& config);

// external_host "" when the service is only for the cluster.
Result<json::Value> plan_virtual_service(const json::Value& isvc, std::string_view external_host,
                                         const Config& config);

// The InferenceService's own host, from its Knative Service's URL:
// "http://x-predictor.ns.example.com" → "x.ns.example.com"; "" if that URL is only for the cluster.
std::string external_host(const json::Value& isvc, std::string_view predictor_url,
                          const Config& config);

// Where it is reached from outside and from within the cluster, once it is ready.
struct Urls {
  std::string url, address;
};
Result<Urls> knative_urls(const json::Value& isvc, std::string_view predictor_url,
                          const Config& config);

}  // namespace proa::serving
