// IsotonicRegression: linear interpolation between thresholds.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class Isotonic : public Estimator {
 public:
  enum class Outside { kNan, kClip, kRaise };
  std::vector<double> x, y;  // thresholds, ascending, and their values
  double least = 0, most = 0;
  Outside outside = Outside::kNan;
  bool single = false;  // fitted as float32: input and answers are rounded to it

  bool has(Method m) const override { return m == Method::kPredict || m == Method::kTransform; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    std::span<double> to = work.take<double>(in.rows);
    TRY_STATUS(fill(in, work, to));
    out.first = inference::vector_of(to);
    return {};
  }
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    std::span<double> to = dense_output(in.rows, 1, work, out);
    out.flat = true;  // one number a row, also for rows of one column
    return fill(in, work, to);
  }

 private:
  Status fill(const Table& in, Workspace& work, std::span<double> to) const {
    if (in.columns != 1)
      return error(Code::kInvalid,
                   "Isotonic regression input X should be a 1d array or 2d array with 1 feature");
    Table flat = in;
    flat.flat = false;
    TRY(const double* from, dense_input(flat, *this, work));
    for (size_t r = 0; r < in.rows; ++r) {
      double t = single ? static_cast<float>(from[r]) : from[r];
      if (outside == Outside::kClip) t = std::min(std::max(t, least), most);
      if (outside == Outside::kRaise && x.size() > 1 && (t < x.front() || t > x.back()))
        return error(Code::kInvalid,
                     str("A value (", t, ") in x_new is ", t < x.front() ? "below" : "above",
                         " the interpolation range."));
      double v = at(t);
      to[r] = single ? static_cast<float>(v) : v;
    }
    return {};
  }

  double at(double t) const {
    if (x.size() == 1) return y[0];
    if (t < x.front() || t > x.back()) return std::nan("");
    size_t high = static_cast<size_t>(std::lower_bound(x.begin(), x.end(), t) - x.begin());
    high = std::clamp<size_t>(high, 1, x.size() - 1);
    double slope = (y[high] - y[high - 1]) / (x[high] - x[high - 1]);
    return slope * (t - x[high - 1]) + y[high - 1];
  }
};

bool is_single(const Attributes& a) {
  const pickle::Node* node = a.find("X_thresholds_");
  return node && node->array && node->array->dtype.kind == 'f' && node->array->dtype.size == 4;
}

}  // namespace

Made make_isotonic(const Attributes& a, Maker&) {
  auto out = std::make_unique<Isotonic>();
  TRY(out->x, a.vector({"X_thresholds_", "_necessary_X_"}));
  TRY(out->y, a.vector({"y_thresholds_", "_necessary_y_"}));
  if (out->x.empty() || out->x.size() != out->y.size())
    return a.wrong("the thresholds and their values differ in length");
  if (!std::is_sorted(out->x.begin(), out->x.end())) return a.wrong("the thresholds do not ascend");
  TRY(out->least, a.number({"X_min_"}));
  TRY(out->most, a.number({"X_max_"}));
  TRY(std::string outside, a.text({"out_of_bounds"}));
  if (outside == "clip")
    out->outside = Isotonic::Outside::kClip;
  else if (outside == "raise")
    out->outside = Isotonic::Outside::kRaise;
  else if (outside != "nan")
    return a.wrong(str("out_of_bounds '", shorten(outside, 30), "' is not known"));
  out->single = is_single(a);
  out->features = 1;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
