#include "models/engines/sklearn/transform/transformer.h"

#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/engines/pickle/texts.h"

namespace proa::engines {

using pickle::Kind;
using pickle::Node;

inference::TensorInfo Transformer::output_info(Method) const {
  inference::TensorInfo info;
  if (width != 0) info.shape = {static_cast<int64_t>(width)};
  return info;
}

Status numeric_input(const Table& in, const Estimator& e, Workspace& work, Table& out,
                     Missing missing) {
  if (in.form != Table::Form::kSparse) {
    TRY(const double* dense, dense_input(in, e, work, missing));
    out = in;
    out.form = Table::Form::kDense;
    out.dense = dense;
    return {};
  }
  TRY_STATUS(check_width(in, e));
  TRY_STATUS(need_rows(in, e.name));
  for (size_t i = 0; missing != Missing::kAllowed && i < in.starts[in.rows]; ++i) {
    double v = in.values[i];
    if (std::isfinite(v)) continue;
    if (std::isnan(v) && missing == Missing::kNanAllowed) continue;
    return error(Code::kInvalid, std::isnan(v) ? "Input X contains NaN."
                                               : "Input X contains infinity or a value too large "
                                                 "for dtype('float64').");
  }
  out = in;
  return {};
}

Status need_rows(const Table& in, std::string_view who) {
  if (in.rows != 0) return {};
  return error(Code::kInvalid, str("Found array with 0 sample(s) (shape=(0, ", in.columns,
                                   ")) while a minimum of 1 is required by ", who, "."));
}

Result<std::span<double>> sized_output(size_t rows, size_t columns, Workspace& work, Table& out) {
  constexpr size_t kMost = size_t{1} << 28;
  if (columns != 0 && rows > kMost / columns)
    return error(Code::kTooLarge, str("the answer would have ", rows, " × ", columns,
                                      " numbers; send fewer rows at once"));
  return dense_output(rows, columns, work, out);
}

bool makes_integers(const Attributes& a) {
  const Node* node = a.find("dtype");
  if (node && node->kind == Kind::kObject && node->args && !node->args->items.empty())
    node = node->args->items[0];  // numpy.dtype('i8')
  if (!node) return false;
  std::string_view name = node->text.substr(node->text.rfind('.') + 1);
  return name.starts_with("int") || name.starts_with("uint") || name.starts_with("i") ||
         name.starts_with("u");
}

Status one_column(const Table& in, const Estimator& e) {
  if (in.columns == 1 || in.rows == 0) return {};
  return error(Code::kInvalid,
               str(e.name, " takes one value a row, but X has ", in.columns, " columns"));
}

Status check_non_negative(const Table& t, std::string_view what) {
  const double* v = t.form == Table::Form::kSparse ? t.values : t.dense;
  size_t n = t.form == Table::Form::kSparse ? t.starts[t.rows] : t.rows * t.columns;
  for (size_t i = 0; i < n; ++i)
    if (v[i] < 0)
      return error(Code::kInvalid, str("Negative values in data passed to ", what, "."));
  return {};
}

SparseRows::SparseRows(size_t rows, size_t columns, size_t most, Workspace& work)
    : starts_(work.take<size_t>(rows + 1)),
      indices_(work.take<uint32_t>(most)),
      values_(work.take<double>(most)),
      columns_(columns),
      rows_(rows) {
  starts_[0] = 0;
}

void SparseRows::show(Table& out) const {
  CHECK(row_ == rows_);
  out = Table{};
  out.form = Table::Form::kSparse;
  out.rows = rows_;
  out.columns = columns_;
  out.starts = starts_.data();
  out.indices = indices_.data();
  out.values = values_.data();
}

Cell cell_at(const Table& t, size_t row, size_t column) {
  if (t.form == Table::Form::kCells) return t.cells[row * t.columns + column];
  double number = 0;
  if (t.form == Table::Form::kDense) {
    number = t.row(row)[column];
  } else {
    for (size_t i = t.starts[row]; i < t.starts[row + 1]; ++i)
      if (t.indices[i] == column) number = t.values[i];
  }
  return {Cell::Kind::kNumber, number, {}};
}

namespace {

// Element `i` of an array of kind 'U', as UTF-8; trailing zeros are padding.
std::string text_of(const pickle::Array& array, size_t i) {
  size_t letters = array.dtype.size / 4;
  const char* at = array.data.data() + i * array.dtype.size;
  std::vector<uint32_t> code(letters);
  for (size_t k = 0; k < letters; ++k) {
    uint32_t v = 0;
    std::memcpy(&v, at + 4 * k, 4);
    code[k] = array.dtype.swap ? __builtin_bswap32(v) : v;
  }
  while (!code.empty() && code.back() == 0) code.pop_back();
  std::string out;
  for (uint32_t c : code) pickle::append_utf8(out, c <= 0x10ffff ? c : 0xfffd);
  return out;
}

std::string bytes_of(const pickle::Array& array, size_t i) {
  std::string out(array.data.substr(i * array.dtype.size, array.dtype.size));
  while (!out.empty() && out.back() == 0) out.pop_back();
  return out;
}

}  // namespace

Result<Cell> cell_of(const Node& node, const Attributes& a) {
  switch (node.kind) {
    case Kind::kNone:
      return Cell{};
    case Kind::kStr:
    case Kind::kBytes:
      return Cell{Cell::Kind::kText, 0, node.text};
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat: {
      TRY(double number, pickle::as_double(node));
      return Cell{Cell::Kind::kNumber, number, {}};
    }
    case Kind::kArray:
      if (node.array && node.array->shape.empty()) {
        auto number = pickle::as_double(node);
        if (number.ok()) return Cell{Cell::Kind::kNumber, number.value(), {}};
      }
      break;
    default:
      break;
  }
  return a.unsupported(str("a value that is ", node.describe()));
}

namespace {

Result<std::vector<Cell>> cells_of_array(const pickle::Array& array, const Attributes& a,
                                         std::vector<std::string>& texts) {
  std::vector<Cell> out;
  char kind = array.dtype.kind;
  size_t count = array.count();
  if (kind == 'U' || kind == 'S') {
    if (array.data.size() != count * array.dtype.size) return a.wrong("an array is too short");
    for (size_t i = 0; i < count; ++i) {
      texts.push_back(kind == 'U' ? text_of(array, i) : bytes_of(array, i));
      out.push_back({Cell::Kind::kText, 0, {}});
    }
    return out;
  }
  TRY(std::vector<double> numbers, pickle::doubles(array));
  for (double v : numbers) out.push_back({Cell::Kind::kNumber, v, {}});
  return out;
}

}  // namespace

Result<std::vector<Cell>> cells_of(const Node& node, const Attributes& a,
                                   std::vector<std::string>& texts) {
  std::vector<Cell> out;
  texts.clear();
  const std::vector<Node*>* items = nullptr;
  if (node.kind == Kind::kArray && node.array) {
    if (node.array->dtype.kind == 'O')
      items = &node.array->objects;
    else {
      TRY(out, cells_of_array(*node.array, a, texts));
    }
  } else if (node.kind == Kind::kList || node.kind == Kind::kTuple) {
    items = &node.items;
  } else {
    return a.wrong(str("values are expected, not ", node.describe()));
  }
  for (size_t i = 0; items && i < items->size(); ++i) {
    const Node& item = *(*items)[i];
    const pickle::Array* scalar = item.kind == Kind::kArray ? item.array.get() : nullptr;
    if (scalar && scalar->shape.empty() && scalar->dtype.kind == 'U' &&
        scalar->data.size() == scalar->dtype.size) {
      texts.push_back(text_of(*scalar, 0));
      out.push_back({Cell::Kind::kText, 0, {}});
      continue;
    }
    TRY(Cell cell, cell_of(item, a));
    if (cell.kind == Cell::Kind::kText) texts.emplace_back(cell.text);
    out.push_back(cell);
  }
  size_t text = 0;  // only now, as the texts do not move any more
  for (Cell& cell : out)
    if (cell.kind == Cell::Kind::kText) cell.text = texts[text++];
  return out;
}

}  // namespace proa::engines
