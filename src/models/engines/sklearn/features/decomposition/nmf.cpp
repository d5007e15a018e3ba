// NMF and MiniBatchNMF: W of X ≈ W H for the H that was fitted, by the solver's own iterations and
// its own end, so that the digits agree. The end depends on all rows of a call together.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

constexpr double kTiny = 1.1920928955078125e-07;  // float32's epsilon

class Nmf : public Transformer {
 public:
  Matrix h;  // components_
  std::vector<double> gram;
  enum class Solver : uint8_t { kCoordinates, kMultiply, kMiniBatch } solver = Solver::kCoordinates;
  double beta = 2, tolerance = 1e-4, l1 = 0, l2 = 0;
  size_t iterations = 200;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    if (in.columns != h.columns)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", h.columns, " features as input."));
    size_t n = in.rows, k = h.rows;
    double sum = 0;
    bool zero = false;
    for (size_t i = 0; i < n * h.columns; ++i) {
      if (x[i] < 0)
        return error(Code::kInvalid, str("Negative values in data passed to NMF (input X)"));
      sum += x[i];
      zero |= x[i] == 0;
    }
    if (beta <= 0 && zero)
      return error(Code::kInvalid,
                   "When beta_loss <= 0 and X contains zeros, the solver may diverge. Please add "
                   "small values to X, or use a positive beta_loss.");
    TRY(std::span<double> w, sized_output(n, k, work, out));
    double mean = sum / static_cast<double>(n * h.columns);
    std::fill(w.begin(), w.end(),
              solver == Solver::kCoordinates ? 0.0 : std::sqrt(mean / static_cast<double>(k)));
    if (solver == Solver::kCoordinates)
      by_coordinates(x, n, w, work);
    else
      by_multiplying(x, n, w, work);
    return {};
  }

 private:
  void products(const double* x, size_t n, std::span<double> xh) const {
    for (size_t i = 0; i < n; ++i)
      for (size_t k = 0; k < h.rows; ++k)
        xh[i * h.rows + k] = dot_of(x + i * h.columns, h.row(k), h.columns);
  }

  void by_coordinates(const double* x, size_t n, std::span<double> w, Workspace& work) const {
    size_t k = h.rows;
    std::span<double> xh = work.take<double>(n * k);
    products(x, n, xh);
    double first = 0;
    for (size_t iteration = 0; iteration < iterations; ++iteration) {
      double violation = 0;
      for (size_t t = 0; t < k; ++t)
        for (size_t i = 0; i < n; ++i) violation += step(w.data() + i * k, xh.data() + i * k, t);
      if (iteration == 0) first = violation;
      if (first == 0 || violation / first <= tolerance) return;
    }
  }

  // One coordinate of one row to its optimum; gives how far it was from it.
  double step(double* w, const double* xh, size_t t) const {
    size_t k = h.rows;
    double gradient = -(xh[t] - l1);
    for (size_t r = 0; r < k; ++r) gradient += (gram[t * k + r] + (r == t ? l2 : 0)) * w[r];
    double hessian = gram[t * k + t] + l2;
    double off = w[t] == 0 ? std::min(0.0, gradient) : gradient;
    if (hessian != 0) w[t] = std::max(w[t] - gradient / hessian, 0.0);
    return std::abs(off);
  }

  void by_multiplying(const double* x, size_t n, std::span<double> w, Workspace& work) const {
    size_t k = h.rows;
    std::span<double> before = work.take<double>(n * k);
    double at_start = solver == Solver::kMultiply ? divergence(x, n, w, work) : 0;
    double last = at_start;
    for (size_t iteration = 1; iteration <= iterations; ++iteration) {
      std::copy(w.begin(), w.end(), before.begin());
      Workspace::Mark mark = work.mark();
      for (size_t i = 0; i < n; ++i) multiply(x + i * h.columns, w.data() + i * k, work);
      work.release(mark);
      if (tolerance <= 0) continue;
      if (solver == Solver::kMultiply) {
        if (iteration % 10 != 0) continue;
        double now = divergence(x, n, w, work);
        if ((last - now) / at_start < tolerance) return;
        last = now;
      } else {
        double change = std::sqrt(squared_distance(w.data(), before.data(), n * k));
        double size = std::sqrt(dot_of(w.data(), w.data(), n * k));
        if (change / size <= tolerance) return;
      }
    }
  }

  void fill_wh(const double* w, std::span<double> wh) const {
    std::fill(wh.begin(), wh.end(), 0.0);
    for (size_t k = 0; k < h.rows; ++k)
      for (size_t j = 0; j < h.columns; ++j) wh[j] += w[k] * h.at(k, j);
  }

  void multiply(const double* x, double* w, Workspace& work) const {
    Workspace::Mark mark = work.mark();
    size_t k = h.rows, n = h.columns;
    std::span<double> above = work.take<double>(k), below = work.take<double>(k);
    std::span<double> wh = work.take<double>(n);
    if (beta != 2) fill_wh(w, wh);
    for (size_t t = 0; t < k; ++t) {
      above[t] = below[t] = 0;
      const double* row = h.row(t);
      if (beta == 2) {
        above[t] = dot_of(x, row, n);
        below[t] = dot_of(w, gram.data() + t * k, k);
      } else {
        for (size_t j = 0; j < n; ++j) {
          double safe = beta < 2 ? std::max(wh[j], kTiny) : wh[j];
          above[t] += row[j] * (beta == 1 ? x[j] / safe : std::pow(safe, beta - 2) * x[j]);
          below[t] += beta == 1 ? row[j] : std::pow(beta < 1 ? safe : wh[j], beta - 1) * row[j];
        }
      }
    }
    double gamma = beta < 1 ? 1 / (2 - beta) : beta > 2 ? 1 / (beta - 1) : 1;
    for (size_t t = 0; t < k; ++t) {
      double d = below[t] + l1 + l2 * w[t];
      double factor = above[t] / (d == 0 ? kTiny : d);
      above[t] = gamma == 1 ? factor : std::pow(factor, gamma);
    }
    for (size_t t = 0; t < k; ++t) w[t] *= above[t];
    work.release(mark);
  }

  // √(2 D(X, W H)) of the beta-divergence D.
  double divergence(const double* x, size_t n, std::span<const double> w, Workspace& work) const {
    Workspace::Mark mark = work.mark();
    std::span<double> wh = work.take<double>(h.columns);
    double sum = 0;
    for (size_t i = 0; i < n; ++i, x += h.columns) {
      fill_wh(w.data() + i * h.rows, wh);
      for (size_t j = 0; j < h.columns; ++j) sum += divergence_of(x[j], wh[j]);
    }
    work.release(mark);
    return std::sqrt(2 * std::max(sum, 0.0));
  }

  double divergence_of(double x, double y) const {
    if (beta == 2) return 0.5 * (x - y) * (x - y);
    bool counted = x > kTiny;
    double safe = std::max(y, kTiny);
    if (beta == 1) return (counted ? x * std::log(x / safe) - x : 0) + y;
    if (beta == 0) return (counted ? x / safe - std::log(x / safe) : 0) - 1;
    double v = std::pow(y, beta) * (beta - 1);
    if (counted) v += std::pow(x, beta) - beta * x * std::pow(safe, beta - 1);
    return v / (beta * (beta - 1));
  }
};

