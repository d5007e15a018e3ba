// PowerTransformer: Yeo-Johnson and Box-Cox, and back.
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/transformer.h"

namespace proa::engines {
namespace {

constexpr double kTiny = std::numeric_limits<double>::epsilon();

double box_cox(double x, double lambda) {
  if (std::abs(lambda) < 1e-19) return std::log(x);
  double product = lambda * std::log(x);
  if (product < 709.78) return std::expm1(product) / lambda;
  return std::copysign(1.0, lambda) * std::exp(product - std::log(std::abs(lambda))) - 1 / lambda;
}

double inverse_box_cox(double y, double lambda) {
  if (lambda == 0) return std::exp(y);
  return std::exp(std::log1p(lambda * y) / lambda);
}

// The form of the releases before 1.8, with its rounding near zero; `stable` is the later one.
double yeo_johnson(double x, double lambda, bool stable) {
  if (std::isnan(x) || (stable && std::isnan(lambda))) return x;
  double power = x >= 0 ? lambda : 2 - lambda;
  double sign = x >= 0 ? 1 : -1, y = std::abs(x);
  bool log_form = std::abs(power) < kTiny || (x < 0 && std::abs(power) <= kTiny);
  if (log_form) return sign * std::log1p(y);
  if (stable) return sign * std::expm1(power * std::log1p(y)) / power;
  return sign * (std::pow(y + 1, power) - 1) / power;
}

double inverse_yeo_johnson(double y, double lambda) {
  if (y >= 0) {
    if (std::abs(lambda) < kTiny) return std::expm1(y);
    return std::expm1(std::log1p(y * lambda) / lambda);
  }
  if (std::abs(lambda - 2) > kTiny)
    return -std::expm1(std::log1p(-(2 - lambda) * y) / (2 - lambda));
  return -std::expm1(-y);
}

class PowerTransformer : public Transformer {
 public:
  std::vector<double> lambdas;
  bool box = false, stable = false;
  std::unique_ptr<Estimator> scaler;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, checked(in, work));
    size_t n = in.columns;
    TRY(std::span<double> to, sized_output(in.rows, n, work, out));
    for (size_t i = 0; i < to.size(); ++i) {
      double lambda = lambdas[i % n];
      if (box && x[i] <= 0)
        return error(Code::kInvalid,
                     "The Box-Cox transformation can only be applied to strictly positive data");
      to[i] = box ? box_cox(x[i], lambda) : yeo_johnson(x[i], lambda, stable);
    }
    if (!scaler) return {};
    Table between = out;
    return scaler->transform(between, work, out);
  }

  bool has_inverse() const override { return true; }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    Table raw = in;
    if (scaler) TRY_STATUS(scaler->inverse_transform(in, work, raw));
    TRY(const double* y, checked(raw, work));
    size_t n = raw.columns;
    TRY(std::span<double> to, sized_output(raw.rows, n, work, out));
    for (size_t i = 0; i < to.size(); ++i) {
      double lambda = lambdas[i % n];
      to[i] = box                            ? inverse_box_cox(y[i], lambda)
              : stable && std::isnan(lambda) ? y[i]
                                             : inverse_yeo_johnson(y[i], lambda);
    }
    return {};
  }

 private:
  Result<const double*> checked(const Table& in, Workspace& work) const {
    TRY(const double* x, dense_input(in, *this, work, Missing::kNanAllowed));
    if (in.columns != lambdas.size())
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", lambdas.size(), " features as input."));
    return x;
  }
};

}  // namespace

Made make_power_transformer(const Attributes& a, Maker& maker) {
  auto p = std::make_unique<PowerTransformer>();
  TRY(p->lambdas, a.vector({"lambdas_"}, Attributes::Finite::kNanAllowed));
  TRY_STATUS(check_features(a, p->lambdas.size()));
  p->width = p->lambdas.size();
  TRY(std::string method, a.text({"method"}));
  if (method != "yeo-johnson" && method != "box-cox")
    return a.unsupported(str("the method ", method));
  p->box = method == "box-cox";
  p->stable = maker.release() >= Maker::Release{1, 8};
  TRY(bool standardize, a.flag("standardize", true));
  if (standardize) {
    const pickle::Node* scaler = a.find("_scaler");
    if (!scaler) return a.wrong("_scaler is missing");
    if (Attributes(*scaler).class_name() != "StandardScaler")
      return a.wrong("_scaler is no StandardScaler");
    TRY(p->scaler, maker.make(scaler));
    if (p->scaler->features != 0 && p->scaler->features != p->width)
      return a.wrong("_scaler has another number of features");
  }
  return p;
}

}  // namespace proa::engines
