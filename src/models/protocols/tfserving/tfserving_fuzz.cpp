#include "models/protocols/tfserving/messages.h"
#include "models/protocols/tfserving/tensor_proto.h"

using namespace proa::protocols;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Workspace work;
  ModelSpec spec;
  (void)read_model_spec(bytes, 1, spec);
  InferRequest request;
  (void)read_predict_request(bytes, work, request);
  work.reset();
  Examples examples;
  if (!read_examples(proa::grpc::Reader(bytes), examples).ok()) return 0;
  std::vector<proa::inference::TensorInfo> inputs = {{"a", DataType::kFp32, {-1, -1}},
                                                     {"b", DataType::kBytes, {-1}},
                                                     {"c", DataType::kInt64, {-1, 1}}};
  std::span<const InputTensor> made;
  (void)to_inputs(examples, inputs, work, made);
  return 0;
}
