// The engine of ONNX models (.onnx): ONNX Runtime, loaded when the first model needs it; all of its
// operators, ai.onnx.ml among them. Used by the model server. Thread-safe.
#pragma once

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& onnx_engine();

}  // namespace proa::engines
