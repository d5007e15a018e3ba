// Gaussian processes: regression (Rasmussen and Williams, algorithm 2.1) and binary classification
// by Laplace's approximation (algorithm 3.2), with scikit-learn's classifier of several classes,
// which holds one against the rest or one against one of them.
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/bayes/process_kernels.h"
#include "models/engines/sklearn/linear/affine.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::bayes {
namespace {

struct Fitted {
  Matrix rows;  // X_train_
  std::unique_ptr<ProcessKernel> kernel;
};

Result<Fitted> read_fitted(const Attributes& a) {
  Fitted out;
  TRY(out.rows, a.matrix({"X_train_"}));
  if (out.rows.rows == 0 || out.rows.columns == 0) return a.wrong("X_train_ is empty");
  TRY(out.kernel, read_process_kernel(a, a.find("kernel_"), out.rows.columns));
  TRY_STATUS(check_features(a, out.rows.columns));
  return out;
}

class ProcessRegressor : public Estimator {
 public:
  Fitted fitted;
  Packed alpha;                     // one row a target
  std::vector<double> mean, scale;  // of the targets
  bool flat = true;

  bool has(Method m) const override { return m == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    size_t n = fitted.rows.columns;
    TRY(const double* x, dense_rows(in, *this, n, work));
    Scores s = take_scores(in.rows, alpha.rows(), work);
    std::span<double> k = work.take<double>(fitted.rows.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      fitted.kernel->values(x + r * n, fitted.rows, work, k.data());
      alpha.times(k.data(), 1, s.row(r));
      for (size_t t = 0; t < s.width; ++t) s.row(r)[t] = scale[t] * s.row(r)[t] + mean[t];
    }
    set_output(s, flat, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    if (!flat) info.shape = {static_cast<int64_t>(alpha.rows())};
    return info;
  }
};

// Never fitted: the mean of the prior, which is 0.
class PriorRegressor : public Estimator {
 public:
  size_t targets = 1;
  bool has(Method m) const override { return m == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    Scores s{work.zeros<double>(in.rows * targets).data(), in.rows, targets};
    set_output(s, targets == 1, out);
    return {};
  }
};

// Numbers of one target each: as many as `targets`, or one for all.
Result<std::vector<double>> per_target(const Attributes& a, std::string_view name, double otherwise,
                                       size_t targets) {
  std::vector<double> out = {otherwise};
  if (a.has(name)) {
    TRY(NdArray all, a.array({name}));
    out = std::move(all.values);
  }
  if (out.size() == 1) out.assign(targets, out[0]);
  if (out.size() != targets)
    return a.wrong(str(name, " has ", out.size(), " numbers for ", targets, " targets"));
  return out;
}

class LaplaceClassifier : public Classifier {
 public:
  Fitted fitted;
  std::vector<double> pull;  // y_train_ - pi_
  std::vector<double> root;  // W_sr_
  Matrix lower;              // L_

 protected:
  Status choose(const Table& in, Workspace& work, std::span<uint32_t> best) const override {
    TRY(const double* x, dense_rows(in, *this, features, work));
    std::span<double> k = work.take<double>(pull.size());
    for (size_t r = 0; r < in.rows; ++r) {
      fitted.kernel->values(x + r * features, fitted.rows, work, k.data());
      best[r] = dot(k.data(), pull.data(), k.size()) > 0 ? 1 : 0;
    }
    return {};
  }

  Result<Scores> probabilities(const Table& in, Workspace& work) const override {
    TRY(const double* x, dense_rows(in, *this, features, work));
    Scores s = take_scores(in.rows, 1, work);
    std::span<double> k = work.take<double>(pull.size());
    for (size_t r = 0; r < in.rows; ++r) {
      const double* row = x + r * features;
      fitted.kernel->values(row, fitted.rows, work, k.data());
      double mean = dot(k.data(), pull.data(), k.size());
      double variance = fitted.kernel->self(row, features) - explained(k);
      s.values[r] = expected_logistic(mean, variance);
    }
    return two_columns(s, work);
  }

 private:
  // |v|² with L v = W^½ k, solved in place.
  double explained(std::span<double> k) const {
    double sum = 0;
    for (size_t i = 0; i < k.size(); ++i) {
      const double* row = lower.row(i);
      double v = (root[i] * k[i] - dot(row, k.data(), i)) / row[i];
      k[i] = v;
      sum += v * v;
    }
    return sum;
  }

  // The logistic function as a sum of five error functions, so that its mean under a normal
  // distribution has a closed form (Williams and Barber, "Bayesian classification with Gaussian
  // processes", 1998, appendix A).
  static double expected_logistic(double mean, double variance) {
    static constexpr double kSlope[] = {0.41, 0.4, 0.37, 0.44, 0.39};
    static constexpr double kWeight[] = {-1854.8214151, 3516.89893646, 221.29346712, 128.12323805,
                                         -2010.49422654};
    double alpha = 1 / (2 * variance), sum = 0, weights = 0;
    for (size_t i = 0; i < 5; ++i) {
      double inner = kSlope[i] * mean * std::sqrt(alpha / (alpha + kSlope[i] * kSlope[i]));
      double integral =
          std::sqrt(M_PI / alpha) * std::erf(inner) / (2 * std::sqrt(variance * 2 * M_PI));
      sum += kWeight[i] * integral;
      weights += kWeight[i];
    }
    return sum + 0.5 * weights;
  }
};

// Passes the questions on to the binary classifier, or to one that holds several.
class ProcessClassifier : public Estimator {
 public:
  std::unique_ptr<Estimator> inner;
  Labels classes;
  bool one_vs_one = false;

