// KNeighborsClassifier, KNeighborsRegressor and KNeighborsTransformer.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"
#include "models/engines/sklearn/neighbors/search.h"
#include "models/engines/sklearn/neighbors/votes.h"

namespace proa::engines::neighbors {
namespace {

Missing missing_of(const Search& s) {
  return s.nan_allowed() ? Missing::kNanAllowed : Missing::kRefused;
}

class Classifier : public Estimator {
 public:
  Search search;
  size_t k = 1;
  Weights weights = Weights::kUniform;
  Classes classes;

  const Labels* labels() const override { return classes.several ? nullptr : &classes.outputs[0]; }
  bool has(Method m) const override { return m == Method::kPredict || m == Method::kPredictProba; }
  inference::TensorInfo output_info(Method m) const override {
    int64_t n = static_cast<int64_t>(classes.count());
    if (m != Method::kPredict)
      return {"", DataType::kFp64, {static_cast<int64_t>(classes.outputs[0].size())}};
    inference::TensorInfo info{"", classes.outputs[0].type, {}};
    if (classes.several) info.shape.push_back(n);
    return info;
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work, missing_of(search)));
    Search::Found near = search.nearest(x, in.rows, k, work);
    std::span<double> w = work.take<double>(weights == Weights::kUniform ? 0 : in.rows * k);
    for (size_t r = 0; r < in.rows && !w.empty(); ++r)
      distance_weights(near.distances.subspan(r * k, k), w.subspan(r * k, k));
    if (m == Method::kPredictProba) return shares(near, w, in.rows, work, out);
    size_t n = classes.count();
    std::span<uint32_t> best = work.take<uint32_t>(in.rows * n);
    std::span<double> row = work.take<double>(k);
    for (size_t o = 0; o < n; ++o) {
      std::span<double> sums = work.take<double>(classes.outputs[o].size());
      for (size_t r = 0; r < in.rows; ++r)
        best[r * n + o] = winner(near.places.subspan(r * k, k), w.empty() ? w : w.subspan(r * k, k),
                                 o, sums, row);
    }
    out.first = classes.answer(best, in.rows, work);
    return {};
  }

 private:
  uint32_t winner(std::span<const uint32_t> places, std::span<const double> w, size_t output,
                  std::span<double> sums, std::span<double> row) const {
    std::fill(sums.begin(), sums.end(), 0.0);
    if (w.empty()) {
      for (uint32_t p : places) sums[classes.of(p, output)] += 1;
    } else {  // a sum a class, made as numpy makes it, as equal sums decide
      for (size_t c = 0; c < sums.size(); ++c) {
        bool any = false;
        for (size_t i = 0; i < places.size(); ++i) {
          bool mine = classes.of(places[i], output) == c;
          row[i] = mine ? w[i] : 0;
          any = any || mine;
        }
        if (any) sums[c] = numpy_sum(row.data(), row.size());
      }
    }
    return static_cast<uint32_t>(std::max_element(sums.begin(), sums.end()) - sums.begin());
  }

  Status shares(const Search::Found& near, std::span<const double> w, size_t rows, Workspace& work,
                Output& out) const {
    size_t n = classes.count();
    std::span<double*> of_outputs = work.take<double*>(n);
    for (size_t o = 0; o < n; ++o) {
      size_t c = classes.outputs[o].size();
      std::span<double> all = work.zeros<double>(rows * c);
      for (size_t r = 0; r < rows; ++r) {
        double* p = all.data() + r * c;
        for (size_t i = r * k; i < (r + 1) * k; ++i)
          p[classes.of(near.places[i], o)] += w.empty() ? 1 : w[i];
        double sum = numpy_sum(p, c);
        for (size_t i = 0; i < c; ++i) p[i] /= sum == 0 ? 1 : sum;
      }
      of_outputs[o] = all.data();
    }
    classes.probabilities(of_outputs, rows, work, out);
    return {};
  }
};

class Regressor : public Estimator {
 public:
  Search search;
  size_t k = 1;
  Weights weights = Weights::kUniform;
  Targets targets;

