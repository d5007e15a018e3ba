#include "models/protocols/tensor/rows.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/protocols/tensor/convert.h"

namespace proa::protocols {
namespace {

using inference::Tensor;
using inference::TensorInfo;

Error ragged(const TensorInfo& info) {
  return wrong_input(info.name, "its lists have different lengths or depths");
}

}  // namespace

void TensorRowsReader::begin(const inference::ModelInfo& info) {
  count_ = info.inputs.size();
  if (fields_.size() < count_) fields_.resize(count_);
  for (size_t i = 0; i < count_; ++i) {
    Field& f = fields_[i];
    f.info = &info.inputs[i];
    f.numbers.clear();
    f.texts.clear();
    f.sizes.fill(kUnknown);
    f.rank = kUnknown;
    f.deepest = f.rows = 0;
    f.seen = false;
  }
}

std::string TensorRowsReader::names() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < count_; ++i) all.push_back(str("'", fields_[i].info->name, "'"));
  return shorten(join(all, ", "), 300);
}

Result<TensorRowsReader::Field*> TensorRowsReader::field_of(std::string_view name) {
  for (size_t i = 0; i < count_; ++i)
    if (fields_[i].info->name == name) return &fields_[i];
  return error(Code::kInvalid,
               str("unexpected input '", shorten(name, 100), "'; the model takes ", names()));
}

Status TensorRowsReader::set_size(Field& f, size_t depth, size_t n) {
  if (f.sizes[depth] == kUnknown) f.sizes[depth] = n;
  return f.sizes[depth] == n ? Status{} : Status{ragged(*f.info)};
}

// {"b64": "…"} behind its '{'.
Status TensorRowsReader::bytes(Scanner& scan, Field& f) {
  std::string_view name, text;
  scan.space();
  TRY_STATUS(scan.key(name));
  if (name != "b64" || f.info->type != DataType::kBytes)
    return wrong_input(f.info->name, "an object where a value belongs; bytes are {\"b64\": …}");
  TRY_STATUS(scan.string(text));
  bool more = false;
  TRY_STATUS(scan.next('}', more));
  auto decoded = unbase64(text);
  if (more || !decoded) return wrong_input(f.info->name, "\"b64\" holds no base64");
  f.texts.push_back(work_->keep(*decoded));
  return {};
}

Status TensorRowsReader::element(Scanner& scan, Field& f) {
  if (scan.take('{')) return bytes(scan, f);
  if (scan.peek() == '"') {
    std::string_view text;
    TRY_STATUS(scan.string(text));
    if (f.info->type != DataType::kBytes)
      return wrong_input(f.info->name, str("it takes ", to_string(f.info->type), ", not texts"));
    f.texts.push_back(text);
    return {};
  }
  double v = NAN;
  bool null = scan.take_word("null"), whole = true;
  if (f.info->type == DataType::kBytes || (null && !inference::is_float(f.info->type)))
    return wrong_input(f.info->name, str("it takes ", to_string(f.info->type), ", not ",
                                         null ? "null" : "numbers"));
  if (!null) TRY_STATUS(scan.number(v, whole));
  f.numbers.push_back(v);
  return {};
}

// A list behind its '['; the elements at `depth` + 1.
Status TensorRowsReader::list(Scanner& scan, Field& f, size_t depth) {
  if (depth + 1 > kMostRank) return wrong_input(f.info->name, "nested too deeply");
  f.deepest = std::max(f.deepest, depth + 1);
  size_t n = 0;
  scan.space();
  if (!scan.take(']')) {
    for (bool more = true; more; ++n) {
      double v = 0;
      bool whole = false;
      if (f.rank == depth + 1 && f.info->type != DataType::kBytes && scan.quick_number(v, whole))
        f.numbers.push_back(v);
      else
        TRY_STATUS(value(scan, f, depth + 1));
      if (!scan.quick_comma()) TRY_STATUS(scan.next(']', more));
    }
  }
  return set_size(f, depth, n);
}

Status TensorRowsReader::value(Scanner& scan, Field& f, size_t depth) {
  if (scan.take('[')) {
    if (depth >= f.rank) return ragged(*f.info);
    return list(scan, f, depth);
  }
  if (f.rank == kUnknown && depth >= f.deepest) f.rank = depth;
  if (f.rank != depth) return ragged(*f.info);
  return element(scan, f);
}

// An object of inputs behind its '{': each a part of the row, or whole.
Status TensorRowsReader::named(Scanner& scan, size_t row, bool by_row) {
  scan.space();
  if (scan.take('}')) return {};
  for (bool more = true; more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    TRY(Field * f, field_of(name));
    if (f->rows != row || (!by_row && f->seen))
      return wrong_input(name, f->rows > row || f->seen ? "it is there twice in one row"
                                                        : "a row before lacks it");
    TRY_STATUS(value(scan, *f, by_row ? 1 : 0));
    f->rows = row + 1;
    f->seen = true;
    TRY_STATUS(scan.next('}', more));
  }
  return {};
}

// Whether an object in a list is a row of named inputs, or a value of bytes.
bool TensorRowsReader::is_row_of_names(Scanner& scan) {
  const char* start = scan.mark();
  std::string_view name;
  bool yes = false;
  if (scan.take('{')) {
    scan.space();
    yes = scan.peek() == '}' || !scan.key(name).ok() || name != "b64" || field_of(name).ok();
  }
  scan.back_to(start);
  return yes;
}

