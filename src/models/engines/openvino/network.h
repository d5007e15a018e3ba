// One model that OpenVINO compiled for the CPU. Private to this folder. Shared by threads: each
// prediction takes one of the inference requests that are kept, or makes one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/engines/openvino/api.h"
#include "models/inference/tensor.h"

namespace proa::openvino {

// What all models of the process share.
struct Runtime {
  Api api;
  OvCore* core = nullptr;

  Runtime() = default;
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();
  static Result<std::shared_ptr<const Runtime>> make();
};

class Network : public inference::TensorModel {
 public:
  static Result<std::unique_ptr<inference::Model>> load(std::shared_ptr<const Runtime> runtime,
                                                        const std::string& file,
                                                        const inference::LoadOptions& options);
  ~Network() override;
  const inference::ModelInfo& info() const override { return info_; }
  Status infer(std::span<const inference::Tensor> in, std::span<const size_t> wanted,
               inference::Workspace& work, std::span<inference::Tensor> out) const override;
  // Others than the default of a SavedModel are compiled when the first request asks for them.
  Result<const inference::TensorModel*> signature(std::string_view name) const override;

 private:
  explicit Network(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}
  static Result<std::unique_ptr<Network>> make(std::shared_ptr<const Runtime> runtime,
                                               const std::string& file,
                                               const inference::LoadOptions& options,
                                               const inference::Signature* signature);
  Status open(const std::string& path, size_t threads);
  Status describe(const OvModel* model);
  Result<inference::TensorInfo> describe_port(const OvPort* port, std::string other_name) const;
  Result<OvRequest*> take() const;
  void give_back(OvRequest* request) const;
  Status run(OvRequest* request, std::span<const inference::Tensor> in) const;
  Status read(OvRequest* request, size_t index, inference::Workspace& work,
              inference::Tensor& out) const;

  std::shared_ptr<const Runtime> runtime_;
  OvCompiled* compiled_ = nullptr;
  inference::ModelInfo info_;
  mutable std::mutex mutex_;
  mutable std::vector<OvRequest*> idle_;  // guarded by mutex_
  std::string file_;
  inference::LoadOptions options_;
  mutable std::mutex others_mutex_;
  struct Other {
    std::unique_ptr<Network> network;
    std::string refusal;  // why there is none
  };
  mutable std::map<std::string, Other> others_;  // guarded by others_mutex_
};

}  // namespace proa::openvino
