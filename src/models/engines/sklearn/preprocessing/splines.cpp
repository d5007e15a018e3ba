// SplineTransformer: B-splines of each column, by the recursion of Cox and de Boor.
#include <algorithm>
#include <array>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

constexpr size_t kMostDegree = 64;
using Basis = std::array<double, kMostDegree + 1>;

// A vector-valued spline: coefficients × basis.
class Spline {
 public:
  std::vector<double> t;  // knots
  Matrix c;               // basis functions × values
  size_t k = 0;           // degree
  size_t count() const { return t.size() - k - 1; }
  double begin() const { return t[k]; }
  double end() const { return t[count()]; }

  // Outside of the knots the outermost polynomial goes on.
  void values(double x, double* out) const {
    Basis basis;
    size_t j = interval(x);
    fill(x, j, k, basis);
    combine(basis.data(), j - k, k + 1, out);
  }

  void slopes(double x, double* out) const {
    Basis low, basis;
    size_t j = interval(x);
    std::fill_n(out, c.columns, 0.0);
    if (k == 0) return;
    fill(x, j, k - 1, low);  // of degree k − 1: functions j − k + 1 … j
    double degree = static_cast<double>(k);
    for (size_t i = 0; i <= k; ++i) {
      size_t at = j - k + i;
      double v = 0;
      if (i > 0) v += ratio(low[i - 1], t[at + k] - t[at]);
      if (i < k) v -= ratio(low[i], t[at + k + 1] - t[at + 1]);
      basis[i] = degree * v;
    }
    combine(basis.data(), j - k, k + 1, out);
  }

 private:
  static double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

  size_t interval(double x) const {
    size_t n = count();
    if (!(x >= t[k])) return k;
    auto at = std::upper_bound(t.begin() + static_cast<ptrdiff_t>(k),
                               t.begin() + static_cast<ptrdiff_t>(n), x);
    size_t j = static_cast<size_t>(at - t.begin()) - 1;
    return std::clamp(j, k, n - 1);
  }

  // The degree + 1 functions of that degree that are not zero between t[j] and t[j + 1].
  void fill(double x, size_t j, size_t degree, Basis& out) const {
    out[0] = 1;
    for (size_t d = 1; d <= degree; ++d) {
      double saved = 0;
      for (size_t i = 0; i < d; ++i) {
        double right = t[j + i + 1], left = t[j + i + 1 - d];
        double part = ratio(out[i], right - left);
        out[i] = saved + (right - x) * part;
        saved = (x - left) * part;
      }
      out[d] = saved;
    }
  }

  void combine(const double* basis, size_t first, size_t count, double* out) const {
    std::fill_n(out, c.columns, 0.0);
    for (size_t i = 0; i < count; ++i) {
      const double* row = c.row(first + i);
      for (size_t v = 0; v < c.columns; ++v) out[v] += basis[i] * row[v];
    }
  }
};

enum class Beyond : uint8_t { kError, kConstant, kLinear, kContinue, kPeriodic };

// Where a column's splines end, and how they go on there. With linear extrapolation and a degree
// of 0 or 1 scikit-learn counts the degree up from column to column, and moves the ends inwards.
struct Edges {
  double begin = 0, end = 0;
  size_t touched = 0;  // functions at each end that go on
  std::vector<double> low, high, low_slope, high_slope;
};

class SplineTransformer : public Transformer {
 public:
  std::vector<Spline> splines;
  std::vector<Edges> edges;
  size_t made = 0;  // splines a column
  Beyond beyond = Beyond::kConstant;
  bool bias = true, zeros_for_missing = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    Missing missing = zeros_for_missing ? Missing::kNanAllowed : Missing::kRefused;
    TRY(const double* x, dense_input(in, *this, work, missing));
    size_t n = splines.size(), kept = bias ? made : made - 1;
    if (in.columns != n)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", n, " features as input."));
    TRY(std::span<double> to, sized_output(in.rows, n * kept, work, out));
    std::span<double> one = work.take<double>(made);
    for (size_t i = 0; i < in.rows * n; ++i) {
      TRY_STATUS(evaluate(x[i], i % n, one.data()));
      std::copy_n(one.data(), kept, to.data() + i * kept);
    }
    return {};
  }

 private:
  Status evaluate(double x, size_t column, double* out) const {
    const Spline& s = splines[column];
    if (std::isnan(x)) {
      std::fill_n(out, made, 0.0);
      return {};
    }
    bool inside = x >= edges[column].begin && x <= edges[column].end;
    if (beyond == Beyond::kPeriodic && s.end() > s.begin()) {
      double period = s.end() - s.begin();
      double rest = std::fmod(x - s.begin(), period);
      x = s.begin() + (rest < 0 ? rest + period : rest);
    } else if (!inside && beyond == Beyond::kError) {
      return error(Code::kInvalid, "X contains values beyond the limits of the knots.");
    } else if (!inside && beyond != Beyond::kContinue) {
      return outside(x, edges[column], out);
    }
    s.values(x, out);
    return {};
  }

  // Only the functions at that end go on, constant or along their tangents.
  Status outside(double x, const Edges& e, double* out) const {
    std::fill_n(out, made, 0.0);
    bool low = x < e.begin, linear = beyond == Beyond::kLinear;
    if (!linear && !low && e.touched == 0)
      return error(Code::kInvalid, "splines of degree 0 do not go on beyond the last knot");
    for (size_t i = 0; i < std::min(e.touched, made); ++i) {
      size_t at = low ? i : made - 1 - i;
      double value = low ? e.low[at] : e.high[at];
      double slope = low ? e.low_slope[at] : e.high_slope[at];
      out[at] = linear ? value + (x - (low ? e.begin : e.end)) * slope : value;
    }
    return {};
  }
};

