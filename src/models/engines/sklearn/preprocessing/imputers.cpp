// SimpleImputer and MissingIndicator.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/preprocessing/categories.h"
#include "models/engines/sklearn/preprocessing/imputing.h"

namespace proa::engines {

Result<MissingValue> MissingValue::of(const Attributes& a) {
  const pickle::Node* node = a.find("missing_values");
  if (!node) return a.wrong("missing_values is missing");
  MissingValue m;
  TRY(Cell cell, cell_of(*node, a));
  m.kind_ = cell.kind;
  m.number_ = cell.number;
  m.text_ = cell.text;
  if (m.kind_ == Cell::Kind::kText && m.text_ == "NaN") {  // as in 0.20 and before
    m.kind_ = Cell::Kind::kNumber;
    m.number_ = NAN;
  }
  return m;
}

bool MissingValue::is_nan() const {
  return kind_ == Cell::Kind::kNone || (is_number() && std::isnan(number_));
}

bool MissingValue::is(double v) const { return is_nan() ? std::isnan(v) : v == number_; }

bool MissingValue::is(const Cell& cell) const {
  switch (cell.kind) {
    case Cell::Kind::kNumber:
      return kind_ != Cell::Kind::kText && is(cell.number);
    case Cell::Kind::kText:
      return kind_ == Cell::Kind::kText && cell.text == text_;
    default:
      return is_nan();
  }
}

Result<Indicator> read_indicator(const Attributes& a, size_t features) {
  Indicator out;
  TRY(std::vector<int64_t> columns, a.integers({"features_"}));
  for (int64_t c : columns) {
    if (c < 0 || c >= static_cast<int64_t>(features)) return a.wrong("features_ is out of range");
    out.columns.push_back(static_cast<uint32_t>(c));
  }
  return out;
}

Result<Indicator> read_added_indicator(const Attributes& a, size_t features) {
  TRY(bool added, a.flag("add_indicator", false));
  if (!added) return Indicator{};
  TRY(Attributes indicator, a.object({"indicator_"}));
  return read_indicator(indicator, features);
}

namespace {

class SimpleImputer : public Transformer {
 public:
  MissingValue missing;
  std::vector<uint32_t> kept;   // columns that come out
  std::vector<double> numbers;  // what is filled in, by input column
  std::vector<Cell> fills;      // the same, for tables of texts
  std::vector<std::string> texts;
  bool of_texts = false;
  Indicator indicator;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    if (of_texts || !missing.is_nan()) TRY_STATUS(check_columns(in, numbers.size(), *this));
    return of_texts ? fill_cells(in, work, out) : fill_numbers(in, work, out);
  }

 private:
  Status fill_numbers(const Table& in, Workspace& work, Table& out) const {
    TRY(const double* x, dense_input(in, *this, work, missing.allowed()));
    TRY_STATUS(check_columns(in, numbers.size(), *this));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    double* at = to.data();
    for (size_t r = 0; r < in.rows; ++r) {
      const double* row = x + r * in.columns;
      for (uint32_t c : kept) *at++ = missing.is(row[c]) ? numbers[c] : row[c];
      for (uint32_t c : indicator.columns) *at++ = missing.is(row[c]) ? 1 : 0;
    }
    return {};
  }

  Status fill_cells(const Table& in, Workspace& work, Table& out) const {
    std::span<Cell> to = work.take<Cell>(in.rows * width);
    Cell* at = to.data();
    for (size_t r = 0; r < in.rows; ++r) {
      for (uint32_t c : kept) {
        Cell cell = cell_at(in, r, c);
        *at++ = missing.is(cell) ? fills[c] : cell;
      }
      for (uint32_t c : indicator.columns)
        *at++ = {Cell::Kind::kNumber, missing.is(cell_at(in, r, c)) ? 1.0 : 0.0, {}};
    }
    size_t rows = in.rows;
    out = Table{};
    out.form = Table::Form::kCells;
    out.rows = rows;
    out.columns = width;
    out.cells = to.data();
    return {};
  }
};

bool is_missing_statistic(const Cell& c) {
  return c.kind == Cell::Kind::kNumber && std::isnan(c.number);
}

}  // namespace

