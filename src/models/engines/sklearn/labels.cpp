// Class labels and texts: of arrays of numbers, booleans, texts and objects.
#include "foundation/base/check.h"
#include "foundation/base/strings.h"
#include "models/engines/sklearn/reading.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

void append_utf8(std::string& out, uint32_t c) {
  auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 63));
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  }
}

// An element of a '<U…' array: UCS-4, filled up with zeros, which are no part of the text; a zero
// in the middle is.
Result<std::string> ucs4(std::string_view raw, bool swap) {
  size_t end = raw.size() / 4 * 4;
  while (end >= 4 && raw.substr(end - 4, 4) == std::string_view("\0\0\0\0", 4)) end -= 4;
  std::string out;
  for (size_t i = 0; i < end; i += 4) {
    uint32_t c = 0;
    for (size_t b = 0; b < 4; ++b)
      c = c << 8 | static_cast<unsigned char>(raw[i + (swap ? b : 3 - b)]);
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
      return error(Code::kDataLoss, "a text holds no Unicode character");
    append_utf8(out, c);
  }
  return out;
}

Result<std::string> element_text(const pickle::Array& a, size_t index) {
  size_t step = a.stride == 0 ? a.dtype.size : a.stride;
  std::string_view raw = a.data.substr(index * step, a.dtype.size);
  if (a.dtype.kind == 'U') return ucs4(raw, a.dtype.swap);
  while (!raw.empty() && raw.back() == '\0') raw.remove_suffix(1);
  if (!is_utf8(raw)) return error(Code::kDataLoss, "a text is no UTF-8");
  return std::string(raw);
}

DataType type_of(const pickle::DType& t) {
  if (t.kind == 'b') return DataType::kBool;
  if (t.kind == 'f')
    return t.size == 8 ? DataType::kFp64 : t.size == 4 ? DataType::kFp32 : DataType::kFp16;
  if (t.kind == 'i')
    return t.size == 8   ? DataType::kInt64
           : t.size == 4 ? DataType::kInt32
           : t.size == 2 ? DataType::kInt16
                         : DataType::kInt8;
  return t.size == 8   ? DataType::kUint64
         : t.size == 4 ? DataType::kUint32
         : t.size == 2 ? DataType::kUint16
                       : DataType::kUint8;
}

// One object: its type; kFp16 stands for "none of the four".
DataType type_of(const Node& n) {
  if (n.kind == Kind::kBool) return DataType::kBool;
  if (n.kind == Kind::kInt) return DataType::kInt64;
  if (n.kind == Kind::kFloat) return DataType::kFp64;
  if (n.kind == Kind::kStr) return DataType::kBytes;
  if (n.kind != Kind::kArray || n.array->count() != 1) return DataType::kFp16;
  char kind = n.array->dtype.kind;
  return kind == 'b'                  ? DataType::kBool
         : kind == 'i' || kind == 'u' ? DataType::kInt64
         : kind == 'f'                ? DataType::kFp64
         : kind == 'U'                ? DataType::kBytes
                                      : DataType::kFp16;
}

}  // namespace

Result<std::optional<std::string>> text_of(const Node& n) {
  if (n.kind == Kind::kStr) {
    if (!is_utf8(n.text)) return error(Code::kDataLoss, "a text is no UTF-8");
    return std::optional(std::string(n.text));
  }
  bool one = n.kind == Kind::kArray && n.array->count() == 1;
  if (one && n.array->dtype.kind == 'U') {
    TRY(std::string text, element_text(*n.array, 0));
    return std::optional(std::move(text));
  }
  if (one && n.array->dtype.kind == 'O' && n.array->objects[0]->kind == Kind::kStr)
    return text_of(*n.array->objects[0]);
  return std::optional<std::string>();
}

Result<Labels> labels_of(const std::vector<Node*>& objects) {
  Labels out;
  if (objects.empty()) return out;
  out.type = type_of(*objects[0]);
  for (const Node* n : objects) {
    DataType type = type_of(*n);
    if (type == DataType::kFp16 || type != out.type)
      return error(Code::kUnimplemented,
                   str("a class label is ", n->describe(),
                       "; numbers, texts and booleans are supported, all of one type"));
    if (type == DataType::kBytes) {
      TRY(auto text, text_of(*n));
      if (!text) return error(Code::kDataLoss, "a class label is no text");
      out.texts.push_back(std::move(*text));
    } else if (type == DataType::kFp64) {
      TRY(double v, pickle::as_double(*n));
      out.numbers.push_back(v);
    } else {
      TRY(int64_t v, pickle::as_int(*n));
      out.integers.push_back(v);
    }
  }
  return out;
}

Result<Labels> labels_of(const pickle::Array& array) {
  const pickle::DType& t = array.dtype;
  if (t.kind == 'O') return labels_of(array.objects);
  Labels out;
  if (t.kind == 'U' || t.kind == 'S') {
    out.type = DataType::kBytes;
    if (array.fortran && array.shape.size() > 1)
      return error(Code::kUnimplemented, "texts in column-major order are not supported");
    if (t.size == 0) {
      out.texts.resize(array.count());
      return out;
    }
    for (size_t i = 0, n = array.count(); i < n; ++i) {
      TRY(std::string label, element_text(array, i));
      out.texts.push_back(std::move(label));
    }
    return out;
  }
  if (t.kind != 'b' && t.kind != 'i' && t.kind != 'u' && t.kind != 'f')
    return error(Code::kUnimplemented, str("labels of type ", t.name(), " are not supported"));
  out.type = type_of(t);
  if (t.kind == 'f') {
    TRY(out.numbers, pickle::doubles(array));
  } else {
    TRY(out.integers, pickle::integers(array));
  }
  return out;
}

size_t Labels::size() const {
  if (type == DataType::kBytes) return texts.size();
  return inference::is_float(type) ? numbers.size() : integers.size();
}

Values Labels::pick(std::span<const uint32_t> indices, Workspace& work) const {
  Values out{type, 1, {indices.size()}};
  size_t known = size();
  for (uint32_t i : indices) CHECK(i < known);
  if (type == DataType::kBytes) {
    auto to = work.take<std::string_view>(indices.size());
    for (size_t i = 0; i < to.size(); ++i) to[i] = texts[indices[i]];
    out.texts = to.data();
  } else if (inference::is_float(type)) {
    auto to = work.take<double>(indices.size());
    for (size_t i = 0; i < to.size(); ++i) to[i] = numbers[indices[i]];
    out.numbers = to.data();
  } else {
    auto to = work.take<int64_t>(indices.size());
    for (size_t i = 0; i < to.size(); ++i) to[i] = integers[indices[i]];
    out.integers = to.data();
  }
  return out;
}

}  // namespace proa::engines
