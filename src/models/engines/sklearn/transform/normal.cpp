#include "models/engines/sklearn/transform/normal.h"

#include <cmath>

namespace proa::engines {
namespace {

constexpr double kRootHalf = 0.70710678118654752440;
constexpr double kRootTwoPi = 2.50662827463100050242;

// The quantile of p in (0, 1/2): a rational start (Abramowitz and Stegun 26.2.23), then Halley's
// steps. Near the middle the difference to 1/2 is solved for, as p itself would lose digits.
double lower_quantile(double p) {
  double t = std::sqrt(-2 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int i = 0; i < 4; ++i) {
    double density = std::exp(-0.5 * x * x) / kRootTwoPi;
    double off =
        p > 0.25 ? 0.5 * std::erf(x * kRootHalf) - (p - 0.5) : 0.5 * std::erfc(-x * kRootHalf) - p;
    double step = off / density;
    if (!std::isfinite(step)) break;
    x -= step / (1 + 0.5 * x * step);
  }
  return x;
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x * kRootHalf); }

double normal_quantile(double p) {
  if (!(p >= 0 && p <= 1)) return NAN;
  if (p == 0) return -INFINITY;
  if (p == 1) return INFINITY;
  if (p == 0.5) return 0;
  return p < 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}

}  // namespace proa::engines
