// Sparse codes over a dictionary: orthogonal matching pursuit and thresholds.
#include <algorithm>
#include <cmath>
#include <limits>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/features/decomposition/makers.h"
#include "models/engines/sklearn/transform/algebra.h"

namespace proa::engines {
namespace {

constexpr double kTiny = std::numeric_limits<double>::epsilon();

class Dictionary : public Transformer {
 public:
  Matrix atoms;
  std::vector<double> gram;
  bool pursuit = true, split = false, positive = false;
  size_t most = 1;   // atoms of a code
  double alpha = 1;  // threshold

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    if (in.columns != atoms.columns)
      return error(Code::kInvalid, str("X has ", in.columns, " features, but ", name,
                                       " is expecting ", atoms.columns, " features as input."));
    size_t k = atoms.rows;
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::span<double> likeness = work.take<double>(k), code = work.take<double>(k);
    for (size_t r = 0; r < in.rows; ++r) {
      for (size_t i = 0; i < k; ++i)
        likeness[i] = dot_of(atoms.row(i), x + r * in.columns, in.columns);
      if (pursuit)
        pursue(likeness, code, work);
      else
        cut(likeness, code);
      double* at = to.data() + r * width;
      for (size_t i = 0; i < k; ++i) {
        at[i] = split ? std::max(code[i], 0.0) : code[i];
        if (split) at[k + i] = -std::min(code[i], 0.0);
      }
    }
    return {};
  }

 private:
  void cut(std::span<const double> likeness, std::span<double> code) const {
    for (size_t i = 0; i < code.size(); ++i) {
      double v = std::max(std::abs(likeness[i]) - alpha, 0.0);
      code[i] = v == 0 ? 0 : std::copysign(v, likeness[i]);
      if (positive) code[i] = std::max(code[i], 0.0);
    }
  }

  // Takes the atom that is most like what is left, solves for all atoms taken, and so on.
  void pursue(std::span<const double> likeness, std::span<double> code, Workspace& work) const {
    Workspace::Mark mark = work.mark();
    size_t k = code.size(), taken = 0;
    std::span<double> left = work.take<double>(k), part = work.take<double>(most);
    std::span<double> factor = work.zeros<double>(most * most);
    std::span<uint32_t> chosen = work.take<uint32_t>(most);
    std::copy(likeness.begin(), likeness.end(), left.begin());
    std::fill(code.begin(), code.end(), 0.0);
    while (taken < most) {
      uint32_t best = 0;
      for (uint32_t i = 1; i < k; ++i)
        if (std::abs(left[i]) > std::abs(left[best])) best = i;
      bool again = false;
      for (size_t i = 0; i < taken; ++i) again |= chosen[i] == best;
      if (again || left[best] * left[best] < kTiny) break;
      if (!extend(factor.data(), chosen.data(), taken, best)) break;
      chosen[taken++] = best;
      solve(factor.data(), chosen.data(), taken, likeness, part.data());
      for (size_t i = 0; i < k; ++i) {
        left[i] = likeness[i];
        for (size_t j = 0; j < taken; ++j) left[i] -= gram[i * k + chosen[j]] * part[j];
      }
    }
    for (size_t j = 0; j < taken; ++j) code[chosen[j]] = part[j];
    work.release(mark);
  }

  // A row more of the Cholesky factor; false where the atom depends on those taken.
  bool extend(double* factor, const uint32_t* chosen, size_t taken, uint32_t atom) const {
    size_t k = atoms.rows;
    double* row = factor + taken * most;
    for (size_t j = 0; j < taken; ++j)
      row[j] =
          (gram[chosen[j] * k + atom] - dot_of(row, factor + j * most, j)) / factor[j * most + j];
    double rest = gram[atom * k + atom] - dot_of(row, row, taken);
    if (taken != 0 && rest <= kTiny) return false;
    row[taken] = std::sqrt(rest);
    return true;
  }

  void solve(const double* factor, const uint32_t* chosen, size_t n,
             std::span<const double> likeness, double* out) const {
    for (size_t i = 0; i < n; ++i)
      out[i] = (likeness[chosen[i]] - dot_of(factor + i * most, out, i)) / factor[i * most + i];
    for (size_t i = n; i-- > 0;) {
      for (size_t j = i + 1; j < n; ++j) out[i] -= factor[j * most + i] * out[j];
      out[i] /= factor[i * most + i];
    }
  }
};

Status read_algorithm(const Attributes& a, Maker& maker, Dictionary& d) {
  TRY(std::string algorithm, a.text({"transform_algorithm"}));
  if (algorithm != "omp" && algorithm != "threshold")
    return a.unsupported(str("transform_algorithm='", algorithm,
                             "', an iteration that ends before the last digits are found,"));
  d.pursuit = algorithm == "omp";
  TRY(d.positive, a.flag("positive_code", false));
  if (d.pursuit && d.positive) return a.wrong("positive_code is not possible with omp");
  size_t n = d.atoms.columns;
  d.most = std::min(std::max(n / 10, size_t{1}), d.atoms.rows);
  if (a.has("transform_n_nonzero_coefs")) {
    TRY(int64_t most, a.integer({"transform_n_nonzero_coefs"}));
    if (most < 1) return a.wrong("transform_n_nonzero_coefs is not possible");
    d.most = std::min(static_cast<size_t>(most), d.atoms.rows);
  }
  if (d.most > 2000) return a.unsupported("this number of atoms in a code");
  if (a.has("transform_alpha")) {
    TRY(d.alpha, a.number({"transform_alpha"}));
  } else if (maker.release() >= Maker::Release{1, 2} && a.has("alpha")) {
    TRY(d.alpha, a.number({"alpha"}));
  }
  return {};
}

}  // namespace

Made make_dictionary(const Attributes& a, Maker& maker) {
  auto d = std::make_unique<Dictionary>();
  TRY(d->atoms, a.matrix({"components_", "dictionary"}));
  if (d->atoms.rows == 0 || d->atoms.columns == 0) return a.wrong("components_ is empty");
  if (d->atoms.rows > 4096) return a.unsupported("this number of components");
  TRY_STATUS(check_features(a, d->atoms.columns));
  TRY_STATUS(read_algorithm(a, maker, *d));
  TRY(d->split, a.flag("split_sign", false));
  for (size_t i = 0; i < d->atoms.rows; ++i)
    for (size_t j = 0; j < d->atoms.rows; ++j)
      d->gram.push_back(dot_of(d->atoms.row(i), d->atoms.row(j), d->atoms.columns));
  d->width = d->atoms.rows * (d->split ? 2 : 1);
  return d;
}

}  // namespace proa::engines
