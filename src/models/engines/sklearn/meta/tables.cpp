#include "models/engines/sklearn/meta/tables.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines::meta {
namespace {

using Form = Table::Form;

constexpr uint32_t kNowhere = ~uint32_t{0};

void select_sparse(const Table& in, std::span<const uint32_t> columns, Workspace& work,
                   Table& out) {
  bool ascending =
      std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) == columns.end();
  size_t entries = in.rows == 0 ? 0 : in.starts[in.rows] - in.starts[0];
  size_t most = ascending ? entries : in.rows * columns.size();
  std::span<size_t> starts = work.take<size_t>(in.rows + 1);
  std::span<uint32_t> indices = work.take<uint32_t>(most);
  std::span<double> values = work.take<double>(most);
  std::span<uint32_t> place = work.take<uint32_t>(in.columns);
  std::span<double> row = work.zeros<double>(ascending ? 0 : in.columns);
  std::fill(place.begin(), place.end(), kNowhere);
  for (size_t c = 0; c < columns.size(); ++c) place[columns[c]] = static_cast<uint32_t>(c);
  size_t n = 0;
  starts[0] = 0;
  for (size_t r = 0; r < in.rows; ++r) {
    if (ascending) {
      for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i) {
        if (place[in.indices[i]] == kNowhere) continue;
        indices[n] = place[in.indices[i]];
        values[n++] = in.values[i];
      }
    } else {
      for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i) row[in.indices[i]] = in.values[i];
      for (size_t c = 0; c < columns.size(); ++c)
        if (row[columns[c]] != 0)
          indices[n] = static_cast<uint32_t>(c), values[n++] = row[columns[c]];
      for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i) row[in.indices[i]] = 0;
    }
    starts[r + 1] = n;
  }
  out.starts = starts.data(), out.indices = indices.data(), out.values = values.data();
}

void fill_dense(const Table& in, double* out, size_t stride) {
  for (size_t r = 0; r < in.rows; ++r) {
    double* to = out + r * stride;
    if (in.form == Form::kDense) {
      std::copy_n(in.row(r), in.columns, to);
    } else if (in.form == Form::kSparse) {
      std::fill_n(to, in.columns, 0.0);
      for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i) to[in.indices[i]] = in.values[i];
    } else {
      for (size_t c = 0; c < in.columns; ++c) {
        const Cell& cell = in.cells[r * in.columns + c];
        to[c] = cell.kind == Cell::Kind::kNumber ? cell.number : NAN;
      }
    }
  }
}

bool has_texts(const Table& in) {
  if (in.form != Form::kCells) return false;
  for (size_t i = 0; i < in.rows * in.columns; ++i)
    if (in.cells[i].kind == Cell::Kind::kText) return true;
  return false;
}

void fill_cells(const Table& in, Cell* out, size_t stride, Workspace& work) {
  std::span<double> row = work.take<double>(in.columns);
  for (size_t r = 0; r < in.rows; ++r) {
    Cell* to = out + r * stride;
    if (in.form == Form::kCells) {
      std::copy_n(in.cells + r * in.columns, in.columns, to);
      continue;
    }
    Table one = in;
    one.rows = 1;
    if (in.form == Form::kDense)
      one.dense = in.row(r);
    else
      one.starts = in.starts + r;
    fill_dense(one, row.data(), in.columns);
    for (size_t c = 0; c < in.columns; ++c) to[c] = Cell{Cell::Kind::kNumber, row[c], {}};
  }
}

void sparse_rows(std::span<const Table> blocks, size_t rows, Workspace& work, Table& out) {
  size_t most = 0;
  for (const Table& b : blocks)
    most += b.form == Form::kSparse && rows != 0 ? b.starts[rows] - b.starts[0] : rows * b.columns;
  std::span<size_t> starts = work.take<size_t>(rows + 1);
  std::span<uint32_t> indices = work.take<uint32_t>(most);
  std::span<double> values = work.take<double>(most);
  size_t n = 0;
  starts[0] = 0;
  for (size_t r = 0; r < rows; ++r) {
    size_t first = 0;
    for (const Table& b : blocks) {
      if (b.form == Form::kSparse) {
        for (size_t i = b.starts[r]; i < b.starts[r + 1]; ++i, ++n) {
          indices[n] = static_cast<uint32_t>(first + b.indices[i]);
          values[n] = b.values[i];
        }
      } else {
        for (size_t c = 0; c < b.columns; ++c) {
          double v = b.dense[r * b.columns + c];
          if (v == 0) continue;
          indices[n] = static_cast<uint32_t>(first + c);
          values[n++] = v;
        }
      }
      first += b.columns;
    }
    starts[r + 1] = n;
  }
  out.form = Form::kSparse;
  out.starts = starts.data(), out.indices = indices.data(), out.values = values.data();
}

}  // namespace

