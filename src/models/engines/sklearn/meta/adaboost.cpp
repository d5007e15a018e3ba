// AdaBoostClassifier (SAMME and SAMME.R) and AdaBoostRegressor.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"

namespace proa::engines::meta {
namespace {

class AdaBoostClassifier : public Classifier {
 public:
  std::vector<Part> parts;
  std::vector<double> weights;  // at least one a part
  double total = 1;             // sum of all weights
  bool real = false;            // SAMME.R: of log-probabilities
  bool penalty = false;         // SAMME: a class not chosen loses (1.4 and later)
  bool oldest = false;          // to 0.20: probabilities were made in another way
  void set_labels(Labels l) { labels_ = std::move(l); }

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kPredictProba || m == Method::kPredictLogProba ||
           m == Method::kDecisionFunction;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    size_t k = labels_.size();
    bool proba = m == Method::kPredictProba || m == Method::kPredictLogProba;
    std::span<double> all = work.zeros<double>(in.rows * k);
    for (size_t i = 0; i < parts.size(); ++i) {
      Workspace::Mark mark = work.mark();
      TRY_STATUS(real              ? add_real(i, in, work, all)
                 : oldest && proba ? add_probabilities(i, in, work, all)
                                   : add_votes(i, in, work, all));
      work.release(mark);
    }
    for (double& v : all) v /= total;
    if (proba) return probabilities(m, all, in.rows, out);
    if (k == 2) return two_classes(m, all, in.rows, work, out);
    if (m == Method::kDecisionFunction && k == 1) std::fill(all.begin(), all.end(), 0.0);
    if (m == Method::kDecisionFunction)
      out.first = inference::matrix_of(all.data(), in.rows, k);
    else
      out.first = labels_.pick(argmax_rows(all.data(), in.rows, k, work), work);
    return {};
  }

 private:
  Status add_real(size_t i, const Table& in, Workspace& work, std::span<double> all) const {
    size_t k = labels_.size();
    double n = static_cast<double>(k);
    std::span<double> logs = work.take<double>(k);
    TRY(const double* p, ask_exactly(*parts[i], Method::kPredictProba, in, work, k));
    for (size_t r = 0; r < in.rows; ++r) {
      double sum = 0;
      for (size_t c = 0; c < k; ++c)
        sum += logs[c] = std::log(std::max(p[r * k + c], std::numeric_limits<double>::epsilon()));
      for (size_t c = 0; c < k; ++c) all[r * k + c] += (n - 1) * (logs[c] - 1.0 / n * sum);
    }
    return {};
  }
  Status add_votes(size_t i, const Table& in, Workspace& work, std::span<double> all) const {
    size_t k = labels_.size();
    double w = weights[i];
    double other = penalty && k > 1 ? -1.0 / static_cast<double>(k - 1) * w : 0.0;
    Output one;
    TRY_STATUS(parts[i]->predict(Method::kPredict, in, work, one));
    TRY(std::span<uint32_t> said, class_indices(one.first, labels_, work));
    if (said.size() != in.rows) return error(Code::kInvalid, str(name, ": a part lost rows"));
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < k; ++c) all[r * k + c] += said[r] == c ? w : other;
    return {};
  }
  Status add_probabilities(size_t i, const Table& in, Workspace& work,
                           std::span<double> all) const {
    TRY(const double* p, ask_exactly(*parts[i], Method::kPredictProba, in, work, labels_.size()));
    for (size_t j = 0; j < all.size(); ++j) all[j] += p[j] * weights[i];
    return {};
  }

  Status two_classes(Method m, std::span<const double> all, size_t rows, Workspace& work,
                     Output& out) const {
    std::span<double> d = work.take<double>(rows);
    std::span<uint32_t> best = work.take<uint32_t>(rows);
    for (size_t r = 0; r < rows; ++r) {
      d[r] = -all[2 * r] + all[2 * r + 1];
      best[r] = d[r] > 0 ? 1 : 0;
    }
    out.first = m == Method::kDecisionFunction ? inference::vector_of(d) : labels_.pick(best, work);
    return {};
  }

