// One request and one answer for every protocol: V1 REST, V2 REST and V2 gRPC are faces of these.
//
// Faces fill an InferRequest with views into what they received and into a Workspace; Service
// (service.h) makes an InferResponse of it, whose views are the Workspace's, the model's or the
// request's. Nothing here owns memory. See service.h for how long views live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "foundation/base/clock.h"
#include "models/inference/datatype.h"
#include "models/inference/model.h"
#include "models/inference/values.h"
#include "models/inference/workspace.h"

namespace proa::metrics {
class Histogram;
}
namespace proa::inference {
struct Tensor;
}

namespace proa::protocols {

using inference::DataType;
using inference::Method;
using inference::Table;
using inference::Values;
using inference::Workspace;

inline constexpr size_t kMostInputs = 4096;               // tensors of a request
inline constexpr size_t kMostParameters = 256;            // of a request, of a tensor
inline constexpr size_t kMostRank = 16;                   // of a shape
inline constexpr size_t kMostElements = size_t{1} << 28;  // of a tensor

// A parameter of a request, a tensor or an answer.
struct Parameter {
  enum class Kind : uint8_t { kBool, kInt64, kUint64, kDouble, kText };
  std::string_view name;
  Kind kind = Kind::kText;
  int64_t integer = 0;    // kInt64; kBool: 0 or 1
  uint64_t natural = 0;   // kUint64
  double number = 0;      // kDouble
  std::string_view text;  // kText
};
const Parameter* find(std::span<const Parameter> parameters, std::string_view name);

// The elements of a tensor, row-major, as they arrived.
struct Contents {
  enum class Kind : uint8_t {
    kNone,
    kRaw,      // bytes: little-endian elements; BYTES: each behind its length (uint32)
    kBools,    // bool
    kInt32s,   // int32_t  (INT8, INT16, INT32)
    kInt64s,   // int64_t
    kUint32s,  // uint32_t (UINT8, UINT16, UINT32)
    kUint64s,  // uint64_t
    kFloats,   // float
    kDoubles,  // double: what a JSON request's numbers are parsed into, for every number type
    kTexts,    // std::string_view
    kCells,    // inference::Cell: JSON data that mix texts, numbers and null
  };
  Kind kind = Kind::kNone;
  const void* data = nullptr;  // kRaw: any alignment; else that of the element
  size_t count = 0;            // elements; kRaw: bytes
  bool whole = true;           // kDoubles: no element has a fraction

  static Contents raw(std::string_view bytes) { return {Kind::kRaw, bytes.data(), bytes.size()}; }
};

struct InputTensor {
  std::string_view name;
  DataType type = DataType::kFp64;
  std::span<const int64_t> shape;
  Contents contents;
  std::span<const Parameter> parameters;
};

struct OutputRequest {
  std::string_view name;
  std::span<const Parameter> parameters;
};

struct InferRequest {
  std::string_view model, version, id;  // version "": as the model's version policy says
  std::span<const Parameter> parameters;
  std::span<const InputTensor> inputs;
  std::span<const OutputRequest> outputs;  // empty: all
  const Table* rows = nullptr;             // V1: the rows themselves, instead of `inputs`
  std::string_view body;  // V1 to a model of tensors: the body, which is read by what it takes
  std::string_view signature;  // of a model of TensorFlow; "": its default
};

struct OutputTensor {
  std::string_view name;
  Values values;  // type, shape and elements
  std::span<const Parameter> parameters;
  const OutputRequest* request = nullptr;  // what asked for it; null if nothing did
};

// KServe's histograms of one model, by stage. Service measures predict, faces the others.
struct StageMetrics {
  metrics::Histogram *preprocess = nullptr, *predict = nullptr, *postprocess = nullptr,
                     *explain = nullptr;
};

struct InferResponse {
  std::string_view model, version, id;  // id: the request's, or a new one where it had none
  std::span<const Parameter> parameters;
  std::span<const OutputTensor> outputs;
  std::span<const inference::Tensor> tensors;  // of a model of tensors, instead of `outputs`
  bool columnar = false;  // V1 as TensorFlow Serving answers to "inputs": whole, as "outputs"
  const StageMetrics* stages = nullptr;  // set, also with an error, once the model is known
  // When all was ready for the model (to be asked, or to wait in a batch), and when it had
  // answered: the ends of preprocessing and of prediction. Set where status is ok.
  MonoTime asked{}, answered{};
};

}  // namespace proa::protocols
