// LogisticRegression, LinearSVC, SGDClassifier, Perceptron, RidgeClassifier and their like.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/linear_classifier.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

// Each class on its own, then shares of their sum.
void one_vs_rest(const Scores& s) {
  for (size_t r = 0; r < s.rows; ++r) {
    double* p = s.row(r);
    double sum = 0;
    for (size_t k = 0; k < s.width; ++k) sum += p[k] = logistic(p[k]);
    for (size_t k = 0; k < s.width; ++k) p[k] /= sum;
  }
}

// Scores cut to [-1, 1] and moved to [0, 1] (Zhang, "Statistical behavior and consistency of
// classification methods based on convex risk minimization", 2004). Where all are 0: equal shares.
void modified_huber(const Scores& s) {
  for (size_t r = 0; r < s.rows; ++r) {
    double* p = s.row(r);
    double sum = 0;
    for (size_t k = 0; k < s.width; ++k) sum += p[k] = (std::clamp(p[k], -1.0, 1.0) + 1) / 2;
    if (s.width == 1) continue;
    if (sum == 0) {
      std::fill(p, p + s.width, 1.0);
      sum = static_cast<double>(s.width);
    }
    for (size_t k = 0; k < s.width; ++k) p[k] /= sum;
  }
}

// A ridge classifier fitted with several labels a row: one column of 0 and 1 a label.
class MultilabelRidge : public Estimator {
 public:
  Affine affine;
  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction;
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(Scores s, affine.apply(in, *this, work));
    if (method == Method::kDecisionFunction) {
      set_output(s, false, out);
      return {};
    }
    std::span<int64_t> on = work.take<int64_t>(s.count());
    for (size_t i = 0; i < s.count(); ++i) on[i] = s.values[i] > 0 ? 1 : 0;
    out.first = {DataType::kInt64, 2, {s.rows, s.width}, nullptr, on.data(), nullptr};
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (method == Method::kPredict) info.type = DataType::kInt64;
    info.shape = {static_cast<int64_t>(affine.targets())};
    return info;
  }
};

// Which of its two formulas predict_proba uses. The attribute multi_class: to 0.21 "warn" by
// default (one against the rest), then "auto", from 1.5 "deprecated", later gone; the last three
// mean softmax for three classes or more unless the solver could not do it.
Result<LinearClassifier::Link> logistic_link(const Attributes& a, size_t classes, Maker& maker) {
  using Link = LinearClassifier::Link;
  std::string multi_class = "auto", solver;
  if (a.has("multi_class")) {
    TRY(multi_class, a.text({"multi_class"}));
  }
  if (a.has("solver")) {
    TRY(solver, a.text({"solver"}));
  }
  if (multi_class == "ovr" || multi_class == "warn") return Link::kOneVsRest;
  if (multi_class == "multinomial") return Link::kSoftmax;
  if (multi_class != "auto" && multi_class != "deprecated")
    return a.wrong(str("multi_class '", shorten(multi_class, 30), "' is not known"));
  Maker::Release release = maker.release();
  bool newton_alone =
      solver == "newton-cholesky" && release.major != 0 && release < Maker::Release{1, 6};
  if (classes <= 2 || solver == "liblinear" || newton_alone) return Link::kOneVsRest;
  return Link::kSoftmax;
}

Made made(std::unique_ptr<LinearClassifier> c) { return std::unique_ptr<Estimator>(std::move(c)); }

}  // namespace

Result<Scores> LinearClassifier::decision(const Table& in, Workspace& work) const {
  return affine.apply(in, *this, work);
}

Result<Scores> LinearClassifier::probabilities(const Table& in, Workspace& work) const {
  TRY(Scores s, affine.apply(in, *this, work));
  if (link == Link::kModifiedHuber) {
    modified_huber(s);
    return s.width == 1 ? two_columns(s, work) : s;
  }
  if (link == Link::kOneVsRest && s.width > 1) {
    one_vs_rest(s);
    return s;
  }
  if (link == Link::kOneVsRest) {
    for (size_t r = 0; r < s.rows; ++r) s.values[r] = logistic(s.values[r]);
    return two_columns(s, work);
  }
  if (s.width == 1) {
    Scores both = take_scores(s.rows, 2, work);
    for (size_t r = 0; r < s.rows; ++r) {
      both.row(r)[0] = -s.values[r];
      both.row(r)[1] = s.values[r];
    }
    s = both;
  }
  for (size_t r = 0; r < s.rows; ++r) softmax(s.row(r), s.width);
  return s;
}

Status check_classes(const Attributes& a, LinearClassifier& out) {
  size_t n = out.classes.size(), rows = out.affine.targets();
  if (n < 2) return a.wrong(str("classes_ has ", n, " labels, at least 2 are needed"));
  if (rows != n && (rows != 1 || n != 2))
    return a.wrong(str("coef_ has ", rows, " rows for ", n, " classes"));
  out.features = out.affine.columns();
  out.decides = true;
  return {};
}

Status read_linear_classifier(const Attributes& a, LinearClassifier& out) {
  TRY(out.classes, a.labels("classes_"));
  TRY(out.affine, read_affine(a));
  return check_classes(a, out);
}

Made make_classifier(const Attributes& a, Maker&) {
  auto out = std::make_unique<LinearClassifier>();
  TRY_STATUS(read_linear_classifier(a, *out));
  return made(std::move(out));
}

Made make_sgd_classifier(const Attributes& a, Maker&) {
  auto out = std::make_unique<LinearClassifier>();
  TRY_STATUS(read_linear_classifier(a, *out));
  TRY(std::string loss, a.text({"loss"}));
  out->probabilistic = loss == "log" || loss == "log_loss" || loss == "modified_huber";
  if (loss == "modified_huber") out->link = LinearClassifier::Link::kModifiedHuber;
  return made(std::move(out));
}

Made make_logistic(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<LinearClassifier>();
  TRY_STATUS(read_linear_classifier(a, *out));
  TRY(out->link, logistic_link(a, out->classes.size(), maker));
  out->probabilistic = true;
  return made(std::move(out));
}

Made make_ridge_classifier(const Attributes& a, Maker& maker) {
  if (!a.has("_label_binarizer")) {
    auto plain = std::make_unique<LinearClassifier>();
    TRY_STATUS(read_linear_classifier(a, *plain));
    return made(std::move(plain));
  }
  TRY(Attributes binarizer, a.object({"_label_binarizer"}));
  TRY(std::string kind, binarizer.text({"y_type_"}));
  // Before 1.0 several labels a row were fitted, and the largest score was taken for the class.
  Maker::Release release = maker.release();
  bool old = release.minor != 0 && release < Maker::Release{1, 0};
  if (std::string_view(kind).starts_with("multilabel") && !old) {
    auto many = std::make_unique<MultilabelRidge>();
    TRY(many->affine, read_affine(a));
    many->features = many->affine.columns();
    return std::unique_ptr<Estimator>(std::move(many));
  }
  auto out = std::make_unique<LinearClassifier>();
  TRY(out->classes, binarizer.labels("classes_"));
  TRY(out->affine, read_affine(a));
  TRY_STATUS(check_classes(a, *out));
  return made(std::move(out));
}

}  // namespace proa::engines::linear
