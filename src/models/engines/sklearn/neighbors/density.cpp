// LocalOutlierFactor (novelty) and KernelDensity: how crowded it is around a row.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"
#include "models/engines/sklearn/neighbors/search.h"
#include "models/engines/sklearn/neighbors/votes.h"

namespace proa::engines::neighbors {
namespace {

class LocalOutlierFactor : public Estimator {
 public:
  Search search;
  size_t k = 1;
  double offset = 0;
  std::vector<double> reach;    // of a training row: the distance to its k-th neighbour
  std::vector<double> density;  // of a training row

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction || m == Method::kScoreSamples;
  }
  inference::TensorInfo output_info(Method m) const override {
    return {"", m == Method::kPredict ? DataType::kInt64 : DataType::kFp64, {}};
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    Search::Found near = search.nearest(x, in.rows, k, work);
    std::span<double> score = work.take<double>(in.rows), row = work.take<double>(k);
    std::span<int64_t> inlier = work.take<int64_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      const uint32_t* places = near.places.data() + r * k;
      for (size_t i = 0; i < k; ++i) row[i] = std::max(near.distances[r * k + i], reach[places[i]]);
      double own = 1 / (numpy_sum(row.data(), k) / static_cast<double>(k) + 1e-10);
      for (size_t i = 0; i < k; ++i) row[i] = density[places[i]] / own;
      score[r] = -(numpy_sum(row.data(), k) / static_cast<double>(k));
      if (m != Method::kScoreSamples) score[r] -= offset;
      inlier[r] = score[r] < 0 ? -1 : 1;
    }
    if (m == Method::kPredict)
      out.first = {DataType::kInt64, 1, {in.rows}, nullptr, inlier.data(), nullptr};
    else
      out.first = inference::vector_of(score);
    return {};
  }
};

double log_ball(double n) {
  return 0.5 * n * std::log(std::numbers::pi) - std::lgamma(0.5 * n + 1);
}
double log_sphere(double n) { return std::log(2 * std::numbers::pi) + log_ball(n - 1); }

class KernelDensity : public Estimator {
 public:
  enum class Shape { kGaussian, kTophat, kEpanechnikov, kExponential, kLinear, kCosine };
  Matrix rows;
  Metric metric;
  Shape shape = Shape::kGaussian;
  double h = 1, log_norm = 0;
  std::vector<double> log_weights;  // empty: all equal

  bool has(Method m) const override { return m == Method::kScoreSamples; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    std::span<double> score = work.take<double>(in.rows), logs = work.take<double>(rows.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      double top = -INFINITY, sum = 0;
      for (size_t i = 0; i < rows.rows; ++i) {
        double d = metric.distance(metric.reduced(x + r * rows.columns, rows.row(i), rows.columns));
        logs[i] = log_kernel(d) + (log_weights.empty() ? 0 : log_weights[i]);
        top = std::max(top, logs[i]);
      }
      for (size_t i = 0; i < rows.rows && top > -INFINITY; ++i) sum += std::exp(logs[i] - top);
      score[r] = top > -INFINITY ? top + std::log(sum) + log_norm : -INFINITY;
    }
    out.first = inference::vector_of(score);
    return {};
  }

  void set_norm(double total) {
    double d = static_cast<double>(rows.columns), factor = 0;
    switch (shape) {
      case Shape::kGaussian:
        factor = 0.5 * d * std::log(2 * std::numbers::pi);
        break;
      case Shape::kTophat:
        factor = log_ball(d);
        break;
      case Shape::kEpanechnikov:
        factor = log_ball(d) + std::log(2 / (d + 2));
        break;
      case Shape::kExponential:
        factor = log_sphere(d - 1) + std::lgamma(d);
        break;
      case Shape::kLinear:
        factor = log_ball(d) - std::log(d + 1);
        break;
      case Shape::kCosine: {
        double term = 2 / std::numbers::pi;
        for (double k = 1; k <= d; k += 2) {
          factor += term;
          term *= -(d - k) * (d - k - 1) * (4 / (std::numbers::pi * std::numbers::pi));
        }
        factor = std::log(factor) + log_sphere(d - 1);
        break;
      }
    }
    log_norm = -factor - d * std::log(h) - std::log(total);
  }

