#include "models/engines/boosted/lightgbm_objective.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/boosted/lightgbm_text.h"

namespace proa::engines {
namespace {

void softmax(std::span<double> row) {
  double most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& v : row) sum += v = std::exp(v - most);
  for (double& v : row) v /= sum;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<LightgbmObjective> LightgbmObjective::parse(std::string_view text, size_t outputs) {
  LightgbmObjective o;
  std::string_view words = text;
  std::string_view name = next_word(words);
  o.name_ = name;
  o.outputs_ = outputs;
  bool root = false;
  for (std::string_view w = next_word(words); !w.empty(); w = next_word(words)) {
    if (w == "sqrt") root = true;
    if (!w.starts_with("sigmoid:")) continue;
    auto slope = parse_double(w.substr(8));
    if (!slope || !(*slope > 0))
      return error(Code::kDataLoss, str("LightGBM model: the objective's ", shorten(w, 40)));
    o.slope_ = *slope;
  }
  if (one_of(name, {"binary", "multiclassova", "cross_entropy", "xentropy"})) {
    o.link_ = Link::kSigmoid;
    if (one_of(name, {"cross_entropy", "xentropy"})) o.slope_ = 1;
  } else if (name == "multiclass") {
    o.link_ = Link::kSoftmax;
  } else if (one_of(name, {"cross_entropy_lambda", "xentlambda"})) {
    o.link_ = Link::kLog1pExp;
  } else if (one_of(name, {"poisson", "gamma", "tweedie"})) {
    o.link_ = Link::kExp;
  } else if (one_of(name,
                    {"regression", "regression_l2", "regression_l1", "fair", "quantile", "mape"})) {
    o.link_ = root ? Link::kSquare : Link::kNone;
  } else if (!one_of(name,
                     {"", "huber", "lambdarank", "rank_xendcg", "custom", "none", "null", "na"})) {
    return error(Code::kUnimplemented,
                 str("LightGBM model: the objective '", shorten(name, 40), "' is not supported"));
  }
  return o;
}

void LightgbmObjective::transform(std::span<double> raw) const {
  switch (link_) {
    case Link::kNone:
      return;
    case Link::kSigmoid:
      for (double& v : raw) v = 1.0 / (1.0 + std::exp(-slope_ * v));
      return;
    case Link::kSoftmax:
      for (size_t i = 0; i + outputs_ <= raw.size(); i += outputs_)
        softmax(raw.subspan(i, outputs_));
      return;
    case Link::kExp:
      for (double& v : raw) v = std::exp(v);
      return;
    case Link::kLog1pExp:
      for (double& v : raw) v = std::log1p(std::exp(v));
      return;
    case Link::kSquare:
      for (double& v : raw) v = std::copysign(v * v, v);
      return;
  }
}

}  // namespace proa::engines
