// sklearn.kernel_approximation: features whose products are near to a kernel's values.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

// scale cos(x W + offset), of x or of log(x + skewedness).
class FourierSampler : public Transformer {
 public:
  Projection weights;
  std::vector<double> offset;
  double scale = 1, skewedness = 0;
  bool skewed = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    if (t.columns != weights.in())
      return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name,
                                       " is expecting ", weights.in(), " features as input."));
    if (skewed) TRY_STATUS(take_logarithm(in, t, work));
    TRY(std::span<double> to, sized_output(t.rows, width, work, out));
    for (size_t r = 0; r < t.rows; ++r) {
      double* at = to.data() + r * width;
      weights.apply(t, r, at);
      for (size_t k = 0; k < width; ++k) at[k] = std::cos(at[k] + offset[k]) * scale;
    }
    return {};
  }

 private:
  Status take_logarithm(const Table& in, Table& t, Workspace& work) const {
    TRY(const double* x, dense_input(in, *this, work));
    std::span<double> logs = work.take<double>(t.rows * t.columns);
    for (size_t i = 0; i < logs.size(); ++i) {
      if (x[i] <= -skewedness)
        return error(Code::kInvalid, "X may not contain entries smaller than -skewedness.");
      logs[i] = std::log(x[i] + skewedness);
    }
    t.form = Table::Form::kDense;
    t.dense = logs.data();
    return {};
  }
};

Result<std::unique_ptr<FourierSampler>> make_fourier(const Attributes& a) {
  auto s = std::make_unique<FourierSampler>();
  TRY(Matrix weights, a.matrix({"random_weights_"}));
  TRY(s->offset, a.vector({"random_offset_"}));
  if (weights.columns != s->offset.size() || weights.columns == 0)
    return a.wrong("random_weights_ and random_offset_ disagree");
  TRY_STATUS(check_features(a, weights.rows));
  s->width = weights.columns;
  TRY(int64_t components, a.integer({"n_components"}));
  if (components < 1) return a.wrong("n_components is not possible");
  s->scale = std::sqrt(2.0 / static_cast<double>(components));
  s->weights = Projection::of_columns(std::move(weights));
  return s;
}

// For each column √(x L) and, for each further step, a cosine and a sine of log x.
class AdditiveChi2Sampler : public Transformer {
 public:
  size_t steps = 2;
  double interval = 0.5;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    Table dense = in;
    dense.form = Table::Form::kDense;
    dense.dense = x;
    TRY_STATUS(check_non_negative(dense, "X in AdditiveChi2Sampler.transform"));
    size_t n = in.columns, made = n * (2 * steps - 1);
    TRY(std::span<double> to, sized_output(in.rows, made, work, out));
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < n; ++c) spread(x[r * n + c], n, to.data() + r * made + c);
    if (!inference::is_integer(dense.type)) return {};
    for (double& v : to) v = std::trunc(v);  // scikit-learn keeps the type of what comes in
    out.type = DataType::kInt64;
    return {};
  }

 private:
  void spread(double x, size_t stride, double* to) const {
    if (x == 0) {
      for (size_t i = 0; i < 2 * steps - 1; ++i) to[i * stride] = 0;
      return;
    }
    to[0] = std::sqrt(x * interval);
    double logarithm = interval * std::log(x), power = 2 * x * interval;
    for (size_t j = 1; j < steps; ++j) {
      double step = static_cast<double>(j);
      double factor = std::sqrt(power / std::cosh(M_PI * step * interval));
      to[(2 * j - 1) * stride] = factor * std::cos(step * logarithm);
      to[2 * j * stride] = factor * std::sin(step * logarithm);
    }
  }
};

