// The signature of an MLflow model: what goes in and what comes out. Private to this folder.
#pragma once

#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "foundation/json/value.h"
#include "models/inference/model.h"

namespace proa::engines {

struct Signature {
  std::vector<inference::TensorInfo> inputs, outputs;
  bool has_columns = false;    // the inputs are named columns of a table, not tensors
  std::vector<bool> required;  // one for each of inputs
};

// Of MLmodel's "signature": texts of JSON. kInvalid for one that is none.
Result<Signature> read_signature(const json::Value& signature);

}  // namespace proa::engines