 private:
  double log_kernel(double d) const {
    switch (shape) {
      case Shape::kGaussian:
        return -0.5 * (d * d) / (h * h);
      case Shape::kTophat:
        return d < h ? 0 : -INFINITY;
      case Shape::kEpanechnikov:
        return d < h ? std::log(1 - (d * d) / (h * h)) : -INFINITY;
      case Shape::kExponential:
        return -d / h;
      case Shape::kLinear:
        return d < h ? std::log(1 - d / h) : -INFINITY;
      case Shape::kCosine:
        return d < h ? std::log(std::cos(0.5 * std::numbers::pi * d / h)) : -INFINITY;
    }
    return 0;
  }
};

Result<KernelDensity::Shape> shape_of(const Attributes& a) {
  static constexpr std::string_view kNames[] = {"gaussian",    "tophat", "epanechnikov",
                                                "exponential", "linear", "cosine"};
  TRY(std::string name, a.text({"kernel"}));
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<KernelDensity::Shape>(i);
  return a.unsupported(str("the kernel ", name));
}

// An array of the tree's state, under a name for messages.
Result<NdArray> state_array(const pickle::Node* n) {
  pickle::Node dict{.kind = pickle::Kind::kDict}, key{.kind = pickle::Kind::kStr, .text = "tree_"};
  dict.items = {&key, const_cast<pickle::Node*>(n)};
  return Attributes(dict).array({"tree_"});
}

Status read_rows(const Attributes& a, KernelDensity& out) {
  const pickle::Node* tree = a.find("tree_");
  const pickle::Node* state = tree ? tree->state : nullptr;
  if (!state || state->kind != pickle::Kind::kTuple || state->items.size() < 7)
    return a.wrong("its tree is malformed");
  TRY(NdArray data, state_array(state->items[0]).context(a.class_name()));
  if (data.shape.size() != 2 || data.shape[0] == 0 || data.shape[1] == 0)
    return a.wrong("its tree holds no rows");
  out.rows = Matrix{data.shape[0], data.shape[1], std::move(data.values)};
  double total = static_cast<double>(out.rows.rows);
  const pickle::Node* weights = state->items.size() > 12 ? state->items[12] : nullptr;
  if (weights && weights->kind == pickle::Kind::kArray) {
    TRY(NdArray w, state_array(weights).context(a.class_name()));
    if (w.values.size() != out.rows.rows) return a.wrong("its weights are not as many as its rows");
    total = 0;
    for (double v : w.values) {
      total += v;
      out.log_weights.push_back(std::log(v));
    }
    if (!(total > 0)) return a.wrong("its weights do not sum to a positive number");
  }
  TRY(std::string metric, a.text({"metric"}));
  TRY(out.metric, Metric::make(a, metric, a.find("metric_params"), out.rows.columns));
  out.set_norm(total);
  return {};
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_local_outlier_factor(const Attributes& a, Maker&) {
  TRY(bool novelty, a.flag("novelty", false));
  if (!novelty)
    return a.unsupported(
        "novelty=False, which has no predict for new rows; fit it with "
        "novelty=True: that");
  auto out = std::make_unique<LocalOutlierFactor>();
  TRY(out->search, Search::make(a));
  TRY(int64_t k, a.integer({"n_neighbors_"}));
  TRY(out->offset, a.number({"offset_"}));
  TRY(out->density, a.vector({"_lrd"}));
  TRY(Matrix distances, a.matrix({"_distances_fit_X_"}));
  size_t n = out->search.size();
  if (k < 1 || k > static_cast<int64_t>(n) || distances.columns < static_cast<size_t>(k) ||
      distances.rows != n || out->density.size() != n)
    return a.wrong("_lrd, _distances_fit_X_ and n_neighbors_ do not agree");
  out->k = static_cast<size_t>(k);
  for (size_t i = 0; i < n; ++i) out->reach.push_back(distances.at(i, out->k - 1));
  out->features = out->search.width();
  return out;
}

Result<std::unique_ptr<Estimator>> make_kernel_density(const Attributes& a, Maker&) {
  auto out = std::make_unique<KernelDensity>();
  TRY(out->shape, shape_of(a));
  TRY(out->h, a.number({"bandwidth_", "bandwidth"}));
  if (!(out->h > 0)) return a.wrong("its bandwidth is not above 0");
  TRY_STATUS(read_rows(a, *out));
  out->features = out->rows.columns;
  return out;
}

}  // namespace proa::engines::neighbors
