#include "models/engines/sklearn/linear/classifier.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {

Scores take_scores(size_t rows, size_t width, Workspace& work) {
  CHECK(width == 0 || rows <= SIZE_MAX / width);
  return {work.take<double>(rows * width).data(), rows, width};
}

bool Classifier::has(Method method) const {
  switch (method) {
    case Method::kPredict:
      return true;
    case Method::kPredictProba:
    case Method::kPredictLogProba:
      return probabilistic;
    case Method::kDecisionFunction:
      return decides;
    default:
      return false;
  }
}

Status Classifier::choose(const Table& in, Workspace& work, std::span<uint32_t> best) const {
  TRY(Scores s, ranking(in, work));
  for (size_t r = 0; r < s.rows; ++r)
    best[r] = s.width == 1 ? (s.values[r] > 0 ? 1 : 0) : largest(s.row(r), s.width);
  return {};
}

Result<Scores> Classifier::ranking(const Table& in, Workspace& work) const {
  return decision(in, work);
}

Result<Scores> Classifier::decision(const Table&, Workspace&) const {
  return error(Code::kUnimplemented, str(name, " has no decision_function"));
}

Result<Scores> Classifier::probabilities(const Table&, Workspace&) const {
  return error(Code::kUnimplemented, str(name, " has no predict_proba"));
}

Result<Scores> Classifier::log_probabilities(const Table& in, Workspace& work) const {
  TRY(Scores s, probabilities(in, work));
  take_logs(s);
  return s;
}

Status Classifier::predict(Method method, const Table& in, Workspace& work, Output& out) const {
  if (method == Method::kPredict) {
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    TRY_STATUS(choose(in, work, best));
    out.first = classes.pick(best, work);
    return {};
  }
  if (method == Method::kDecisionFunction) {
    TRY(Scores s, decision(in, work));
    set_output(s, s.width == 1, out);
    return {};
  }
  if (method == Method::kPredictProba || method == Method::kPredictLogProba) {
    TRY(Scores s,
        method == Method::kPredictProba ? probabilities(in, work) : log_probabilities(in, work));
    set_output(s, false, out);
    return {};
  }
  return error(Code::kUnimplemented, str(name, " has no ", inference::to_string(method)));
}

inference::TensorInfo Classifier::output_info(Method method) const {
  inference::TensorInfo info = Estimator::output_info(method);
  info.shape = {};
  info.type = method == Method::kPredict ? classes.type : DataType::kFp64;
  bool wide = method == Method::kPredictProba || method == Method::kPredictLogProba ||
              (method == Method::kDecisionFunction && classes.size() > 2);
  if (wide) info.shape = {static_cast<int64_t>(classes.size())};
  return info;
}

Status read_classes(const Attributes& a, Classifier& c, size_t least) {
  TRY(c.classes, a.labels("classes_"));
  if (c.classes.size() < least)
    return a.wrong(
        str("classes_ has ", c.classes.size(), " labels, at least ", least, " are needed"));
  return {};
}

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

void softmax(double* p, size_t n) {
  if (n == 0) return;
  double most = *std::max_element(p, p + n), sum = 0;
  for (size_t k = 0; k < n; ++k) sum += p[k] = std::exp(p[k] - most);
  for (size_t k = 0; k < n; ++k) p[k] /= sum;
}

double log_sum_exp(const double* v, size_t n) {
  if (n == 0) return -HUGE_VAL;
  double most = *std::max_element(v, v + n), sum = 0;
  if (!std::isfinite(most)) most = 0;
  for (size_t k = 0; k < n; ++k) sum += std::exp(v[k] - most);
  return std::log(sum) + most;
}

uint32_t largest(const double* v, size_t n) {
  size_t best = 0;
  for (size_t k = 1; k < n; ++k)
    if (!(v[k] <= v[best]) && !std::isnan(v[best])) best = k;
  return static_cast<uint32_t>(best);
}

void take_logs(const Scores& s) {
  for (size_t i = 0; i < s.count(); ++i) s.values[i] = std::log(s.values[i]);
}

Scores two_columns(const Scores& s, Workspace& work) {
  Scores out = take_scores(s.rows, 2, work);
  for (size_t r = 0; r < s.rows; ++r) {
    out.values[2 * r] = 1 - s.values[r];
    out.values[2 * r + 1] = s.values[r];
  }
  return out;
}

void normalise_logs(const Scores& s) {
  for (size_t r = 0; r < s.rows; ++r) {
    double* v = s.row(r);
    if (s.width == 0) continue;
    double most = *std::max_element(v, v + s.width), sum = 0;
    if (!std::isfinite(most)) most = 0;
    for (size_t k = 0; k < s.width; ++k) sum += std::exp(v[k] -= most);
    sum = std::log(sum);
    for (size_t k = 0; k < s.width; ++k) v[k] -= sum;
  }
}

void set_output(const Scores& s, bool flat, Output& out) {
  out.first = flat ? inference::vector_of({s.values, s.count()})
                   : inference::matrix_of(s.values, s.rows, s.width);
}

void set_inliers(const Scores& s, DataType type, Workspace& work, Output& out) {
  std::span<int64_t> sign = work.take<int64_t>(s.count());
  for (size_t i = 0; i < s.count(); ++i) sign[i] = s.values[i] >= 0 ? 1 : -1;
  out.first = {type, 1, {s.count()}, nullptr, sign.data(), nullptr};
}

}  // namespace proa::engines
