// Regressors that are coef · x + intercept, some of them through an exponential; RANSAC, which
// holds another estimator; the one-class SVM by stochastic gradient descent.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/affine.h"
#include "models/engines/sklearn/linear/makers.h"

namespace proa::engines::linear {
namespace {

class LinearRegressor : public Estimator {
 public:
  Affine affine;
  bool exponential = false;

  bool has(Method method) const override { return method == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(Scores s, affine.apply(in, *this, work));
    if (exponential)
      for (size_t i = 0; i < s.count(); ++i) s.values[i] = std::exp(s.values[i]);
    set_output(s, affine.flat, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (!affine.flat) info.shape = {static_cast<int64_t>(affine.targets())};
    return info;
  }
};

Result<std::unique_ptr<LinearRegressor>> read_regressor(const Attributes& a) {
  auto out = std::make_unique<LinearRegressor>();
  TRY(out->affine, read_affine(a));
  out->features = out->affine.columns();
  return out;
}

class Ransac : public Estimator {
 public:
  std::unique_ptr<Estimator> inner;
  bool has(Method method) const override { return method == Method::kPredict; }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    return inner->predict(method, in, work, out);
  }
  inference::TensorInfo output_info(Method method) const override {
    return inner->output_info(method);
  }
};

class SgdOneClass : public Estimator {
 public:
  Affine affine;
  double offset = 0;

  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kDecisionFunction || m == Method::kScoreSamples;
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(Scores s, affine.apply(in, *this, work));
    for (size_t i = 0; i < s.count(); ++i) s.values[i] -= offset;
    if (method == Method::kPredict) {
      set_inliers(s, DataType::kInt32, work, out);
      return {};
    }
    if (method == Method::kScoreSamples)
      for (size_t i = 0; i < s.count(); ++i) s.values[i] += offset;
    set_output(s, true, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (method == Method::kPredict) info.type = DataType::kInt32;
    return info;
  }
};

}  // namespace

Made make_regressor(const Attributes& a, Maker&) {
  TRY(auto out, read_regressor(a));
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_flat_regressor(const Attributes& a, Maker&) {
  TRY(auto out, read_regressor(a));
  if (out->affine.targets() != 1)
    return a.wrong(str("coef_ has ", out->affine.targets(), " rows, expected 1"));
  out->affine.flat = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_exponential_regressor(const Attributes& a, Maker&) {
  TRY(auto out, read_regressor(a));
  out->exponential = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

// link 'auto' is the identity for the normal distribution and below (power ≤ 0), else the
// logarithm.
Made make_tweedie(const Attributes& a, Maker&) {
  TRY(auto out, read_regressor(a));
  std::string link = "auto";
  if (a.has("link")) {
    TRY(link, a.text({"link"}));
  }
  if (link == "auto") {
    TRY(double power, a.number({"power"}));
    out->exponential = power > 0;
  } else if (link == "log") {
    out->exponential = true;
  } else if (link != "identity") {
    return a.wrong(str("link '", shorten(link, 30), "' is not known"));
  }
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_ransac(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<Ransac>();
  if (!a.has("estimator_")) return a.wrong("estimator_ is missing; was it fitted?");
  TRY(out->inner, maker.make(a.find("estimator_")).context("estimator_"));
  if (!out->inner->has(Method::kPredict)) return a.wrong("its estimator_ has no predict");
  out->features = out->inner->features;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_sgd_one_class(const Attributes& a, Maker&) {
  auto out = std::make_unique<SgdOneClass>();
  TRY(out->affine, read_affine(a));
  if (out->affine.targets() != 1)
    return a.wrong(str("coef_ has ", out->affine.targets(), " rows, expected 1"));
  out->affine.intercept = {0.0};  // intercept_ is 1 - offset_ and not added
  TRY(std::vector<double> offset, a.vector({"offset_"}));
  if (offset.size() != 1) return a.wrong("offset_ is not one number");
  out->offset = offset[0];
  out->features = out->affine.columns();
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::linear