// A list behind its '[', which begins with an object of named inputs.
Status TensorRowsReader::rows(Scanner& scan) {
  size_t n = 0;
  for (bool more = true; more; ++n) {
    if (!scan.take('{')) return error(Code::kInvalid, "instances mix objects and other values");
    TRY_STATUS(named(scan, n, true));
    TRY_STATUS(scan.next(']', more));
  }
  for (size_t i = 0; i < count_; ++i) {
    Field& f = fields_[i];
    if (f.rows != n)
      return wrong_input(f.info->name, str("only ", f.rows, " of ", n, " rows have it"));
    f.sizes[0] = n;
    f.deepest = std::max<size_t>(f.deepest, 1);
  }
  return {};
}

// What "instances" or "inputs" holds, where it is a list or a value.
Status TensorRowsReader::whole(Scanner& scan) {
  const char* start = scan.mark();
  if (scan.take('[')) {
    scan.space();
    if (is_row_of_names(scan)) return rows(scan);
    scan.back_to(start);
  }
  if (count_ != 1)
    return error(Code::kInvalid, str("the model takes the inputs ", names(),
                                     ": give each row as an object with them"));
  fields_[0].seen = true;
  return value(scan, fields_[0], 0);
}

Status TensorRowsReader::finish(Field& f, Tensor& out) {
  const TensorInfo& info = *f.info;
  if (!f.seen) return wrong_input(info.name, "the request lacks it");
  size_t rank = f.rank == kUnknown ? f.deepest : f.rank, n = 1;
  for (size_t d = 0; d < rank; ++d) {
    if (f.sizes[d] == kUnknown) f.sizes[d] = 0;
    f.shape[d] = static_cast<int64_t>(f.sizes[d]);
    n *= f.sizes[d];  // no more than the elements that were there
  }
  size_t there = info.type == DataType::kBytes ? f.texts.size() : f.numbers.size();
  if (n != there) return ragged(info);
  // No rows have no dimensions within: those of the model.
  while (n == 0 && rank < info.shape.size() && !info.any_shape) {
    f.shape[rank] = std::max<int64_t>(info.shape[rank], 0);
    ++rank;
  }
  if (!info.any_shape && info.shape.size() == rank + 1 &&
      (info.shape.back() == 1 || info.shape.back() == -1))
    f.shape[rank++] = 1;
  out.name = info.name;
  out.type = info.type;
  out.shape = {f.shape.data(), rank};
  out.count = n;
  TRY_STATUS(inference::check_shape(out.shape, info));
  if (info.type == DataType::kBytes) {
    if (f.texts.capacity() == 0) f.texts.reserve(1);
    out.data = f.texts.data();
    return {};
  }
  if (f.numbers.capacity() == 0) f.numbers.reserve(1);
  TRY(out.data, as_type(f.numbers, info.type, info.name, *work_));
  return {};
}

std::string_view signature_name(std::string_view body, Workspace& work) {
  if (body.find("signature_name") == std::string_view::npos) return {};
  Scanner scan(body, work);
  scan.space();
  if (!scan.take('{')) return {};
  scan.space();
  for (bool more = true; more;) {
    std::string_view name, text;
    if (!scan.key(name).ok()) return {};
    bool found = name == "signature_name" && scan.peek() == '"';
    if (found) return scan.string(text).ok() ? text : std::string_view();
    if (!scan.skip().ok() || !scan.next('}', more).ok()) return {};
  }
  return {};
}

Status TensorRowsReader::read(std::string_view body, const inference::ModelInfo& info,
                              Workspace& work, std::span<const Tensor>& out) {
  work_ = &work;
  begin(info);
  Scanner scan(body, work);
  scan.space();
  if (scan.ended()) return scan.syntax("the body is empty");
  if (!scan.take('{')) {
    TRY_STATUS(scan.skip());
    return error(Code::kInvalid, "Expected a JSON object with \"instances\" or \"inputs\"");
  }
  bool found = false;
  scan.space();
  for (bool more = !scan.take('}'); more;) {
    std::string_view name;
    TRY_STATUS(scan.key(name));
    if (name == "inputs" || name == "instances") {
      if (std::exchange(found, true))
        return error(Code::kInvalid, "the request holds its inputs twice");
      columnar_ = name == "inputs";
      if (name == "inputs" && is_row_of_names(scan) && scan.take('{'))
        TRY_STATUS(named(scan, 0, false));
      else
        TRY_STATUS(whole(scan));
    } else {
      TRY_STATUS(scan.skip());
    }
    TRY_STATUS(scan.next('}', more));
  }
  scan.space();
  if (!scan.ended()) return scan.syntax("Extra data");
  if (!found) return error(Code::kInvalid, "Expected \"instances\" or \"inputs\" in the request");
  auto tensors = work.take<Tensor>(std::max<size_t>(count_, 1));
  std::fill(tensors.begin(), tensors.end(), Tensor{});
  for (size_t i = 0; i < count_; ++i) TRY_STATUS(finish(fields_[i], tensors[i]));
  out = tensors.first(count_);
  return {};
}

}  // namespace proa::protocols