Result<double> read_beta(const Attributes& a) {
  const pickle::Node* node = a.find("beta_loss");
  if (!node) return 2.0;
  if (node->kind != pickle::Kind::kStr) return a.number({"beta_loss"});
  if (node->text == "frobenius") return 2.0;
  if (node->text == "kullback-leibler") return 1.0;
  if (node->text == "itakura-saito") return 0.0;
  return a.unsupported(str("beta_loss='", node->text, "'"));
}

// alpha_W counts a feature; the alpha of the releases before 1.0 does not.
Status read_penalties(const Attributes& a, Nmf& n) {
  double alpha = 0, ratio = 0;
  if (a.has("l1_ratio")) {
    TRY(ratio, a.number({"l1_ratio"}));
  }
  const pickle::Node* old = a.find("alpha");
  bool has_old = old && old->kind != pickle::Kind::kStr && old->kind != pickle::Kind::kNone;
  if (has_old) {
    TRY(alpha, a.number({"alpha"}));
    const pickle::Node* which = a.find("regularization");
    if (which && which->kind != pickle::Kind::kStr) alpha = 0;
    if (which && which->text == "components") alpha = 0;
  }
  if (a.has("alpha_W") && !(has_old && alpha != 0)) {
    TRY(alpha, a.number({"alpha_W"}));
    alpha *= static_cast<double>(n.h.columns);
  }
  n.l1 = alpha * ratio;
  n.l2 = alpha * (1 - ratio);
  return {};
}

Result<std::unique_ptr<Nmf>> read_nmf(const Attributes& a) {
  auto n = std::make_unique<Nmf>();
  TRY(n->h, a.matrix({"components_"}));
  if (n->h.rows == 0 || n->h.columns == 0) return a.wrong("components_ is empty");
  TRY_STATUS(check_features(a, n->h.columns));
  if (n->h.rows > 4096) return a.unsupported("this number of components");
  n->width = n->h.rows;
  for (size_t i = 0; i < n->h.rows; ++i)
    for (size_t j = 0; j < n->h.rows; ++j)
      n->gram.push_back(dot_of(n->h.row(i), n->h.row(j), n->h.columns));
  TRY(n->beta, read_beta(a));
  TRY(n->tolerance, a.number({"tol"}));
  TRY(int64_t iterations, a.integer({"max_iter"}));
  if (iterations < 0 || iterations > 1'000'000) return a.wrong("max_iter is not possible");
  n->iterations = static_cast<size_t>(iterations);
  TRY_STATUS(read_penalties(a, *n));
  return n;
}

}  // namespace

Made make_nmf(const Attributes& a, Maker&) {
  TRY(auto n, read_nmf(a));
  TRY(std::string solver, a.text({"solver"}));
  if (solver != "cd" && solver != "mu") return a.unsupported(str("solver='", solver, "'"));
  TRY(bool shuffled, a.flag("shuffle", false));
  if (solver == "cd" && shuffled) return a.unsupported("shuffle=True, which answers at random,");
  n->solver = solver == "mu" ? Nmf::Solver::kMultiply : Nmf::Solver::kCoordinates;
  if (solver == "cd") n->beta = 2;
  return n;
}

Made make_mini_batch_nmf(const Attributes& a, Maker&) {
  TRY(auto n, read_nmf(a));
  n->solver = Nmf::Solver::kMiniBatch;
  if (a.has("transform_max_iter")) {
    TRY(int64_t most, a.integer({"transform_max_iter"}));
    if (most < 0 || most > 1'000'000) return a.wrong("transform_max_iter is not possible");
    n->iterations = static_cast<size_t>(most);
  }
  return n;
}

}  // namespace proa::engines
