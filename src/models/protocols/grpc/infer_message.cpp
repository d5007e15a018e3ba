#include "models/protocols/grpc/infer_message.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::fixed32_tag;
using grpc::fixed64_tag;
using grpc::Reader;
using grpc::varint_tag;
using Kind = Contents::Kind;

Error wrong(std::string message) { return error(Code::kInvalid, std::move(message)); }
Error malformed(std::string_view what) {
  return wrong(str("the ", what, " is no well-formed protobuf message"));
}

Status take_text(const Reader& r, const char* what, std::string_view& out) {
  if (!is_utf8(r.bytes())) return wrong(str(what, " is not UTF-8"));
  out = r.bytes();
  return {};
}

Status read_value(Reader r, Parameter& out) {
  while (r.next()) {
    switch (r.tag()) {
      case varint_tag(1):
        out.kind = Parameter::Kind::kBool;
        out.integer = r.boolean();
        break;
      case varint_tag(2):
        out.kind = Parameter::Kind::kInt64;
        out.integer = r.signed_number();
        break;
      case bytes_tag(3):
        out.kind = Parameter::Kind::kText;
        TRY_STATUS(take_text(r, "a parameter", out.text));
        break;
      case fixed64_tag(4):
        out.kind = Parameter::Kind::kDouble;
        out.number = r.f64();
        break;
      case varint_tag(5):
        out.kind = Parameter::Kind::kUint64;
        out.natural = r.number();
        break;
    }
  }
  return r.ok() ? Status() : malformed("InferParameter");
}

Status read_entry(Reader r, Parameter& out) {
  out = Parameter();
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) TRY_STATUS(take_text(r, "a parameter's name", out.name));
    if (r.tag() == bytes_tag(2)) TRY_STATUS(read_value(r.message(), out));
  }
  return r.ok() ? Status() : malformed("map of parameters");
}

// How often a field occurs in a message that has been found to be well-formed.
size_t count(Reader r, uint32_t tag) {
  size_t n = 0;
  while (r.next()) n += r.tag() == tag;
  return n;
}

// All entries of the map `tag` of one message; of equal names the last one counts.
Status read_parameters(Reader r, uint32_t tag, Workspace& work, size_t& left,
                       std::span<const Parameter>& out) {
  size_t n = count(r, tag);
  if (n == 0) return {};
  if (n > kMostParameters || n > left) return wrong("the request has too many parameters");
  left -= n;
  auto all = work.take<Parameter>(n);
  size_t used = 0;
  while (r.next()) {
    if (r.tag() != tag) continue;
    Parameter p;
    TRY_STATUS(read_entry(r.message(), p));
    auto same = std::find_if(all.begin(), all.begin() + static_cast<ptrdiff_t>(used),
                             [&](const Parameter& other) { return other.name == p.name; });
    if (same == all.begin() + static_cast<ptrdiff_t>(used)) ++used;
    *same = p;
  }
  out = all.first(used);
  return {};
}

Status read_shape(const Reader& r, std::string_view name, int64_t (&shape)[kMostRank],
                  size_t& rank) {
  bool fits = true;
  bool ok = grpc::each_varint(r, [&](uint64_t v) {
    fits &= rank < kMostRank;
    if (fits) shape[rank++] = static_cast<int64_t>(v);
  });
  if (!ok) return malformed("shape");
  if (!fits) return wrong(str("input '", shorten(name, 100), "' has too many dimensions"));
  return {};
}

// Which field of InferTensorContents holds a type; 0: none.
uint32_t contents_field(DataType type) {
  switch (type) {
    case DataType::kBool:
      return 1;
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
      return 2;
    case DataType::kInt64:
      return 3;
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32:
      return 4;
    case DataType::kUint64:
      return 5;
    case DataType::kFp32:
      return 6;
    case DataType::kFp64:
      return 7;
    case DataType::kBytes:
      return 8;
    case DataType::kFp16:
    case DataType::kBf16:
      return 0;
  }
  return 0;
}

constexpr const char* kFieldNames[] = {"",
                                       "bool_contents",
                                       "int_contents",
                                       "int64_contents",
                                       "uint_contents",
                                       "uint64_contents",
                                       "fp32_contents",
                                       "fp64_contents",
                                       "bytes_contents"};

struct Tally {
  size_t elements = 0, chunks = 0;
  std::string_view packed;  // the last chunk, if packed
};

