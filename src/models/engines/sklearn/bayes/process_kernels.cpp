#include "models/engines/sklearn/bayes/process_kernels.h"

#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/linear/packed.h"
#include "models/engines/sklearn/linear/pairwise.h"

namespace proa::engines::bayes {
namespace {

using Made = Result<std::unique_ptr<ProcessKernel>>;
constexpr int kMostNesting = 32;
constexpr int kMostKernels = 200;  // in one tree: a file may share nodes many times

class Constant : public ProcessKernel {
 public:
  Constant(double value, bool noise) : value_(value), noise_(noise) {}
  void values(const double*, const Matrix& y, Workspace&, double* out) const override {
    for (size_t i = 0; i < y.rows; ++i) out[i] = noise_ ? 0 : value_;
  }
  double self(const double*, size_t) const override { return value_; }

 private:
  double value_;
  bool noise_;  // WhiteKernel: of a point and itself alone
};

// Kernels of the distance between scaled points.
class Stationary : public ProcessKernel {
 public:
  enum class Form { kSquared, kMatern, kRationalQuadratic, kPeriodic };
  Form form = Form::kSquared;
  std::vector<double> scale;  // one, or one a feature
  double nu = 1.5, alpha = 1, period = 1;

  void values(const double* x, const Matrix& y, Workspace&, double* out) const override {
    for (size_t i = 0; i < y.rows; ++i) out[i] = of(squared(x, y.row(i), y.columns));
  }
  double self(const double*, size_t) const override { return 1; }

 private:
  double squared(const double* x, const double* y, size_t n) const {
    bool scaled = form == Form::kSquared || form == Form::kMatern;
    double sum = 0;
    for (size_t c = 0; c < n; ++c) {
      double by = !scaled ? 1 : scale.size() == 1 ? scale[0] : scale[c];
      double d = x[c] / by - y[c] / by;
      sum += d * d;
    }
    return sum;
  }

  double of(double squared) const {
    switch (form) {
      case Form::kSquared:
        return std::exp(-0.5 * squared);
      case Form::kRationalQuadratic:
        return std::pow(1 + squared / (2 * alpha * scale[0] * scale[0]), -alpha);
      case Form::kPeriodic: {
        double s = std::sin(M_PI / period * std::sqrt(squared)) / scale[0];
        return std::exp(-2 * s * s);
      }
      case Form::kMatern:
        return matern(squared);
    }
    return 0;
  }

  double matern(double squared) const {
    double d = std::sqrt(squared);
    if (nu == 0.5) return std::exp(-d);
    if (nu == 1.5) {
      double k = d * std::sqrt(3.0);
      return (1 + k) * std::exp(-k);
    }
    if (nu == 2.5) {
      double k = d * std::sqrt(5.0);
      return (1 + k + k * k / 3) * std::exp(-k);
    }
    if (std::isinf(nu)) return std::exp(-squared / 2);
    if (d == 0) d = std::numeric_limits<double>::epsilon();
    double t = std::sqrt(2 * nu) * d;
    if (t > 700) return 0;  // the Bessel function underflows
    return std::pow(2, 1 - nu) / std::tgamma(nu) * std::pow(t, nu) * std::cyl_bessel_k(nu, t);
  }
};

class DotProduct : public ProcessKernel {
 public:
  explicit DotProduct(double sigma) : constant_(sigma * sigma) {}
  void values(const double* x, const Matrix& y, Workspace&, double* out) const override {
    for (size_t i = 0; i < y.rows; ++i) out[i] = dot(x, y.row(i), y.columns) + constant_;
  }
  double self(const double* x, size_t n) const override { return dot(x, x, n) + constant_; }

 private:
  double constant_;
};

class PairwiseKernel : public ProcessKernel {
 public:
  Pairwise kernel;
  void values(const double* x, const Matrix& y, Workspace&, double* out) const override {
    kernel.values(x, y, out);
  }
  double self(const double* x, size_t n) const override { return kernel.of(x, x, n); }
};

class Binary : public ProcessKernel {
 public:
  std::unique_ptr<ProcessKernel> a, b;
  bool product = false;
  void values(const double* x, const Matrix& y, Workspace& work, double* out) const override {
    Workspace::Mark mark = work.mark();
    std::span<double> other = work.take<double>(y.rows);
    a->values(x, y, work, out);
    b->values(x, y, work, other.data());
    for (size_t i = 0; i < y.rows; ++i) out[i] = product ? out[i] * other[i] : out[i] + other[i];
    work.release(mark);
  }
  double self(const double* x, size_t n) const override {
    double p = a->self(x, n), q = b->self(x, n);
    return product ? p * q : p + q;
  }
};

class Power : public ProcessKernel {
 public:
  std::unique_ptr<ProcessKernel> base;
  double exponent = 1;
  void values(const double* x, const Matrix& y, Workspace& work, double* out) const override {
    base->values(x, y, work, out);
    for (size_t i = 0; i < y.rows; ++i) out[i] = std::pow(out[i], exponent);
  }
  double self(const double* x, size_t n) const override {
    return std::pow(base->self(x, n), exponent);
  }
};

class Reader {
 public:
  Reader(const Attributes& estimator, size_t features)
      : estimator_(estimator), features_(features) {}

