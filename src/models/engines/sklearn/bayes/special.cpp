#include "models/engines/sklearn/bayes/special.h"

#include <cmath>

namespace proa::engines::bayes {

// Reflection below 0, the recurrence ψ(x) = ψ(x + 1) - 1/x up to 10, then the asymptotic series
// (Abramowitz and Stegun, 6.3.5 to 6.3.18).
double digamma(double x) {
  if (x <= 0) {
    if (x == std::floor(x)) return std::nan("");
    return digamma(1 - x) - M_PI / std::tan(M_PI * x);
  }
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  static constexpr double kTerms[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                      1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
  double by = 1 / (x * x), power = by, series = 0;
  for (double term : kTerms) {
    series += term * power;
    power *= by;
  }
  return sum + std::log(x) - 0.5 / x - series;
}

}  // namespace proa::engines::bayes
