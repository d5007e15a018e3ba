#include "models/protocols/rows.h"

#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::protocols {
namespace {

using inference::Cell;

Error different_lengths(size_t columns, size_t row, size_t n) {
  return error(Code::kInvalid, str("instances have different lengths: row 0 has ", columns,
                                   " values, row ", row, " has ", n));
}

Error too_deep() {
  return error(Code::kInvalid,
               "Found array with dim 3: \"instances\" is a list of rows, and each row a list of "
               "values or an object");
}

constexpr size_t kMostCells = size_t{1} << 26;
constexpr size_t kMostNames = 4096;
constexpr size_t kMostSearched = size_t{1} << 26;  // comparisons of names

}  // namespace

// One row behind its '['. `other`: something that is no number is there.
Status RowsReader::number_row(Scanner& scan, size_t row, double*& to, bool& other) {
  const double* from = to;
  scan.space();
  if (!scan.take(']')) {
    bool all_whole = whole_, many = true, closed = false;
    for (bool more = true; more;) {
      if (many) {
        size_t n = scan.quick_numbers(to, all_whole, closed);
        to += n;
        many = n > 1;
        if (n != 0) scan.space();
        if (closed) break;
      }
      bool whole = true;
      if (!scan.quick_number(*to, whole)) {
        if (!scan.at_number()) {
          other = true;
          return {};
        }
        TRY_STATUS(scan.number(*to, whole));
      }
      ++to;
      all_whole &= whole;
      if (!scan.quick_comma()) TRY_STATUS(scan.next(']', more));
    }
    if (closed) scan.take(']');
    whole_ = all_whole;
  }
  auto n = static_cast<size_t>(to - from);
  if (row == 0) table_.columns = n;
  if (n != table_.columns) return different_lengths(table_.columns, row, n);
  return {};
}

// A list of lists of numbers, or of numbers. `other`: it is not that; nothing was decided.
Status RowsReader::numbers(Scanner& scan, bool& other) {
  auto values = work_->take<double>(scan.left() / 2 + 1);
  double* to = values.data();
  bool flat = false;
  size_t rows = 0;
  for (bool more = true; more; ++rows) {
    if (scan.take('[')) {
      if (flat) return error(Code::kInvalid, "instances mix lists and single values");
      TRY_STATUS(number_row(scan, rows, to, other));
    } else if (scan.at_number() && (rows == 0 || flat)) {
      flat = true;
      bool whole = true;
      TRY_STATUS(scan.number(*to++, whole));
      whole_ &= whole;
    } else {
      other = true;
    }
    if (other) return {};
    TRY_STATUS(scan.next(']', more));
  }
  table_.rows = rows;
  if (flat) table_.columns = 1;
  table_.flat = flat;
  table_.form = Table::Form::kDense;
  table_.dense = values.data();
  table_.type = whole_ ? DataType::kInt64 : DataType::kFp64;
  return {};
}

Status RowsReader::cell(Scanner& scan, Cell& out) {
  if (scan.peek() == '"') {
    out.kind = Cell::Kind::kText;
    return scan.string(out.text);
  }
  if (scan.take_word("null")) {
    out.kind = Cell::Kind::kNone;
    return {};
  }
  if (scan.peek() == '[' || scan.peek() == '{') return too_deep();
  out.kind = Cell::Kind::kNumber;
  bool whole = true;
  TRY_STATUS(scan.number(out.number, whole));
  whole_ &= whole;
  return {};
}

Status RowsReader::mixed_row(Scanner& scan, size_t row) {
  size_t before = cells_.size();
  scan.space();
  if (!scan.take(']')) {
    for (bool more = true; more;) {
      Cell c;
      TRY_STATUS(cell(scan, c));
      cells_.push_back(c);
      TRY_STATUS(scan.next(']', more));
    }
  }
  size_t n = cells_.size() - before;
  if (row == 0) table_.columns = n;
  return n == table_.columns ? Status{} : Status{different_lengths(table_.columns, row, n)};
}

