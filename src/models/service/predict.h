// One request against one version of a model: which methods, their outputs, and their names.
//
// Used by ModelService and Batcher. Pure but for the id of answers; one thread.
#pragma once

#include <array>
#include <cstdint>

#include "models/repository/repository.h"

namespace proa::service {

// How answers look where KServe's and MLServer's servers differ.
enum class Flavor : uint8_t { kKServe, kMlserver };

// The methods that a request asks for: one by the parameter "method", or those that its requested
// outputs name ("predict_proba"). `outputs`: each requested output's place in `methods`.
struct Plan {
  static constexpr size_t kMost = 8;
  std::array<inference::Method, kMost> methods{};
  size_t count = 0;
};

Result<Plan> plan(const protocols::InferRequest& request);

// Asks the model, as the server of that flavor would: MLServer's xgboost runtime answers with
// labels, those of XGBClassifier.predict, if such a classifier saved the file; KServe's answers
// with what the booster says.
Status predict(const repository::Version& version, Flavor flavor, const inference::Table& in,
               inference::Method method, inference::Workspace& work, inference::Output& out);

// Makes the answer of what the methods of the plan gave. kInvalid for a requested output that the
// model does not have.
Status answer(const protocols::InferRequest& request, const Plan& plan,
              std::span<const inference::Output> outputs, Flavor flavor, protocols::Workspace& work,
              protocols::InferResponse& response);

// Ids for requests that come without one: UUIDs of version 4. One thread each.
class Ids {
 public:
  Ids();
  std::string_view next(protocols::Workspace& work);

 private:
  uint64_t random();
  uint64_t state_[2];
};

}  // namespace proa::service
