#include "models/engines/sklearn/neighbors/metric.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines::neighbors {
namespace {

constexpr size_t kMostInverted = 512;

// Gauss and Jordan with pivots. False for a singular matrix.
bool invert(std::vector<double>& m, size_t n) {
  std::vector<double> out(n * n);
  for (size_t i = 0; i < n; ++i) out[i * n + i] = 1;
  for (size_t c = 0; c < n; ++c) {
    size_t best = c;
    for (size_t r = c + 1; r < n; ++r)
      if (std::abs(m[r * n + c]) > std::abs(m[best * n + c])) best = r;
    double pivot = m[best * n + c];
    if (pivot == 0) return false;
    for (size_t i = 0; i < n; ++i) {
      std::swap(m[best * n + i], m[c * n + i]);
      std::swap(out[best * n + i], out[c * n + i]);
      m[c * n + i] /= pivot;
      out[c * n + i] /= pivot;
    }
    for (size_t r = 0; r < n; ++r) {
      double f = m[r * n + c];
      if (r == c || f == 0) continue;
      for (size_t i = 0; i < n; ++i) {
        m[r * n + i] -= f * m[c * n + i];
        out[r * n + i] -= f * out[c * n + i];
      }
    }
  }
  m = std::move(out);
  return true;
}

}  // namespace

bool Metric::named(const std::string& name, Metric& m) {
  struct Name {
    std::string_view text;
    Kind kind;
    Counts counts = Counts::kJaccard;
  };
  static constexpr std::array kNames = {
      Name{"euclidean", Kind::kEuclidean},
      Name{"l2", Kind::kEuclidean},
      Name{"sqeuclidean", Kind::kSqEuclidean},
      Name{"manhattan", Kind::kManhattan},
      Name{"cityblock", Kind::kManhattan},
      Name{"l1", Kind::kManhattan},
      Name{"chebyshev", Kind::kChebyshev},
      Name{"infinity", Kind::kChebyshev},
      Name{"minkowski", Kind::kMinkowski},
      Name{"p", Kind::kMinkowski},
      Name{"wminkowski", Kind::kMinkowski},
      Name{"seuclidean", Kind::kSeuclidean},
      Name{"mahalanobis", Kind::kMahalanobis},
      Name{"hamming", Kind::kHamming},
      Name{"canberra", Kind::kCanberra},
      Name{"braycurtis", Kind::kBraycurtis},
      Name{"haversine", Kind::kHaversine},
      Name{"cosine", Kind::kCosine},
      Name{"correlation", Kind::kCorrelation},
      Name{"nan_euclidean", Kind::kNanEuclidean},
      Name{"precomputed", Kind::kPrecomputed},
      Name{"jaccard", Kind::kBoolean, Counts::kJaccard},
      Name{"dice", Kind::kBoolean, Counts::kDice},
      Name{"rogerstanimoto", Kind::kBoolean, Counts::kRogersTanimoto},
      Name{"sokalmichener", Kind::kBoolean, Counts::kRogersTanimoto},
      Name{"russellrao", Kind::kBoolean, Counts::kRussellRao},
      Name{"sokalsneath", Kind::kBoolean, Counts::kSokalSneath},
      Name{"yule", Kind::kBoolean, Counts::kYule},
      Name{"kulsinski", Kind::kBoolean, Counts::kKulsinski},
      Name{"matching", Kind::kBoolean, Counts::kMatching},
  };
  auto at =
      std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return n.text == name; });
  if (at == kNames.end()) return false;
  m.kind_ = at->kind;
  m.counts_ = at->counts;
  m.weights_inside_ = name == "wminkowski";
  return true;
}

