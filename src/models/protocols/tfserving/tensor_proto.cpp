#include "models/protocols/tfserving/tensor_proto.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "foundation/base/strings.h"
#include "models/protocols/tensors.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::Reader;
using grpc::varint_tag;
using grpc::Writer;
using inference::Tensor;

Error wrong(std::string_view name, std::string_view what) {
  return error(Code::kInvalid, str("input '", shorten(name, 100), "': ", what));
}

// The field of TensorProto that holds a type's elements.
uint32_t field_of(DataType type) {
  switch (type) {
    case DataType::kFp32:
      return 5;
    case DataType::kFp64:
      return 6;
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
    case DataType::kUint8:
    case DataType::kUint16:
      return 7;
    case DataType::kBytes:
      return 8;
    case DataType::kInt64:
      return 10;
    case DataType::kBool:
      return 11;
    case DataType::kFp16:
    case DataType::kBf16:
      return 13;
    case DataType::kUint32:
      return 16;
    case DataType::kUint64:
      return 17;
  }
  return 0;
}

Status read_shape(Reader r, std::string_view name, int64_t (&shape)[kMostRank], size_t& rank) {
  while (r.next()) {
    if (r.tag() == varint_tag(3) && r.boolean()) return wrong(name, "its shape has no known rank");
    if (r.tag() != bytes_tag(2)) continue;
    if (rank == kMostRank) return wrong(name, "its shape has too many dimensions");
    shape[rank] = 0;
    Reader dim = r.message();
    while (dim.next())
      if (dim.tag() == varint_tag(1)) shape[rank] = dim.signed_number();
    if (!dim.ok()) return wrong(name, "its shape is no well-formed message");
    ++rank;
  }
  if (!r.ok()) return wrong(name, "its shape is no well-formed message");
  return {};
}

// How many elements the typed field has; kInvalid for elements of another type.
Result<size_t> count_elements(Reader r, std::string_view name, DataType type) {
  uint32_t field = field_of(type);
  size_t n = 0;
  while (r.next()) {
    uint32_t f = r.tag() >> 3, wire = r.tag() & 7;
    bool elements = (f >= 5 && f <= 17) || f == 4;
    if (elements && f != field && f != 4 && (wire != 2 || !r.bytes().empty()))
      return wrong(name, str("it has elements of another type than ",
                             tensorflow_type_name(tensorflow_type(type))));
    if (f != field) continue;
    if (wire != 2 || field == 8) {
      ++n;
    } else if (field == 5 || field == 6) {
      size_t width = field == 5 ? 4 : 8;
      if (r.bytes().size() % width != 0) return wrong(name, "its elements are cut off");
      n += r.bytes().size() / width;
    } else {
      n += grpc::count_varints(r.bytes());
    }
  }
  if (!r.ok()) return wrong(name, "it is no well-formed TensorProto");
  return n;
}

template <typename T>
Status varints(Reader r, std::string_view name, DataType type, std::span<T> to) {
  size_t at = 0;
  bool fits = true, ok = true;
  while (ok && r.next()) {
    if (r.tag() >> 3 != field_of(type) || ((r.tag() & 7) != 0 && (r.tag() & 7) != 2)) continue;
    ok = grpc::each_varint(r, [&](uint64_t v) {
      if (at == to.size()) return;
      auto value = static_cast<T>(v);
      // Of narrow types: an int32 that the type holds, written as such or sign-extended.
      if constexpr (sizeof(T) < 4)
        fits &= static_cast<int64_t>(static_cast<int32_t>(v)) == static_cast<int64_t>(value);
      to[at++] = value;
    });
  }
  if (!ok || at > to.size()) return wrong(name, "it is no well-formed TensorProto");
  if (!fits) return wrong(name, str("an element is no ", to_string(type)));
  return {};
}

