#include "models/engines/sklearn/tree/initial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr size_t kMostRaw = size_t{1} << 16;

}  // namespace

void Initial::link_row(double* row, size_t width) const {
  if (link_ == InitialLink::kIdentity) return;
  auto clipped = [this](double p) { return std::clamp(p, least_, 1 - least_); };
  if (raw_ == 1) {
    double p = clipped(row[width - 1]);
    row[0] = (link_ == InitialLink::kHalfLogit ? 0.5 : 1.0) * std::log(p / (1 - p));
    return;
  }
  double mean = 0;
  for (size_t i = 0; i < width; ++i) mean += row[i] = std::log(clipped(row[i]));
  mean /= static_cast<double>(width);
  if (link_ != InitialLink::kCentredLog) return;
  for (size_t i = 0; i < width; ++i) row[i] -= mean;
}

// DummyClassifier and DummyRegressor by their parameters, and what 0.20 had instead of them.
Status Initial::make_constant(const Attributes& init, bool& known) {
  known = true;
  std::string_view name = init.class_name();
  std::vector<double> v;
  if (name == "DummyClassifier" && link_ != InitialLink::kIdentity) {
    TRY(std::string strategy, init.text({"strategy"}));
    known = strategy == "prior";
    if (!known) return {};
    TRY(v, init.vector({"class_prior_"}));
    if (v.size() != std::max<size_t>(raw_, 2)) return init.wrong("class_prior_ has another size");
    link_row(v.data(), v.size());
    v.resize(raw_);
  } else if (name == "DummyRegressor" && link_ == InitialLink::kIdentity) {
    TRY(NdArray constant, init.array({"constant_"}));
    v = std::move(constant.values);
  } else if (name == "LogOddsEstimator" || name == "ScaledLogOddsEstimator") {
    TRY(v, init.vector({"prior"}));
  } else if (name == "PriorProbabilityEstimator") {
    TRY(v, init.vector({"priors"}));
  } else if (name == "MeanEstimator") {
    TRY(v, init.vector({"mean"}));
  } else if (name == "QuantileEstimator") {
    TRY(v, init.vector({"quantile"}));
  } else if (name == "ZeroEstimator") {
    v.assign(raw_, 0);
  } else {
    known = false;
    return {};
  }
  if (v.size() != raw_) return init.wrong("it gives another number of values than the trees");
  constants_ = std::move(v);
  return {};
}

Result<Initial> Initial::make(const Attributes& boosting, Maker& maker, InitialLink link,
                              size_t raw) {
  Initial out;
  out.link_ = link;
  out.raw_ = raw;
  bool recent = maker.release() == Maker::Release{} || maker.release() >= Maker::Release{1, 8};
  out.least_ = recent ? std::numeric_limits<double>::epsilon()
                      : double{std::numeric_limits<float>::epsilon()};
  if (raw > kMostRaw) return boosting.wrong("it has too many classes");
  const pickle::Node* node = boosting.find("init_");
  if (!node) return boosting.wrong("attribute init_ is missing; was it fitted?");
  if (node->kind == pickle::Kind::kStr) {
    if (node->text != "zero")
      return boosting.wrong(str("init_ is '", shorten(node->text, 30), "'"));
    return out;
  }
  bool known = false;
  TRY(Attributes init, boosting.object({"init_"}));
  TRY_STATUS(out.make_constant(init, known).context(boosting.class_name()));
  if (known) return out;
  TRY(out.estimator_, maker.make(node).context(str(boosting.class_name(), ": init")));
  bool probabilities = link != InitialLink::kIdentity;
  if (maker.release().major == 0 && maker.release().minor == 20) {
    probabilities = false;
    out.link_ = InitialLink::kIdentity;
  }
  if (!out.estimator_->has(probabilities ? Method::kPredictProba : Method::kPredict))
    return boosting.unsupported(
        str("an initial estimator without ", probabilities ? "predict_proba" : "predict"));
  return out;
}

Status Initial::add_values(const Values& v, size_t n, std::span<double> sums) const {
  size_t width = n == 0 ? 0 : v.count() / n;
  size_t wanted = link_ == InitialLink::kIdentity ? raw_ : std::max<size_t>(raw_, 2);
  if (v.type == DataType::kBytes || v.rank > 2 || v.shape[0] != n || width != wanted)
    return error(Code::kInternal, str(estimator_->name, ", the initial estimator, gives another ",
                                      "number of values than the trees"));
  std::vector<double> row(width);
  for (size_t r = 0; r < n; ++r) {
    for (size_t i = 0; i < width; ++i)
      row[i] =
          v.numbers ? v.numbers[r * width + i] : static_cast<double>(v.integers[r * width + i]);
    link_row(row.data(), width);
    for (size_t i = 0; i < raw_; ++i) sums[r * raw_ + i] += row[i];
  }
  return {};
}

Status Initial::add(const double* rows, size_t n, size_t columns, std::span<double> sums,
                    Workspace& work) const {
  if (!estimator_) return {};
  Table in;
  std::span<double> rounded = dense_output(n, columns, work, in);
  for (size_t i = 0; i < rounded.size(); ++i) rounded[i] = static_cast<float>(rows[i]);
  Output out;
  Method method = link_ == InitialLink::kIdentity ? Method::kPredict : Method::kPredictProba;
  TRY_STATUS(estimator_->predict(method, in, work, out));
  return add_values(out.first, n, sums);
}

}  // namespace proa::engines