Status Metric::read_params(const Attributes& a, const std::string& name, const pickle::Node* params,
                           size_t width) {
  auto there = [&](std::string_view key) {
    const pickle::Node* n = params ? params->get(key) : nullptr;
    return n && n->kind != pickle::Kind::kNone;
  };
  if (kind_ == Kind::kMinkowski) {
    if (there("p")) {
      TRY(p_, pickle::as_double(*params->get("p")).context(a.class_name()));
    }
    if (!(p_ > 0)) return a.wrong("its p is not above 0");
    if (there("w")) {
      TRY(weights_, Attributes(*params).vector({"w"}));
      if (weights_.size() != width) return a.wrong("the metric's w has another length than a row");
    } else if (p_ == 1 || p_ == 2 || std::isinf(p_)) {
      kind_ = p_ == 1 ? Kind::kManhattan : p_ == 2 ? Kind::kEuclidean : Kind::kChebyshev;
    }
    return {};
  }
  if (kind_ == Kind::kSeuclidean) {
    if (!there("V")) return a.unsupported("the metric seuclidean without V");
    TRY(weights_, Attributes(*params).vector({"V"}));
    if (weights_.size() != width) return a.wrong("the metric's V has another length than a row");
  }
  if (kind_ == Kind::kMahalanobis) {
    bool inverse = there("VI");
    if (!inverse && !there("V")) return a.unsupported("the metric mahalanobis without V and VI");
    TRY(Matrix m, inverse ? Attributes(*params).matrix({"VI"}) : Attributes(*params).matrix({"V"}));
    if (m.rows != width || m.columns != width || width > kMostInverted)
      return a.wrong("the metric's matrix does not fit a row");
    if (!inverse && !invert(m.values, width)) return a.wrong("the metric's V is singular");
    inverse_ = std::move(m.values);
  }
  if (kind_ == Kind::kHamming && there("w")) return a.unsupported("the metric hamming with w");
  if (kind_ == Kind::kHaversine && width != 2) return a.wrong(str(name, " needs two columns"));
  return {};
}

Result<Metric> Metric::make(const Attributes& a, const std::string& name,
                            const pickle::Node* params, size_t width) {
  Metric m;
  if (!named(name, m)) return a.unsupported(str("the metric ", name));
  if (params && params->kind != pickle::Kind::kDict) params = nullptr;
  TRY_STATUS(m.read_params(a, name, params, width));
  return m;
}

void Metric::prepare(double* row, size_t width) const {
  if (kind_ != Kind::kCosine && kind_ != Kind::kCorrelation) return;
  double mean = 0, squares = 0;
  if (kind_ == Kind::kCorrelation) {
    for (size_t i = 0; i < width; ++i) mean += row[i];
    mean /= static_cast<double>(width);
  }
  for (size_t i = 0; i < width; ++i) {
    row[i] -= mean;
    squares += row[i] * row[i];
  }
  double norm = std::sqrt(squares);
  if (norm == 0 && kind_ == Kind::kCosine) norm = 1;
  for (size_t i = 0; i < width; ++i) row[i] /= norm;
}

double Metric::boolean(const double* x, const double* y, size_t width) const {
  double tt = 0, tf = 0, ft = 0, n = static_cast<double>(width);
  for (size_t i = 0; i < width; ++i) {
    bool a = x[i] != 0, b = y[i] != 0;
    if (a && b) ++tt;
    if (a && !b) ++tf;
    if (!a && b) ++ft;
  }
  double other = tf + ft;
  switch (counts_) {
    case Counts::kJaccard:
      return tt + other == 0 ? 0 : other / (tt + other);
    case Counts::kDice:
      return other / (2 * tt + other);
    case Counts::kRogersTanimoto:
      return 2 * other / (n + other);
    case Counts::kRussellRao:
      return (n - tt) / n;
    case Counts::kSokalSneath:
      return other / (tt * 0.5 + other);
    case Counts::kYule: {
      double half = tf * ft;
      return half == 0 ? 0 : 2 * half / (tt * (n - tt - other) + half);
    }
    case Counts::kKulsinski:
      return (other + n - tt) / (n + other);
    case Counts::kMatching:
      return other / n;
  }
  return 0;
}

double Metric::power(const double* x, const double* y, size_t width) const {
  double sum = 0;
  for (size_t i = 0; i < width; ++i) {
    double d = std::abs(x[i] - y[i]);
    if (weights_.empty())
      sum += std::pow(d, p_);
    else
      sum += weights_inside_ ? std::pow(weights_[i] * d, p_) : weights_[i] * std::pow(d, p_);
  }
  return sum;
}

namespace {

double mahalanobis(const std::vector<double>& inverse, const double* x, const double* y, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    double inner = 0;
    for (size_t j = 0; j < n; ++j) inner += inverse[i * n + j] * (x[j] - y[j]);
    sum += inner * (x[i] - y[i]);
  }
  return sum;
}