Status tally(Reader r, const InputTensor& tensor, uint32_t field, Tally& out) {
  while (r.next()) {
    uint32_t f = r.tag() >> 3, type = r.tag() & 7;
    bool number = f >= 1 && f <= 5, real = f == 6 || f == 7;
    size_t width = f == 6 ? 4 : 8, n = 1;
    if (type == 2 && number) n = grpc::count_varints(r.bytes());
    if (type == 2 && real) {
      if (r.bytes().size() % width != 0) return malformed(kFieldNames[f]);
      n = r.bytes().size() / width;
    }
    bool known = (number && (type == 0 || type == 2)) || (f == 8 && type == 2) ||
                 (real && (type == 2 || type == (f == 6 ? 5 : 1)));
    if (!known || n == 0) continue;
    if (f != field) {
      return wrong(str("input '", shorten(tensor.name, 100), "' has ", kFieldNames[f],
                       ", but its datatype ", to_string(tensor.type), " asks for ",
                       field == 0 ? "raw_input_contents" : kFieldNames[field]));
    }
    out.elements += n;
    ++out.chunks;
    out.packed = type == 2 ? r.bytes() : std::string_view();
  }
  return r.ok() ? Status() : malformed("InferTensorContents");
}

template <typename T>
Status fill_varints(Reader r, uint32_t field, std::span<T> to) {
  size_t at = 0;
  while (r.next()) {
    if (r.tag() != varint_tag(field) && r.tag() != bytes_tag(field)) continue;
    bool fits = true;
    bool ok = grpc::each_varint(r, [&](uint64_t v) {
      fits &= at < to.size();
      if (fits) to[at++] = static_cast<T>(v);
    });
    if (!ok || !fits) return malformed(kFieldNames[field]);
  }
  return at == to.size() ? Status() : malformed(kFieldNames[field]);
}

template <typename T>
void fill_reals(Reader r, uint32_t field, std::span<T> to) {
  size_t at = 0;
  while (r.next()) {
    if (r.tag() >> 3 != field) continue;
    uint64_t number = r.number();
    std::string_view bytes(reinterpret_cast<const char*>(&number), sizeof(T));
    if (r.tag() == bytes_tag(field)) bytes = r.bytes();
    if (r.tag() != bytes_tag(field) &&
        r.tag() != (sizeof(T) == 4 ? fixed32_tag(field) : fixed64_tag(field)))
      continue;
    size_t n = std::min(bytes.size() / sizeof(T), to.size() - at);
    if (n > 0) std::memcpy(to.data() + at, bytes.data(), n * sizeof(T));
    at += n;
  }
}

template <typename T>
Status varints(Reader r, uint32_t field, size_t n, Kind kind, Workspace& work, Contents& out) {
  auto values = work.take<T>(n);
  out = {kind, values.data(), n};
  return fill_varints(r, field, values);
}

template <typename T>
void reals(Reader r, uint32_t field, const Tally& seen, Kind kind, Workspace& work, Contents& out) {
  if (seen.chunks == 1 && !seen.packed.empty()) {
    out = Contents::raw(seen.packed);  // it is what raw contents would be
    return;
  }
  auto values = work.take<T>(seen.elements);
  fill_reals(r, field, values);
  out = {kind, values.data(), values.size()};
}

Status read_contents(Reader r, Workspace& work, InputTensor& tensor) {
  uint32_t field = contents_field(tensor.type);
  Tally seen;
  TRY_STATUS(tally(r, tensor, field, seen));
  if (seen.elements > kMostElements)
    return wrong(str("input '", shorten(tensor.name, 100), "' has too many elements"));
  Contents& out = tensor.contents;
  size_t n = seen.elements;
  switch (field) {
    case 1:
      return varints<bool>(r, field, n, Kind::kBools, work, out);
    case 2:
      return varints<int32_t>(r, field, n, Kind::kInt32s, work, out);
    case 3:
      return varints<int64_t>(r, field, n, Kind::kInt64s, work, out);
    case 4:
      return varints<uint32_t>(r, field, n, Kind::kUint32s, work, out);
    case 5:
      return varints<uint64_t>(r, field, n, Kind::kUint64s, work, out);
    case 6:
      reals<float>(r, field, seen, Kind::kFloats, work, out);
      return {};
    case 7:
      reals<double>(r, field, seen, Kind::kDoubles, work, out);
      return {};
    case 8: {
      auto texts = work.take<std::string_view>(n);
      for (size_t at = 0; r.next();)
        if (r.tag() == bytes_tag(8) && at < n) texts[at++] = r.bytes();
      out = {Kind::kTexts, texts.data(), n};
      return {};
    }
    default:
      out = Contents::raw({});
      return {};
  }
}

