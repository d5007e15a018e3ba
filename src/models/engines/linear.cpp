// LogisticRegression and LinearSVC: coef · x + intercept, then sign or argmax, logistic or softmax.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/estimators.h"

namespace proa::engines {
namespace {

enum class Link { kNone, kOneVsRest, kSoftmax };

class LinearClassifier : public Classifier {
 public:
  Matrix coef;                    // one row, or one a class
  std::vector<double> intercept;  // as many
  Labels classes;
  Link link = Link::kNone;
  std::string name;

  size_t features() const override { return coef.columns; }
  const Labels& labels() const override { return classes; }

  double score(const double* x, size_t row) const {
    const double* w = coef.values.data() + row * coef.columns;
    double sum = 0;
    for (size_t c = 0; c < coef.columns; ++c) sum += x[c] * w[c];
    return sum + intercept[row];
  }

  uint32_t predict(const double* x, Scratch&) const override {
    if (coef.rows == 1) return score(x, 0) > 0 ? 1 : 0;
    uint32_t best = 0;
    double most = score(x, 0);
    for (uint32_t k = 1; k < coef.rows; ++k)
      if (double s = score(x, k); s > most) most = s, best = k;
    return best;
  }

  Status can_tell_probabilities() const override {
    if (link != Link::kNone) return {};
    return error(Code::kInvalid, str(name, " has no predict_proba; unset PREDICT_PROBA"));
  }

  void probabilities(const double* x, Scratch&, double* p) const override {
    size_t n = classes.json.size();
    if (coef.rows == 1) {
      double s = score(x, 0);
      p[0] = -s;
      p[1] = s;
    } else {
      for (size_t k = 0; k < n; ++k) p[k] = score(x, k);
    }
    if (link == Link::kSoftmax) return softmax(p, n);
    if (coef.rows == 1) {
      p[1] = logistic(p[1]);
      p[0] = 1 - p[1];
      return;
    }
    double sum = 0;
    for (size_t k = 0; k < n; ++k) sum += p[k] = logistic(p[k]);
    for (size_t k = 0; k < n; ++k) p[k] /= sum;
  }

  size_t decision_width() const override { return coef.rows == 1 ? 0 : coef.rows; }
  void decision(const double* x, Scratch&, double* out) const override {
    for (size_t k = 0; k < coef.rows; ++k) out[k] = score(x, k);
  }

 private:
  static double logistic(double v) { return 1 / (1 + std::exp(-v)); }
  static void softmax(double* p, size_t n) {
    double most = *std::max_element(p, p + n), sum = 0;
    for (size_t k = 0; k < n; ++k) sum += p[k] = std::exp(p[k] - most);
    for (size_t k = 0; k < n; ++k) p[k] /= sum;
  }
};

// Which of its two formulas predict_proba uses. The attribute multi_class: to 0.21 "warn" by
// default (one against the rest), then "auto", from 1.5 "deprecated", from 1.8 gone; the last three
// mean softmax for three classes or more unless the solver was liblinear.
Result<Link> logistic_link(const Attributes& a, size_t classes) {
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
  return classes <= 2 || solver == "liblinear" ? Link::kOneVsRest : Link::kSoftmax;
}

}  // namespace

Result<std::unique_ptr<Classifier>> make_linear(const Attributes& a) {
  auto out = std::make_unique<LinearClassifier>();
  out->name = a.class_name();
  TRY(out->classes, a.labels("classes_"));
  TRY(out->coef, a.matrix({"coef_"}));
  TRY(out->intercept, a.vector({"intercept_"}));
  size_t n = out->classes.json.size(), rows = out->coef.rows;
  if (n < 2) return a.wrong(str("classes_ has ", n, " labels, at least 2 are needed"));
  bool fits = rows == n ? n > 2 : rows == 1 && n == 2;
  if (!fits || out->coef.columns == 0)
    return a.wrong(
        str("coef_ has shape (", rows, ", ", out->coef.columns, ") for ", n, " classes"));
  if (out->intercept.size() == 1 && rows > 1) out->intercept.assign(rows, out->intercept[0]);
  if (out->intercept.size() != rows)
    return a.wrong(
        str("intercept_ has ", out->intercept.size(), " numbers, coef_ ", rows, " rows"));
  TRY_STATUS(check_features(a, out->coef.columns));
  if (out->name == "LogisticRegression") {
    TRY(out->link, logistic_link(a, n));
  }
  return std::unique_ptr<Classifier>(std::move(out));
}

}  // namespace proa::engines