// A list whose rows or values are not all numbers; or of objects.
Status RowsReader::mixed(Scanner& scan) {
  const char* start = scan.mark();
  if (scan.peek() == '{') return records(scan, ']');
  if (scan.take('[')) {
    scan.space();
    bool objects = scan.peek() == '{';
    scan.back_to(start);
    if (objects) return records(scan, ']');
  }
  bool flat = scan.peek() != '[';
  size_t rows = 0;
  for (bool more = true; more; ++rows) {
    if (flat) {
      Cell c;
      if (scan.peek() == '[') return error(Code::kInvalid, "instances mix lists and single values");
      TRY_STATUS(cell(scan, c));
      cells_.push_back(c);
    } else {
      if (!scan.take('['))
        return scan.peek() == '\0' ? scan.syntax("Expecting value")
                                   : error(Code::kInvalid, "instances mix lists and other values");
      TRY_STATUS(mixed_row(scan, rows));
    }
    TRY_STATUS(scan.next(']', more));
  }
  table_.flat = flat;
  finish_cells(rows, flat ? 1 : table_.columns);
  return {};
}

void RowsReader::finish_cells(size_t rows, size_t columns) {
  table_.rows = rows;
  table_.columns = columns;
  bool numbers = std::all_of(cells_.begin(), cells_.end(),
                             [](const Cell& c) { return c.kind == Cell::Kind::kNumber; });
  if (numbers) {
    auto dense = work_->take<double>(cells_.size());
    for (size_t i = 0; i < cells_.size(); ++i) dense[i] = cells_[i].number;
    table_.form = Table::Form::kDense;
    table_.dense = dense.data();
    table_.type = whole_ ? DataType::kInt64 : DataType::kFp64;
  } else {
    table_.form = Table::Form::kCells;
    table_.cells = cells_.data();
    table_.type = whole_ ? DataType::kInt64 : DataType::kFp64;
  }
}

uint32_t RowsReader::column_of(std::string_view name, size_t expected) {
  if (expected < names_.size() && names_[expected] == name) return static_cast<uint32_t>(expected);
  searched_ += names_.size();
  for (size_t i = 0; i < names_.size(); ++i)
    if (names_[i] == name) return static_cast<uint32_t>(i);
  names_.push_back(name);
  return static_cast<uint32_t>(names_.size() - 1);
}

Status RowsReader::add(size_t row, uint32_t column, const Cell& c) {
  entries_.push_back({row, column, c});
  return {};
}

// The values of one name: a scalar, a list, or an object of index → scalar.
Status RowsReader::column(Scanner& scan, size_t first_row, uint32_t column, size_t& rows) {
  char open = scan.peek();
  Cell c;
  if (open != '[' && open != '{') {
    TRY_STATUS(cell(scan, c));
    rows = std::max<size_t>(rows, 1);
    return add(first_row, column, c);
  }
  char close = open == '[' ? ']' : '}';
  scan.take(open);
  scan.space();
  size_t n = 0;
  if (!scan.take(close)) {
    for (bool more = true; more; ++n) {
      std::string_view index;
      if (open == '{') TRY_STATUS(scan.key(index));
      TRY_STATUS(cell(scan, c));
      TRY_STATUS(add(first_row + n, column, c));
      TRY_STATUS(scan.next(close, more));
    }
  }
  rows = std::max(rows, n);
  return {};
}

// One object behind its '{'; it holds one row, or several.
Status RowsReader::record(Scanner& scan, size_t first_row, size_t& rows) {
  rows = 0;
  scan.space();
  if (scan.take('}')) {
    rows = 1;
    return {};
  }
  size_t expected = 0;
  for (bool more = true; more; ++expected) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    uint32_t index = column_of(name, expected);
    if (names_.size() > kMostNames) return error(Code::kTooLarge, "more than 4096 named columns");
    if (searched_ > kMostSearched)
      return error(Code::kTooLarge, "the rows name many columns, each in another order");
    TRY_STATUS(column(scan, first_row, index, rows));
    TRY_STATUS(scan.next('}', more));
  }
  return {};
}

