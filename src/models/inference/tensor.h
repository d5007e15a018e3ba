// Tensors of any rank and datatype, by name: what models of networks take and give, where a Table
// of rows is too little. TensorModel is the Model that answers to them.
//
// Used by the engines of ONNX, OpenVINO and the like, by the protocols' readers and writers of
// tensors, and by ModelService. Views only: the memory belongs to the request, to a Workspace or to
// the model.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "models/inference/model.h"

namespace proa::inference {

struct Tensor {
  std::string_view name;
  DataType type = DataType::kFp32;
  std::span<const int64_t> shape;
  // Row-major, little-endian, each element size_of(type) bytes and aligned to that; BYTES: an array
  // of std::string_view.
  const void* data = nullptr;
  size_t count = 0;  // elements

  std::span<const std::string_view> texts() const {
    return {static_cast<const std::string_view*>(data), count};
  }
};

inline constexpr std::string_view kDefaultSignature = "serving_default";

std::string shape_text(std::span<const int64_t> shape);  // "[-1, 4]"
// Whether a tensor of this shape may be given where `info` stands.
bool fits(std::span<const int64_t> shape, const TensorInfo& info);
// kInvalid, naming the input and both shapes, where it may not.
Status check_shape(std::span<const int64_t> shape, const TensorInfo& info);

class TensorModel : public Model {
 public:
  const TensorModel* tensors() const final { return this; }
  Status predict(const Table& in, Method method, Workspace& work, Output& out) const override;
  // `in`: one for each of info().inputs, in their order, of their types and shapes. `wanted`:
  // places in info().outputs; `out`: as many. What `out` views is `work`'s or the model's: valid
  // until work.reset(). Thread-safe.
  virtual Status infer(std::span<const Tensor> in, std::span<const size_t> wanted, Workspace& work,
                       std::span<Tensor> out) const = 0;
  // The model behind one of its signatures, which lives as long as this; "" and "serving_default":
  // this. kInvalid names one that the model lacks. May load it, so may take long the first time.
  virtual Result<const TensorModel*> signature(std::string_view name) const;
};

}  // namespace proa::inference
