// RadiusNeighborsClassifier, RadiusNeighborsRegressor and RadiusNeighborsTransformer.
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"
#include "models/engines/sklearn/neighbors/search.h"
#include "models/engines/sklearn/neighbors/votes.h"

namespace proa::engines::neighbors {
namespace {

struct Radius {
  Search search;
  double radius = 1;
  Weights weights = Weights::kUniform;

  Missing missing() const {
    return search.nan_allowed() ? Missing::kNanAllowed : Missing::kRefused;
  }
  // Calls `take(row, places, distances, weights)` for each row; an error ends it.
  template <typename Take>
  Status each(const double* x, size_t rows, Workspace& work, Take take) const {
    std::span<uint32_t> places = work.take<uint32_t>(search.size());
    std::span<double> distances = work.take<double>(search.size());
    std::span<double> w = work.take<double>(search.size());
    std::fill(w.begin(), w.end(), 1.0);
    for (size_t r = 0; r < rows; ++r) {
      size_t n = search.within(x + r * search.width(), radius, places, distances, work);
      if (weights == Weights::kDistance) distance_weights(distances.first(n), w.first(n));
      TRY_STATUS(take(r, places.first(n), distances.first(n), w.first(n)));
    }
    return {};
  }
};

class Classifier : public Estimator {
 public:
  Radius near;
  Classes classes;                // with the label of outliers behind, where it is none of them
  std::vector<uint32_t> sizes;    // of classes without that label
  std::vector<uint32_t> outlier;  // its place, an output; empty: outliers are refused
  bool probabilities = true;

  const Labels* labels() const override { return classes.several ? nullptr : &own_; }
  bool has(Method m) const override {
    return m == Method::kPredict || (probabilities && m == Method::kPredictProba);
  }
  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work, near.missing()));
    size_t n = classes.count();
    std::span<double*> all = work.take<double*>(n);
    for (size_t o = 0; o < n; ++o) all[o] = work.zeros<double>(in.rows * sizes[o]).data();
    std::span<uint32_t> best = work.take<uint32_t>(in.rows * n);
    TRY_STATUS(near.each(x, in.rows, work, [&](size_t r, auto places, auto, auto w) -> Status {
      if (places.empty() && outlier.empty()) return no_neighbours(r);
      for (size_t o = 0; o < n; ++o) best[r * n + o] = vote(places, w, o, all[o] + r * sizes[o]);
      return {};
    }));
    if (m == Method::kPredict) {
      out.first = classes.answer(best, in.rows, work);
      return {};
    }
    std::span<Values> values = work.take<Values>(n);
    for (size_t o = 0; o < n; ++o) values[o] = inference::matrix_of(all[o], in.rows, sizes[o]);
    out.first = values[0];
    out.rest = values.subspan(1);
    return {};
  }
  void keep_labels() { own_ = classes.outputs[0]; }

 private:
  Status no_neighbours(size_t row) const {
    return error(Code::kInvalid,
                 str("No neighbors found for test samples array([", row,
                     "]), you can try using larger radius, giving a label for outliers, or "
                     "considering removing them from your dataset."));
  }
  // Fills the shares of one row and gives the place of the class that wins.
  uint32_t vote(std::span<const uint32_t> places, std::span<const double> w, size_t o,
                double* shares) const {
    uint32_t c = sizes[o];
    if (places.empty()) {
      if (outlier[o] < c) shares[outlier[o]] = 1;
      return outlier[o];
    }
    for (size_t i = 0; i < places.size(); ++i) shares[classes.of(places[i], o)] += w[i];
    double sum = numpy_sum(shares, c);
    for (size_t i = 0; i < c; ++i) shares[i] /= sum == 0 ? 1 : sum;
    return static_cast<uint32_t>(std::max_element(shares, shares + c) - shares);
  }
  Labels own_;
};

class Regressor : public Estimator {
 public:
  Radius near;
  Targets targets;
  bool has(Method m) const override { return m == Method::kPredict; }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work, near.missing()));
    size_t n = targets.y.columns;
    std::span<double> mean = work.zeros<double>(in.rows * n);
    TRY_STATUS(near.each(x, in.rows, work, [&](size_t r, auto places, auto, auto w) -> Status {
      double total = 0;
      for (double v : w) total += v;
      for (size_t o = 0; o < n; ++o) {
        double& sum = mean[r * n + o];
        for (size_t i = 0; i < places.size(); ++i) sum += targets.y.at(places[i], o) * w[i];
        sum = places.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / total;
      }
      return {};
    }));
    out.first = targets.answer(mean, in.rows);
    return {};
  }
};

