// scipy's sparse matrices, checked and made CSR.
#include <algorithm>
#include <numeric>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/reading.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr size_t kMostDense = size_t{1} << 27;  // elements of a sparse matrix made dense: 1 GiB
constexpr size_t kMostRows = size_t{1} << 31;

Error disagree() { return error(Code::kDataLoss, "the parts of a sparse matrix do not agree"); }

struct Shape {
  size_t rows = 0, columns = 0;
};

Result<Shape> shape_of(const Attributes& a) {
  const Node* shape = a.find("_shape");
  if (!shape || shape->kind != Kind::kTuple || shape->items.size() != 2)
    return error(Code::kDataLoss, "a sparse matrix has no shape");
  TRY(int64_t rows, pickle::as_int(*shape->items[0]));
  TRY(int64_t columns, pickle::as_int(*shape->items[1]));
  if (rows < 0 || columns < 0 || static_cast<size_t>(rows) > kMostRows || columns > UINT32_MAX)
    return error(Code::kDataLoss, "the shape of a sparse matrix is out of range");
  return Shape{static_cast<size_t>(rows), static_cast<size_t>(columns)};
}

// Entries as (row, column, value), checked to be inside.
struct Triplets {
  std::vector<int64_t> rows, columns;
  std::vector<double> values;
};

// Counting sort by row, then by column within each row; equal places are summed, as scipy does.
Result<SparseMatrix> from_triplets(Shape shape, const Triplets& t) {
  size_t count = t.values.size();
  if (t.rows.size() != count || t.columns.size() != count) return disagree();
  if (shape.rows > count * 64 + (size_t{1} << 22))
    return error(Code::kTooLarge, "a sparse matrix has too many rows");
  SparseMatrix out{shape.rows, shape.columns, std::vector<size_t>(shape.rows + 1), {}, {}};
  for (size_t i = 0; i < count; ++i) {
    if (t.rows[i] < 0 || t.columns[i] < 0 || static_cast<size_t>(t.rows[i]) >= shape.rows ||
        static_cast<size_t>(t.columns[i]) >= shape.columns)
      return error(Code::kDataLoss, "a sparse matrix has an index outside of it");
    ++out.starts[static_cast<size_t>(t.rows[i]) + 1];
  }
  std::partial_sum(out.starts.begin(), out.starts.end(), out.starts.begin());
  std::vector<size_t> at(out.starts.begin(), out.starts.end() - 1), order(count);
  for (size_t i = 0; i < count; ++i) order[at[static_cast<size_t>(t.rows[i])]++] = i;
  out.indices.reserve(count);
  out.values.reserve(count);
  for (size_t r = 0; r < shape.rows; ++r) {
    auto first = order.begin() + static_cast<ptrdiff_t>(out.starts[r]);
    auto last = order.begin() + static_cast<ptrdiff_t>(out.starts[r + 1]);
    std::stable_sort(first, last, [&](size_t a, size_t b) { return t.columns[a] < t.columns[b]; });
    size_t begin = out.indices.size();
    for (auto i = first; i != last; ++i) {
      auto column = static_cast<uint32_t>(t.columns[*i]);
      if (out.indices.size() > begin && out.indices.back() == column)
        out.values.back() += t.values[*i];
      else
        out.indices.push_back(column), out.values.push_back(t.values[*i]);
    }
    out.starts[r] = begin;  // only earlier rows are read from here on
  }
  out.starts[shape.rows] = out.indices.size();
  return out;
}

// data, indices, indptr: of rows (csr) or of columns (csc).
Result<Triplets> compressed(const Attributes& a, Shape shape, bool by_column) {
  TRY(std::vector<double> data, a.vector({"data"}, Attributes::Finite::kAny));
  TRY(std::vector<int64_t> indices, a.integers({"indices"}));
  TRY(std::vector<int64_t> starts, a.integers({"indptr"}));
  size_t lines = by_column ? shape.columns : shape.rows;
  bool sane = starts.size() == lines + 1 && starts[0] == 0 && indices.size() >= data.size() &&
              starts.back() >= 0 && static_cast<size_t>(starts.back()) <= data.size();
  if (!sane) return disagree();
  data.resize(static_cast<size_t>(starts.back()));
  indices.resize(data.size());
  std::vector<int64_t> line(data.size());
  for (size_t l = 0; l < lines; ++l) {
    if (starts[l] > starts[l + 1] || starts[l] < 0 || starts[l + 1] > starts.back())
      return disagree();
    std::fill(line.begin() + starts[l], line.begin() + starts[l + 1], static_cast<int64_t>(l));
  }
  if (by_column) return Triplets{std::move(indices), std::move(line), std::move(data)};
  return Triplets{std::move(line), std::move(indices), std::move(data)};
}

Result<Triplets> coordinates(const Attributes& a) {
  Triplets out;
  TRY(out.values, a.vector({"data"}, Attributes::Finite::kAny));
  if (!a.has("coords")) {  // to scipy 1.12
    TRY(out.rows, a.integers({"row"}));
    TRY(out.columns, a.integers({"col"}));
    return out;
  }
  TRY(auto coords, a.list({"coords"}));
  if (coords.size() != 2 || coords[0]->kind != Kind::kArray || coords[1]->kind != Kind::kArray)
    return disagree();
  TRY(out.rows, pickle::integers(*coords[0]->array));
  TRY(out.columns, pickle::integers(*coords[1]->array));
  return out;
}

}  // namespace

Result<SparseMatrix> sparse_of(const Node& object) {
  Attributes a(object);
  std::string_view name = a.class_name();
  TRY(Shape shape, shape_of(a));
  if (name.starts_with("coo_")) {
    TRY(Triplets t, coordinates(a));
    return from_triplets(shape, t);
  }
  if (!name.starts_with("csr_") && !name.starts_with("csc_"))
    return error(Code::kUnimplemented,
                 str("a sparse matrix of type ", name,
                     " is not supported; convert it with .tocsr() before saving"));
  TRY(Triplets t, compressed(a, shape, name.starts_with("csc_")));
  return from_triplets(shape, t);
}

Result<Matrix> filled(const SparseMatrix& s) {
  size_t cells = 0;
  if (__builtin_mul_overflow(s.rows, s.columns, &cells) || cells > kMostDense)
    return error(Code::kTooLarge, "a sparse matrix is too large to be filled in");
  Matrix m{s.rows, s.columns, std::vector<double>(cells)};
  for (size_t r = 0; r < s.rows; ++r)
    for (size_t i = s.starts[r]; i < s.starts[r + 1]; ++i)
      m.values[r * m.columns + s.indices[i]] = s.values[i];
  return m;
}

}  // namespace proa::engines
