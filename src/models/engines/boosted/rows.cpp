#include "models/engines/boosted/rows.h"

#include <algorithm>
#include <limits>

#include "foundation/base/strings.h"

namespace proa::engines::boosted {
namespace {

using inference::Cell;
using inference::Table;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Status fill_cells(const Table& in, std::span<const uint32_t> order, size_t features, double* out) {
  for (size_t r = 0; r < in.rows; ++r) {
    for (size_t c = 0; c < features; ++c) {
      size_t from = order.empty() ? c : order[c];
      const Cell& cell = in.cells[r * in.columns + from];
      if (cell.kind == Cell::Kind::kText)
        return error(Code::kInvalid,
                     str("row ", r, ", column ", from, ": \"", shorten(cell.text, 40),
                         "\" is text; the model takes numbers"));
      *out++ = cell.kind == Cell::Kind::kNumber ? cell.number : kNan;
    }
  }
  return {};
}

void fill_sparse(const Table& in, std::span<const uint32_t> place, size_t features, double* out) {
  std::fill(out, out + in.rows * features, 0.0);
  for (size_t r = 0; r < in.rows; ++r)
    for (size_t i = in.starts[r]; i < in.starts[r + 1]; ++i)
      out[r * features + (place.empty() ? in.indices[i] : place[in.indices[i]])] = in.values[i];
}

const double* padded(const double* rows, const Table& in, size_t features,
                     inference::Workspace& work) {
  double* out = work.take<double>(in.rows * features).data();
  for (size_t r = 0; r < in.rows; ++r) {
    double* row = out + r * features;
    std::copy(rows + r * in.columns, rows + (r + 1) * in.columns, row);
    std::fill(row + in.columns, row + features, kNan);
  }
  return out;
}

}  // namespace

Result<std::span<const uint32_t>> column_order(const Table& in, size_t features,
                                               std::span<const std::string> names,
                                               inference::Workspace& work) {
  if (in.columns != features)
    return error(Code::kInvalid,
                 str("a row has ", in.columns, " values, the model takes ", features));
  if (names.empty() || in.names.size() != features) return std::span<const uint32_t>();
  if (std::equal(names.begin(), names.end(), in.names.begin())) return std::span<const uint32_t>();
  auto order = work.take<uint32_t>(features);
  for (size_t i = 0; i < features; ++i) {
    auto at = std::find(in.names.begin(), in.names.end(), names[i]);
    if (at == in.names.end())
      return error(Code::kInvalid,
                   str("the request has no column \"", shorten(names[i], 60), "\""));
    order[i] = static_cast<uint32_t>(at - in.names.begin());
  }
  return std::span<const uint32_t>(order);
}

Result<const double*> number_rows(const Table& in, size_t features,
                                  std::span<const std::string> names, inference::Workspace& work,
                                  bool pad) {
  if (pad && in.columns < features) {
    TRY(const double* rows, number_rows(in, in.columns, {}, work));
    return padded(rows, in, features, work);
  }
  TRY(auto order, column_order(in, features, names, work));
  if (in.form == Table::Form::kDense && order.empty()) return in.dense;
  double* out = work.take<double>(in.rows * features).data();
  if (in.form == Table::Form::kCells) {
    TRY_STATUS(fill_cells(in, order, features, out));
  } else if (in.form == Table::Form::kSparse) {
    auto place = work.take<uint32_t>(order.size());
    for (size_t c = 0; c < order.size(); ++c) place[order[c]] = static_cast<uint32_t>(c);
    fill_sparse(in, place, features, out);
  } else {
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < features; ++c) out[r * features + c] = in.row(r)[order[c]];
  }
  return static_cast<const double*>(out);
}

}  // namespace proa::engines::boosted
