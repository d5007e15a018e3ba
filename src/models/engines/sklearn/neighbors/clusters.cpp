// Clusterers that can say to which cluster a new row belongs, all by its nearest centre.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"

namespace proa::engines::neighbors {
namespace {

constexpr size_t kMostDepth = 10000;

// The order of |c|² - 2 x·c is the order of the distances, and scikit-learn's.
struct Centres {
  Matrix at;
  std::vector<double> squares;

  void set(Matrix m) {
    at = std::move(m);
    squares.clear();
    for (size_t c = 0; c < at.rows; ++c) squares.push_back(dot(at.row(c), at.row(c)));
  }
  double dot(const double* x, const double* y) const {
    double sum = 0;
    for (size_t i = 0; i < at.columns; ++i) sum += x[i] * y[i];
    return sum;
  }
  size_t nearest(const double* x) const {
    size_t best = 0;
    double least = INFINITY;
    for (size_t c = 0; c < at.rows; ++c) {
      double d = squares[c] - 2 * dot(x, at.row(c));
      if (d < least) least = d, best = c;
    }
    return best;
  }
  void distances(const double* x, double* out) const {
    for (size_t c = 0; c < at.rows; ++c) {
      double sum = 0;
      for (size_t i = 0; i < at.columns; ++i) {
        double d = x[i] - at.at(c, i);
        sum += d * d;
      }
      out[c] = std::sqrt(sum);
    }
  }
};

class Clusters : public Estimator {
 public:
  Centres centres;
  Labels names;  // of the centres; none: their places
  DataType type = DataType::kInt32;
  bool transforms = false;

  bool has(Method m) const override {
    return m == Method::kPredict || (transforms && m == Method::kTransform);
  }
  inference::TensorInfo output_info(Method) const override {
    return {"", names.size() ? names.type : type, {}};
  }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    std::span<int64_t> place = work.take<int64_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      best[r] = static_cast<uint32_t>(centres.nearest(x + r * in.columns));
      place[r] = centres.at.rows == 0 ? -1 : static_cast<int64_t>(best[r]);
    }
    if (names.size() != 0)
      out.first = names.pick(best, work);
    else
      out.first = {type, 1, {in.rows}, nullptr, place.data(), nullptr};
    return {};
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    size_t k = centres.at.rows, w = in.columns;
    std::span<double> all = dense_output(in.rows, k, work, out);
    for (size_t r = 0; r < in.rows; ++r) centres.distances(x + r * w, all.data() + r * k);
    return {};
  }
};

// A tree of pairs of centres; a row goes to the nearer of each pair.
class Bisecting : public Clusters {
 public:
  struct Branch {
    Centres pair;
    uint32_t next[2] = {0, 0};
    int64_t label = -1;  // of a leaf
  };
  std::vector<Branch> branches;

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    std::span<int64_t> label = work.take<int64_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      uint32_t at = 0;  // children come after their parents, so this ends
      while (branches[at].label < 0)
        at = branches[at].next[branches[at].pair.nearest(x + r * in.columns)];
      label[r] = branches[at].label;
    }
    out.first = {DataType::kInt32, 1, {in.rows}, nullptr, label.data(), nullptr};
    return {};
  }
};

class FeatureAgglomeration : public Estimator {
 public:
  enum class Pool { kMean, kSum, kLargest, kLeast, kMedian };
  Pool pool = Pool::kMean;
  std::vector<std::vector<uint32_t>> groups;  // columns of each cluster

  bool has(Method m) const override { return m == Method::kTransform; }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    size_t k = groups.size();
    std::span<double> all = dense_output(in.rows, k, work, out);
    std::span<double> row = work.take<double>(in.columns);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t g = 0; g < k; ++g) {
        size_t n = 0;
        for (uint32_t c : groups[g]) row[n++] = x[r * in.columns + c];
        all[r * k + g] = pooled(row.first(n));
      }
    return {};
  }

 private:
  double pooled(std::span<double> v) const {
    double sum = 0;
    size_t half = v.size() / 2;
    switch (pool) {
      case Pool::kLargest:
        return *std::max_element(v.begin(), v.end());
      case Pool::kLeast:
        return *std::min_element(v.begin(), v.end());
      case Pool::kMedian:
        std::sort(v.begin(), v.end());
        return v.size() % 2 ? v[half] : (v[half - 1] + v[half]) / 2;
      default:
        for (double d : v) sum += d;
        return pool == Pool::kSum ? sum : sum / static_cast<double>(v.size());
    }
  }
};

Result<std::unique_ptr<Clusters>> make_clusters(const Attributes& a, Attributes::Names names,
                                                DataType type, bool transforms) {
  auto out = std::make_unique<Clusters>();
  TRY(Matrix centres, a.matrix(names));
  if (centres.columns == 0) return a.wrong(str(*names.begin(), " is empty"));
  out->features = centres.columns;
  out->centres.set(std::move(centres));
  out->type = type;
  out->transforms = transforms;
  return out;
}

