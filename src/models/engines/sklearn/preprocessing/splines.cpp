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

struct Edges {
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
    std::span<double> to = dense_output(in.rows, n * kept, work, out);
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
    bool inside = x >= s.begin() && x <= s.end();
    if (beyond == Beyond::kPeriodic && s.end() > s.begin()) {
      double period = s.end() - s.begin();
      double rest = std::fmod(x - s.begin(), period);
      x = s.begin() + (rest < 0 ? rest + period : rest);
    } else if (!inside && beyond == Beyond::kError) {
      return error(Code::kInvalid, "X contains values beyond the limits of the knots.");
    } else if (!inside && beyond != Beyond::kContinue) {
      outside(x, s, edges[column], out);
      return {};
    }
    s.values(x, out);
    return {};
  }

  // Only the functions at that end go on, constant or along their tangents.
  void outside(double x, const Spline& s, const Edges& e, double* out) const {
    std::fill_n(out, made, 0.0);
    bool low = x < s.begin(), linear = beyond == Beyond::kLinear;
    size_t touched = linear && s.k <= 1 ? s.k + 1 : s.k;
    if (!linear && s.k == 0 && !low) touched = made;  // "the last 0 of them" are all
    touched = std::min(touched, made);
    for (size_t i = 0; i < touched; ++i) {
      size_t at = low ? i : made - 1 - i;
      double value = low ? e.low[at] : e.high[at];
      double slope = low ? e.low_slope[at] : e.high_slope[at];
      out[at] = linear ? value + (x - (low ? s.begin() : s.end())) * slope : value;
    }
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

Made make_spline_transformer(const Attributes& a, Maker&) {
  auto t = std::make_unique<SplineTransformer>();
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
    Edges e;
    for (auto* v : {&e.low, &e.high, &e.low_slope, &e.high_slope}) v->resize(t->made);
    s.values(s.begin(), e.low.data());
    s.values(s.end(), e.high.data());
    s.slopes(s.begin(), e.low_slope.data());
    s.slopes(s.end(), e.high_slope.data());
    t->splines.push_back(std::move(s));
    t->edges.push_back(std::move(e));
  }
  if (t->splines.empty()) return a.wrong("bsplines_ is empty");
  TRY_STATUS(check_features(a, t->splines.size()));
  t->width = t->splines.size() * (t->bias ? t->made : t->made - 1);
  return t;
}

}  // namespace proa::engines
