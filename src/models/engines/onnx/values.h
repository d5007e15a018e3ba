// Between Tensors and ONNX Runtime's values. Private to this folder. Thread-safe.
#pragma once

#include <optional>
#include <span>

#include "models/engines/onnx/session.h"

namespace proa::onnx {

std::optional<inference::DataType> data_type_of(int element_type);
int element_type_of(inference::DataType type);

// A value owned by the library, released with this.
class Value {
 public:
  Value(const Api& api, OrtValue* value) : api_(api), value_(value) {}
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() {
    if (value_) api_.ReleaseValue(value_);
  }
  OrtValue* get() const { return value_; }

 private:
  const Api& api_;
  OrtValue* value_;
};

// Numbers stay where they are, texts are copied.
Status make_value(const Runtime& runtime, const inference::Tensor& in, inference::Workspace& work,
                  OrtValue*& out);
// A copy in `work`: a tensor as it is; a sequence of maps, which classifiers give for each row a
// value by label, as a matrix [rows, labels], the labels in the maps' order.
Status read_value(const Runtime& runtime, const OrtValue* value, inference::Workspace& work,
                  inference::Tensor& out);

}  // namespace proa::onnx
