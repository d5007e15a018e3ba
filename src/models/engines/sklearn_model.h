// A loaded scikit-learn estimator as the protocols' Model: chooses the method, brings named columns
// in order, says what goes in and comes out. Private to this folder. Immutable; shared by threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/engines/pickle/node.h"
#include "models/engines/sklearn/estimator.h"

namespace proa::engines {

class SklearnModel : public inference::Model {
 public:
  // `root` is read for descriptions only and not kept.
  static Result<std::unique_ptr<SklearnModel>> make(const pickle::Node& root,
                                                    std::unique_ptr<Estimator> estimator,
                                                    const inference::LoadOptions& options,
                                                    inference::ModelInfo info);

  const inference::ModelInfo& info() const override { return info_; }
  Status predict(const Table& in, Method method, Workspace& work, Output& out) const override;

 private:
  SklearnModel() = default;
  Status choose(Method wanted);
  void describe(const pickle::Node& root);
  Result<Table> in_order(const Table& in, Workspace& work) const;
  Error no_method(Method method) const;

  std::unique_ptr<Estimator> estimator_;
  Method default_ = Method::kPredict;
  inference::ModelInfo info_;
  std::vector<std::string_view> names_;  // into estimator_'s feature_names
  bool by_name_ = false;  // a ColumnTransformer comes first: it takes columns by name
};

// A transformed table as an answer: numbers, texts, or one array a column where they are mixed.
Status table_output(const Table& table, const std::vector<std::string>& names, Workspace& work,
                    Output& out);

}  // namespace proa::engines