Status read_input(Reader r, Workspace& work, size_t& left, InputTensor& out, bool& has_contents) {
  out = InputTensor();
  const Reader again = r;
  int64_t shape[kMostRank];
  size_t rank = 0;
  std::string_view type = "";
  std::string_view contents;
  while (r.next()) {
    switch (r.tag()) {
      case bytes_tag(1):
        TRY_STATUS(take_text(r, "the name of an input", out.name));
        break;
      case bytes_tag(2):
        type = r.bytes();
        break;
      case varint_tag(3):
      case bytes_tag(3):
        TRY_STATUS(read_shape(r, out.name, shape, rank));
        break;
      case bytes_tag(5):
        if (std::exchange(has_contents, true))
          return wrong(str("input '", shorten(out.name, 100), "' has contents twice"));
        contents = r.bytes();
        break;
    }
  }
  if (!r.ok()) return malformed("InferInputTensor");
  auto known = inference::data_type(type);
  if (!known) {
    return wrong(str("input '", shorten(out.name, 100), "' has the unknown datatype '",
                     shorten(type, 40), "'"));
  }
  out.type = *known;
  auto kept = work.take<int64_t>(rank);
  std::copy(shape, shape + rank, kept.begin());
  out.shape = kept;
  TRY_STATUS(read_parameters(again, bytes_tag(4), work, left, out.parameters));
  return read_contents(Reader(contents, 2), work, out);
}

Status read_output(Reader r, Workspace& work, size_t& left, OutputRequest& out) {
  out = OutputRequest();
  const Reader again = r;
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) TRY_STATUS(take_text(r, "the name of an output", out.name));
  }
  if (!r.ok()) return malformed("InferRequestedOutputTensor");
  return read_parameters(again, bytes_tag(2), work, left, out.parameters);
}

struct Counts {
  size_t inputs = 0, outputs = 0, raws = 0;
};

Status read_outermost(Reader r, InferRequest& out, Counts& n) {
  while (r.next()) {
    switch (r.tag()) {
      case bytes_tag(1):
        TRY_STATUS(take_text(r, "model_name", out.model));
        break;
      case bytes_tag(2):
        TRY_STATUS(take_text(r, "model_version", out.version));
        break;
      case bytes_tag(3):
        TRY_STATUS(take_text(r, "id", out.id));
        break;
      case bytes_tag(5):
        ++n.inputs;
        break;
      case bytes_tag(6):
        ++n.outputs;
        break;
      case bytes_tag(7):
        ++n.raws;
        break;
    }
  }
  if (!r.ok()) return malformed("ModelInferRequest");
  if (n.inputs > kMostInputs || n.outputs > kMostInputs)
    return wrong(str("more than ", kMostInputs, " tensors"));
  if (n.raws != 0 && n.raws != n.inputs) {
    return wrong(str("the number of inputs (", n.inputs,
                     ") does not match the expected number of raw input contents (", n.raws,
                     ") for model '", shorten(out.model, 200), "'."));
  }
  return {};
}

}  // namespace

ModelRef peek_model(std::string_view message) {
  ModelRef out;
  Reader r(message);
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) out.model = r.bytes();
    if (r.tag() == bytes_tag(2)) out.version = r.bytes();
  }
  return out;
}

Status read_infer_request(std::string_view message, Workspace& work, InferRequest& out, bool& raw) {
  out = InferRequest();
  Counts n;
  size_t left = kMostParameters * 16;
  TRY_STATUS(read_outermost(Reader(message), out, n));
  TRY_STATUS(read_parameters(Reader(message), bytes_tag(4), work, left, out.parameters));
  auto inputs = work.take<InputTensor>(n.inputs);
  auto outputs = work.take<OutputRequest>(n.outputs);
  auto raws = work.take<std::string_view>(n.raws);
  raw = n.raws > 0;
  Counts at;
  Reader r(message);
  while (r.next()) {
    bool has_contents = false;
    switch (r.tag()) {
      case bytes_tag(5):
        TRY_STATUS(read_input(r.message(), work, left, inputs[at.inputs], has_contents));
        if (has_contents && raw) {
          return wrong(str("contents field must not be specified when using raw_input_contents ",
                           "for input '", shorten(inputs[at.inputs].name, 100), "' for model '",
                           shorten(out.model, 200), "'"));
        }
        ++at.inputs;
        break;
      case bytes_tag(6):
        TRY_STATUS(read_output(r.message(), work, left, outputs[at.outputs++]));
        break;
      case bytes_tag(7):
        raws[at.raws++] = r.bytes();
        break;
    }
  }
  for (size_t i = 0; i < n.raws; ++i) inputs[i].contents = Contents::raw(raws[i]);
  out.inputs = inputs;
  out.outputs = outputs;
  return {};
}

}  // namespace proa::protocols
