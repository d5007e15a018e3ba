// LabelPropagation and LabelSpreading: the labels of the training rows, weighted by nearness.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/neighbors/makers.h"
#include "models/engines/sklearn/neighbors/search.h"

namespace proa::engines::neighbors {
namespace {

class LabelPropagation : public Estimator {
 public:
  Labels classes;
  Matrix shares;  // training row × class
  // One of the two kernels:
  bool by_neighbours = false;
  Search search;
  size_t k = 1;
  Matrix rows;
  double gamma = 20;

  const Labels* labels() const override { return &classes; }
  bool has(Method m) const override { return m == Method::kPredict || m == Method::kPredictProba; }
  inference::TensorInfo output_info(Method m) const override {
    if (m == Method::kPredict) return {"", classes.type, {}};
    return {"", DataType::kFp64, {static_cast<int64_t>(classes.size())}};
  }

  Status predict(Method m, const Table& in, Workspace& work, Output& out) const override {
    TRY(const double* x, dense_input(in, *this, work));
    size_t c = classes.size();
    std::span<double> all = work.zeros<double>(in.rows * c);
    if (by_neighbours) {
      Search::Found near = search.nearest(x, in.rows, k, work);
      for (size_t r = 0; r < in.rows; ++r)
        for (size_t i = 0; i < k; ++i) add(near.places[r * k + i], 1, all.data() + r * c);
    } else {
      for (size_t r = 0; r < in.rows; ++r)
        for (size_t i = 0; i < rows.rows; ++i)
          add(i, nearness(x + r * in.columns, rows.row(i)), all.data() + r * c);
    }
    std::span<uint32_t> best = work.take<uint32_t>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) {
      double* p = all.data() + r * c;
      double sum = 0;
      for (size_t i = 0; i < c; ++i) sum += p[i];
      for (size_t i = 0; i < c; ++i) p[i] /= sum;  // NaN where no row is near, as it is there
      best[r] = std::isnan(p[0]) ? 0 : static_cast<uint32_t>(std::max_element(p, p + c) - p);
    }
    out.first = m == Method::kPredict ? classes.pick(best, work)
                                      : inference::matrix_of(all.data(), in.rows, c);
    return {};
  }

 private:
  void add(size_t row, double weight, double* to) const {
    for (size_t i = 0; i < shares.columns; ++i) to[i] += weight * shares.at(row, i);
  }
  double nearness(const double* x, const double* y) const {
    double sum = 0;
    for (size_t i = 0; i < rows.columns; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return std::exp(-gamma * sum);
  }
};

}  // namespace

Result<std::unique_ptr<Estimator>> make_label_propagation(const Attributes& a, Maker&) {
  auto out = std::make_unique<LabelPropagation>();
  TRY(out->classes, a.labels("classes_"));
  TRY(out->shares, a.matrix({"label_distributions_"}));
  TRY(out->rows, a.matrix({"X_"}));
  size_t n = out->rows.rows;
  if (n == 0 || out->rows.columns == 0 || out->shares.rows != n || out->classes.size() == 0 ||
      out->shares.columns != out->classes.size())
    return a.wrong("X_, label_distributions_ and classes_ do not agree");
  TRY(std::string kernel, a.text({"kernel"}));
  if (kernel != "rbf" && kernel != "knn") return a.unsupported(str("the kernel ", kernel));
  out->by_neighbours = kernel == "knn";
  if (out->by_neighbours) {
    TRY(Attributes fitted, a.object({"nn_fit"}));
    TRY(out->search, Search::make(fitted));
    TRY(int64_t k, fitted.integer({"n_neighbors"}));
    if (k < 1 || k > static_cast<int64_t>(n) || out->search.size() != n ||
        out->search.width() != out->rows.columns)
      return a.wrong("nn_fit does not agree with X_");
    out->k = static_cast<size_t>(k);
  } else {
    TRY(out->gamma, a.number({"gamma"}));
  }
  out->features = out->rows.columns;
  return out;
}

}  // namespace proa::engines::neighbors