Status booleans(Reader r, std::string_view name, std::span<uint8_t> to) {
  size_t at = 0;
  bool ok = true;
  while (ok && r.next())
    if (r.tag() == varint_tag(11) || r.tag() == bytes_tag(11))
      ok = grpc::each_varint(r, [&](uint64_t v) {
        if (at < to.size()) to[at++] = v != 0;
      });
  return ok ? Status() : wrong(name, "it is no well-formed TensorProto");
}

template <typename T>
Status reals(Reader r, DataType type, std::span<T> to) {
  size_t at = 0;
  while (r.next()) {
    if (r.tag() >> 3 != field_of(type)) continue;
    uint64_t number = r.number();
    std::string_view bytes(reinterpret_cast<const char*>(&number), sizeof(T));
    if ((r.tag() & 7) == 2) bytes = r.bytes();
    size_t n = std::min(bytes.size() / sizeof(T), to.size() - at);
    if (n != 0) std::memcpy(to.data() + at, bytes.data(), n * sizeof(T));
    at += n;
  }
  return {};
}

template <typename T>
Status fill(Reader r, const InputTensor& t, std::span<T> to) {
  if constexpr (std::is_same_v<T, bool>)
    return booleans(r, t.name, {reinterpret_cast<uint8_t*>(to.data()), to.size()});
  else if constexpr (std::is_floating_point_v<T>)
    return reals<T>(r, t.type, to);
  else
    return varints<T>(r, t.name, t.type, to);
}

// `have` elements, and the last one again until there are `n`; zeros where there is none.
template <typename T>
Status take(Reader r, size_t have, size_t n, Workspace& work, InputTensor& t) {
  auto to = work.zeros<T>(std::max<size_t>(n, 1));
  TRY_STATUS(fill<T>(r, t, to.first(have)));
  if (have != 0) std::fill(to.begin() + static_cast<ptrdiff_t>(have), to.end(), to[have - 1]);
  t.contents = Contents::raw({reinterpret_cast<const char*>(to.data()), n * sizeof(T)});
  return {};
}

Status texts(Reader r, size_t have, size_t n, Workspace& work, InputTensor& t) {
  auto to = work.take<std::string_view>(std::max<size_t>(n, 1));
  std::fill(to.begin(), to.end(), std::string_view("", 0));
  size_t at = 0;
  while (r.next())
    if (r.tag() == bytes_tag(8) && at < have) to[at++] = r.bytes();
  if (have != 0) std::fill(to.begin() + static_cast<ptrdiff_t>(have), to.end(), to[have - 1]);
  t.contents = {Contents::Kind::kTexts, to.data(), n};
  return {};
}

Status typed(Reader r, size_t have, size_t n, Workspace& work, InputTensor& t) {
  switch (t.type) {
    case DataType::kFp32:
      return take<float>(r, have, n, work, t);
    case DataType::kFp64:
      return take<double>(r, have, n, work, t);
    case DataType::kInt8:
      return take<int8_t>(r, have, n, work, t);
    case DataType::kInt16:
      return take<int16_t>(r, have, n, work, t);
    case DataType::kInt32:
      return take<int32_t>(r, have, n, work, t);
    case DataType::kUint8:
      return take<uint8_t>(r, have, n, work, t);
    case DataType::kUint16:
    case DataType::kFp16:
    case DataType::kBf16:
      return take<uint16_t>(r, have, n, work, t);
    case DataType::kInt64:
      return take<int64_t>(r, have, n, work, t);
    case DataType::kUint32:
      return take<uint32_t>(r, have, n, work, t);
    case DataType::kUint64:
      return take<uint64_t>(r, have, n, work, t);
    case DataType::kBool:
      return take<bool>(r, have, n, work, t);
    case DataType::kBytes:
      return texts(r, have, n, work, t);
  }
  return {};
}

// The one packed field of floats, which is what raw contents would be.
std::string_view packed_reals(Reader r, DataType type) {
  std::string_view found;
  int fields = 0;
  while (r.next())
    if (r.tag() >> 3 == field_of(type)) {
      ++fields;
      found = (r.tag() & 7) == 2 ? r.bytes() : std::string_view();
    }
  return fields == 1 ? found : std::string_view();
}

