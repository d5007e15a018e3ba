// LatentDirichletAllocation: the topics of a document, by the same variational steps as in fitting.
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

// The digamma function by recurrence and three terms of its asymptotic series; scikit-learn stops
// there too, so that more digits would be other ones.
double digamma(double x) {
  constexpr double kEuler = 0.57721566490153286061;
  if (x <= 1e-6) return -kEuler - 1 / x;
  double result = 0;
  for (; x < 6; x += 1) result -= 1 / x;
  double r = 1 / x;
  result += std::log(x) - 0.5 * r;
  r *= r;
  return result - r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252)));
}

class Lda : public Transformer {
 public:
  Matrix words;  // word × topic: exp of the topics' expected logarithms
  double prior = 0, tolerance = 1e-3;
  size_t iterations = 100;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    if (t.columns != words.rows)
      return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name,
                                       " is expecting ", words.rows, " features as input."));
    TRY_STATUS(check_non_negative(t, "LatentDirichletAllocation.transform"));
    size_t k = words.columns;
    TRY(std::span<double> to, sized_output(t.rows, k, work, out));
    for (size_t r = 0; r < t.rows; ++r) {
      std::span<double> topics = to.subspan(r * k, k);
      Workspace::Mark mark = work.mark();
      infer(t, r, topics, work);
      work.release(mark);
      double sum = 0;
      for (double v : topics) sum += v;
      for (double& v : topics) v /= sum;
    }
    return {};
  }

 private:
  static void expectation(std::span<const double> topics, std::span<double> weights) {
    double sum = 0;
    for (double v : topics) sum += v;
    double total = digamma(sum);
    for (size_t i = 0; i < topics.size(); ++i) weights[i] = std::exp(digamma(topics[i]) - total);
  }

  void infer(const Table& t, size_t row, std::span<double> topics, Workspace& work) const {
    size_t k = words.columns;
    std::fill(topics.begin(), topics.end(), 1.0);
    std::span<double> weights = work.take<double>(k), sums = work.take<double>(k);
    expectation(topics, weights);
    for (size_t i = 0; i < iterations; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      each_entry(t, row, [&](uint32_t c, double count) {
        if (count == 0) return;
        const double* word = words.row(c);
        double share =
            count / (dot_of(weights.data(), word, k) + std::numeric_limits<double>::epsilon());
        for (size_t z = 0; z < k; ++z) sums[z] += share * word[z];
      });
      double change = 0;
      for (size_t z = 0; z < k; ++z) {
        double now = weights[z] * sums[z] + prior;
        change += std::abs(topics[z] - now);
        topics[z] = now;
      }
      expectation(topics, weights);
      if (change / static_cast<double>(k) < tolerance) return;
    }
  }
};

}  // namespace

Made make_lda(const Attributes& a, Maker&) {
  auto l = std::make_unique<Lda>();
  TRY(Matrix topics, a.matrix({"exp_dirichlet_component_"}));
  if (topics.rows == 0 || topics.columns == 0) return a.wrong("exp_dirichlet_component_ is empty");
  TRY_STATUS(check_features(a, topics.columns));
  l->words = Matrix{topics.columns, topics.rows, std::vector<double>(topics.values.size())};
  for (size_t r = 0; r < topics.rows; ++r)
    for (size_t c = 0; c < topics.columns; ++c)
      l->words.values[c * topics.rows + r] = topics.at(r, c);
  l->width = topics.rows;
  TRY(l->prior, a.number({"doc_topic_prior_"}));
  TRY(l->tolerance, a.number({"mean_change_tol"}));
  TRY(int64_t iterations, a.integer({"max_doc_update_iter"}));
  if (iterations < 0 || iterations > 1'000'000)
    return a.wrong("max_doc_update_iter is not possible");
  l->iterations = static_cast<size_t>(iterations);
  return l;
}

}  // namespace proa::engines
