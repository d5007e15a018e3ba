// StandardScaler and MinMaxScaler: (x - mean) / scale, and x · scale + min, element by element.
#include <algorithm>

#include "foundation/base/strings.h"
#include "models/engines/estimators.h"

namespace proa::engines {
namespace {

class StandardScaler : public Transformer {
 public:
  size_t n = 0;
  std::vector<double> mean, scale;  // empty: not subtracted, not divided

  size_t features() const override { return n; }
  void apply(double* x, size_t rows, size_t columns) const override {
    for (size_t r = 0; r < rows; ++r, x += columns) {
      for (size_t c = 0; c < mean.size(); ++c) x[c] -= mean[c];
      for (size_t c = 0; c < scale.size(); ++c) x[c] /= scale[c];
    }
  }
};

class MinMaxScaler : public Transformer {
 public:
  std::vector<double> min, scale;
  bool clip = false;
  double low = 0, high = 1;

  size_t features() const override { return scale.size(); }
  void apply(double* x, size_t rows, size_t columns) const override {
    for (size_t r = 0; r < rows; ++r, x += columns)
      for (size_t c = 0; c < columns; ++c) {
        x[c] = x[c] * scale[c] + min[c];
        if (clip) x[c] = std::min(std::max(x[c], low), high);
      }
  }
};

}  // namespace

Status check_features(const Attributes& a, size_t features) {
  if (!a.has("n_features_in_")) return {};
  TRY(double n, a.number({"n_features_in_"}));
  if (n == static_cast<double>(features)) return {};
  return a.wrong(str("n_features_in_ is ", n, ", its arrays are for ", features, " features"));
}

Result<std::unique_ptr<Transformer>> make_standard_scaler(const Attributes& a) {
  auto out = std::make_unique<StandardScaler>();
  TRY(bool with_mean, a.flag("with_mean", true));
  TRY(bool with_std, a.flag("with_std", true));
  if (with_mean) {
    TRY(out->mean, a.vector({"mean_"}));
  }
  if (with_std) {
    TRY(out->scale, a.vector({"scale_"}));
  }
  out->n = std::max(out->mean.size(), out->scale.size());
  if (with_mean && with_std && out->mean.size() != out->scale.size())
    return a.wrong(str("mean_ has ", out->mean.size(), " numbers, scale_ ", out->scale.size()));
  for (double s : out->scale)
    if (s == 0) return a.wrong("scale_ holds a zero");
  if (out->n == 0 && a.has("n_features_in_")) {
    TRY(double n, a.number({"n_features_in_"}));
    if (n < 0 || n > 1e9) return a.wrong("n_features_in_ is out of range");
    out->n = static_cast<size_t>(n);
  }
  if (out->n != 0) TRY_STATUS(check_features(a, out->n));
  return std::unique_ptr<Transformer>(std::move(out));
}

Result<std::unique_ptr<Transformer>> make_min_max_scaler(const Attributes& a) {
  auto out = std::make_unique<MinMaxScaler>();
  TRY(out->scale, a.vector({"scale_"}));
  TRY(out->min, a.vector({"min_"}));
  if (out->scale.empty() || out->scale.size() != out->min.size())
    return a.wrong(str("scale_ has ", out->scale.size(), " numbers, min_ ", out->min.size()));
  TRY_STATUS(check_features(a, out->scale.size()));
  TRY(out->clip, a.flag("clip", false));
  const pickle::Node* range = a.find("feature_range");
  if (out->clip) {
    if (!range || range->items.size() != 2) return a.wrong("feature_range is no pair");
    TRY(out->low, pickle::as_double(*range->items[0]));
    TRY(out->high, pickle::as_double(*range->items[1]));
  }
  return std::unique_ptr<Transformer>(std::move(out));
}

}  // namespace proa::engines