// A product of random sketches: the circular convolution of `degree` of them.
class PolynomialCountSketch : public Transformer {
 public:
  size_t inputs = 0, degree = 2;
  double gamma = 1, coef0 = 0;
  std::vector<uint32_t> places;  // degree × (inputs, and one for coef0)
  std::vector<double> signs;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Table t;
    TRY_STATUS(numeric_input(in, *this, work, t));
    if (t.columns != inputs)
      return error(Code::kInvalid, str("X has ", t.columns, " features, but ", name,
                                       " is expecting ", inputs, " features as input."));
    TRY(std::span<double> to, sized_output(t.rows, width, work, out));
    std::span<double> sketch = work.take<double>(width), product = work.take<double>(width);
    for (size_t r = 0; r < t.rows; ++r) {
      double* result = to.data() + r * width;
      for (size_t d = 0; d < degree; ++d) {
        make_sketch(t, r, d, sketch);
        if (d == 0)
          std::copy(sketch.begin(), sketch.end(), result);
        else
          convolve(result, sketch.data(), product.data());
      }
    }
    return {};
  }

 private:
  size_t wide() const { return inputs + (coef0 != 0 ? 1 : 0); }

  void make_sketch(const Table& t, size_t r, size_t d, std::span<double> sketch) const {
    std::fill(sketch.begin(), sketch.end(), 0.0);
    const uint32_t* place = places.data() + d * wide();
    const double* sign = signs.data() + d * wide();
    double root = std::sqrt(gamma);
    each_entry(t, r, [&](uint32_t c, double v) { sketch[place[c]] += sign[c] * (root * v); });
    if (coef0 != 0) sketch[place[inputs]] += sign[inputs] * std::sqrt(coef0);
  }

  void convolve(double* x, const double* y, double* product) const {
    std::fill_n(product, width, 0.0);
    for (size_t i = 0; i < width; ++i) {
      if (x[i] == 0) continue;
      for (size_t j = 0; j < width - i; ++j) product[i + j] += x[i] * y[j];
      for (size_t j = width - i; j < width; ++j) product[i + j - width] += x[i] * y[j];
    }
    std::copy_n(product, width, x);
  }
};

}  // namespace

Made make_rbf_sampler(const Attributes& a, Maker&) {
  TRY(auto s, make_fourier(a));
  return s;
}

Made make_skewed_chi2_sampler(const Attributes& a, Maker&) {
  TRY(auto s, make_fourier(a));
  TRY(s->skewedness, a.number({"skewedness"}));
  s->skewed = true;
  return s;
}

Made make_additive_chi2_sampler(const Attributes& a, Maker&) {
  auto s = std::make_unique<AdditiveChi2Sampler>();
  TRY(int64_t steps, a.integer({"sample_steps"}));
  if (steps < 1 || steps > 1000) return a.wrong("sample_steps is not possible");
  s->steps = static_cast<size_t>(steps);
  if (a.has("sample_interval_") || a.has("sample_interval")) {
    TRY(s->interval,
        a.has("sample_interval_") ? a.number({"sample_interval_"}) : a.number({"sample_interval"}));
  } else if (steps <= 3) {
    s->interval = steps == 1 ? 0.8 : steps == 2 ? 0.5 : 0.4;
  } else {
    return a.wrong("sample_interval is missing");
  }
  return s;
}

Made make_polynomial_count_sketch(const Attributes& a, Maker&) {
  auto s = std::make_unique<PolynomialCountSketch>();
  TRY(Matrix places, a.matrix({"indexHash_"}));
  TRY(Matrix signs, a.matrix({"bitHash_"}));
  TRY(int64_t components, a.integer({"n_components"}));
  if (components < 1 || components > 100'000) return a.wrong("n_components is not possible");
  s->width = static_cast<size_t>(components);
  TRY(s->gamma, a.number({"gamma"}));
  TRY(s->coef0, a.number({"coef0"}));
  if (s->gamma < 0 || s->coef0 < 0) return a.wrong("gamma or coef0 is negative");
  size_t extra = s->coef0 != 0 ? 1 : 0;
  s->degree = places.rows;
  if (places.rows != signs.rows || places.columns != signs.columns || places.rows == 0 ||
      places.columns <= extra)
    return a.wrong("indexHash_ and bitHash_ disagree");
  s->inputs = places.columns - extra;
  TRY_STATUS(check_features(a, s->inputs));
  for (double p : places.values) {
    if (!(p >= 0 && p < static_cast<double>(components)))
      return a.wrong("indexHash_ is out of range");
    s->places.push_back(static_cast<uint32_t>(p));
  }
  s->signs = std::move(signs.values);
  return s;
}

}  // namespace proa::engines
