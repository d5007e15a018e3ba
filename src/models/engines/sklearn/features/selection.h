// Choosing columns: what all selectors of sklearn.feature_selection come down to. Private.
#pragma once

#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {

using Made = Result<std::unique_ptr<Estimator>>;

class ColumnSelector : public Transformer {
 public:
  ColumnSelector(const std::vector<bool>& support, Missing missing);
  Status transform(const Table& in, Workspace& work, Table& out) const override;

 private:
  std::vector<uint32_t> columns_;
  std::vector<uint32_t> place_;  // of a column in what comes out, or UINT32_MAX
  Missing missing_;
};

// |coef_| or feature_importances_ of a fitted estimator, one number a feature, as
// SelectFromModel's importance_getter takes them.
Result<std::vector<double>> importances(const Attributes& estimator, std::string_view getter,
                                        double norm_order, size_t depth = 0);

Made make_select_k_best(const Attributes& a, Maker& maker);
Made make_select_percentile(const Attributes& a, Maker& maker);
Made make_select_by_p(const Attributes& a, Maker& maker);  // Fpr, Fdr, Fwe
Made make_generic_univariate(const Attributes& a, Maker& maker);
Made make_variance_threshold(const Attributes& a, Maker& maker);
Made make_select_from_model(const Attributes& a, Maker& maker);
Made make_support_selector(const Attributes& a, Maker& maker);  // SequentialFeatureSelector
Made make_rfe(const Attributes& a, Maker& maker);

}  // namespace proa::engines
