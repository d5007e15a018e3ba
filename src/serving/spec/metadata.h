// Names, labels and annotations of what is made of an InferenceService.
//
// Used by the planners of both modes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serving/spec/config.h"
#include "serving/spec/runtime.h"

namespace proa::serving {

const std::string& name_of(const json::Value& object);
const std::string& namespace_of(const json::Value& object);

json::Value without(const json::Value& map, const std::vector<std::string>& disallowed);
void add_all(json::Value& to, const json::Value& from);

// name, namespace and the ownerReference to `isvc`.
json::Value metadata_for(const json::Value& isvc, std::string name);

// The InferenceService's labels that go on, with `component` and its name.
json::Value own_labels(const json::Value& isvc, const Config& config);

// By the label of KServe or Knative, or because the cluster has no other domain.
bool cluster_local(const json::Value& isvc, const Config& config);

// Of a predictor: those of the runtime, the InferenceService and the component, and what tells the
// pod mutator where the model is and whether requests are batched.
struct Marks {
  json::Value labels, annotations;
};
// `runtime` may be null. Errors: kInvalid, a storage URI that is not supported.
Result<Marks> predictor_marks(const json::Value& isvc, const SelectedRuntime* runtime,
                              const Config& config);

// The domain template for a name of this InferenceService: "x-ns.example.com".
// Errors: kInvalid naming the placeholder.
Result<std::string> domain_name(const json::Value& isvc, std::string_view name,
                                const Config& config);
// The path template: "/serving/ns/x" without a slash at its end; "" if there is no template.
Result<std::string> url_path(const json::Value& isvc, const Config& config);

}  // namespace proa::serving