// Over the columns that both have, scaled to all.
double nan_euclidean(const double* x, const double* y, size_t n) {
  double sum = 0, both = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::isnan(x[i]) || std::isnan(y[i])) continue;
    sum += (x[i] - y[i]) * (x[i] - y[i]);
    ++both;
  }
  return sum / both * static_cast<double>(n);
}

}  // namespace

double Metric::reduced(const double* x, const double* y, size_t n) const {
  double sum = 0, other = 0;
  switch (kind_) {
    case Kind::kEuclidean:
    case Kind::kSqEuclidean:
      for (size_t i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
      return sum;
    case Kind::kManhattan:
      for (size_t i = 0; i < n; ++i) sum += std::abs(x[i] - y[i]);
      return sum;
    case Kind::kChebyshev:
      for (size_t i = 0; i < n; ++i) sum = std::max(sum, std::abs(x[i] - y[i]));
      return sum;
    case Kind::kMinkowski:
      return power(x, y, n);
    case Kind::kSeuclidean:
      for (size_t i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]) / weights_[i];
      return sum;
    case Kind::kMahalanobis:
      return mahalanobis(inverse_, x, y, n);
    case Kind::kHamming:
      for (size_t i = 0; i < n; ++i) sum += x[i] != y[i] ? 1 : 0;
      return sum / static_cast<double>(n);
    case Kind::kCanberra:
      for (size_t i = 0; i < n; ++i) {
        double total = std::abs(x[i]) + std::abs(y[i]);
        if (total > 0) sum += std::abs(x[i] - y[i]) / total;
      }
      return sum;
    case Kind::kBraycurtis:
      for (size_t i = 0; i < n; ++i) {
        sum += std::abs(x[i] - y[i]);
        other += std::abs(x[i]) + std::abs(y[i]);
      }
      return other > 0 ? sum / other : 0;
    case Kind::kHaversine: {
      double a = std::sin(0.5 * (x[0] - y[0])), b = std::sin(0.5 * (x[1] - y[1]));
      return a * a + std::cos(x[0]) * std::cos(y[0]) * b * b;
    }
    case Kind::kCosine:
    case Kind::kCorrelation:
      for (size_t i = 0; i < n; ++i) sum += x[i] * y[i];
      return kind_ == Kind::kCosine ? std::clamp(1 - sum, 0.0, 2.0) : 1 - sum;
    case Kind::kNanEuclidean:
      return nan_euclidean(x, y, n);
    case Kind::kPrecomputed:
      return 0;
    case Kind::kBoolean:
      return boolean(x, y, n);
  }
  return 0;
}

double Metric::distance(double r) const {
  switch (kind_) {
    case Kind::kEuclidean:
    case Kind::kSeuclidean:
    case Kind::kMahalanobis:
    case Kind::kNanEuclidean:
      return std::sqrt(r);
    case Kind::kMinkowski:
      return std::pow(r, 1 / p_);
    case Kind::kHaversine:
      return 2 * std::asin(std::sqrt(r));
    default:
      return r;
  }
}

double Metric::reduce(double d) const {
  switch (kind_) {
    case Kind::kEuclidean:
    case Kind::kSeuclidean:
    case Kind::kMahalanobis:
    case Kind::kNanEuclidean:
      return d * d;
    case Kind::kMinkowski:
      return std::pow(d, p_);
    case Kind::kHaversine: {
      double half = std::sin(0.5 * d);
      return half * half;
    }
    default:
      return d;
  }
}

double Metric::to_box(const double* x, const double* lower, const double* upper,
                      size_t width) const {
  double sum = 0;
  for (size_t i = 0; i < width; ++i) {
    double below = lower[i] - x[i], above = x[i] - upper[i];
    double d = 0.5 * ((below + std::abs(below)) + (above + std::abs(above)));
    switch (kind_) {
      case Kind::kManhattan:
        sum += d;
        break;
      case Kind::kChebyshev:
        sum = std::max(sum, d);
        break;
      case Kind::kMinkowski:
        sum += std::pow(d, p_) * (weights_.empty() ? 1 : weights_[i]);
        break;
      default:
        sum += d * d;
    }
  }
  return sum;
}

}  // namespace proa::engines::neighbors
