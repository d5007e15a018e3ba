// The messages of inference.GRPCInferenceService as a .proto text, for server reflection: the Open
// Inference Protocol with KServe's and Triton's model repository extension.
#pragma once

namespace proa::protocols {

extern const char* const kInferenceProto;

}  // namespace proa::protocols
