// QuantileTransformer: each column by its empirical distribution, to a uniform or a normal one.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/normal.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

constexpr double kBounds = 1e-7;  // how near to a bound counts as being there

// Piecewise linear, as numpy.interp: of equal `xs` the last counts, outside the ends are kept.
double interpolate(double x, const double* xs, const double* ys, size_t n) {
  if (x > xs[n - 1]) return ys[n - 1];
  size_t j = static_cast<size_t>(std::upper_bound(xs, xs + n, x) - xs);
  if (j == 0) return ys[0];
  --j;
  if (j == n - 1 || xs[j] == x) return ys[j];
  double slope = (ys[j + 1] - ys[j]) / (xs[j + 1] - xs[j]);
  double y = slope * (x - xs[j]) + ys[j];
  if (std::isnan(y)) {
    y = slope * (x - xs[j + 1]) + ys[j + 1];
    if (std::isnan(y) && ys[j] == ys[j + 1]) y = ys[j];
  }
  return y;
}

class QuantileTransformer : public Transformer {
 public:
  // Column after column, forwards and negated backwards.
  std::vector<double> quantiles, mirrored, references, mirrored_references;
  bool normal = false;
  bool clipped = false;  // 0.20 kept uniform answers off 0 and 1 too

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t, Missing::kNanAllowed));
    TRY_STATUS(same_width(t));
    bool sparse = t.form == Table::Form::kSparse;
    if (!sparse) {
      TRY(std::span<double> to, sized_output(t.rows, width, work, out));
      for (size_t i = 0; i < to.size(); ++i) to[i] = forward(t.dense[i], i % width);
      return {};
    }
    std::span<double> to = work.take<double>(t.starts[t.rows]);
    for (size_t i = 0; i < to.size(); ++i) to[i] = forward(t.values[i], t.indices[i]);
    out = t;
    out.values = to.data();
    return {};
  }

  bool has_inverse() const override { return true; }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work, Missing::kNanAllowed));
    TRY_STATUS(same_width(in));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    for (size_t i = 0; i < to.size(); ++i) to[i] = backward(x[i], i % width);
    return {};
  }

 private:
  Status same_width(const Table& t) const {
    if (t.columns == width) return {};
    return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name, " is expecting ",
                                     width, " features as input."));
  }

  double forward(double x, size_t column) const {
    if (std::isnan(x)) return x;
    size_t n = references.size();
    const double* q = quantiles.data() + column * n;
    const double* m = mirrored.data() + column * n;
    bool near = normal || clipped;
    bool lower = near ? x - kBounds < q[0] : x == q[0];
    bool upper = near ? x + kBounds > q[n - 1] : x == q[n - 1];
    double y = 0.5 * (interpolate(x, q, references.data(), n) -
                      interpolate(-x, m, mirrored_references.data(), n));
    if (upper) y = 1;
    if (lower) y = 0;
    if (clipped && !normal) return std::clamp(y, kBounds - kTinyStep, 1 - (kBounds - kTinyStep));
    if (!normal) return y;
    return std::clamp(normal_quantile(y), low_, high_);
  }

  double backward(double y, size_t column) const {
    if (std::isnan(y)) return y;
    size_t n = references.size();
    const double* q = quantiles.data() + column * n;
    if (normal) y = normal_cdf(y);
    bool lower = normal ? y - kBounds < 0 : y == 0;
    bool upper = normal ? y + kBounds > 1 : y == 1;
    if (lower) return q[0];
    if (upper) return q[n - 1];
    return interpolate(y, references.data(), q, n);
  }

  static constexpr double kTinyStep = 2.220446049250313e-16;  // numpy.spacing(1)
  double low_ = normal_quantile(kBounds - kTinyStep);
  double high_ = normal_quantile(1 - (kBounds - kTinyStep));
};

}  // namespace

Made make_quantile_transformer(const Attributes& a, Maker& maker) {
  auto t = std::make_unique<QuantileTransformer>();
  TRY(Matrix q, a.matrix({"quantiles_"}, Attributes::Finite::kAny));
  TRY(t->references, a.vector({"references_"}));
  size_t n = q.rows;
  if (n == 0 || t->references.size() != n) return a.wrong("quantiles_ and references_ disagree");
  TRY_STATUS(check_features(a, q.columns));
  t->width = q.columns;
  for (size_t c = 0; c < q.columns; ++c) {
    for (size_t r = 0; r < n; ++r) t->quantiles.push_back(q.at(r, c));
    for (size_t r = 0; r < n; ++r) t->mirrored.push_back(-q.at(n - 1 - r, c));
  }
  for (size_t r = 0; r < n; ++r) t->mirrored_references.push_back(-t->references[n - 1 - r]);
  TRY(std::string distribution, a.text({"output_distribution"}));
  if (distribution != "uniform" && distribution != "normal")
    return a.unsupported(str("the distribution ", distribution));
  t->normal = distribution == "normal";
  t->clipped = maker.release() == Maker::Release{0, 20};
  return t;
}

}  // namespace proa::engines
