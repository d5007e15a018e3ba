// The engine of OpenVINO's formats: its own IR (.xml with .bin), TensorFlow's SavedModel and frozen
// graphs (.pb), TensorFlow Lite (.tflite), Paddle (.pdmodel with .pdiparams); ONNX, where it is
// asked for by name. OpenVINO is loaded when the first model needs it. Thread-safe.
#pragma once

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& openvino_engine();

}  // namespace proa::engines
