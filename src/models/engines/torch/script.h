// One TorchScript model that libtorch runs. Private to this folder. Shared by threads.
#pragma once

#include <memory>
#include <string>

#include "models/engines/torch/abi.h"
#include "models/inference/tensor.h"

namespace proa::torch {

// What all models of the process share.
struct Runtime {
  const torch_abi::Api* api = nullptr;
  static Result<std::shared_ptr<const Runtime>> make();
};

// A file, or the bytes of one that lies in an archive.
struct Source {
  std::string path, bytes;
  bool archive = false;
};

class Script : public inference::TensorModel {
 public:
  static Result<std::unique_ptr<inference::Model>> load(std::shared_ptr<const Runtime> runtime,
                                                        const Source& source,
                                                        const inference::LoadOptions& options);
  ~Script() override;
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(std::span<const inference::Tensor> in, std::span<const size_t> wanted,
               inference::Workspace& work, std::span<inference::Tensor> out) const override;

 private:
  explicit Script(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}
  void describe(const Source& source);
  Status read(const torch_abi::Tensor& from, size_t place, inference::Workspace& work,
              inference::Tensor& out) const;

  std::shared_ptr<const Runtime> runtime_;
  const torch_abi::Model* model_ = nullptr;
  inference::ModelInfo info_;
};

}  // namespace proa::torch
