// Triton's ensembles: models chained by named tensors, as one model of tensors. A model of rows may
// be a step too: its numbers become what the next one takes.
//
// Made by the repository of models that are loaded already; it holds them, so that they outlive a
// reload until it is made anew. Immutable; shared by threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/inference/tensor.h"

namespace proa::repository {

struct Version;

using NameMap = std::vector<std::pair<std::string, std::string>>;  // model's name, ensemble's name
struct EnsembleStep {
  std::string model, version;  // version "": the model's default
  NameMap inputs, outputs;
};
struct EnsembleConfig {
  std::vector<inference::TensorInfo> inputs, outputs;
  std::vector<EnsembleStep> steps;
};

// The version of a model, null if it is not loaded.
using VersionOf = std::function<std::shared_ptr<const Version>(const std::string& model,
                                                               const std::string& version)>;

class Ensemble : public inference::TensorModel {
 public:
  // kInvalid names what does not fit: a name that nothing gives, a tensor that is given twice,
  // steps that wait for each other, types; kNotFound a model that is not loaded.
  static Result<std::unique_ptr<const inference::Model>> make(const std::string& name,
                                                              const EnsembleConfig& config,
                                                              const VersionOf& version_of);
  const inference::ModelInfo& info() const override { return info_; }
  // Whether its steps are these versions still.
  bool is_made_of(const VersionOf& version_of) const;
  // Whether it, or an ensemble in it, has a model of this name as a step.
  bool uses(const std::string& model) const;
  Status infer(std::span<const inference::Tensor> in, std::span<const size_t> wanted,
               inference::Workspace& work, std::span<inference::Tensor> out) const override;

 private:
  struct Step {
    std::string model, wanted_version;
    std::shared_ptr<const Version> version;
    const inference::TensorModel* tensors = nullptr;
    std::shared_ptr<const inference::TensorModel> rows;  // what makes tensors of a model of rows
    std::vector<size_t> from;                            // for each input of the model: a tensor
    std::vector<size_t> wanted;                          // places in the model's outputs …
    std::vector<size_t> to;                              // … and the tensor that each becomes
  };
  // While it is made.
  struct Slot {
    std::string name;
    const inference::TensorInfo* info = nullptr;  // of what gives it; null: nothing does
    bool used = false, of_rows = false;
  };
  Status add_steps(const std::string& name, const EnsembleConfig& config,
                   const VersionOf& version_of);
  static Status open_step(const EnsembleStep& from, Step& step);
  Status link_outputs(const EnsembleStep& from, Step& step);
  Status link_inputs(const EnsembleStep& from, Step& step);
  Status link_results(const EnsembleConfig& config);
  Status order();
  static Status run(const Step& step, std::span<inference::Tensor> all, inference::Workspace& work);
  size_t slot(const std::string& name);

  inference::ModelInfo info_;
  std::vector<Slot> slots_;      // all tensors; first the ensemble's inputs
  std::vector<Step> steps_;      // in an order in which each finds its inputs
  std::vector<size_t> results_;  // for each output a tensor
};

}  // namespace proa::repository