Made make_simple_imputer(const Attributes& a, Maker& maker) {
  auto s = std::make_unique<SimpleImputer>();
  if (a.has("axis")) {
    TRY(int64_t axis, a.integer({"axis"}));
    if (axis != 0) return a.unsupported("axis=1");
  }
  TRY(s->missing, MissingValue::of(a));
  const pickle::Node* statistics = a.find("statistics_");
  if (!statistics) return a.wrong("statistics_ is missing");
  TRY(s->fills, cells_of(*statistics, a, s->texts));
  TRY_STATUS(check_features(a, s->fills.size()));
  TRY(std::string strategy, a.text({"strategy"}));
  TRY(bool keep_empty, a.flag("keep_empty_features", false));
  bool keep_all = keep_empty || (strategy == "constant" && maker.release() < Maker::Release{1, 8});
  s->of_texts = !s->missing.is_nan() && !s->missing.is_number();
  for (uint32_t c = 0; c < s->fills.size(); ++c) {
    const Cell& fill = s->fills[c];
    if (fill.kind == Cell::Kind::kText || fill.kind == Cell::Kind::kNone) s->of_texts = true;
    s->numbers.push_back(fill.kind == Cell::Kind::kNumber ? fill.number : NAN);
    if (keep_all || !is_missing_statistic(fill)) s->kept.push_back(c);
  }
  TRY(s->indicator, read_added_indicator(a, s->fills.size()));
  s->width = s->kept.size() + s->indicator.columns.size();
  return s;
}

namespace {

class MissingIndicator : public Transformer {
 public:
  MissingValue missing;
  Indicator indicator;
  std::vector<uint32_t> shown;  // the indicator's columns; all of them in 0.20 if it has none
  size_t inputs = 0;
  bool error_on_new = false;

  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY_STATUS(check_columns(in, inputs, *this));
    if (error_on_new) TRY_STATUS(check_new(in));
    TRY(std::span<double> to, sized_output(in.rows, width, work, out));
    double* at = to.data();
    for (size_t r = 0; r < in.rows; ++r)
      for (uint32_t c : shown) *at++ = missing.is(cell_at(in, r, c)) ? 1 : 0;
    out.type = DataType::kBool;
    return {};
  }

 private:
  Status check_new(const Table& in) const {
    std::string found;
    for (uint32_t c = 0; c < in.columns; ++c) {
      if (std::find(indicator.columns.begin(), indicator.columns.end(), c) !=
          indicator.columns.end())
        continue;
      for (size_t r = 0; r < in.rows; ++r)
        if (missing.is(cell_at(in, r, c))) {
          found += str(found.empty() ? "" : " ", c);
          break;
        }
    }
    if (found.empty()) return {};
    return error(Code::kInvalid, str("The features [", found,
                                     "] have missing values in transform "
                                     "but have no missing values in fit."));
  }
};

}  // namespace

Made make_missing_indicator(const Attributes& a, Maker& maker) {
  auto m = std::make_unique<MissingIndicator>();
  TRY(m->missing, MissingValue::of(a));
  TRY(int64_t inputs, a.integer({"n_features_in_", "_n_features"}));
  if (inputs < 0 || inputs >= UINT32_MAX) return a.wrong("the number of features is not possible");
  m->inputs = static_cast<size_t>(inputs);
  TRY(m->indicator, read_indicator(a, m->inputs));
  TRY(bool error_on_new, a.flag("error_on_new", true));
  TRY(std::string which, a.text({"features"}));
  m->error_on_new = error_on_new && which == "missing-only";
  m->shown.assign(m->indicator.columns.begin(), m->indicator.columns.end());
  if (m->shown.empty() && maker.release() != Maker::Release{} &&
      maker.release() < Maker::Release{0, 21})
    for (uint32_t c = 0; c < m->inputs; ++c) m->shown.push_back(c);
  m->width = m->shown.size();
  return m;
}

}  // namespace proa::engines
