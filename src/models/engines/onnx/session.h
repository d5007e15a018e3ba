// One loaded ONNX model. Private to this folder. Immutable; shared by threads: a session of ONNX
// Runtime may be run by several at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/engines/onnx/api.h"
#include "models/inference/tensor.h"

namespace proa::onnx {

// What all sessions of the process share.
struct Runtime {
  Api api;
  OrtEnv* env = nullptr;
  OrtMemoryInfo* memory = nullptr;
  OrtAllocator* allocator = nullptr;  // the library's own

  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();
  static Result<std::shared_ptr<const Runtime>> make();
};

class OnnxModel : public inference::TensorModel {
 public:
  static Result<std::unique_ptr<inference::Model>> load(std::shared_ptr<const Runtime> runtime,
                                                        const std::string& file,
                                                        const inference::LoadOptions& options);
  ~OnnxModel() override;
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(std::span<const inference::Tensor> in, std::span<const size_t> wanted,
               inference::Workspace& work, std::span<inference::Tensor> out) const override;

 private:
  explicit OnnxModel(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}
  Status open(const std::string& file, const inference::LoadOptions& options);
  Status describe();
  Result<inference::TensorInfo> describe_one(size_t i, bool output) const;
  Status describe_type(const OrtTypeInfo* type, inference::TensorInfo& out) const;
  Status describe_maps(const OrtTypeInfo* type, bool sequence, inference::TensorInfo& out) const;

  std::shared_ptr<const Runtime> runtime_;
  OrtSession* session_ = nullptr;
  inference::ModelInfo info_;
  std::vector<const char*> input_names_;  // into info_
};

}  // namespace proa::onnx
