// Messages of tensorflow.serving: what names a model, requests to predict, and answers.
//
// Used by TensorflowServing. Results view the message and the Workspace. Pure.
#pragma once

#include <optional>
#include <string>

#include "foundation/grpc/wire.h"
#include "models/protocols/service.h"
#include "models/protocols/tfserving/examples.h"

namespace proa::protocols {

struct ModelSpec {
  std::string_view name, signature, label;
  std::optional<int64_t> version;
};
// The field `field` of `message`; kInvalid where it is missing or names no model.
Status read_model_spec(std::string_view message, uint32_t field, ModelSpec& out);

// PredictRequest's inputs and output_filter. `out.model` and the like are left alone.
Status read_predict_request(std::string_view message, Workspace& work, InferRequest& out);

// What answers a request: the version as TensorFlow Serving has it, a number, where it is one.
void append_model_spec(grpc::Writer& w, uint32_t field, const InferResponse& response,
                       std::string_view signature);
void append_predict_response(const InferResponse& response, std::string_view signature,
                             Workspace& work, std::string& out);
void append_classes(const Classes& classes, std::string& out);  // ClassificationResponse.result
void append_values(std::span<const float> values, std::string& out);  // RegressionResponse.result

// The model's signatures; of one that has none, its inputs and outputs as "serving_default".
std::vector<inference::Signature> signatures_of(const ModelMetadata& model);
// SignatureDefMap.
void append_signatures(const std::vector<inference::Signature>& signatures, std::string& out);

// A version as a number: TensorFlow Serving has no models without; they are 1.
int64_t version_number(std::string_view version);

}  // namespace proa::protocols
