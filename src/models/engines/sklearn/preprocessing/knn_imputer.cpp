// KNNImputer: what is missing is the mean of the nearest training rows that have it.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/imputing.h"

namespace proa::engines {
namespace {

struct Donor {
  double distance;
  uint32_t row;
  // NaN is the farthest.
  bool operator<(const Donor& o) const {
    if (std::isnan(distance) || std::isnan(o.distance))
      return std::isnan(distance) == std::isnan(o.distance) ? row < o.row : !std::isnan(distance);
    return distance != o.distance ? distance < o.distance : row < o.row;
  }
};

class KnnImputer : public Transformer {
 public:
  MissingValue missing;
  Matrix rows;                 // of training; missing values are NaN
  std::vector<uint8_t> valid;  // columns that have values at all
  std::vector<double> means;   // of training columns
  size_t neighbors = 5;
  bool by_distance = false, keep_empty = false;
  Indicator indicator;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(const double* x, dense_input(in, *this, work, missing.allowed()));
    TRY_STATUS(check_columns(in, rows.columns, *this));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    std::span<double> distances = work.take<double>(rows.rows);
    std::span<Donor> donors = work.take<Donor>(rows.rows);
    double* at = to.data();
    for (size_t r = 0; r < in.rows; ++r, x += rows.columns) {
      bool measured = false;
      for (size_t c = 0; c < rows.columns; ++c) {
        if (!valid[c]) {
          if (keep_empty) *at++ = 0;
          continue;
        }
        if (missing.is(x[c]) && !measured) {
          measure(x, distances);
          measured = true;
        }
        *at++ = missing.is(x[c]) ? fill(c, distances, donors) : x[c];
      }
      for (uint32_t c : indicator.columns) *at++ = missing.is(x[c]) ? 1 : 0;
    }
    return {};
  }

 private:
  // Euclidean over the columns that both have, scaled up to all columns.
  void measure(const double* x, std::span<double> distances) const {
    size_t n = rows.columns;
    for (size_t i = 0; i < rows.rows; ++i) {
      const double* y = rows.row(i);
      double sum = 0;
      size_t both = 0;
      for (size_t c = 0; c < n; ++c) {
        if (missing.is(x[c]) || std::isnan(y[c])) continue;
        sum += (x[c] - y[c]) * (x[c] - y[c]);
        ++both;
      }
      distances[i] =
          both == 0 ? NAN : std::sqrt(sum / static_cast<double>(both) * static_cast<double>(n));
    }
  }

  double fill(size_t column, std::span<const double> distances, std::span<Donor> donors) const {
    size_t count = 0;
    bool reached = false;
    for (uint32_t i = 0; i < rows.rows; ++i) {
      if (std::isnan(rows.at(i, column))) continue;
      donors[count++] = {distances[i], i};
      reached |= !std::isnan(distances[i]);
    }
    if (!reached) return means[column];
    size_t k = std::min(neighbors, count);
    std::nth_element(donors.begin(), donors.begin() + static_cast<ptrdiff_t>(k - 1),
                     donors.begin() + static_cast<ptrdiff_t>(count));
    bool exact = false;
    for (size_t i = 0; i < k; ++i) exact |= by_distance && donors[i].distance == 0;
    double sum = 0, weights = 0;
    for (size_t i = 0; i < k; ++i) {
      double d = donors[i].distance;
      double w = std::isnan(d) ? 0 : !by_distance ? 1 : exact ? d == 0 : 1 / d;
      sum += w * rows.at(donors[i].row, column);
      weights += w;
    }
    return sum / weights;
  }
};

}  // namespace

Made make_knn_imputer(const Attributes& a, Maker&) {
  auto k = std::make_unique<KnnImputer>();
  TRY(k->missing, MissingValue::of(a));
  const pickle::Node* metric = a.find("metric");
  if (metric && metric->text != "nan_euclidean") return a.unsupported("a metric of one's own");
  TRY(k->rows, a.matrix({"_fit_X"}, Attributes::Finite::kNanAllowed));
  if (k->rows.rows == 0 || k->rows.rows >= UINT32_MAX) return a.wrong("_fit_X has no rows");
  TRY_STATUS(check_features(a, k->rows.columns));
  for (double& v : k->rows.values)
    if (k->missing.is(v)) v = NAN;
  TRY(int64_t neighbors, a.integer({"n_neighbors"}));
  if (neighbors < 1) return a.wrong("n_neighbors is not possible");
  k->neighbors = static_cast<size_t>(neighbors);
  TRY(std::string weights, a.text({"weights"}));
  if (weights != "uniform" && weights != "distance") return a.unsupported("weights of one's own");
  k->by_distance = weights == "distance";
  TRY(k->keep_empty, a.flag("keep_empty_features", false));
  TRY(k->indicator, read_added_indicator(a, k->rows.columns));
  k->width = k->indicator.columns.size();
  for (size_t c = 0; c < k->rows.columns; ++c) {
    double sum = 0, count = 0;
    for (size_t r = 0; r < k->rows.rows; ++r)
      if (!std::isnan(k->rows.at(r, c))) sum += k->rows.at(r, c), ++count;
    k->valid.push_back(count != 0);
    k->means.push_back(sum / count);
    if (count != 0 || k->keep_empty) ++k->width;
  }
  return k;
}

}  // namespace proa::engines
