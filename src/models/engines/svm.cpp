// SVC and NuSVC: one against one, as LIBSVM decides (Chang and Lin, "LIBSVM: a library for support
// vector machines", section 8), with scikit-learn's decision_function on top.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/estimators.h"
#include "models/engines/kernels.h"

namespace proa::engines {
namespace {

class SupportVectorClassifier : public Classifier {
 public:
  Kernel kernel;
  Labels classes;
  std::vector<size_t> start;      // of each class among the support vectors; one more at the end
  Matrix dual;                    // classes - 1 rows, one column a support vector
  std::vector<double> intercept;  // one a pair of classes
  std::vector<double> prob_a, prob_b;
  bool one_vs_rest = true, break_ties = false;
  std::string name;

  size_t count() const { return classes.json.size(); }
  size_t pairs() const { return intercept.size(); }
  size_t features() const override { return kernel.features(); }
  const Labels& labels() const override { return classes; }

  // LIBSVM's value for each pair of classes i < j; positive speaks for i.
  void decide(const double* row, Scratch& s) const {
    s.kernel.resize(kernel.padded());
    s.decision.resize(pairs());
    kernel.values(row, s.kernel.data());
    const double* k = s.kernel.data();
    size_t p = 0;
    for (size_t i = 0; i < count(); ++i)
      for (size_t j = i + 1; j < count(); ++j, ++p) {
        const double* of_i = dual.values.data() + (j - 1) * dual.columns;
        const double* of_j = dual.values.data() + i * dual.columns;
        double sum = 0;
        for (size_t v = start[i]; v < start[i + 1]; ++v) sum += of_i[v] * k[v];
        for (size_t v = start[j]; v < start[j + 1]; ++v) sum += of_j[v] * k[v];
        s.decision[p] = sum + intercept[p];
      }
  }

  uint32_t predict(const double* row, Scratch& s) const override {
    if (break_ties && one_vs_rest && count() > 2) {
      s.pairs.resize(count());
      decision(row, s, s.pairs.data());
      return static_cast<uint32_t>(std::max_element(s.pairs.begin(), s.pairs.end()) -
                                   s.pairs.begin());
    }
    decide(row, s);
    s.votes.assign(count(), 0);
    size_t p = 0;
    for (size_t i = 0; i < count(); ++i)
      for (size_t j = i + 1; j < count(); ++j, ++p) ++s.votes[s.decision[p] > 0 ? i : j];
    return static_cast<uint32_t>(std::max_element(s.votes.begin(), s.votes.end()) -
                                 s.votes.begin());
  }

  size_t decision_width() const override {
    if (count() == 2) return 0;
    return one_vs_rest ? count() : pairs();
  }

  // Two classes: one number, positive for the second class. One against the rest: the votes, and
  // between equal votes the sum of confidences, squeezed into (-1/3, 1/3).
  void decision(const double* row, Scratch& s, double* out) const override {
    decide(row, s);
    if (count() == 2) {
      out[0] = -s.decision[0];
      return;
    }
    if (!one_vs_rest) {
      std::copy(s.decision.begin(), s.decision.end(), out);
      return;
    }
    s.votes.assign(count(), 0);
    std::fill(out, out + count(), 0.0);
    size_t p = 0;
    for (size_t i = 0; i < count(); ++i)
      for (size_t j = i + 1; j < count(); ++j, ++p) {
        double d = s.decision[p];
        out[i] += d;
        out[j] -= d;
        ++s.votes[d < 0 ? j : i];
      }
    for (size_t i = 0; i < count(); ++i)
      out[i] = s.votes[i] + out[i] / (3 * (std::fabs(out[i]) + 1));
  }

  Status can_tell_probabilities() const override {
    if (!prob_a.empty()) return {};
    return error(Code::kInvalid,
                 str(name,
                     " was fitted with probability=False: it has no "
                     "predict_proba; fit with probability=True or unset PREDICT_PROBA"));
  }

  void probabilities(const double* row, Scratch& s, double* out) const override;