template <typename T>
void write_varints(Writer& w, const Tensor& t) {
  const auto* from = static_cast<const T*>(t.data);
  size_t packed = w.open(field_of(t.type));
  for (size_t i = 0; i < t.count; ++i) w.raw(static_cast<uint64_t>(static_cast<int64_t>(from[i])));
  w.close(packed);
}

void write_elements(Writer& w, const Tensor& t) {
  switch (t.type) {
    case DataType::kFp32:
    case DataType::kFp64:
      return w.bytes(field_of(t.type),
                     {static_cast<const char*>(t.data), t.count * inference::size_of(t.type)});
    case DataType::kInt8:
      return write_varints<int8_t>(w, t);
    case DataType::kInt16:
      return write_varints<int16_t>(w, t);
    case DataType::kInt32:
      return write_varints<int32_t>(w, t);
    case DataType::kInt64:
      return write_varints<int64_t>(w, t);
    case DataType::kUint8:
    case DataType::kBool:
      return write_varints<uint8_t>(w, t);
    case DataType::kUint16:
    case DataType::kFp16:
    case DataType::kBf16:
      return write_varints<uint16_t>(w, t);
    case DataType::kUint32:
      return write_varints<uint32_t>(w, t);
    case DataType::kUint64:
      return write_varints<uint64_t>(w, t);
    case DataType::kBytes:
      for (std::string_view text : t.texts()) w.bytes(8, text);
      return;
  }
}

}  // namespace

Status read_tensor_proto(Reader r, std::string_view name, Workspace& work, InputTensor& out) {
  out = InputTensor();
  out.name = name;
  const Reader again = r;
  int64_t shape[kMostRank];
  size_t rank = 0;
  int type = 0;
  std::string_view content;
  while (r.next()) {
    if (r.tag() == varint_tag(1)) type = static_cast<int>(r.number() & 0xffff);
    if (r.tag() == bytes_tag(2)) TRY_STATUS(read_shape(r.message(), name, shape, rank));
    if (r.tag() == bytes_tag(4)) content = r.bytes();
  }
  if (!r.ok()) return wrong(name, "it is no well-formed TensorProto");
  auto known = from_tensorflow(type);
  if (!known) return wrong(name, str("TensorFlow's type ", type, " is not served"));
  out.type = *known;
  auto kept = work.take<int64_t>(rank + 1);
  std::copy(shape, shape + rank, kept.begin());
  out.shape = kept.first(rank);
  TRY(size_t n, element_count(out));
  if (!content.empty()) {
    if (out.type == DataType::kBytes) return wrong(name, "tensor_content of texts is not served");
    out.contents = Contents::raw(content);
    return {};
  }
  TRY(size_t have, count_elements(again, name, out.type));
  if (have > n) return wrong(name, str("it has ", have, " elements, and its shape asks for ", n));
  if (n - have > kMostFill)
    return wrong(name, str("it has ", have, " elements, far fewer than the ", n,
                           " that its shape asks for"));
  if (have == n && (out.type == DataType::kFp32 || out.type == DataType::kFp64))
    if (auto packed = packed_reals(again, out.type); !packed.empty()) {
      out.contents = Contents::raw(packed);
      return {};
    }
  return typed(again, have, n, work, out);
}

void append_tensor_proto(Writer& w, uint32_t field, const Tensor& t) {
  size_t whole = w.open(field);
  w.number(1, static_cast<uint64_t>(tensorflow_type(t.type)));
  size_t shape = w.open(2);
  for (int64_t size : t.shape) {
    size_t dim = w.open(2);
    w.number(1, static_cast<uint64_t>(size));
    w.close(dim);
  }
  w.close(shape);
  if (t.count != 0) write_elements(w, t);
  w.close(whole);
}

}  // namespace proa::protocols