void select_columns(const Table& in, std::span<const uint32_t> columns, Workspace& work,
                    Table& out) {
  size_t k = columns.size();
  out = in;
  out.columns = k;
  if (in.names.size() == in.columns && !in.names.empty()) {
    std::span<std::string_view> names = work.take<std::string_view>(k);
    for (size_t c = 0; c < k; ++c) names[c] = in.names[columns[c]];
    out.names = names;
  }
  bool same = k == in.columns;
  for (size_t c = 0; same && c < k; ++c) same = columns[c] == c;
  if (same) return;
  if (in.form == Form::kSparse) {
    select_sparse(in, columns, work, out);
  } else if (in.form == Form::kDense) {
    std::span<double> cells = work.take<double>(in.rows * k);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < k; ++c) cells[r * k + c] = in.dense[r * in.columns + columns[c]];
    out.dense = cells.data();
  } else {
    std::span<Cell> cells = work.take<Cell>(in.rows * k);
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < k; ++c) cells[r * k + c] = in.cells[r * in.columns + columns[c]];
    out.cells = cells.data();
  }
}

Status side_by_side(std::span<const Table> blocks, size_t rows, bool sparse, Workspace& work,
                    Table& out) {
  Table made;
  made.rows = rows;
  bool texts = false, whole = !blocks.empty();
  std::span<Table> parts = work.take<Table>(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].rows != rows)
      return error(Code::kInvalid, "the transformers made different numbers of rows");
    if (made.columns + blocks[i].columns > UINT32_MAX)
      return error(Code::kTooLarge, "the transformers made too many columns");
    parts[i] = blocks[i];
    made.columns += blocks[i].columns;
    texts = texts || has_texts(blocks[i]);
    whole = whole && inference::is_integer(blocks[i].type);
  }
  if (whole) made.type = DataType::kInt64;
  if (texts && sparse)
    return error(
        Code::kInvalid,
        "For a sparse output, all columns should be a numeric or convertible to a numeric.");
  if (texts) {
    std::span<Cell> cells = work.take<Cell>(rows * made.columns);
    size_t first = 0;
    for (const Table& b : parts)
      fill_cells(b, cells.data() + first, made.columns, work), first += b.columns;
    made.form = Form::kCells;
    made.cells = cells.data();
  } else if (sparse) {
    for (Table& b : parts) {
      if (b.form != Form::kCells) continue;
      std::span<double> dense = work.take<double>(rows * b.columns);
      fill_dense(b, dense.data(), b.columns);
      b.form = Form::kDense;
      b.dense = dense.data();
    }
    sparse_rows(parts, rows, work, made);
  } else {
    std::span<double> dense = work.take<double>(rows * made.columns);
    size_t first = 0;
    for (const Table& b : parts) {
      fill_dense(b, dense.data() + first, made.columns);
      first += b.columns;
    }
    made.dense = dense.data();
  }
  out = made;
  return {};
}

Status scale(double factor, Workspace& work, Table& table) {
  if (factor == 1) return {};
  if (table.form == Form::kCells) {
    TRY(const double* dense, any_numbers(table, work));
    table.form = Form::kDense;
    table.dense = dense;
  }
  bool sparse = table.form == Form::kSparse;
  size_t n = sparse ? (table.rows ? table.starts[table.rows] : 0) : table.rows * table.columns;
  const double* from = sparse ? table.values : table.dense;
  std::span<double> to = work.take<double>(n);
  for (size_t i = 0; i < n; ++i) to[i] = from[i] * factor;
  (sparse ? table.values : table.dense) = to.data();
  return {};
}

Result<const double*> any_numbers(const Table& in, Workspace& work) {
  if (in.form == Form::kDense) return in.dense;
  if (in.form == Form::kSparse || !has_texts(in)) {
    std::span<double> dense = work.take<double>(in.rows * in.columns);
    fill_dense(in, dense.data(), in.columns);
    return dense.data();
  }
  std::span<double> dense = work.take<double>(in.rows * in.columns);
  for (size_t i = 0; i < dense.size(); ++i) {
    const Cell& cell = in.cells[i];
    dense[i] = cell.kind == Cell::Kind::kNumber ? cell.number : NAN;
    if (cell.kind != Cell::Kind::kText) continue;
    std::optional<double> v = parse_double(cell.text);
    if (!v)
      return error(Code::kInvalid,
                   str("could not convert string to float: '", shorten(cell.text, 40), "'"));
    dense[i] = *v;
  }
  return dense.data();
}

}  // namespace proa::engines::meta
