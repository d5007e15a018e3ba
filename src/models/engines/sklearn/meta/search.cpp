// What stands before one fitted estimator and passes everything on: searches, self-training, frozen
// estimators; and the classifiers that only move its threshold.
#include <algorithm>
#include <array>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines::meta {
namespace {

class Delegate : public Estimator {
 public:
  Part inner;
  bool transforms = true;

  bool has(Method m) const override {
    return inner->has(m) && (transforms || m != Method::kTransform);
  }
  bool has_inverse() const override { return inner->has_inverse(); }
  const Labels* labels() const override { return inner->labels(); }
  std::vector<std::string> output_names() const override { return inner->output_names(); }
  inference::TensorInfo output_info(Method m) const override { return inner->output_info(m); }
  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    return inner->predict(m, in, work, out);
  }
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    return inner->transform(in, work, out);
  }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    return inner->inverse_transform(in, work, out);
  }
};

class Threshold : public Estimator {
 public:
  Part inner;
  Method scores = Method::kPredictProba;
  double threshold = 0.5;
  size_t positive = 1;  // which of the two classes a high score means

  bool has(Method m) const override {
    return m == Method::kPredict || ((m == Method::kPredictProba || m == Method::kPredictLogProba ||
                                      m == Method::kDecisionFunction) &&
                                     inner->has(m));
  }
  const Labels* labels() const override { return inner->labels(); }
  inference::TensorInfo output_info(Method m) const override { return inner->output_info(m); }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    if (m != Method::kPredict) return inner->predict(m, in, work, out);
    bool proba = scores == Method::kPredictProba;
    size_t columns = proba ? 2 : 1;
    TRY(const double* s, ask_exactly(*inner, scores, in, work, columns));
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      double score = proba ? s[2 * r + positive] : positive == 1 ? s[r] : -s[r];
      best[r] = static_cast<uint32_t>(score >= threshold ? positive : 1 - positive);
    }
    out.first = inner->labels()->pick(best, work);
    return {};
  }
};

Result<std::unique_ptr<Estimator>> make_delegate(const Attributes& a, Maker& maker,
                                                 Attributes::Names names, bool transforms) {
  auto out = std::make_unique<Delegate>();
  TRY(out->inner, make_part(a, names, maker));
  out->transforms = transforms;
  out->features = out->inner->features;
  out->feature_names = out->inner->feature_names;
  return out;
}

// The class that `pos_label` names, among two; 1 where it is None.
Result<size_t> positive_of(const Attributes& a, const Labels& labels, const pickle::Node* label) {
  if (!label || label->kind == pickle::Kind::kNone) return size_t{1};
  for (size_t i = 0; i < 2; ++i) {
    if (label->kind == pickle::Kind::kStr) {
      if (!labels.texts.empty() && labels.texts[i] == label->text) return i;
      continue;
    }
    TRY(double v, pickle::as_double(*label).context(a.class_name()));
    if (!labels.integers.empty() && static_cast<double>(labels.integers[i]) == v) return i;
    if (!labels.numbers.empty() && labels.numbers[i] == v) return i;
  }
  return a.wrong("pos_label is none of its classes");
}

Result<std::unique_ptr<Threshold>> make_threshold(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<Threshold>();
  TRY(out->inner, make_part(a, {"estimator_", "estimator"}, maker));
  if (!out->inner->labels() || out->inner->labels()->size() != 2)
    return a.wrong("its estimator does not have two classes");
  std::string method = "auto";
  if (a.has("response_method")) {
    TRY(method, a.text({"response_method"}));
  }
  if (method == "auto")
    method = out->inner->has(Method::kPredictProba) ? "predict_proba" : "decision_function";
  out->scores = method == "predict_proba" ? Method::kPredictProba : Method::kDecisionFunction;
  if ((method != "predict_proba" && method != "decision_function") || !out->inner->has(out->scores))
    return a.wrong(str("its estimator has no ", method));
  out->threshold = out->scores == Method::kPredictProba ? 0.5 : 0.0;
  out->features = out->inner->features;
  out->feature_names = out->inner->feature_names;
  return out;
}

// Scores of scikit-learn whose pos_label is 1 unless the scorer says otherwise.
constexpr std::array<std::string_view, 6> kPositiveIsOne = {
    "f1_score",     "fbeta_score",   "precision_score",
    "recall_score", "jaccard_score", "average_precision_score"};

}  // namespace

Result<std::unique_ptr<Estimator>> make_search(const Attributes& a, Maker& maker) {
  if (!a.has("best_estimator_"))
    return a.wrong("it holds no best_estimator_ (refit=False); save that estimator instead");
  return make_delegate(a, maker, {"best_estimator_"}, true);
}

Result<std::unique_ptr<Estimator>> make_self_training(const Attributes& a, Maker& maker) {
  return make_delegate(a, maker, {"estimator_", "base_estimator_"}, false);
}

Result<std::unique_ptr<Estimator>> make_frozen(const Attributes& a, Maker& maker) {
  return make_delegate(a, maker, {"estimator"}, true);
}

Result<std::unique_ptr<Estimator>> make_fixed_threshold(const Attributes& a, Maker& maker) {
  TRY(std::unique_ptr<Threshold> out, make_threshold(a, maker));
  if (a.has("threshold") && !is_text(a.find("threshold"), "auto")) {
    TRY(out->threshold, a.number({"threshold"}));
  }
  TRY(out->positive, positive_of(a, *out->inner->labels(), a.find("pos_label")));
  return out;
}

Result<std::unique_ptr<Estimator>> make_tuned_threshold(const Attributes& a, Maker& maker) {
  TRY(std::unique_ptr<Threshold> out, make_threshold(a, maker));
  TRY(out->threshold, a.number({"best_threshold_"}));
  TRY(Attributes scorer, a.object({"_curve_scorer"}));
  static const pickle::Node kOne{.kind = pickle::Kind::kInt, .integer = 1};
  const pickle::Node* label = nullptr;
  const pickle::Node* arguments = scorer.find("_kwargs");
  if (arguments) label = arguments->get("pos_label");
  const pickle::Node* score = scorer.find("_score_func");
  if (!label && score && score->kind == pickle::Kind::kGlobal) {
    std::string_view function = score->text.substr(score->text.rfind('.') + 1);
    if (std::find(kPositiveIsOne.begin(), kPositiveIsOne.end(), function) != kPositiveIsOne.end())
      label = &kOne;
  }
  TRY(out->positive, positive_of(a, *out->inner->labels(), label));
  return out;
}

}  // namespace proa::engines::meta
