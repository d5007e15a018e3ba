#include "models/engines/boosted/xgboost/objective.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace proa::engines::boosted {
namespace {

using Base = XgboostObjective::Base;
using Link = XgboostLink;

constexpr std::array kObjectives = {
    XgboostObjective{"reg:squarederror"},
    XgboostObjective{"reg:linear"},
    XgboostObjective{"reg:squaredlogerror"},
    XgboostObjective{"reg:pseudohubererror"},
    XgboostObjective{"reg:absoluteerror"},
    XgboostObjective{"reg:quantileerror"},
    XgboostObjective{"reg:expectileerror"},
    XgboostObjective{"reg:logistic", Link::kSigmoid, Base::kLogit},
    XgboostObjective{"reg:gamma", Link::kExp, Base::kLog},
    XgboostObjective{"reg:tweedie", Link::kExp, Base::kLog},
    XgboostObjective{"count:poisson", Link::kExp, Base::kLog},
    XgboostObjective{"survival:cox", Link::kExp, Base::kLog},
    XgboostObjective{"survival:aft", Link::kExp, Base::kLog},
    XgboostObjective{"binary:logistic", Link::kSigmoid, Base::kLogit},
    XgboostObjective{"binary:logitraw"},
    XgboostObjective{"binary:hinge", Link::kHinge},
    XgboostObjective{"multi:softmax", Link::kArgmax},
    XgboostObjective{"multi:softprob", Link::kSoftmax},
    XgboostObjective{"rank:pairwise"},
    XgboostObjective{"rank:ndcg"},
    XgboostObjective{"rank:map"},
};

float sigmoid(float x) {
  float e = std::exp(std::min(-x, 88.7f));
  return 1.0f / (e + 1.0f);
}

void softmax(double* row, size_t n) {
  float most = static_cast<float>(*std::max_element(row, row + n));
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    row[i] = std::exp(static_cast<float>(row[i]) - most);
    sum += row[i];
  }
  for (size_t i = 0; i < n; ++i) row[i] = static_cast<float>(row[i]) / static_cast<float>(sum);
}

}  // namespace

std::span<const XgboostObjective> xgboost_objectives() { return kObjectives; }

const XgboostObjective* xgboost_objective(std::string_view name) {
  for (const auto& o : kObjectives)
    if (o.name == name) return &o;
  return nullptr;
}

float base_margin(const XgboostObjective& objective, float base_score) {
  switch (objective.base) {
    case Base::kLogit:
      return -std::log(1.0f / base_score - 1.0f);
    case Base::kLog:
      return std::log(base_score);
    case Base::kIdentity:
      break;
  }
  return base_score;
}

size_t apply_link(XgboostLink link, double* m, size_t rows, size_t groups) {
  size_t n = rows * groups;
  switch (link) {
    case Link::kIdentity:
      break;
    case Link::kSigmoid:
      for (size_t i = 0; i < n; ++i) m[i] = sigmoid(static_cast<float>(m[i]));
      break;
    case Link::kExp:
      for (size_t i = 0; i < n; ++i) m[i] = std::exp(static_cast<float>(m[i]));
      break;
    case Link::kHinge:
      for (size_t i = 0; i < n; ++i) m[i] = m[i] > 0 ? 1 : 0;
      break;
    case Link::kSoftmax:
      for (size_t r = 0; r < rows; ++r) softmax(m + r * groups, groups);
      break;
    case Link::kArgmax:
      for (size_t r = 0; r < rows; ++r) {
        const double* row = m + r * groups;
        m[r] = static_cast<double>(std::max_element(row, row + groups) - row);
      }
      return 1;
  }
  return groups;
}

}  // namespace proa::engines::boosted
