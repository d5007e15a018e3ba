// What TensorFlow Serving's Classify and Regress take and give: examples, which are named features,
// as tensors of a model, and scores and labels from its outputs. For gRPC and REST.
//
// The features become the inputs of their names, a row for each example, of the type and width that
// the model asks for; what the context has, all examples have. Results view the request, the
// Workspace and the response. Pure.
#pragma once

#include <string>
#include <vector>

#include "foundation/grpc/wire.h"
#include "foundation/json/value.h"
#include "models/inference/tensor.h"
#include "models/protocols/service.h"

namespace proa::protocols {

inline constexpr size_t kMostExamples = 65536;
inline constexpr size_t kMostFeatures = size_t{1} << 20;  // of all examples together

struct Feature {
  std::string_view name;
  enum class Kind : uint8_t { kNone, kTexts, kReals, kIntegers } kind = Kind::kNone;
  std::vector<std::string_view> texts;
  std::vector<double> reals;
  std::vector<int64_t> integers;
  size_t count() const { return texts.size() + reals.size() + integers.size(); }
};
using Example = std::vector<Feature>;

struct Examples {
  std::vector<Example> rows;
  Example context;
};

// tensorflow.serving.Input.
Status read_examples(grpc::Reader input, Examples& out);
// {"examples": [{"x": 1.5, "y": ["a", {"b64": "…"}]}, …], "context": {…}}
Status read_examples(const json::Value& body, Workspace& work, Examples& out);

// The inputs of one of the model's signatures, "" for the default.
Result<std::vector<inference::TensorInfo>> inputs_of(const ModelMetadata& model,
                                                     std::string_view signature);
Status to_inputs(const Examples& examples, const std::vector<inference::TensorInfo>& inputs,
                 Workspace& work, std::span<const InputTensor>& out);

struct Scored {
  std::string_view label;
  float score = 0;
};
// `width` of them for each of `rows`: the outputs "classes" and "scores", or the only one of
// floats.
struct Classes {
  size_t rows = 0, width = 0;
  std::span<const Scored> all;
};
Result<Classes> classes_of(const InferResponse& response, size_t rows, Workspace& work);
// One for each row: the output "outputs", or the only one of numbers.
Result<std::span<const float>> values_of(const InferResponse& response, size_t rows,
                                         Workspace& work);

}  // namespace proa::protocols