 private:
  void couple(Scratch& s, double* out) const;
};

// 1 / (1 + exp(a·d + b)) without overflow (Lin, Lin, Weng 2007, section 5).
double platt(double d, double a, double b) {
  double t = d * a + b;
  if (t >= 0) return std::exp(-t) / (1.0 + std::exp(-t));
  return 1.0 / (1 + std::exp(t));
}

void SupportVectorClassifier::probabilities(const double* row, Scratch& s, double* out) const {
  constexpr double kLeast = 1e-7;
  decide(row, s);
  size_t n = count(), p = 0;
  s.pairs.assign(n * n, 0.0);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = i + 1; j < n; ++j, ++p) {
      double r = platt(s.decision[p], prob_a[p], prob_b[p]);
      r = std::min(std::max(r, kLeast), 1 - kLeast);
      s.pairs[i * n + j] = r;
      s.pairs[j * n + i] = 1 - r;
    }
  couple(s, out);
}

// Pairwise coupling, the second method of Wu, Lin and Weng (JMLR 5, 2004), algorithm 2: minimise
// p'Qp on the simplex by fixed-point steps, with LIBSVM's start, tolerance and number of steps.
void SupportVectorClassifier::couple(Scratch& s, double* prob) const {
  size_t n = count();
  const double* r = s.pairs.data();
  s.matrix.resize(n * n + n);
  double* q = s.matrix.data();
  double* qp = q + n * n;
  for (size_t t = 0; t < n; ++t) {
    prob[t] = 1.0 / static_cast<double>(n);
    double diagonal = 0;
    for (size_t j = 0; j < n; ++j) {
      if (j == t) continue;
      diagonal += r[j * n + t] * r[j * n + t];
      q[t * n + j] = j < t ? q[j * n + t] : -r[j * n + t] * r[t * n + j];
    }
    q[t * n + t] = diagonal;
  }
  double tolerance = 0.005 / static_cast<double>(n);
  size_t most_steps = std::max<size_t>(100, n);
  for (size_t step = 0; step < most_steps; ++step) {
    double pqp = 0, worst = 0;
    for (size_t t = 0; t < n; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < n; ++j) qp[t] += q[t * n + j] * prob[j];
      pqp += prob[t] * qp[t];
    }
    for (size_t t = 0; t < n; ++t) worst = std::max(worst, std::fabs(qp[t] - pqp));
    if (worst < tolerance) return;
    for (size_t t = 0; t < n; ++t) {
      double d = (-qp[t] + pqp) / q[t * n + t];
      prob[t] += d;
      pqp = (pqp + d * (d * q[t * n + t] + 2 * qp[t])) / (1 + d) / (1 + d);
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + d * q[t * n + j]) / (1 + d);
        prob[j] /= (1 + d);
      }
    }
  }
}

// shape_fit_: the number of rows and features it was fitted with.
Result<size_t> fitted_shape(const Attributes& a, size_t index) {
  const pickle::Node* shape = a.find("shape_fit_");
  if (!shape || shape->items.size() != 2) return a.wrong("shape_fit_ is no pair; was it fitted?");
  TRY(int64_t n, pickle::as_int(*shape->items[index]).context("shape_fit_"));
  if (n <= 0 || n > (int64_t{1} << 40)) return a.wrong("shape_fit_ is out of range");
  return static_cast<size_t>(n);
}

