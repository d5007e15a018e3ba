#include "models/protocols/tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/protocols/raw.h"

namespace proa::protocols {
namespace {

using inference::Cell;
using Kind = Contents::Kind;

constexpr size_t kMostEmptyRows = 65536;

Error wrong(const InputTensor& t, std::string_view what) {
  return error(Code::kInvalid, str("input '", shorten(t.name, 100), "': ", what));
}

std::string shape_text(const InputTensor& t) {
  std::string out = "[";
  for (size_t i = 0; i < t.shape.size(); ++i) {
    if (i != 0) out += ", ";
    append_number(out, t.shape[i]);
  }
  return out + "]";
}

Error wrong_size(const InputTensor& t, size_t have, size_t want, const char* what) {
  return wrong(t, str("cannot reshape array of size ", have, " into shape ", shape_text(t), ": ",
                      to_string(t.type), " asks for ", want, " ", what));
}

template <typename T>
void widen(const void* from, size_t count, double* to) {
  const char* p = static_cast<const char*>(from);
  for (size_t i = 0; i < count; ++i) {
    T v;
    std::memcpy(&v, p + i * sizeof(T), sizeof(T));
    to[i] = static_cast<double>(v);
  }
}

template <double (*kConvert)(uint16_t)>
void widen_half(const void* from, size_t count, double* to) {
  const char* p = static_cast<const char*>(from);
  for (size_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, p + 2 * i, 2);
    to[i] = kConvert(bits);
  }
}

void from_raw(DataType type, const void* raw, size_t n, double* to) {
  switch (type) {
    case DataType::kBool:
    case DataType::kUint8:
      return widen<uint8_t>(raw, n, to);
    case DataType::kUint16:
      return widen<uint16_t>(raw, n, to);
    case DataType::kUint32:
      return widen<uint32_t>(raw, n, to);
    case DataType::kUint64:
      return widen<uint64_t>(raw, n, to);
    case DataType::kInt8:
      return widen<int8_t>(raw, n, to);
    case DataType::kInt16:
      return widen<int16_t>(raw, n, to);
    case DataType::kInt32:
      return widen<int32_t>(raw, n, to);
    case DataType::kInt64:
      return widen<int64_t>(raw, n, to);
    case DataType::kFp16:
      return widen_half<from_fp16>(raw, n, to);
    case DataType::kBf16:
      return widen_half<from_bf16>(raw, n, to);
    case DataType::kFp32:
      return widen<float>(raw, n, to);
    case DataType::kFp64:
      if (n != 0) std::memcpy(to, raw, n * sizeof(double));
      return;
    case DataType::kBytes:
      return;
  }
}

struct Bounds {
  double least, most;
};
Bounds bounds(DataType type) {
  switch (type) {
    case DataType::kBool:
      return {0, 1};
    case DataType::kUint8:
      return {0, 255};
    case DataType::kUint16:
      return {0, 65535};
    case DataType::kUint32:
      return {0, 4294967295.0};
    case DataType::kUint64:
      return {0, 0x1p64};
    case DataType::kInt8:
      return {-128, 127};
    case DataType::kInt16:
      return {-32768, 32767};
    case DataType::kInt32:
      return {-2147483648.0, 2147483647.0};
    default:
      return {-0x1p63, 0x1p63};
  }
}

// Numbers of a JSON request: as the datatype holds them.
Result<const double*> checked(const InputTensor& t, size_t n, Workspace& work) {
  const auto* from = static_cast<const double*>(t.contents.data);
  if (t.type == DataType::kFp64) return from;
  if (t.type == DataType::kFp32) {
    auto to = work.take<double>(n);
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<double>(static_cast<float>(from[i]));
    return to.data();
  }
  Bounds b = bounds(t.type);
  for (size_t i = 0; i < n; ++i) {
    bool fits = from[i] >= b.least && from[i] <= b.most &&
                (t.contents.whole || std::trunc(from[i]) == from[i]);
    if (!fits) return wrong(t, str("element ", i, ", ", from[i], ", is no ", to_string(t.type)));
  }
  return from;
}

bool fits(Kind kind, DataType type) {
  switch (kind) {
    case Kind::kBools:
      return type == DataType::kBool;
    case Kind::kInt32s:
      return type == DataType::kInt8 || type == DataType::kInt16 || type == DataType::kInt32;
    case Kind::kInt64s:
      return type == DataType::kInt64;
    case Kind::kUint32s:
      return type == DataType::kUint8 || type == DataType::kUint16 || type == DataType::kUint32;
    case Kind::kUint64s:
      return type == DataType::kUint64;
    case Kind::kFloats:
      return type == DataType::kFp32;
    case Kind::kDoubles:
      return type != DataType::kBytes;
    case Kind::kTexts:
      return type == DataType::kBytes;
    case Kind::kCells:
    case Kind::kRaw:
    case Kind::kNone:
      return true;
  }
  return false;
}

// The elements of a number tensor.
Result<const double*> doubles(const InputTensor& t, size_t n, Workspace& work) {
  if (t.contents.kind == Kind::kDoubles) return checked(t, n, work);
  auto to = work.take<double>(std::max<size_t>(n, 1));
  switch (t.contents.kind) {
    case Kind::kRaw:
      from_raw(t.type, t.contents.data, n, to.data());
      break;
    case Kind::kBools:
      widen<uint8_t>(t.contents.data, n, to.data());
      break;
    case Kind::kInt32s:
      widen<int32_t>(t.contents.data, n, to.data());
      break;
    case Kind::kInt64s:
      widen<int64_t>(t.contents.data, n, to.data());
      break;
    case Kind::kUint32s:
      widen<uint32_t>(t.contents.data, n, to.data());
      break;
    case Kind::kUint64s:
      widen<uint64_t>(t.contents.data, n, to.data());
      break;
    case Kind::kFloats:
      widen<float>(t.contents.data, n, to.data());
      break;
    default:
      break;
  }
  return to.data();
}

Result<std::span<std::string_view>> raw_texts(const InputTensor& t, size_t n, Workspace& work) {
  std::string_view rest(static_cast<const char*>(t.contents.data), t.contents.count);
  if (n > rest.size() / 4) return wrong_size(t, rest.size() / 4, n, "elements");
  auto texts = work.take<std::string_view>(n);
  for (size_t i = 0; i < n; ++i) {
    uint32_t size = 0;
    if (rest.size() < 4) return wrong(t, str("its bytes end before element ", i));
    std::memcpy(&size, rest.data(), 4);
    rest.remove_prefix(4);
    if (size > rest.size()) return wrong(t, str("its bytes end inside of element ", i));
    texts[i] = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  if (!rest.empty()) return wrong(t, str(rest.size(), " bytes follow the last element"));
  return texts;
}

Status unbase64_all(const InputTensor& t, std::span<Cell> cells, Workspace& work) {
  for (Cell& c : cells) {
    if (c.kind != Cell::Kind::kText) continue;
    auto bytes = unbase64(c.text);
    if (!bytes) return wrong(t, "content_type is base64, and an element is none");
    c.text = work.keep(*bytes);
  }
  return {};
}

std::string_view content_type(std::span<const Parameter> parameters) {
  const Parameter* p = find(parameters, "content_type");
  return p && p->kind == Parameter::Kind::kText ? p->text : std::string_view{};
}

// The elements of any tensor as cells, `step` cells apart.
Status cells_of(const InputTensor& t, size_t n, Workspace& work, Cell* to, size_t step) {
  if (t.contents.kind == Kind::kCells) {
    const auto* from = static_cast<const Cell*>(t.contents.data);
    for (size_t i = 0; i < n; ++i) to[i * step] = from[i];
    return {};
  }
  if (t.type != DataType::kBytes) {
    TRY(const double* numbers, doubles(t, n, work));
    for (size_t i = 0; i < n; ++i) to[i * step] = {Cell::Kind::kNumber, numbers[i], {}};
    return {};
  }
  const auto* texts = static_cast<const std::string_view*>(t.contents.data);
  if (t.contents.kind == Kind::kRaw) {
    TRY(auto parsed, raw_texts(t, n, work));
    texts = parsed.data();
  }
  for (size_t i = 0; i < n; ++i) {
    to[i * step] = {Cell::Kind::kText, 0, texts[i]};
    if (content_type(t.parameters) == "base64")
      TRY_STATUS(unbase64_all(t, {to + i * step, 1}, work));
  }
  return {};
}

Result<size_t> checked_count(const InputTensor& t) {
  TRY(size_t n, element_count(t));
  if (!fits(t.contents.kind, t.type))
    return wrong(t, str("its contents are not those of datatype ", to_string(t.type)));
  if (t.contents.kind == Kind::kNone && n != 0) return wrong(t, "it has no contents");
  if (t.contents.kind != Kind::kRaw) {
    if (t.contents.count != n) return wrong_size(t, t.contents.count, n, "elements");
  } else if (t.type != DataType::kBytes) {
    size_t want = n * inference::size_of(t.type);
    if (t.contents.count != want) return wrong_size(t, t.contents.count, want, "bytes");
  }
  return n;
}

bool is_cells(const InputTensor& t) {
  return t.type == DataType::kBytes || t.contents.kind == Kind::kCells;
}

Status one(const InputTensor& t, Workspace& work, Table& out) {
  TRY(size_t n, checked_count(t));
  if (t.shape.size() > 2)
    return wrong(t, str("Found array with dim ", t.shape.size(), ", of shape ", shape_text(t),
                        "; a table has 2: rows and columns"));
  out.flat = t.shape.size() < 2;
  out.rows = t.shape.empty() ? 1 : static_cast<size_t>(t.shape[0]);
  out.columns = out.flat ? 1 : static_cast<size_t>(t.shape[1]);
  if (out.columns == 0 && out.rows > kMostEmptyRows)
    return wrong(t, str("shape ", shape_text(t), " has too many rows without columns"));
  out.type = is_cells(t) ? DataType::kFp64 : t.type;
  if (is_cells(t)) {
    auto cells = work.take<Cell>(std::max<size_t>(n, 1));
    out.form = Table::Form::kCells;
    out.cells = cells.data();
    return cells_of(t, n, work, cells.data(), 1);
  }
  out.form = Table::Form::kDense;
  TRY(out.dense, doubles(t, n, work));
  return {};
}

// Each tensor a column: [n] or [n, 1].
Status columns_of(std::span<const InputTensor> inputs, Workspace& work, Table& out) {
  out.columns = inputs.size();
  bool cells = false, integers = true;
  for (const InputTensor& t : inputs) {
    TRY(size_t n, checked_count(t));
    bool column = t.shape.size() == 1 || (t.shape.size() == 2 && t.shape[1] == 1);
    if (!column)
      return wrong(t, str("as a column its shape is [n] or [n, 1], not ", shape_text(t)));
    if (&t == inputs.data()) out.rows = n;
    if (n != out.rows) return wrong(t, str("it has ", n, " rows, the first input ", out.rows));
    cells |= is_cells(t);
    integers &= !is_cells(t) && inference::is_integer(t.type);
  }
  auto names = work.take<std::string_view>(inputs.size());
  for (size_t c = 0; c < inputs.size(); ++c) names[c] = inputs[c].name;
  out.names = names;
  out.type = integers ? DataType::kInt64 : DataType::kFp64;
  if (out.rows > kMostElements / out.columns) return error(Code::kTooLarge, "too many elements");
  size_t all = std::max<size_t>(out.rows * out.columns, 1);
  if (cells) {
    auto to = work.take<Cell>(all);
    out.form = Table::Form::kCells;
    out.cells = to.data();
    for (size_t c = 0; c < inputs.size(); ++c)
      TRY_STATUS(cells_of(inputs[c], out.rows, work, to.data() + c, out.columns));
    return {};
  }
  auto to = work.take<double>(all);
  out.form = Table::Form::kDense;
  out.dense = to.data();
  for (size_t c = 0; c < inputs.size(); ++c) {
    TRY(const double* from, doubles(inputs[c], out.rows, work));
    for (size_t r = 0; r < out.rows; ++r) to[r * out.columns + c] = from[r];
  }
  return {};
}

}  // namespace

Result<size_t> element_count(const InputTensor& t) {
  size_t n = 1;
  if (t.shape.size() > kMostRank) return wrong(t, "its shape has too many dimensions");
  for (int64_t d : t.shape) {
    if (d < 0) return wrong(t, str("its shape ", shape_text(t), " has a negative dimension"));
    if (static_cast<uint64_t>(d) > kMostElements || n * static_cast<size_t>(d) > kMostElements)
      return error(Code::kTooLarge, str("input '", shorten(t.name, 100), "': shape ", shape_text(t),
                                        " is too large"));
    n *= static_cast<size_t>(d);
  }
  return n;
}

Status to_table(const InferRequest& request, Workspace& work, Table& out,
                std::string_view default_type) {
  out = {};
  if (request.rows) {
    out = *request.rows;
    return {};
  }
  if (request.inputs.empty()) return error(Code::kInvalid, "the request has no inputs");
  std::string_view wanted = content_type(request.parameters);
  const InputTensor& first = request.inputs[0];
  if (wanted.empty() && request.inputs.size() == 1) wanted = content_type(first.parameters);
  if (wanted.empty()) wanted = default_type;
  if (wanted == "np" || wanted == "str") return one(first, work, out);
  if (wanted == "pd" || request.inputs.size() > 1) {
    bool matrix = request.inputs.size() == 1 && first.shape.size() == 2 && first.shape[1] != 1;
    return matrix ? one(first, work, out) : columns_of(request.inputs, work, out);
  }
  return one(first, work, out);
}

}  // namespace proa::protocols
