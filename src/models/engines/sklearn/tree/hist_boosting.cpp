// HistGradientBoostingClassifier and HistGradientBoostingRegressor.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/tree/hist_columns.h"
#include "models/engines/sklearn/tree/hist_reader.h"
#include "models/engines/sklearn/tree/links.h"
#include "models/engines/sklearn/tree/makers.h"

namespace proa::engines {
namespace {

class HistBoosting final : public Estimator {
 public:
  HistBoosting(trees::Forest forest, HistColumns columns, BoostedClasses classes, bool classifier,
               bool log_link, bool missing)
      : forest_(std::move(forest)),
        columns_(std::move(columns)),
        classes_(std::move(classes)),
        classifier_(classifier),
        log_link_(log_link),
        missing_(missing) {}

  bool has(Method m) const override {
    return m == Method::kPredict || (classifier_ && classes_.has(m));
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* rows, columns_.prepare(in, *this, missing_, work));
    std::span<double> sums = work.take<double>(in.rows * forest_.outputs());
    forest_.predict(rows, in.rows, sums.data(), work);
    out = {};
    if (classifier_) {
      out.first = classes_.answer(method, sums, in.rows, work);
      return {};
    }
    if (log_link_)
      for (double& v : sums) v = std::exp(v);
    out.first = inference::vector_of(sums);
    return {};
  }

  const Labels* labels() const override { return classifier_ ? &classes_.labels : nullptr; }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (method == Method::kDecisionFunction && classes_.raw > 1)
      info.shape = {static_cast<int64_t>(classes_.raw)};
    return info;
  }

 private:
  trees::Forest forest_;
  HistColumns columns_;
  BoostedClasses classes_;
  bool classifier_, log_link_, missing_;
};

// One number, or one a class, in arrays of several shapes.
Status read_baseline(const Attributes& a, size_t raw, trees::Spec& spec) {
  TRY(NdArray baseline, a.array({"_baseline_prediction"}));
  if (baseline.values.size() != raw) return a.wrong("_baseline_prediction has another size");
  spec.base = std::move(baseline.values);
  return {};
}

Status read_classes(const Attributes& a, Maker& maker, BoostedClasses& out) {
  TRY(out.labels, a.labels("classes_"));
  TRY(int64_t raw, a.integer({"n_trees_per_iteration_"}));
  size_t classes = out.labels.size();
  bool fit = raw == 1 ? classes == 2 : classes > 2 && raw == static_cast<int64_t>(classes);
  if (!fit) return a.wrong("classes_ and n_trees_per_iteration_ do not agree");
  out.raw = static_cast<size_t>(raw);
  Maker::Release release = maker.release();
  bool recent = release == Maker::Release{} || release >= Maker::Release{1, 5};
  out.decision = recent ? Decision::kAboveZero : Decision::kProbability;
  return {};
}

Result<bool> has_log_link(const Attributes& a) {
  TRY(std::string loss, a.text({"loss"}));
  for (std::string_view name :
       {"squared_error", "least_squares", "absolute_error", "least_absolute_deviation", "quantile"})
    if (loss == name) return false;
  if (loss == "poisson" || loss == "gamma") return true;
  return a.unsupported(str("loss '", shorten(loss, 40), "'"));
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_hist_boosting(const Attributes& a, Maker& maker) {
  bool classifier = a.class_name() == "HistGradientBoostingClassifier", log_link = false;
  BoostedClasses classes;
  if (classifier) {
    TRY_STATUS(read_classes(a, maker, classes));
  } else {
    TRY(log_link, has_log_link(a));
  }
  TRY(int64_t features, a.integer({"n_features_in_", "_n_features", "n_features_"}));
  if (features < 1 || features > (1 << 24)) return a.wrong("it has a wrong number of features");
  trees::Spec spec;
  spec.features = static_cast<size_t>(features);
  spec.outputs = classes.raw;
  TRY(HistColumns columns, HistColumns::make(a, maker, spec.features));
  TRY(KnownCategories known, read_known(a, spec.features));
  columns.know(known);
  TRY_STATUS(read_baseline(a, classes.raw, spec));
  TRY_STATUS(read_predictors(a, known, classes.raw, spec));
  TRY(trees::Forest forest, trees::Forest::make(std::move(spec)).context(a.class_name()));
  Maker::Release release = maker.release();
  bool missing = release == Maker::Release{} || release >= Maker::Release{0, 22};
  auto made = std::make_unique<HistBoosting>(std::move(forest), std::move(columns),
                                             std::move(classes), classifier, log_link, missing);
  made->features = static_cast<size_t>(features);
  return std::unique_ptr<Estimator>(std::move(made));
}

}  // namespace proa::engines
