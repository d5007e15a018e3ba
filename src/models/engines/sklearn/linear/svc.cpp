// SVC and NuSVC: one against one, as LIBSVM decides (Chang and Lin, "LIBSVM: a library for support
// vector machines", section 8), with scikit-learn's decision_function on top.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/coupling.h"
#include "models/engines/sklearn/linear/kernels.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class SupportVectorClassifier : public Classifier {
 public:
  Kernel kernel;
  std::vector<size_t> start;      // of each class among the support vectors; one more at the end
  Matrix dual;                    // classes - 1 rows, one column a support vector
  std::vector<double> intercept;  // one a pair of classes
  std::vector<double> prob_a, prob_b;
  bool one_vs_rest = true, break_ties = false;

  size_t count() const { return classes.size(); }
  size_t pairs() const { return intercept.size(); }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Classifier::output_info(method);
    if (method == Method::kDecisionFunction && !one_vs_rest && count() > 2)
      info.shape = {static_cast<int64_t>(pairs())};
    return info;
  }

 protected:
  Status choose(const Table& in, Workspace& work, std::span<uint32_t> best) const override;
  Result<Scores> decision(const Table& in, Workspace& work) const override;
  Result<Scores> probabilities(const Table& in, Workspace& work) const override;

 private:
  // LIBSVM's value for each pair of classes i < j of each row; positive speaks for i.
  Result<Scores> decide(const Table& in, Workspace& work) const;
  void decide_row(const double* k, double* out) const;
  void one_vs_rest_row(const double* d, double* votes, double* out) const;
};

void SupportVectorClassifier::decide_row(const double* k, double* out) const {
  size_t p = 0;
  for (size_t i = 0; i < count(); ++i)
    for (size_t j = i + 1; j < count(); ++j, ++p) {
      const double* of_i = dual.row(j - 1);
      const double* of_j = dual.row(i);
      double sum = dot(of_i + start[i], k + start[i], start[i + 1] - start[i]) +
                   dot(of_j + start[j], k + start[j], start[j + 1] - start[j]);
      out[p] = sum + intercept[p];
    }
}

Result<Scores> SupportVectorClassifier::decide(const Table& in, Workspace& work) const {
  TRY(Rows rows, rows_of(in, *this, kernel.features(), work));
  Scores s = take_scores(rows.count, pairs(), work);
  std::span<double> k = work.take<double>(kernel.count());
  RowReader reader(rows, work);
  for (size_t r = 0; r < rows.count; ++r) {
    kernel.values(reader.row(r), k.data());
    decide_row(k.data(), s.row(r));
  }
  return s;
}

Status SupportVectorClassifier::choose(const Table& in, Workspace& work,
                                       std::span<uint32_t> best) const {
  if (break_ties && one_vs_rest && count() > 2) return Classifier::choose(in, work, best);
  TRY(Scores s, decide(in, work));
  std::span<uint32_t> votes = work.take<uint32_t>(count());
  for (size_t r = 0; r < s.rows; ++r) {
    std::fill(votes.begin(), votes.end(), 0);
    const double* d = s.row(r);
    for (size_t i = 0; i < count(); ++i)
      for (size_t j = i + 1; j < count(); ++j) ++votes[*d++ > 0 ? i : j];
    best[r] = static_cast<uint32_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
  }
  return {};
}

// The votes, and between equal votes the sum of confidences, squeezed into (-1/3, 1/3).
void SupportVectorClassifier::one_vs_rest_row(const double* d, double* votes, double* out) const {
  std::fill(votes, votes + count(), 0.0);
  std::fill(out, out + count(), 0.0);
  for (size_t i = 0; i < count(); ++i)
    for (size_t j = i + 1; j < count(); ++j, ++d) {
      out[i] += *d;
      out[j] -= *d;
      ++votes[*d < 0 ? j : i];
    }
  for (size_t i = 0; i < count(); ++i) out[i] = votes[i] + out[i] / (3 * (std::fabs(out[i]) + 1));
}

Result<Scores> SupportVectorClassifier::decision(const Table& in, Workspace& work) const {
  TRY(Scores s, decide(in, work));
  if (count() == 2) {  // positive for the second class
    for (size_t r = 0; r < s.rows; ++r) s.values[r] = -s.values[r];
    return s;
  }
  if (!one_vs_rest) return s;
  Scores out = take_scores(s.rows, count(), work);
  std::span<double> votes = work.take<double>(count());
  for (size_t r = 0; r < s.rows; ++r) one_vs_rest_row(s.row(r), votes.data(), out.row(r));
  return out;
}

Result<Scores> SupportVectorClassifier::probabilities(const Table& in, Workspace& work) const {
  TRY(Scores s, decide(in, work));
  size_t n = count();
  Scores out = take_scores(s.rows, n, work);
  std::span<double> shares = work.take<double>(n * n), scratch = work.take<double>(n * n + n);
  for (size_t r = 0; r < s.rows; ++r) {
    pairwise_shares(s.row(r), prob_a.data(), prob_b.data(), n, shares.data());
    couple(shares.data(), n, scratch.data(), out.row(r));
  }
  return out;
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
  m.probabilistic = !none;
  return {};
}

}  // namespace

Made make_svc(const Attributes& a, Maker&) {
  auto out = std::make_unique<SupportVectorClassifier>();
  TRY_STATUS(read_classes(a, *out, 2));
  if (out->count() > 10'000) return a.wrong("more than 10,000 classes");
  TRY_STATUS(read_kernel(a, out->kernel));
  if (out->kernel.count() == 0) return a.wrong("it has no support vectors");
  out->features = out->kernel.features();
  TRY_STATUS(read_counts(a, *out));
  TRY_STATUS(read_coefficients(a, *out));
  out->decides = true;
  out->one_vs_rest = false;
  if (a.has("decision_function_shape")) {
    TRY(std::string shape, a.text({"decision_function_shape"}));
    out->one_vs_rest = shape == "ovr";
  }
  TRY(out->break_ties, a.flag("break_ties", false));
  if (out->break_ties && !out->one_vs_rest)
    return error(
        Code::kInvalid,
        str(a.class_name(), ": break_ties must be False when decision_function_shape is 'ovo'"));
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
