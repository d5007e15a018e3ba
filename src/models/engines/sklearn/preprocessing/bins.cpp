// KBinsDiscretizer: the bin of a number, as a number or one-hot.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/makers.h"

namespace proa::engines {
namespace {

class KBinsDiscretizer : public Transformer {
 public:
  enum class Form : uint8_t { kOrdinal, kDense, kSparse } form = Form::kOrdinal;
  std::vector<std::vector<double>> edges;  // the inner ones of each column
  bool nudged = false;                     // up to 1.0 values just below an edge belong above it

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    TRY_STATUS(check_columns(in, edges.size(), *this));
    if (form == Form::kSparse) {
      SparseRows to(in.rows, width, in.rows * in.columns, work);
      for (size_t r = 0; r < in.rows; ++r) {
        size_t first = 0;
        for (size_t c = 0; c < in.columns; first += edges[c].size() + 1, ++c)
          to.add(static_cast<uint32_t>(first + bin(x[r * in.columns + c], c)), 1);
        to.end_row();
      }
      to.show(out);
      return {};
    }
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::fill(to.begin(), to.end(), 0.0);
    for (size_t r = 0; r < in.rows; ++r) {
      size_t first = r * width;
      for (size_t c = 0; c < in.columns; ++c) {
        size_t b = bin(x[r * in.columns + c], c);
        if (form == Form::kOrdinal)
          to[first++] = static_cast<double>(b);
        else
          to[first + b] = 1, first += edges[c].size() + 1;
      }
    }
    return {};
  }

 private:
  size_t bin(double v, size_t c) const {
    if (nudged) v += 1e-8 + 1e-5 * std::abs(v);
    const std::vector<double>& e = edges[c];
    return static_cast<size_t>(std::upper_bound(e.begin(), e.end(), v) - e.begin());
  }
};

}  // namespace

Made make_k_bins_discretizer(const Attributes& a, Maker& maker) {
  auto k = std::make_unique<KBinsDiscretizer>();
  TRY(std::string form, a.text({"encode"}));
  if (form != "ordinal" && form != "onehot" && form != "onehot-dense")
    return a.unsupported(str("the encoding ", form));
  k->form = form == "ordinal"  ? KBinsDiscretizer::Form::kOrdinal
            : form == "onehot" ? KBinsDiscretizer::Form::kSparse
                               : KBinsDiscretizer::Form::kDense;
  TRY(std::vector<int64_t> bins, a.integers({"n_bins_"}));
  TRY(auto edges, a.list({"bin_edges_"}));
  if (edges.size() != bins.size()) return a.wrong("bin_edges_ and n_bins_ disagree");
  TRY_STATUS(check_features(a, edges.size()));
  for (size_t c = 0; c < edges.size(); ++c) {
    if (edges[c]->kind != pickle::Kind::kArray || !edges[c]->array)
      return a.wrong("bin_edges_ holds no arrays");
    TRY(std::vector<double> e, pickle::doubles(*edges[c]->array));
    if (e.size() < 2 || static_cast<int64_t>(e.size()) != bins[c] + 1)
      return a.wrong("bin_edges_ and n_bins_ disagree");
    k->edges.emplace_back(e.begin() + 1, e.end() - 1);
    k->width += form == "ordinal" ? 1 : e.size() - 1;
  }
  Maker::Release release = maker.release();
  k->nudged = release.major != 0 || release.minor != 0 ? release < Maker::Release{1, 1} : false;
  return k;
}

}  // namespace proa::engines