class Transformer : public Estimator {
 public:
  Radius near;
  bool distances = true;
  bool has(Method m) const override { return m == Method::kTransform; }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work, near.missing()));
    std::vector<std::pair<uint32_t, double>> row;
    std::vector<uint32_t> indices;
    std::vector<double> values;
    std::span<size_t> starts = work.take<size_t>(in.rows + 1);
    starts[0] = 0;
    TRY_STATUS(near.each(x, in.rows, work, [&](size_t r, auto places, auto found, auto) -> Status {
      row.clear();
      for (size_t i = 0; i < places.size(); ++i)
        row.emplace_back(places[i], distances ? found[i] : 1.0);
      std::sort(row.begin(), row.end());
      for (const auto& [place, value] : row) indices.push_back(place), values.push_back(value);
      starts[r + 1] = indices.size();
      return {};
    }));
    std::span<uint32_t> kept = work.take<uint32_t>(indices.size());
    std::span<double> numbers = work.take<double>(values.size());
    std::copy(indices.begin(), indices.end(), kept.begin());
    std::copy(values.begin(), values.end(), numbers.begin());
    out = Table();
    out.form = Table::Form::kSparse;
    out.rows = in.rows, out.columns = near.search.size();
    out.starts = starts.data(), out.indices = kept.data(), out.values = numbers.data();
    return {};
  }
};

Result<Radius> make_radius(const Attributes& a) {
  Radius r;
  TRY(r.search, Search::make(a));
  TRY(r.radius, a.number({"radius"}));
  TRY(r.weights, read_weights(a));
  return r;
}

// The place of `label` among the classes; it is put behind them where it is none of them.
Result<uint32_t> place_label(const Attributes& a, const pickle::Node& label, Labels& classes) {
  using pickle::Kind;
  size_t n = classes.size();
  std::string_view text = label.text;
  std::vector<std::string> held;
  if (label.kind == Kind::kArray && label.array->dtype.kind == 'U') {
    pickle::Node dict{.kind = Kind::kDict}, key{.kind = Kind::kStr, .text = "outlier_label_"};
    dict.items = {&key, const_cast<pickle::Node*>(&label)};
    TRY(held, Attributes(dict).texts({"outlier_label_"}));
    if (held.size() != 1) return a.wrong("outlier_label_ is malformed");
    text = held[0];
  }
  if (label.kind == Kind::kStr || !held.empty()) {
    if (classes.texts.empty()) return a.wrong("outlier_label_ is a text, its classes are not");
    size_t at = static_cast<size_t>(std::find(classes.texts.begin(), classes.texts.end(), text) -
                                    classes.texts.begin());
    if (at == n) classes.texts.emplace_back(text);
    return static_cast<uint32_t>(at);
  }
  TRY(double v, pickle::as_double(label).context(a.class_name()));
  if (!classes.texts.empty() || !(std::abs(v) < 9e15))
    return a.wrong("outlier_label_ is a number, its classes are not");
  for (size_t i = 0; i < n; ++i)
    if (v ==
        (classes.integers.empty() ? classes.numbers[i] : static_cast<double>(classes.integers[i])))
      return static_cast<uint32_t>(i);
  if (classes.integers.empty())
    classes.numbers.push_back(v);
  else
    classes.integers.push_back(static_cast<int64_t>(v));
  return static_cast<uint32_t>(n);
}

Status read_outlier(const Attributes& a, Classifier& out) {
  using pickle::Kind;
  size_t n = out.classes.count();
  const pickle::Node* given = a.find("outlier_label_");
  bool old = !given;
  if (old) given = a.find("outlier_label");
  if (!given || given->kind == Kind::kNone) return {};
  std::vector<const pickle::Node*> each(n, given);
  if (given->kind == Kind::kList) {
    if (given->items.size() != n) return a.wrong("outlier_label_ is not one an output");
    each.assign(given->items.begin(), given->items.end());
  }
  for (size_t o = 0; o < n; ++o) {
    if (each[o]->kind == Kind::kNone) return {};
    TRY(uint32_t place, place_label(a, *each[o], out.classes.outputs[o]));
    out.outlier.push_back(place);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Estimator>> make_radius_neighbors_classifier(const Attributes& a,
                                                                    Maker& maker) {
  auto out = std::make_unique<Classifier>();
  TRY(out->near, make_radius(a));
  TRY(out->classes, Classes::read(a, out->near.search.size()));
  for (const Labels& l : out->classes.outputs)
    out->sizes.push_back(static_cast<uint32_t>(l.size()));
  out->keep_labels();
  TRY_STATUS(read_outlier(a, *out));
  Maker::Release release = maker.release();
  out->probabilities = release == Maker::Release{} || release >= Maker::Release{0, 22};
  out->features = out->near.search.width();
  return out;
}

Result<std::unique_ptr<Estimator>> make_radius_neighbors_regressor(const Attributes& a, Maker&) {
  auto out = std::make_unique<Regressor>();
  TRY(out->near, make_radius(a));
  TRY(out->targets, Targets::read(a, out->near.search.size()));
  out->features = out->near.search.width();
  return out;
}

Result<std::unique_ptr<Estimator>> make_radius_neighbors_transformer(const Attributes& a, Maker&) {
  auto out = std::make_unique<Transformer>();
  TRY(out->near, make_radius(a));
  TRY(std::string mode, a.text({"mode"}));
  if (mode != "distance" && mode != "connectivity") return a.unsupported(str("mode ", mode));
  out->distances = mode == "distance";
  out->features = out->near.search.width();
  return out;
}

}  // namespace proa::engines::neighbors
