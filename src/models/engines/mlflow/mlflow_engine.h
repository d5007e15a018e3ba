// The engine of MLflow's model folders: the file MLmodel says which flavours a model has; the first
// that one of the other engines reads is taken. Its signature becomes metadata, and names columns.
//
// Used by the model server; immutable, thread-safe. The other engines must outlive it.
#pragma once

#include <span>

#include "models/inference/model.h"

namespace proa::engines {

class MlflowEngine : public inference::Engine {
 public:
  explicit MlflowEngine(std::span<const inference::Engine* const> others) : others_(others) {}
  std::string_view name() const override { return "mlflow"; }
  std::span<const std::string_view> extensions() const override;
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override;
  std::vector<std::string> covers() const override;

 private:
  const inference::Engine* find(std::string_view engine) const;
  std::span<const inference::Engine* const> others_;
};

}  // namespace proa::engines
