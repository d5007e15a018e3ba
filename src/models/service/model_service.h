// ModelService: the Service of one worker thread, over a Repository that all workers share.
//
//   face ──infer──▶ ModelService ──▶ Version's Model                    at once, or
//   face ──infer_later──▶ Batcher ──▶ Model ──▶ Call::done              where the model batches
//
// Loop thread only. Loop and repository must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "foundation/async/loop.h"
#include "models/protocols/service.h"
#include "models/protocols/tensor/rows.h"
#include "models/repository/repository.h"
#include "models/service/batcher.h"
#include "models/service/predict.h"

namespace proa::service {

struct ServiceOptions {
  Flavor flavor = Flavor::kKServe;
  std::string server_name = "kserve", server_version;
  BatchOptions batch;
  // TensorFlow Serving's version labels: of every model that has the version.
  std::vector<std::pair<std::string, std::string>> labels;
};

class ModelService : public protocols::Service {
 public:
  ModelService(async::Loop& loop, repository::Repository& repository, ServiceOptions options);
  ~ModelService() override;

  bool defers(std::string_view model, std::string_view version) override {
    return handling(model, version).later;
  }
  Handling handling(std::string_view model, std::string_view version) override;
  Status infer(const protocols::InferRequest& request, protocols::Workspace& work,
               protocols::InferResponse& out) override;
  void infer_later(std::unique_ptr<protocols::Call> call) override;
  int retry_after() const override { return 1; }

  bool live() const override { return true; }
  bool ready() const override;
  Result<bool> model_ready(std::string_view model, std::string_view version) override;
  protocols::ServerMetadata server_metadata() const override;
  Result<protocols::ModelMetadata> model_metadata(std::string_view model,
                                                  std::string_view version) override;
  std::vector<std::string> models() override;
  Result<std::vector<protocols::VersionState>> version_states(std::string_view model,
                                                              std::string_view version) override;
  Result<std::string> version_of(std::string_view model, std::string_view label) override;
  std::vector<protocols::IndexEntry> index(bool ready_only) override;
  void load(std::string_view model, Done done) override;
  void unload(std::string_view model, Done done) override;

  size_t waiting() const { return batcher_.size(); }  // requests; thread-safe
  void drain();  // not ready any more; what waits to be batched is predicted

 private:
  struct Found {
    const std::shared_ptr<const repository::Entry>* entry;
    const repository::Version* version;
  };
  void refresh();
  void count_request();
  Result<Found> find(std::string_view model, std::string_view version);
  BatchOptions batch_of(const repository::Entry& entry) const;
  Status run(const protocols::InferRequest& request, const Found& found,
             const protocols::Table& table, const Plan& plan, protocols::Workspace& work,
             protocols::InferResponse& out);
  void begin(const protocols::InferRequest& request, const Found& found, protocols::Workspace& work,
             protocols::InferResponse& out);
  // What a model of tensors is asked with.
  struct Ask {
    const inference::TensorModel* model = nullptr;
    Tensors in;
    std::span<const size_t> wanted;
    bool columnar = false;
  };
  Status read_tensors(const protocols::InferRequest& request, const Found& found,
                      const inference::TensorModel& whole, protocols::Workspace& work, Ask& out);
  Status run_tensors(const Found& found, const Ask& ask, protocols::Workspace& work,
                     protocols::InferResponse& out);
  Status read_later(protocols::Call& call, const Found& found, Waiting& out);
  bool busy() const;
  void alone(Waiting waiting);
  void answer_part(Waiting& waiting, std::span<const inference::Output> outputs);
  Flavor flavor_of(const repository::Entry& entry) const;

  async::Loop& loop_;
  repository::Repository& repository_;
  ServiceOptions options_;
  std::shared_ptr<const repository::Snapshot> snapshot_;
  uint64_t generation_ = 0;
  Ids ids_;
  protocols::TensorRowsReader tensor_rows_;
  Batcher batcher_;
  MonoTime turn_{};                     // the loop's turn of the last request
  int in_turn_ = 0, in_last_turn_ = 0;  // requests in it, and in the turn before
  bool draining_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::service