  bool has(Method m) const override { return m == Method::kPredict; }
  inference::TensorInfo output_info(Method) const override {
    inference::TensorInfo info{"", DataType::kFp64, {}};
    if (targets.several) info.shape.push_back(static_cast<int64_t>(targets.y.columns));
    return info;
  }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work, missing_of(search)));
    Search::Found near = search.nearest(x, in.rows, k, work);
    size_t n = targets.y.columns;
    std::span<double> mean = work.take<double>(in.rows * n);
    std::span<double> w = work.take<double>(k), row = work.take<double>(k);
    std::fill(w.begin(), w.end(), 1.0);
    for (size_t r = 0; r < in.rows; ++r) {
      if (weights == Weights::kDistance) distance_weights(near.distances.subspan(r * k, k), w);
      double total =
          weights == Weights::kDistance ? numpy_sum(w.data(), k) : static_cast<double>(k);
      for (size_t o = 0; o < n; ++o) {
        for (size_t i = 0; i < k; ++i) row[i] = targets.y.at(near.places[r * k + i], o) * w[i];
        mean[r * n + o] = numpy_sum(row.data(), k) / total;
      }
    }
    out.first = targets.answer(mean, in.rows);
    return {};
  }
};

// A row of distances (or ones) to all training rows, most of them not there.
class Transformer : public Estimator {
 public:
  Search search;
  size_t k = 1;
  bool distances = true;
  bool has(Method m) const override { return m == Method::kTransform; }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work, missing_of(search)));
    Search::Found near = search.nearest(x, in.rows, k, work);
    std::span<size_t> starts = work.take<size_t>(in.rows + 1);
    std::span<uint32_t> indices = work.take<uint32_t>(in.rows * k), by = work.take<uint32_t>(k);
    std::span<double> values = work.take<double>(in.rows * k);
    for (size_t r = 0; r < in.rows; ++r) {
      const uint32_t* places = near.places.data() + r * k;
      for (size_t i = 0; i < k; ++i) by[i] = static_cast<uint32_t>(i);
      std::sort(by.begin(), by.end(),
                [places](uint32_t a, uint32_t b) { return places[a] < places[b]; });
      starts[r] = r * k;
      for (size_t i = 0; i < k; ++i) {
        indices[r * k + i] = places[by[i]];
        values[r * k + i] = distances ? near.distances[r * k + by[i]] : 1;
      }
    }
    starts[in.rows] = in.rows * k;
    out = Table();
    out.form = Table::Form::kSparse;
    out.rows = in.rows, out.columns = search.size();
    out.starts = starts.data(), out.indices = indices.data(), out.values = values.data();
    return {};
  }
};

Result<size_t> neighbours(const Attributes& a, const Search& s, int64_t more = 0) {
  TRY(int64_t k, a.integer({"n_neighbors"}));
  if (k < 1 || k + more > static_cast<int64_t>(s.size()))
    return a.wrong("n_neighbors is not between 1 and the number of its rows");
  return static_cast<size_t>(k + more);
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_k_neighbors_classifier(const Attributes& a, Maker&) {
  auto out = std::make_unique<Classifier>();
  TRY(out->search, Search::make(a));
  TRY(out->k, neighbours(a, out->search));
  TRY(out->weights, read_weights(a));
  TRY(out->classes, Classes::read(a, out->search.size()));
  out->features = out->search.width();
  return out;
}

Result<std::unique_ptr<Estimator>> make_k_neighbors_regressor(const Attributes& a, Maker&) {
  auto out = std::make_unique<Regressor>();
  TRY(out->search, Search::make(a));
  TRY(out->k, neighbours(a, out->search));
  TRY(out->weights, read_weights(a));
  TRY(out->targets, Targets::read(a, out->search.size()));
  out->features = out->search.width();
  return out;
}

Result<std::unique_ptr<Estimator>> make_k_neighbors_transformer(const Attributes& a, Maker&) {
  auto out = std::make_unique<Transformer>();
  TRY(out->search, Search::make(a));
  TRY(std::string mode, a.text({"mode"}));
  if (mode != "distance" && mode != "connectivity") return a.unsupported(str("mode ", mode));
  out->distances = mode == "distance";
  TRY(out->k, neighbours(a, out->search, out->distances ? 1 : 0));
  out->features = out->search.width();
  return out;
}

}  // namespace proa::engines::neighbors
