// PLSRegression, PLSCanonical, CCA and PLSSVD: centre and scale, then a linear map.
#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/affine.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class PartialLeastSquares : public Estimator {
 public:
  std::vector<double> mean, scale;
  Packed rotations;               // transform
  Packed coef;                    // predict; empty for PLSSVD
  std::vector<double> intercept;  // one a target
  bool scales_to_predict = true, flat = false;

  bool has(Method m) const override {
    return m == Method::kTransform || (m == Method::kPredict && coef.rows() > 0);
  }

  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, moved(in, scales_to_predict, work));
    Scores s = take_scores(in.rows, coef.rows(), work);
    coef.times(x, in.rows, s.values);
    for (size_t r = 0; r < s.rows; ++r)
      for (size_t k = 0; k < s.width; ++k) s.row(r)[k] += intercept[k];
    set_output(s, flat, out);
    return {};
  }

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, moved(in, true, work));
    std::span<double> to = dense_output(in.rows, rotations.rows(), work, out);
    rotations.times(x, in.rows, to.data());
    return {};
  }

  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.shape.clear();
    if (method == Method::kTransform)
      info.shape = {static_cast<int64_t>(rotations.rows())};
    else if (!flat)
      info.shape = {static_cast<int64_t>(coef.rows())};
    return info;
  }

 private:
  Result<const double*> moved(const Table& in, bool scaled, Workspace& work) const {
    size_t n = mean.size();
    TRY(const double* x, dense_rows(in, *this, n, work));
    std::span<double> to = work.take<double>(in.rows * n);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < n; ++c) {
        double v = x[r * n + c] - mean[c];
        to[r * n + c] = scaled ? v / scale[c] : v;
      }
    return to.data();
  }
};

// x_mean_, x_std_ and the map of transform, by their names of all releases.
Status read_transform(const Attributes& a, Attributes::Names map, PartialLeastSquares& out) {
  TRY(out.mean, a.vector({"_x_mean", "x_mean_"}));
  TRY(out.scale, a.vector({"_x_std", "x_std_"}));
  TRY(Matrix rotations, a.matrix(map));
  size_t n = out.mean.size();
  if (n == 0 || out.scale.size() != n || rotations.rows != n)
    return a.wrong("the means, the scales and the rotations differ in length");
  out.features = n;
  out.rotations = Packed::transposed(rotations);
  return check_features(a, n);
}

// coef_ through the releases: up to 1.0 one row a feature, for scaled input; from 1.1 one row a
// target (at first as _coef_); from 1.5 for input that is centred only.
Status read_coefficients(const Attributes& a, Maker::Release release, PartialLeastSquares& out) {
  TRY(Matrix coef, a.matrix({"_coef_", "coef_"}));
  bool known = release.major != 0 || release.minor != 0;
  bool by_target = a.has("_coef_") || a.has("intercept_");
  out.scales_to_predict =
      !by_target || a.has("_coef_") || (known && release < Maker::Release{1, 5});
  TRY(out.intercept, a.vector({"intercept_", "_y_mean", "y_mean_"}));
  size_t width = by_target ? coef.columns : coef.rows;
  out.coef = by_target ? Packed(coef) : Packed::transposed(coef);
  if (width != out.mean.size() || out.coef.rows() == 0)
    return a.wrong(str("coef_ has shape (", coef.rows, ", ", coef.columns, ") for ",
                       out.mean.size(), " features"));
  if (out.intercept.size() != out.coef.rows())
    return a.wrong(
        str("intercept_ has ", out.intercept.size(), " numbers for ", out.coef.rows(), " targets"));
  TRY(out.flat, a.flag("_predict_1d", false));
  if (out.flat && out.coef.rows() != 1) return a.wrong("_predict_1d with several targets");
  return {};
}

}  // namespace

Made make_pls(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<PartialLeastSquares>();
  TRY_STATUS(read_transform(a, {"x_rotations_"}, *out));
  TRY_STATUS(read_coefficients(a, maker.release(), *out));
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_pls_svd(const Attributes& a, Maker&) {
  auto out = std::make_unique<PartialLeastSquares>();
  TRY_STATUS(read_transform(a, {"x_weights_"}, *out));
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