Status read_kernel(const Attributes& a, Kernel& k) {
  TRY(std::string name, a.text({"kernel"}));
  TRY(k.kind, kernel_named(name).context(a.class_name()));
  if (k.kind == KernelKind::kPrecomputed) {
    TRY(std::vector<int64_t> support, a.integers({"support_"}));
    TRY(size_t rows, fitted_shape(a, 0));
    std::vector<size_t> columns;
    for (int64_t s : support) {
      if (s < 0 || static_cast<size_t>(s) >= rows)
        return a.wrong("support_ points outside of the rows");
      columns.push_back(static_cast<size_t>(s));
    }
    k.set_columns(std::move(columns), rows);
    return {};
  }
  TRY(Matrix vectors, a.matrix({"support_vectors_"}));
  TRY(size_t features, fitted_shape(a, 1));
  if (vectors.columns != features || vectors.rows == 0)
    return a.wrong(str("support_vectors_ has shape (", vectors.rows, ", ", vectors.columns,
                       "), fitted were ", features, " features"));
  TRY_STATUS(check_features(a, features));
  if (k.kind != KernelKind::kLinear) {
    TRY(k.gamma, a.number({"_gamma", "gamma"}));
  }
  TRY(k.coef0, a.number({"coef0"}));
  TRY(double degree, a.number({"degree"}));
  if (degree < 0 || degree > 1e6) return a.wrong("degree is out of range");
  k.degree = static_cast<int>(degree);
  k.set_vectors(vectors);
  return {};
}

// Number of support vectors of each class; they lie class after class.
Status read_counts(const Attributes& a, SupportVectorClassifier& m) {
  TRY(std::vector<int64_t> counts, a.integers({"_n_support", "n_support_"}));
  size_t vectors = m.kernel.count(), at = 0;
  if (counts.size() != m.count())
    return a.wrong(str("n_support_ has ", counts.size(), " counts for ", m.count(), " classes"));
  m.start = {0};
  for (int64_t n : counts) {
    if (n < 0 || static_cast<uint64_t>(n) > vectors - at)
      return a.wrong(str("n_support_ does not add up to the ", vectors, " support vectors"));
    m.start.push_back(at += static_cast<size_t>(n));
  }
  if (at != vectors)
    return a.wrong(str("n_support_ adds up to ", at, ", there are ", vectors, " support vectors"));
  return {};
}

Status read_coefficients(const Attributes& a, SupportVectorClassifier& m) {
  size_t n = m.count(), pairs = n * (n - 1) / 2;
  TRY(m.dual, a.matrix({"_dual_coef_"}));
  if (m.dual.rows != n - 1 || m.dual.columns != m.kernel.count())
    return a.wrong(str("_dual_coef_ has shape (", m.dual.rows, ", ", m.dual.columns,
                       "), expected (", n - 1, ", ", m.kernel.count(), ")"));
  TRY(m.intercept, a.vector({"_intercept_"}));
  if (m.intercept.size() != pairs)
    return a.wrong(str("_intercept_ has ", m.intercept.size(), " numbers, expected ", pairs));
  if (!a.has("_probA") && !a.has("probA_")) return {};
  TRY(m.prob_a, a.vector({"_probA", "probA_"}));
  TRY(m.prob_b, a.vector({"_probB", "probB_"}));
  bool none = m.prob_a.empty() && m.prob_b.empty();
  if (!none && (m.prob_a.size() != pairs || m.prob_b.size() != pairs))
    return a.wrong(str("probA_ and probB_ have ", m.prob_a.size(), " and ", m.prob_b.size(),
                       " numbers, expected ", pairs));
  return {};
}

}  // namespace

Result<std::unique_ptr<Classifier>> make_svc(const Attributes& a) {
  auto out = std::make_unique<SupportVectorClassifier>();
  out->name = a.class_name();
  TRY(out->classes, a.labels("classes_"));
  if (out->count() < 2)
    return a.wrong(str("classes_ has ", out->count(), " labels, at least 2 are needed"));
  if (out->count() > 10'000) return a.wrong("more than 10,000 classes");
  TRY_STATUS(read_kernel(a, out->kernel));
  TRY_STATUS(read_counts(a, *out));
  TRY_STATUS(read_coefficients(a, *out));
  out->one_vs_rest = false;
  if (a.has("decision_function_shape")) {
    TRY(std::string shape, a.text({"decision_function_shape"}));
    out->one_vs_rest = shape == "ovr";
  }
  TRY(out->break_ties, a.flag("break_ties", false));
  if (out->break_ties && !out->one_vs_rest)
    return error(
        Code::kInvalid,
        str(out->name, ": break_ties must be False when decision_function_shape is 'ovo'"));
  return std::unique_ptr<Classifier>(std::move(out));
}

}  // namespace proa::engines
