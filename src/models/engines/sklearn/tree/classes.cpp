#include "models/engines/sklearn/tree/classes.h"

#include <algorithm>
#include <cmath>

namespace proa::engines {
namespace {

double as_number(const Labels& l, uint32_t i) {
  return l.integers.empty() ? l.numbers[i] : static_cast<double>(l.integers[i]);
}

}  // namespace

uint32_t argmax(const double* values, size_t n) {
  return static_cast<uint32_t>(std::max_element(values, values + n) - values);
}

bool same_kind(const std::vector<Labels>& sets) {
  for (const Labels& l : sets)
    if ((l.type == DataType::kBytes) != (sets[0].type == DataType::kBytes)) return false;
  return true;
}

Values pick_many(const std::vector<Labels>& sets, std::span<const uint32_t> picked, size_t rows,
                 Workspace& work) {
  size_t n = sets.size();
  Values out{sets[0].type, 2, {rows, n}};
  bool integers = true;
  for (const Labels& l : sets) {
    integers = integers && !l.integers.empty();
    if (l.type != out.type) out.type = DataType::kFp64;
  }
  if (!inference::is_integer(out.type)) integers = false;
  auto at = [&](size_t k, size_t r) { return picked[k * rows + r]; };
  if (out.type == DataType::kBytes) {
    auto texts = work.take<std::string_view>(rows * n);
    for (size_t k = 0; k < n; ++k)
      for (size_t r = 0; r < rows; ++r) texts[r * n + k] = sets[k].texts[at(k, r)];
    out.texts = texts.data();
  } else if (integers) {
    auto numbers = work.take<int64_t>(rows * n);
    for (size_t k = 0; k < n; ++k)
      for (size_t r = 0; r < rows; ++r) numbers[r * n + k] = sets[k].integers[at(k, r)];
    out.integers = numbers.data();
  } else {
    auto numbers = work.take<double>(rows * n);
    for (size_t k = 0; k < n; ++k)
      for (size_t r = 0; r < rows; ++r) numbers[r * n + k] = as_number(sets[k], at(k, r));
    out.numbers = numbers.data();
  }
  return out;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void softmax_in_place(double* row, size_t n) {
  double most = *std::max_element(row, row + n), sum = 0;
  for (size_t i = 0; i < n; ++i) sum += row[i] = std::exp(row[i] - most);
  for (size_t i = 0; i < n; ++i) row[i] /= sum;
}

void logarithms(std::span<double> v) {
  for (double& x : v) x = std::log(x);
}

}  // namespace proa::engines