// A list of objects, or of lists of objects, up to its `close`.
Status RowsReader::records(Scanner& scan, char close) {
  size_t rows = 0;
  for (bool more = true; more;) {
    size_t n = 0;
    if (scan.take('{')) {
      TRY_STATUS(record(scan, rows, n));
      rows += n;
    } else if (scan.take('[')) {
      scan.space();
      for (bool inner = !scan.take(']'); inner;) {
        if (!scan.take('{')) return error(Code::kInvalid, "instances mix objects and other values");
        TRY_STATUS(record(scan, rows, n));
        rows += n;
        TRY_STATUS(scan.next(']', inner));
      }
    } else {
      return error(Code::kInvalid, "instances mix objects and other values");
    }
    if (rows > kMostCells) return error(Code::kTooLarge, "too many rows");
    TRY_STATUS(scan.next(close, more));
  }
  return lay_out(rows);
}

Status RowsReader::lay_out(size_t rows) {
  size_t columns = names_.size();
  if (columns != 0 && rows > std::max<size_t>(1 << 16, entries_.size() * 16) / columns)
    return error(Code::kTooLarge, str("the objects of ", rows, " rows have ", columns,
                                      " different names; send the "
                                      "same names in every row"));
  Cell absent;
  absent.kind = Cell::Kind::kAbsent;
  cells_.assign(rows * columns, absent);
  for (const Entry& e : entries_) cells_[e.row * columns + e.column] = e.cell;
  names_given_ = true;
  finish_cells(rows, columns);
  return {};
}

// What "instances" or "inputs" holds.
Status RowsReader::value(Scanner& scan) {
  table_ = {};
  cells_.clear();
  entries_.clear();
  names_.clear();
  whole_ = true;
  names_given_ = false;
  searched_ = 0;
  if (scan.take('{')) {
    size_t rows = 0;
    TRY_STATUS(record(scan, 0, rows));
    return lay_out(rows);
  }
  if (!scan.take('[')) {
    TRY_STATUS(scan.skip());  // bad JSON is said first
    return error(Code::kInvalid, "Expected \"instances\" or \"inputs\" to be a list");
  }
  scan.space();
  if (scan.take(']')) {
    table_.flat = true;
    table_.columns = 1;
    table_.dense = work_->take<double>(1).data();
    return {};
  }
  const char* start = scan.mark();
  auto before = work_->mark();
  bool other = false;
  TRY_STATUS(numbers(scan, other));
  if (!other) return {};
  work_->release(before);
  scan.back_to(start);
  table_ = {};
  whole_ = true;
  return mixed(scan);
}

// "parameters": {"method": "predict_proba"}; other members and other forms are skipped.
Status RowsReader::method(Scanner& scan) {
  if (scan.peek() != '{') return scan.skip();
  scan.take('{');
  scan.space();
  if (scan.take('}')) return {};
  for (bool more = true; more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    if (name == "method" && scan.peek() == '"') {
      Parameter p;
      p.name = "method";
      TRY_STATUS(scan.string(p.text));
      parameters_.push_back(p);
    } else {
      TRY_STATUS(scan.skip(1));
    }
    TRY_STATUS(scan.next('}', more));
  }
  return {};
}

Status RowsReader::read(std::string_view body, Workspace& work) {
  work_ = &work;
  parameters_.clear();
  Scanner scan(body, work);
  scan.space();
  if (scan.ended()) return scan.syntax("the body is empty");
  if (!scan.take('{')) {
    TRY_STATUS(scan.skip());
    return error(Code::kInvalid, "Expected a JSON object with \"instances\" or \"inputs\"");
  }
  bool found = false, inputs = false;
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    bool is_inputs = name == "inputs";
    if (is_inputs || (name == "instances" && !inputs)) {
      TRY_STATUS(value(scan));
      found = true;
      inputs = is_inputs;
    } else if (name == "parameters") {
      TRY_STATUS(method(scan));
    } else {
      TRY_STATUS(scan.skip());
    }
    TRY_STATUS(scan.next('}', more));
  }
  scan.space();
  if (!scan.ended()) return scan.syntax("Extra data");
  if (!found) return error(Code::kInvalid, "Expected \"instances\" or \"inputs\" in the request");
  if (names_given_) table_.names = names_;
  if (!(cells_.empty() && names_.empty()) && !is_utf8(body))
    return error(Code::kInvalid, "the request holds bytes that are no UTF-8");
  return {};
}

}  // namespace proa::protocols