  Made read(const pickle::Node* node, int depth) {
    if (!node || node->kind != pickle::Kind::kObject)
      return estimator_.wrong("a kernel is no kernel object");
    if (depth > kMostNesting || ++seen_ > kMostKernels)
      return estimator_.wrong("its kernels are nested too deeply");
    Attributes a(*node);
    if (!a.type_name().starts_with("sklearn.gaussian_process.kernels."))
      return estimator_.unsupported(str("the kernel ", a.type_name()));
    std::string_view name = a.class_name();
    if (name == "Sum" || name == "Product") return binary(a, name == "Product", depth);
    if (name == "Exponentiation") return power(a, depth);
    if (name == "ConstantKernel" || name == "WhiteKernel") {
      bool noise = name == "WhiteKernel";
      TRY(double value, a.number({noise ? "noise_level" : "constant_value"}));
      return std::unique_ptr<ProcessKernel>(std::make_unique<Constant>(value, noise));
    }
    if (name == "DotProduct") {
      TRY(double sigma, a.number({"sigma_0"}));
      return std::unique_ptr<ProcessKernel>(std::make_unique<DotProduct>(sigma));
    }
    if (name == "PairwiseKernel") return pairwise(a);
    return stationary(a, name);
  }

 private:
  Made binary(const Attributes& a, bool product, int depth) {
    auto out = std::make_unique<Binary>();
    out->product = product;
    TRY(out->a, read(a.find("k1"), depth + 1));
    TRY(out->b, read(a.find("k2"), depth + 1));
    return std::unique_ptr<ProcessKernel>(std::move(out));
  }

  Made power(const Attributes& a, int depth) {
    auto out = std::make_unique<Power>();
    TRY(out->base, read(a.find("kernel"), depth + 1));
    TRY(out->exponent, a.number({"exponent"}));
    return std::unique_ptr<ProcessKernel>(std::move(out));
  }

  Made pairwise(const Attributes& a) {
    auto out = std::make_unique<PairwiseKernel>();
    TRY(std::string metric, a.text({"metric"}));
    TRY(out->kernel.kind, Pairwise::named(metric).context(estimator_.class_name()));
    TRY(out->kernel.gamma, a.number({"gamma"}));
    if (a.has("pairwise_kernels_kwargs")) {
      TRY(auto pairs, a.dict({"pairwise_kernels_kwargs"}));
      for (const auto& [key, value] : pairs) {
        TRY(double number, pickle::as_double(*value).context("pairwise_kernels_kwargs"));
        if (key->text == "degree") out->kernel.degree = number;
        if (key->text == "coef0") out->kernel.coef0 = number;
      }
    }
    return std::unique_ptr<ProcessKernel>(std::move(out));
  }

  Made stationary(const Attributes& a, std::string_view name) {
    auto out = std::make_unique<Stationary>();
    bool per_feature = name == "RBF" || name == "Matern";
    if (name == "Matern") {
      out->form = Stationary::Form::kMatern;
      TRY(std::vector<double> nu, a.vector({"nu"}, Attributes::Finite::kAny));
      if (nu.size() != 1 || !(nu[0] > 0)) return estimator_.wrong("a Matern kernel's nu");
      out->nu = nu[0];
    } else if (name == "RationalQuadratic") {
      out->form = Stationary::Form::kRationalQuadratic;
      TRY(out->alpha, a.number({"alpha"}));
    } else if (name == "ExpSineSquared") {
      out->form = Stationary::Form::kPeriodic;
      TRY(out->period, a.number({"periodicity"}));
    } else if (name != "RBF") {
      return estimator_.unsupported(str("the kernel ", name));
    }
    TRY(out->scale, a.vector({"length_scale"}));
    size_t n = out->scale.size();
    if (n != 1 && !(per_feature && n == features_))
      return estimator_.wrong(
          str("a kernel's length_scale has ", n, " numbers for ", features_, " features"));
    return std::unique_ptr<ProcessKernel>(std::move(out));
  }

  const Attributes& estimator_;
  size_t features_;
  int seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<ProcessKernel>> read_process_kernel(const Attributes& estimator,
                                                           const pickle::Node* node,
                                                           size_t features) {
  return Reader(estimator, features).read(node, 0);
}

}  // namespace proa::engines::bayes