Status grow(const Attributes& a, const pickle::Node* root, const std::vector<double>& mean,
            Bisecting& out) {
  size_t w = mean.size(), clusters = out.centres.at.rows;
  std::vector<const pickle::Node*> nodes = {root};
  out.branches.resize(1);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes.size() > 2 * clusters + 1 || nodes.size() > 2 * kMostDepth * kMostDepth)
      return a.wrong("its tree has more leaves than clusters");
    Attributes node(*nodes[i]);
    if (!node.has("left")) {
      TRY(out.branches[i].label, node.integer({"label"}));
      if (out.branches[i].label < 0) return a.wrong("a leaf of its tree has no label");
      continue;
    }
    Matrix pair{2, w, {}};
    for (std::string_view side : {"left", "right"}) {
      if (!node.has(side)) return a.wrong("its tree is malformed");
      nodes.push_back(node.find(side));
      TRY(std::vector<double> centre, Attributes(*nodes.back()).vector({"center"}));
      if (centre.size() != w) return a.wrong("a centre of its tree has another width");
      for (size_t c = 0; c < w; ++c) pair.values.push_back(centre[c] + mean[c]);
    }
    out.branches[i].next[0] = static_cast<uint32_t>(nodes.size() - 2);
    out.branches[i].next[1] = static_cast<uint32_t>(nodes.size() - 1);
    out.branches[i].pair.set(std::move(pair));
    out.branches.resize(nodes.size());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_k_means(const Attributes& a, Maker&) {
  TRY(auto out, make_clusters(a, {"cluster_centers_"}, DataType::kInt32, true));
  if (out->centres.at.rows == 0) return a.wrong("cluster_centers_ is empty");
  return out;
}

Result<std::unique_ptr<Estimator>> make_bisecting_k_means(const Attributes& a, Maker&) {
  auto out = std::make_unique<Bisecting>();
  TRY(Matrix centres, a.matrix({"cluster_centers_"}));
  size_t w = centres.columns;
  if (w == 0 || centres.rows == 0) return a.wrong("cluster_centers_ is empty");
  out->transforms = true;
  out->centres.set(std::move(centres));
  std::vector<double> mean(w);
  if (a.has("_X_mean")) {
    TRY(mean, a.vector({"_X_mean"}));
    if (mean.size() != w) return a.wrong("_X_mean has another width");
  }
  TRY(Attributes tree, a.object({"_bisecting_tree"}));
  TRY_STATUS(grow(a, &tree.node(), mean, *out));
  out->features = w;
  return out;
}

Result<std::unique_ptr<Estimator>> make_birch(const Attributes& a, Maker&) {
  TRY(auto out, make_clusters(a, {"subcluster_centers_"}, DataType::kInt64, true));
  TRY(out->names, a.labels("subcluster_labels_"));
  if (out->names.size() != out->centres.at.rows || out->names.size() == 0)
    return a.wrong("subcluster_labels_ are not as many as subcluster_centers_");
  return out;
}

Result<std::unique_ptr<Estimator>> make_affinity_propagation(const Attributes& a, Maker&) {
  if (!a.has("cluster_centers_"))
    return a.unsupported("predict after affinity='precomputed', which keeps no centres: that");
  TRY(auto out, make_clusters(a, {"cluster_centers_"}, DataType::kInt64, false));
  return out;
}

Result<std::unique_ptr<Estimator>> make_mean_shift(const Attributes& a, Maker&) {
  TRY(auto out, make_clusters(a, {"cluster_centers_"}, DataType::kInt64, false));
  if (out->centres.at.rows == 0) return a.wrong("cluster_centers_ is empty");
  return out;
}

Result<std::unique_ptr<Estimator>> make_feature_agglomeration(const Attributes& a, Maker&) {
  auto out = std::make_unique<FeatureAgglomeration>();
  TRY(std::vector<int64_t> labels, a.integers({"labels_"}));
  const pickle::Node* pool = a.find("pooling_func");
  std::string_view name = pool && pool->kind == pickle::Kind::kGlobal ? pool->text : "";
  using Pool = FeatureAgglomeration::Pool;
  static constexpr std::pair<std::string_view, Pool> kPools[] = {
      {".mean", Pool::kMean},    {".sum", Pool::kSum},   {".max", Pool::kLargest},
      {".amax", Pool::kLargest}, {".min", Pool::kLeast}, {".amin", Pool::kLeast},
      {".median", Pool::kMedian}};
  bool found = false;
  for (const auto& [suffix, p] : kPools)
    if (name.starts_with("numpy") && name.ends_with(suffix)) out->pool = p, found = true;
  if (!found) return a.unsupported("its pooling_func");
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= static_cast<int64_t>(labels.size()))
      return a.wrong("labels_ is out of bounds");
    size_t group = static_cast<size_t>(labels[i]);
    if (group >= out->groups.size()) out->groups.resize(group + 1);
    out->groups[group].push_back(static_cast<uint32_t>(i));
  }
  for (const auto& g : out->groups)
    if (g.empty()) return a.wrong("labels_ leaves a cluster empty");
  if (out->groups.empty()) return a.wrong("labels_ is empty");
  out->features = labels.size();
  return out;
}

}  // namespace proa::engines::neighbors