// From scipy 1.18 on the spline is in another one, the first of a pair that is the state.
const pickle::Node& inner_spline(const pickle::Node& node) {
  const pickle::Node* state = node.state;
  bool wrapped = state && state->kind == pickle::Kind::kTuple && !state->items.empty();
  return wrapped ? *state->items[0] : node;
}

Result<Spline> read_spline(const Attributes& a) {
  Spline s;
  TRY(s.t, a.vector({"t", "_t"}));
  TRY(s.c, a.matrix({"c", "_c"}));
  TRY(int64_t k, a.integer({"k"}));
  if (k < 0 || k > static_cast<int64_t>(kMostDegree)) return a.wrong("the degree is not possible");
  s.k = static_cast<size_t>(k);
  if (s.t.size() < 2 * s.k + 2 || s.c.rows < s.count() || s.c.columns == 0)
    return a.wrong("knots and coefficients disagree");
  if (!std::is_sorted(s.t.begin(), s.t.end())) return a.wrong("knots do not ascend");
  return s;
}

Result<Beyond> read_beyond(const Attributes& a) {
  TRY(std::string name, a.text({"extrapolation"}));
  if (name == "error") return Beyond::kError;
  if (name == "constant") return Beyond::kConstant;
  if (name == "linear") return Beyond::kLinear;
  if (name == "continue") return Beyond::kContinue;
  if (name == "periodic") return Beyond::kPeriodic;
  return a.unsupported(str("the extrapolation ", name));
}

}  // namespace

namespace {

Edges edges_of(const Spline& s, size_t degree, bool linear) {
  Edges e;
  size_t made = s.c.columns;
  for (auto* v : {&e.low, &e.high, &e.low_slope, &e.high_slope}) v->resize(made);
  e.begin = s.t[degree];
  e.end = s.t[s.t.size() - degree - 1];
  s.values(e.begin, e.low.data());
  s.values(e.end, e.high.data());
  s.slopes(e.begin, e.low_slope.data());
  s.slopes(e.end, e.high_slope.data());
  e.touched = linear && degree <= 1 ? degree + 1 : degree;
  return e;
}

}  // namespace

Made make_spline_transformer(const Attributes& a, Maker&) {
  auto t = std::make_unique<SplineTransformer>();
  size_t degree = 0;
  TRY(t->beyond, read_beyond(a));
  TRY(t->bias, a.flag("include_bias", true));
  if (a.has("handle_missing")) {
    TRY(std::string missing, a.text({"handle_missing"}));
    t->zeros_for_missing = missing == "zeros";
  }
  TRY(auto items, a.list({"bsplines_"}));
  for (const pickle::Node* item : items) {
    TRY(Spline s, read_spline(Attributes(inner_spline(*item))));
    if (t->made != 0 && s.c.columns != t->made) return a.wrong("the splines differ in size");
    t->made = s.c.columns;
    bool linear = t->beyond == Beyond::kLinear;
    if (t->edges.empty()) degree = s.k;
    degree = std::min(degree, s.t.size() - 1);
    t->edges.push_back(edges_of(s, degree, linear));
    if (linear && degree <= 1) ++degree;
    t->splines.push_back(std::move(s));
  }
  if (t->splines.empty()) return a.wrong("bsplines_ is empty");
  TRY_STATUS(check_features(a, t->splines.size()));
  t->width = t->splines.size() * (t->bias ? t->made : t->made - 1);
  return t;
}

}  // namespace proa::engines
