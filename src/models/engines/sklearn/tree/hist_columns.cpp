#include "models/engines/sklearn/tree/hist_columns.h"

#include <cmath>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

// A ColumnTransformer's choice of columns: a mask, or their numbers.
Result<std::vector<uint32_t>> columns_of(const Attributes& a, const Node& n, size_t features) {
  std::vector<int64_t> values;
  bool mask = false;
  if (n.kind == Kind::kArray) {
    mask = n.array->dtype.kind == 'b';
    TRY(values, pickle::integers(*n.array));
  } else if (n.kind == Kind::kList) {
    for (const Node* item : n.items) {
      mask = mask || item->kind == Kind::kBool;
      TRY(values.emplace_back(), pickle::as_int(*item));
    }
  } else {
    return a.wrong(str("_preprocessor chooses columns by ", n.describe()));
  }
  if (mask && values.size() != features) return a.wrong("_preprocessor has another width");
  std::vector<uint32_t> out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (mask && values[i] != 0) out.push_back(static_cast<uint32_t>(i));
    if (mask) continue;
    if (values[i] < 0 || values[i] >= static_cast<int64_t>(features))
      return a.wrong("_preprocessor chooses a column that is not there");
    out.push_back(static_cast<uint32_t>(values[i]));
  }
  return out;
}

}  // namespace

Status HistColumns::read_preprocessor(const Attributes& a, Maker& maker, size_t features) {
  TRY(Attributes preprocessor, a.object({"_preprocessor"}));
  TRY(std::vector<const Node*> parts, preprocessor.list({"transformers_"}));
  for (const Node* part : parts) {
    if (part->kind != Kind::kTuple || part->items.size() != 3)
      return a.wrong("_preprocessor's parts are malformed");
    const Node* name = part->items[0];
    TRY(std::vector<uint32_t> columns, columns_of(a, *part->items[2], features));
    if (name->kind == Kind::kStr && name->text == "encoder" && !encoder_) {
      if (columns.empty()) continue;
      TRY(encoder_, maker.make(part->items[1]).context(a.class_name()));
      if (!encoder_->has(Method::kTransform)) return a.wrong("its encoder does not transform");
      encoded_ = std::move(columns);
    } else if (name->kind == Kind::kStr && name->text == "numerical" && numeric_.empty()) {
      numeric_ = std::move(columns);
    } else if (!columns.empty()) {
      return a.wrong("_preprocessor has a part that is not known");
    }
  }
  if (encoded_.size() + numeric_.size() != features)
    return a.wrong("_preprocessor leaves out columns");
  return {};
}

Result<HistColumns> HistColumns::make(const Attributes& a, Maker& maker, size_t features) {
  HistColumns out;
  if (a.has("_preprocessor")) TRY_STATUS(out.read_preprocessor(a, maker, features));
  return out;
}

void HistColumns::know(const KnownCategories& known) {
  if (encoder_) return;
  for (size_t f = 0; f < known.categorical.size(); ++f)
    if (known.categorical[f]) raw_.push_back(static_cast<uint32_t>(f));
}

// Categories are looked up as unsigned bytes, negative ones as missing.
void HistColumns::narrow(double* row) const {
  for (uint32_t c : raw_) {
    double& x = row[c];
    if (std::isnan(x)) continue;
    if (x < 0)
      x = NAN;
    else
      x = x < 2147483648.0 ? static_cast<double>(static_cast<uint32_t>(x) & 255) : 0;
  }
}

// The encoded columns of the request alone.
Table HistColumns::part(const Table& in, Workspace& work) const {
  Table t = in;
  t.names = {};
  t.columns = encoded_.size();
  size_t width = encoded_.size(), n = in.rows * width;
  if (in.form == Table::Form::kCells) {
    std::span<Cell> to = work.take<Cell>(n);
    for (size_t i = 0; i < n; ++i) to[i] = in.cells[i / width * in.columns + encoded_[i % width]];
    t.cells = to.data();
  } else {
    std::span<double> to = work.take<double>(n);
    for (size_t i = 0; i < n; ++i) to[i] = in.dense[i / width * in.columns + encoded_[i % width]];
    t.dense = to.data();
  }
  return t;
}

// All columns as numbers, those that the encoder takes as zeros.
Result<const double*> HistColumns::numbers(const Table& in, const Estimator& e,
                                           Workspace& work) const {
  if (in.form != Table::Form::kCells) return in.dense;
  size_t n = in.rows * in.columns;
  std::span<Cell> cells = work.take<Cell>(n);
  for (size_t i = 0; i < n; ++i) cells[i] = in.cells[i];
  for (size_t r = 0; r < in.rows; ++r)
    for (uint32_t c : encoded_) cells[r * in.columns + c] = {Cell::Kind::kNumber, 0, {}};
  Table t = in;
  t.cells = cells.data();
  return dense_input(t, e, work, Missing::kAllowed);
}

Result<const double*> HistColumns::encode(const Table& in, const Estimator& e,
                                          Workspace& work) const {
  if (in.form == Table::Form::kSparse)
    return error(Code::kInvalid, str(e.name, " takes no sparse input"));
  TRY_STATUS(check_width(in, e));
  Table codes;
  TRY_STATUS(encoder_->transform(part(in, work), work, codes));
  if (codes.form != Table::Form::kDense || codes.columns != encoded_.size() ||
      codes.rows != in.rows)
    return error(Code::kInternal, str(e.name, ": its encoder gives another table"));
  TRY(const double* values, numbers(in, e, work));
  std::span<double> out = work.take<double>(in.rows * in.columns);
  double* to = out.data();
  for (size_t r = 0; r < in.rows; ++r) {
    for (size_t i = 0; i < encoded_.size(); ++i) *to++ = codes.dense[r * encoded_.size() + i];
    for (uint32_t c : numeric_) *to++ = values[r * in.columns + c];
  }
  return out.data();
}

Result<const double*> HistColumns::prepare(const Table& in, const Estimator& e, bool missing,
                                           Workspace& work) const {
  if (encoder_ && in.rows > 0 && !in.flat) return encode(in, e, work);
  TRY(const double* rows,
      dense_input(in, e, work, missing ? Missing::kAllowed : Missing::kRefused));
  if (raw_.empty()) return rows;
  std::span<double> copy = work.take<double>(in.rows * in.columns);
  for (size_t i = 0; i < copy.size(); ++i) copy[i] = rows[i];
  for (size_t r = 0; r < in.rows; ++r) narrow(&copy[r * in.columns]);
  return copy.data();
}

}  // namespace proa::engines
