#include "models/engines/sklearn/neighbors/votes.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines::neighbors {

Result<Weights> read_weights(const Attributes& a) {
  if (!a.has("weights")) return Weights::kUniform;
  TRY(std::string name, a.text({"weights"}));
  if (name == "uniform") return Weights::kUniform;
  if (name == "distance") return Weights::kDistance;
  return a.unsupported(str("weights ", name));
}

void distance_weights(std::span<const double> distances, std::span<double> weights) {
  bool exact = false;
  for (size_t i = 0; i < distances.size(); ++i) {
    weights[i] = 1 / distances[i];
    exact = exact || std::isinf(weights[i]);
  }
  for (size_t i = 0; exact && i < weights.size(); ++i) weights[i] = std::isinf(weights[i]) ? 1 : 0;
}

double numpy_sum(const double* v, size_t n) {
  if (n > 128) {
    size_t half = n / 2;
    half -= half % 8;
    return numpy_sum(v, half) + numpy_sum(v + half, n - half);
  }
  double sum = 0;
  size_t i = 0;
  if (n >= 8) {
    double s[8];
    std::copy_n(v, 8, s);
    for (i = 8; i + 8 <= n; i += 8)
      for (size_t j = 0; j < 8; ++j) s[j] += v[i + j];
    sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  }
  for (; i < n; ++i) sum += v[i];
  return sum;
}

Result<Classes> Classes::read(const Attributes& a, size_t rows) {
  Classes c;
  TRY(c.several, a.flag("outputs_2d_", false));
  TRY(c.outputs, a.label_sets("classes_"));
  size_t n = c.outputs.size();
  if (n == 0 || (n != 1 && !c.several)) return a.wrong("classes_ does not fit its outputs");
  for (const Labels& l : c.outputs)
    if (l.size() == 0 || l.type != c.outputs[0].type)
      return a.wrong("classes_ is empty, or of different types");
  TRY(NdArray y, a.array({"_y"}));
  size_t columns = y.shape.size() == 2 ? y.shape[1] : 1;
  if (y.shape.empty() || y.shape.size() > 2 || y.shape[0] != rows || columns != n)
    return a.wrong("_y does not fit its rows and outputs");
  c.places.resize(rows * n);
  for (size_t i = 0; i < rows * n; ++i) {
    double place = y.values[i];
    if (!(place >= 0 && place < static_cast<double>(c.outputs[i % n].size())))
      return a.wrong("_y names a class that is not there");
    c.places[i] = static_cast<uint32_t>(place);
  }
  return c;
}

Values Classes::answer(std::span<const uint32_t> best, size_t rows, Workspace& work) const {
  if (!several) return outputs[0].pick(best, work);
  size_t n = count();
  std::span<uint32_t> column = work.take<uint32_t>(rows);
  Values out{outputs[0].type, 2, {rows, n}, nullptr, nullptr, nullptr};
  std::span<double> numbers;
  std::span<int64_t> integers;
  std::span<std::string_view> texts;
  for (size_t o = 0; o < n; ++o) {
    for (size_t r = 0; r < rows; ++r) column[r] = best[r * n + o];
    Values v = outputs[o].pick(column, work);
    if (v.texts && texts.empty()) texts = work.take<std::string_view>(rows * n);
    if (v.integers && integers.empty()) integers = work.take<int64_t>(rows * n);
    if (v.numbers && numbers.empty()) numbers = work.take<double>(rows * n);
    for (size_t r = 0; r < rows; ++r) {
      if (v.texts) texts[r * n + o] = v.texts[r];
      if (v.integers) integers[r * n + o] = v.integers[r];
      if (v.numbers) numbers[r * n + o] = v.numbers[r];
    }
  }
  out.texts = texts.data();
  out.integers = integers.data();
  out.numbers = numbers.data();
  return out;
}

void Classes::probabilities(std::span<double* const> of_outputs, size_t rows, Workspace& work,
                            Output& out) const {
  std::span<Values> all = work.take<Values>(count());
  for (size_t o = 0; o < count(); ++o)
    all[o] = inference::matrix_of(of_outputs[o], rows, outputs[o].size());
  out.first = all[0];
  out.rest = all.subspan(1);
}

Result<Targets> Targets::read(const Attributes& a, size_t rows) {
  Targets t;
  TRY(NdArray y, a.array({"_y"}));
  if (y.shape.empty() || y.shape.size() > 2 || y.shape[0] != rows)
    return a.wrong("_y does not fit its rows");
  t.several = y.shape.size() == 2;
  size_t columns = t.several ? y.shape[1] : 1;
  t.y = Matrix{rows, columns, std::move(y.values)};
  return t;
}

Values Targets::answer(std::span<const double> mean, size_t rows) const {
  return several ? inference::matrix_of(mean.data(), rows, y.columns) : inference::vector_of(mean);
}

}  // namespace proa::engines::neighbors
