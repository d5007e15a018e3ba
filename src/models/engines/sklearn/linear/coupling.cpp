#include "models/engines/sklearn/linear/coupling.h"

#include <algorithm>
#include <cmath>

namespace proa::engines::linear {
namespace {

// 1 / (1 + exp(a·d + b)) without overflow (Lin, Lin, Weng 2007, section 5).
double platt(double d, double a, double b) {
  double t = d * a + b;
  if (t >= 0) return std::exp(-t) / (1.0 + std::exp(-t));
  return 1.0 / (1 + std::exp(t));
}

// The matrix Q of the paper; all start at 1 / n.
void start(const double* r, size_t n, double* q, double* prob) {
  for (size_t t = 0; t < n; ++t) {
    prob[t] = 1.0 / static_cast<double>(n);
    double diagonal = 0;
    for (size_t j = 0; j < n; ++j) {
      if (j == t) continue;
      diagonal += r[j * n + t] * r[j * n + t];
      q[t * n + j] = j < t ? q[j * n + t] : -r[j * n + t] * r[t * n + j];
    }
    q[t * n + t] = diagonal;
  }
}

}  // namespace

void pairwise_shares(const double* decisions, const double* a, const double* b, size_t n,
                     double* shares) {
  constexpr double kLeast = 1e-7;
  size_t p = 0;
  for (size_t i = 0; i < n; ++i) {
    shares[i * n + i] = 0;
    for (size_t j = i + 1; j < n; ++j, ++p) {
      double r = platt(decisions[p], a[p], b[p]);
      r = std::min(std::max(r, kLeast), 1 - kLeast);
      shares[i * n + j] = r;
      shares[j * n + i] = 1 - r;
    }
  }
}

// Pairwise coupling, the second method of Wu, Lin and Weng (JMLR 5, 2004), algorithm 2: minimise
// p'Qp on the simplex by fixed-point steps, with LIBSVM's start, tolerance and number of steps.
void couple(const double* shares, size_t n, double* scratch, double* prob) {
  double* q = scratch;
  double* qp = q + n * n;
  start(shares, n, q, prob);
  double tolerance = 0.005 / static_cast<double>(n);
  size_t most_steps = std::max<size_t>(100, n);
  for (size_t step = 0; step < most_steps; ++step) {
    double pqp = 0, worst = 0;
    for (size_t t = 0; t < n; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < n; ++j) qp[t] += q[t * n + j] * prob[j];
      pqp += prob[t] * qp[t];
    }
    for (size_t t = 0; t < n; ++t) worst = std::max(worst, std::fabs(qp[t] - pqp));
    if (worst < tolerance) return;
    for (size_t t = 0; t < n; ++t) {
      double d = (-qp[t] + pqp) / q[t * n + t];
      prob[t] += d;
      pqp = (pqp + d * (d * q[t * n + t] + 2 * qp[t])) / (1 + d) / (1 + d);
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + d * q[t * n + j]) / (1 + d);
        prob[j] /= (1 + d);
      }
    }
  }
}

}  // namespace proa::engines::linear
