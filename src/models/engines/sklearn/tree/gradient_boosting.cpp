// GradientBoostingClassifier and GradientBoostingRegressor: an initial estimate and trees that are
// added to it.
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/tree/initial.h"
#include "models/engines/sklearn/tree/links.h"
#include "models/engines/sklearn/tree/makers.h"
#include "models/engines/sklearn/tree/tree_reader.h"

namespace proa::engines {
namespace {

class GradientBoosting final : public Estimator {
 public:
  GradientBoosting(trees::Forest forest, Initial initial, BoostedClasses classes, bool classifier)
      : forest_(std::move(forest)),
        initial_(std::move(initial)),
        classes_(std::move(classes)),
        classifier_(classifier) {}

  bool has(Method m) const override {
    if (m == Method::kPredict || m == Method::kApply) return true;
    return classifier_ && (classes_.has(m) || m == Method::kPredictLogProba);
  }

  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* rows, float_input(in, *this, work, Missing::kRefused));
    out = {};
    if (method == Method::kApply) return apply(rows, in.rows, work, out);
    std::span<double> sums = work.take<double>(in.rows * forest_.outputs());
    forest_.predict(rows, in.rows, sums.data(), work);
    TRY_STATUS(initial_.add(rows, in.rows, in.columns, sums, work));
    out.first =
        classifier_ ? classes_.answer(method, sums, in.rows, work) : inference::vector_of(sums);
    return {};
  }

  const Labels* labels() const override { return classifier_ ? &classes_.labels : nullptr; }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    auto raw = static_cast<int64_t>(forest_.outputs());
    auto stages = static_cast<int64_t>(forest_.trees()) / raw;
    if (method == Method::kDecisionFunction && raw > 1) info.shape = {raw};
    if (method == Method::kApply) info.shape = {stages};
    if (method == Method::kApply && classifier_) info.shape.push_back(raw);
    return info;
  }

 private:
  Status apply(const double* rows, size_t n, Workspace& work, Output& out) const {
    size_t trees = forest_.trees(), raw = forest_.outputs();
    std::span<uint32_t> leaves = work.take<uint32_t>(n * trees);
    forest_.leaves(rows, n, leaves.data(), work);
    std::span<double> ids = work.take<double>(leaves.size());
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = leaves[i];
    out.first = inference::matrix_of(ids.data(), n, trees);
    if (!classifier_) return {};
    out.first.rank = 3;
    out.first.shape[1] = trees / raw;
    out.first.shape[2] = raw;
    return {};
  }

  trees::Forest forest_;
  Initial initial_;
  BoostedClasses classes_;
  bool classifier_;
};

// estimators_: stages × raw.
Result<trees::Spec> read_stages(const Attributes& a, double rate, size_t raw) {
  TRY(std::vector<const pickle::Node*> members, a.list({"estimators_"}));
  const pickle::Node* stages = a.find("estimators_");
  if (stages->kind != pickle::Kind::kArray || stages->array->shape.size() != 2 ||
      stages->array->shape[1] != raw)
    return a.wrong("estimators_ and classes_ do not agree");
  if (stages->array->fortran && raw > 1 && stages->array->shape[0] > 1)
    return a.unsupported("estimators_ in column order");
  TRY(std::vector<TreeData> all, read_trees(a, members));
  trees::Spec spec;
  spec.features = all[0].features;
  spec.float_input = true;
  spec.outputs = raw;
  for (size_t i = 0; i < all.size(); ++i) {
    TreeData& t = all[i];
    if (t.features != spec.features || t.width() != 1)
      return a.wrong("its trees are not of one kind");
    for (double& v : t.values) v *= rate;
    TRY_STATUS(add_tree(t, t.values, static_cast<uint32_t>(i % raw), nullptr, spec));
    t = {};
  }
  return spec;
}

Status read_classes(const Attributes& a, Maker& maker, const std::string& loss,
                    BoostedClasses& out) {
  TRY(out.labels, a.labels("classes_"));
  if (out.labels.size() < 2) return a.wrong("it has less than two classes");
  out.raw = out.labels.size() == 2 ? 1 : out.labels.size();
  bool exponential = loss == "exponential";
  if (exponential) out.slope = 2;
  if (exponential && out.raw > 1) return a.wrong("exponential loss of more than two classes");
  Maker::Release release = maker.release();
  bool recent = release == Maker::Release{} || release >= Maker::Release{1, 4};
  out.decision = recent ? Decision::kFromZero : Decision::kProbability;
  if (exponential && release >= Maker::Release{0, 21}) out.decision = Decision::kFromZero;
  return {};
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_gradient_boosting(const Attributes& a, Maker& maker) {
  bool classifier = a.class_name() == "GradientBoostingClassifier";
  TRY(std::string loss, a.text({"loss"}));
  BoostedClasses classes;
  if (classifier) TRY_STATUS(read_classes(a, maker, loss, classes));
  TRY(double rate, a.number({"learning_rate"}));
  TRY(trees::Spec spec, read_stages(a, rate, classes.raw));
  TRY_STATUS(check_features(a, spec.features));
  InitialLink link = InitialLink::kIdentity;
  if (classifier) {
    bool centred = maker.release() == Maker::Release{} || maker.release() >= Maker::Release{1, 4};
    link = classes.raw > 1      ? (centred ? InitialLink::kCentredLog : InitialLink::kLog)
           : classes.slope == 2 ? InitialLink::kHalfLogit
                                : InitialLink::kLogit;
  }
  TRY(Initial initial, Initial::make(a, maker, link, classes.raw));
  spec.base = initial.constants();
  size_t features = spec.features;
  TRY(trees::Forest forest, trees::Forest::make(std::move(spec)).context(a.class_name()));
  auto made = std::make_unique<GradientBoosting>(std::move(forest), std::move(initial),
                                                 std::move(classes), classifier);
  made->features = features;
  return std::unique_ptr<Estimator>(std::move(made));
}

}  // namespace proa::engines
