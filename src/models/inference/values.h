// What goes into a model and what comes out: Table (rows of a request) and Values (arrays of an
// answer). Both are views; the memory belongs to the request, to a Workspace or to the model.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/inference/datatype.h"

namespace proa::inference {

// One value of a table that is not all numbers. A boolean is the number 0 or 1. kNone is JSON's
// null, Python's None; kAbsent: a named column that this row does not have (rows given as objects).
struct Cell {
  enum class Kind : uint8_t { kNumber, kText, kNone, kAbsent };
  Kind kind = Kind::kNone;
  double number = 0;
  std::string_view text;  // UTF-8
};

// Rows × columns, in one of three forms:
//   kDense    dense[row * columns + column]                     (NaN: missing)
//   kSparse   CSR: the entries of row r are those from starts[r] to starts[r + 1]; indices ascend
//             within a row, no duplicates; what is not there is 0
//   kCells    cells[row * columns + column]
struct Table {
  enum class Form : uint8_t { kDense, kSparse, kCells };
  Form form = Form::kDense;
  size_t rows = 0, columns = 0;
  const double* dense = nullptr;
  const size_t* starts = nullptr;
  const uint32_t* indices = nullptr;
  const double* values = nullptr;
  const Cell* cells = nullptr;
  std::span<const std::string_view> names;  // of the columns, where the request gave them
  bool flat = false;  // the request was a list of scalars: one column, not a list a row
  DataType type = DataType::kFp64;  // of the numbers, as sent: kInt64 when all were integers

  const double* row(size_t r) const { return dense + r * columns; }  // kDense
};

// A row-major array. Which pointer is set follows from `type`: numbers for the floats (also FP32:
// doubles that are exact floats), integers for BOOL and the integers, texts for BYTES.
struct Values {
  DataType type = DataType::kFp64;
  uint8_t rank = 1;
  std::array<size_t, 4> shape{};  // shape[0] is the number of rows
  const double* numbers = nullptr;
  const int64_t* integers = nullptr;
  const std::string_view* texts = nullptr;
  size_t count() const {
    size_t n = 1;
    for (uint8_t i = 0; i < rank; ++i) n *= shape[i];
    return n;
  }
  size_t row_size() const { return shape[0] == 0 ? 0 : count() / shape[0]; }
};

inline Values vector_of(std::span<const double> v, DataType type = DataType::kFp64) {
  return {type, 1, {v.size()}, v.data(), nullptr, nullptr};
}
inline Values matrix_of(const double* v, size_t rows, size_t columns,
                        DataType type = DataType::kFp64) {
  return {type, 2, {rows, columns}, v, nullptr, nullptr};
}

// One array; or several, each with the rows as its first axis: scikit-learn's list of arrays
// (predict_proba of many outputs), or a model's several named outputs.
struct Output {
  Values first;                   // the only one, if `rest` is empty
  std::span<const Values> rest;   // the second and later ones
  std::span<const std::string_view> names;  // one an array, or empty: "output-0", "output-1", …
  size_t count() const { return 1 + rest.size(); }
  const Values& at(size_t i) const { return i == 0 ? first : rest[i - 1]; }
};

}  // namespace proa::inference
