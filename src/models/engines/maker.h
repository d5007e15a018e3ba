// Makes estimators of a file's nodes by the catalogue, with bounds on depth, number and repetition.
// Used by the engine, one a file; one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "models/engines/sklearn/catalog.h"

namespace proa::engines {

class FileMaker : public Maker {
 public:
  explicit FileMaker(std::string_view version);  // of scikit-learn, "" if unknown
  Result<std::unique_ptr<Estimator>> make(const pickle::Node* node) override;
  Release release() const override { return release_; }

 private:
  Error uncovered(std::string_view type) const;
  std::string version_;
  Release release_;
  size_t depth_ = 0, made_ = 0, repeated_ = 0;
  std::unordered_set<const pickle::Node*> seen_;
};

// What a user can do about a class that is not covered; ends an error's message.
extern const char* const kWayOut;

}  // namespace proa::engines