  Status probabilities(Method m, std::span<double> all, size_t rows, Output& out) const {
    size_t k = labels_.size();
    double n = static_cast<double>(k);
    if (k == 1) {
      std::fill(all.begin(), all.end(), 1.0);
    } else if (oldest) {
      for (size_t r = 0; r < rows; ++r) {
        double sum = 0, *v = all.data() + r * k;
        for (size_t c = 0; c < k; ++c) sum += v[c] = std::exp(1.0 / (n - 1) * v[c]);
        for (size_t c = 0; c < k; ++c) v[c] /= sum == 0 ? 1.0 : sum;
      }
    } else {
      for (size_t r = 0; r < rows; ++r) {
        double* v = all.data() + r * k;
        double d = k == 2 ? -v[0] + v[1] : 0;
        if (k == 2) v[0] = -d / 2, v[1] = d / 2;
        for (size_t c = 0; c < k && k > 2; ++c) v[c] /= n - 1;
      }
      softmax_rows(all.data(), rows, k);
    }
    if (m == Method::kPredictLogProba)
      for (double& v : all) v = std::log(v);
    out.first = inference::matrix_of(all.data(), rows, k);
    return {};
  }
};

class AdaBoostRegressor : public Estimator {
 public:
  std::vector<Part> parts;
  std::vector<double> weights;
  bool has(Method m) const override { return m == Method::kPredict; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    size_t k = parts.size();
    std::span<double> all = work.take<double>(in.rows * k), median = work.take<double>(in.rows);
    std::span<uint32_t> order = work.take<uint32_t>(k);
    std::span<double> sums = work.take<double>(k);
    for (size_t i = 0; i < k; ++i) {
      Workspace::Mark mark = work.mark();
      TRY(const double* p, ask_exactly(*parts[i], Method::kPredict, in, work, 1));
      for (size_t r = 0; r < in.rows; ++r) all[r * k + i] = p[r];
      work.release(mark);
    }
    for (size_t r = 0; r < in.rows; ++r) {
      const double* p = all.data() + r * k;
      std::iota(order.begin(), order.end(), 0u);
      std::sort(order.begin(), order.end(),
                [p](uint32_t a, uint32_t b) { return p[a] < p[b] || (p[a] == p[b] && a < b); });
      double sum = 0;
      for (size_t i = 0; i < k; ++i) sums[i] = sum += weights[order[i]];
      size_t at = 0;
      while (at + 1 < k && !(sums[at] >= 0.5 * sum)) ++at;
      median[r] = p[order[at]];
    }
    out.first = inference::vector_of(median);
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_ada_boost_classifier(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<AdaBoostClassifier>();
  TRY(Labels labels, a.labels("classes_"));
  TRY(out->weights, a.vector({"estimator_weights_"}));
  std::string algorithm = "SAMME";
  if (a.has("algorithm")) {
    TRY(algorithm, a.text({"algorithm"}));
  }
  out->real = algorithm == "SAMME.R";  // "deprecated" (1.6 and later) is SAMME
  TRY(out->parts,
      make_parts(a, {"estimators_"}, maker, out->real ? Method::kPredictProba : Method::kPredict));
  if (out->weights.size() < out->parts.size() || labels.size() == 0)
    return a.wrong("estimator_weights_ is shorter than estimators_, or there are no classes");
  out->total = std::accumulate(out->weights.begin(), out->weights.end(), 0.0);
  Maker::Release release = maker.release();
  out->penalty = release == Maker::Release{} || release >= Maker::Release{1, 4};
  out->oldest = release != Maker::Release{} && release < Maker::Release{0, 21};
  for (const Part& p : out->parts)
    if (out->oldest && !p->has(Method::kPredictProba)) out->oldest = false;
  out->set_labels(std::move(labels));
  out->features = width_of(out->parts);
  return out;
}

Result<std::unique_ptr<Estimator>> make_ada_boost_regressor(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<AdaBoostRegressor>();
  TRY(out->parts, make_parts(a, {"estimators_"}, maker, Method::kPredict));
  TRY(out->weights, a.vector({"estimator_weights_"}));
  if (out->weights.size() < out->parts.size())
    return a.wrong("estimator_weights_ is shorter than estimators_");
  out->features = width_of(out->parts);
  return out;
}

}  // namespace proa::engines::meta
