// The engine of PyTorch's files: TorchScript (.pt, .pth, .torchscript) and TorchServe's model
// archives
// (.mar) that hold it. libtorch, in the plug-in libproa-torch.so, is loaded when the first model
// needs it; ./dev engines torch installs it. Thread-safe.
//
// A TorchScript file is a program, not only data: it is to be served inside of a pod's sandbox.
#pragma once

#include "models/inference/model.h"

namespace proa::engines {

const inference::Engine& torch_engine();

}  // namespace proa::engines