  bool has(Method m) const override {
    if (m == Method::kPredict) return true;
    return !one_vs_one && (m == Method::kPredictProba || m == Method::kPredictLogProba);
  }
  const Labels* labels() const override { return &classes; }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    if (method != Method::kPredictLogProba) return inner->predict(method, in, work, out);
    TRY_STATUS(inner->predict(Method::kPredictProba, in, work, out));
    std::span<double> logs = work.take<double>(out.first.count());
    for (size_t i = 0; i < logs.size(); ++i) logs[i] = std::log(out.first.numbers[i]);
    out.first.numbers = logs.data();
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.shape.clear();
    info.type = method == Method::kPredict ? classes.type : DataType::kFp64;
    if (method != Method::kPredict) info.shape = {static_cast<int64_t>(classes.size())};
    return info;
  }
};

}  // namespace

Made make_process_regressor(const Attributes& a, Maker& maker) {
  if (!a.has("X_train_")) {
    auto prior = std::make_unique<PriorRegressor>();
    if (a.has("n_targets")) {
      TRY(int64_t n, a.integer({"n_targets"}));
      if (n < 1 || n > 100'000) return a.wrong("n_targets is out of range");
      prior->targets = static_cast<size_t>(n);
    }
    return std::unique_ptr<Estimator>(std::move(prior));
  }
  auto out = std::make_unique<ProcessRegressor>();
  TRY(out->fitted, read_fitted(a));
  Matrix alpha;
  if (has_one_axis(a, "alpha_")) {
    TRY(alpha.values, a.vector({"alpha_"}));
    alpha.rows = alpha.values.size();
    alpha.columns = 1;
  } else {
    TRY(alpha, a.matrix({"alpha_"}));
  }
  if (alpha.rows != out->fitted.rows.rows || alpha.columns == 0)
    return a.wrong(str("alpha_ has shape (", alpha.rows, ", ", alpha.columns, "), X_train_ has ",
                       out->fitted.rows.rows, " rows"));
  out->alpha = Packed::transposed(alpha);
  // Before 1.1 a target of shape (rows, 1) was answered in that shape.
  Maker::Release release = maker.release();
  bool keeps = release != Maker::Release{} && release < Maker::Release{1, 1};
  out->flat = alpha.columns == 1 && (!keeps || has_one_axis(a, "alpha_"));
  TRY(out->mean, per_target(a, "_y_train_mean", 0, alpha.columns));
  TRY(out->scale, per_target(a, "_y_train_std", 1, alpha.columns));
  out->features = out->fitted.rows.columns;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_laplace_classifier(const Attributes& a, Maker&) {
  auto out = std::make_unique<LaplaceClassifier>();
  TRY_STATUS(read_classes(a, *out, 2));
  if (out->classes.size() != 2) return a.wrong("classes_ does not have two labels");
  TRY(out->fitted, read_fitted(a));
  TRY(out->pull, a.vector({"y_train_"}));
  TRY(std::vector<double> pi, a.vector({"pi_"}));
  TRY(out->root, a.vector({"W_sr_"}));
  TRY(out->lower, a.matrix({"L_"}));
  size_t n = out->fitted.rows.rows;
  if (out->pull.size() != n || pi.size() != n || out->root.size() != n || out->lower.rows != n ||
      out->lower.columns != n)
    return a.wrong("X_train_, y_train_, pi_, W_sr_ and L_ differ in length");
  for (size_t i = 0; i < n; ++i) {
    out->pull[i] -= pi[i];
    if (out->lower.at(i, i) == 0) return a.wrong("L_ has a 0 on its diagonal");
  }
  out->features = out->fitted.rows.columns;
  out->probabilistic = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_process_classifier(const Attributes& a, Maker& maker) {
  auto out = std::make_unique<ProcessClassifier>();
  TRY(out->classes, a.labels("classes_"));
  if (!a.has("base_estimator_")) return a.wrong("base_estimator_ is missing; was it fitted?");
  TRY(out->inner, maker.make(a.find("base_estimator_")).context("base_estimator_"));
  if (a.has("multi_class") && out->classes.size() > 2) {
    TRY(std::string kind, a.text({"multi_class"}));
    out->one_vs_one = kind == "one_vs_one";
  }
  bool fits = out->inner->has(Method::kPredict) &&
              (out->one_vs_one || out->inner->has(Method::kPredictProba));
  if (!fits) return a.wrong("its base_estimator_ is no classifier with probabilities");
  out->features = out->inner->features;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::bayes
