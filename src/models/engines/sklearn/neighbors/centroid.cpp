// NearestCentroid.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"
#include "models/engines/sklearn/neighbors/metric.h"

namespace proa::engines::neighbors {
namespace {

class NearestCentroid : public Estimator {
 public:
  Labels classes;
  Matrix centroids;
  Metric metric;
  // Of 1.6 and later; empty before.
  std::vector<double> log_priors, deviation;
  bool equal_priors = true;

  const Labels* labels() const override { return &classes; }
  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    bool scores = m == Method::kDecisionFunction || m == Method::kPredictProba ||
                  m == Method::kPredictLogProba;
    return scores && !log_priors.empty() && metric.kind() == Metric::Kind::kEuclidean;
  }
  inference::TensorInfo output_info(Method m) const override {
    if (m == Method::kPredict) return {"", classes.type, {}};
    if (m == Method::kDecisionFunction && classes.size() == 2) return {"", DataType::kFp64, {}};
    return {"", DataType::kFp64, {static_cast<int64_t>(classes.size())}};
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    Missing missing = metric.nan_allowed() ? Missing::kNanAllowed : Missing::kRefused;
    TRY(const double* x, dense_input(in, *this, work, missing));
    size_t k = classes.size();
    std::span<double> s = work.take<double>(in.rows * k);
    bool plain = m == Method::kPredict && equal_priors;
    std::span<double> row = work.take<double>(centroids.columns);
    for (size_t r = 0; r < in.rows; ++r) {
      std::copy_n(x + r * row.size(), row.size(), row.data());
      score(row, plain, s.data() + r * k);
    }
    if (m == Method::kPredict) {
      std::span<uint32_t> best = work.take<uint32_t>(in.rows);
      for (size_t r = 0; r < in.rows; ++r)
        best[r] = static_cast<uint32_t>(std::max_element(s.data() + r * k, s.data() + r * k + k) -
                                        (s.data() + r * k));
      out.first = classes.pick(best, work);
      return {};
    }
    if (m == Method::kDecisionFunction && k == 2) {
      std::span<double> d = work.take<double>(in.rows);
      for (size_t r = 0; r < in.rows; ++r) d[r] = s[2 * r + 1] - s[2 * r];
      out.first = inference::vector_of(d);
      return {};
    }
    if (m != Method::kDecisionFunction) normalise(m, s, in.rows);
    out.first = inference::matrix_of(s.data(), in.rows, k);
    return {};
  }

 private:
  // Larger is nearer.
  void score(std::span<double> row, bool plain, double* out) const {
    size_t w = row.size();
    if (plain) metric.prepare(row.data(), w);
    for (size_t c = 0; c < classes.size(); ++c) {
      if (plain) {
        out[c] = -metric.reduced(row.data(), centroids.row(c), w);
        continue;
      }
      double sum = 0;
      for (size_t i = 0; i < w; ++i) {
        double by = deviation[i] != 0 ? deviation[i] : 1;
        double d = row[i] / by - centroids.at(c, i) / by;
        sum += d * d;
      }
      out[c] = -sum + 2.0 * log_priors[c];
    }
  }
  void normalise(Method m, std::span<double> s, size_t rows) const {
    size_t k = classes.size();
    for (size_t r = 0; r < rows; ++r) {
      double* v = s.data() + r * k;
      double top = *std::max_element(v, v + k), sum = 0;
      for (size_t c = 0; c < k; ++c) sum += std::exp(v[c] - top);
      for (size_t c = 0; c < k; ++c) {
        v[c] = v[c] - top - std::log(sum);
        if (m == Method::kPredictProba) v[c] = std::exp(v[c]);
      }
    }
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_nearest_centroid(const Attributes& a, Maker&) {
  auto out = std::make_unique<NearestCentroid>();
  TRY(out->classes, a.labels("classes_"));
  TRY(out->centroids, a.matrix({"centroids_"}));
  size_t k = out->classes.size(), w = out->centroids.columns;
  if (k == 0 || w == 0 || out->centroids.rows != k)
    return a.wrong("centroids_ are not as many as classes_");
  TRY(std::string metric, a.text({"metric"}));
  TRY(out->metric, Metric::make(a, metric, nullptr, w));
  if (out->metric.kind() == Metric::Kind::kPrecomputed) return a.unsupported("metric precomputed");
  if (a.has("class_prior_") && a.has("within_class_std_dev_")) {
    TRY(std::vector<double> priors, a.vector({"class_prior_"}));
    TRY(out->deviation, a.vector({"within_class_std_dev_"}));
    if (priors.size() != k || out->deviation.size() != w)
      return a.wrong("class_prior_ or within_class_std_dev_ has another length");
    double even = 1 / static_cast<double>(k);
    for (double p : priors) {
      out->equal_priors = out->equal_priors && std::abs(p - even) <= 1e-8 + 1e-5 * even;
      out->log_priors.push_back(std::log(p));
    }
    if (!out->equal_priors && out->metric.kind() != Metric::Kind::kEuclidean)
      return a.unsupported("unequal priors with another metric than euclidean");
  }
  for (size_t c = 0; c < k; ++c) out->metric.prepare(&out->centroids.values[c * w], w);
  out->features = w;
  return out;
}

}  // namespace proa::engines::neighbors
