// Isomap and LocallyLinearEmbedding: new rows by their nearest training rows.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

struct Neighbor {
  double distance;
  uint32_t row;
  bool operator<(const Neighbor& o) const {
    return distance != o.distance ? distance < o.distance : row < o.row;
  }
};

// The training rows of a NearestNeighbors, with Euclidean distances.
struct Neighborhood {
  Matrix rows;
  size_t count = 5;
  double radius = -1;  // negative: `count` of them

  // The nearest ones are the first; their number.
  size_t find(const double* x, std::span<Neighbor> all) const {
    for (uint32_t i = 0; i < rows.rows; ++i)
      all[i] = {std::sqrt(squared_distance(x, rows.row(i), rows.columns)), i};
    if (radius < 0) {
      std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end());
      return count;
    }
    auto end = std::partition(all.begin(), all.end(),
                              [&](const Neighbor& n) { return n.distance <= radius; });
    return static_cast<size_t>(end - all.begin());
  }
};

Result<Neighborhood> read_neighborhood(const Attributes& a, bool radius_too) {
  TRY(Attributes inner, a.object({"nbrs_"}));
  Neighborhood n;
  TRY(n.rows, inner.matrix({"_fit_X"}));
  if (n.rows.rows == 0 || n.rows.rows >= UINT32_MAX) return a.wrong("nbrs_ has no rows");
  TRY_STATUS(check_features(a, n.rows.columns));
  TRY(std::string metric, inner.text({"effective_metric_", "metric"}));
  double p = 2;
  if (metric == "minkowski" && inner.has("p")) {
    TRY(p, inner.number({"p"}));
  }
  if ((metric != "euclidean" && metric != "minkowski") || p != 2)
    return a.unsupported(str("the metric ", metric));
  if (radius_too && a.has("radius")) {
    TRY(n.radius, a.number({"radius"}));
    if (!(n.radius >= 0)) return a.wrong("radius is not possible");
    return n;
  }
  TRY(int64_t count, a.integer({"n_neighbors"}));
  if (count < 1 || count > static_cast<int64_t>(n.rows.rows))
    return a.wrong("n_neighbors is not possible");
  n.count = static_cast<size_t>(count);
  return n;
}

Status check_columns(const Table& in, size_t columns, const Estimator& e) {
  if (in.columns == columns) return {};
  return error(Code::kInvalid, str("X has ", in.columns, " features, but ", e.name,
                                   " is expecting ", columns, " features as input."));
}

class Isomap : public Transformer {
 public:
  Neighborhood neighborhood;
  Matrix distances;                      // along the graph, between training rows
  std::unique_ptr<Estimator> embedding;  // a KernelPCA of those

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    TRY_STATUS(check_columns(in, neighborhood.rows.columns, *this));
    size_t n = distances.columns;
    Table between;
    TRY(std::span<double> to, sized_output(in.rows, n, work, between));
    std::span<Neighbor> all = work.take<Neighbor>(neighborhood.rows.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      size_t count = neighborhood.find(x + r * in.columns, all);
      if (count == 0)
        return error(Code::kInvalid, str("row ", r, " has no training row within the radius"));
      for (size_t j = 0; j < n; ++j) {
        double best = INFINITY;
        for (size_t i = 0; i < count; ++i)
          best = std::min(best, distances.at(all[i].row, j) + all[i].distance);
        to[r * n + j] = best * best * -0.5;
      }
    }
    return embedding->transform(between, work, out);
  }
};

class LocallyLinear : public Transformer {
 public:
  Neighborhood neighborhood;
  Matrix embedding;
  double regularization = 1e-3;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    TRY_STATUS(check_columns(in, neighborhood.rows.columns, *this));
    size_t k = neighborhood.count;
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::span<Neighbor> all = work.take<Neighbor>(neighborhood.rows.rows);
    std::span<double> weights = work.take<double>(k);
    for (size_t r = 0; r < in.rows; ++r) {
      neighborhood.find(x + r * in.columns, all);
      if (!barycenter(x + r * in.columns, all, weights, work))
        return error(Code::kInvalid, str("row ", r, " has no unique barycenter of its neighbors"));
      double* at = to.data() + r * width;
      std::fill_n(at, width, 0.0);
      for (size_t i = 0; i < k; ++i)
        for (size_t c = 0; c < width; ++c) at[c] += embedding.at(all[i].row, c) * weights[i];
    }
    return {};
  }

 private:
  // Weights of the neighbors that add up to 1 and whose mean is nearest to x.
  bool barycenter(const double* x, std::span<const Neighbor> near, std::span<double> weights,
                  Workspace& work) const {
    Workspace::Mark mark = work.mark();
    size_t k = weights.size(), n = neighborhood.rows.columns;
    std::span<double> gaps = work.take<double>(k * n), gram = work.take<double>(k * k);
    for (size_t i = 0; i < k; ++i)
      for (size_t c = 0; c < n; ++c) gaps[i * n + c] = neighborhood.rows.at(near[i].row, c) - x[c];
    double trace = 0;
    for (size_t i = 0; i < k; ++i)
      for (size_t j = 0; j < k; ++j) {
        gram[i * k + j] = dot_of(gaps.data() + i * n, gaps.data() + j * n, n);
        if (i == j) trace += gram[i * k + j];
      }
    double more = trace > 0 ? regularization * trace : regularization;
    for (size_t i = 0; i < k; ++i) gram[i * k + i] += more;
    std::fill(weights.begin(), weights.end(), 1.0);
    bool solved = solve_spd(gram.data(), k, weights.data(), 1);
    double sum = 0;
    for (double w : weights) sum += w;
    for (double& w : weights) w /= sum;
    work.release(mark);
    return solved;
  }
};

}  // namespace

Made make_isomap(const Attributes& a, Maker& maker) {
  auto i = std::make_unique<Isomap>();
  TRY(i->neighborhood, read_neighborhood(a, true));
  TRY(i->distances, a.matrix({"dist_matrix_"}));
  size_t n = i->neighborhood.rows.rows;
  if (i->distances.rows != n || i->distances.columns != n)
    return a.wrong("dist_matrix_ is of other rows");
  TRY(Attributes inner, a.object({"kernel_pca_"}));
  if (inner.class_name() != "KernelPCA") return a.wrong("kernel_pca_ is no KernelPCA");
  TRY(i->embedding, maker.make(&inner.node()));
  i->width = static_cast<Transformer&>(*i->embedding).width;
  return i;
}

Made make_locally_linear_embedding(const Attributes& a, Maker&) {
  auto l = std::make_unique<LocallyLinear>();
  TRY(l->neighborhood, read_neighborhood(a, false));
  TRY(l->embedding, a.matrix({"embedding_"}));
  if (l->embedding.rows != l->neighborhood.rows.rows) return a.wrong("embedding_ is of other rows");
  TRY(l->regularization, a.number({"reg"}));
  l->width = l->embedding.columns;
  return l;
}

}  // namespace proa::engines
