// ModelInferResponse: the sizes are known before anything large is written, so nothing moves.
#include <algorithm>

#include "foundation/grpc/wire.h"
#include "models/protocols/grpc/infer_message.h"
#include "models/protocols/raw.h"

namespace proa::protocols {
namespace {

using grpc::varint_size;
using grpc::Writer;

uint32_t contents_field(DataType type) {
  switch (type) {
    case DataType::kBool:
      return 1;
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
    default:
      return 2;
  }
}

void write_parameters(Writer& w, uint32_t field, std::span<const Parameter> parameters) {
  for (const Parameter& p : parameters) {
    size_t entry = w.open(field);
    w.bytes(1, p.name);
    size_t value = w.open(2);
    switch (p.kind) {
      case Parameter::Kind::kBool:
        w.boolean(1, p.integer != 0);
        break;
      case Parameter::Kind::kInt64:
        w.number(2, static_cast<uint64_t>(p.integer));
        break;
      case Parameter::Kind::kText:
        w.bytes(3, p.text);
        break;
      case Parameter::Kind::kDouble:
        w.f64(4, p.number);
        break;
      case Parameter::Kind::kUint64:
        w.number(5, p.natural);
        break;
    }
    w.close(value);
    w.close(entry);
  }
}

// Of the packed elements; for BYTES of all fields together.
size_t payload_size(const Values& v, size_t n) {
  size_t size = 0;
  switch (contents_field(v.type)) {
    case 1:
      return n;
    case 6:
      return n * 4;
    case 7:
      return n * 8;
    case 8:
      for (size_t i = 0; i < n; ++i) size += 1 + varint_size(v.texts[i].size()) + v.texts[i].size();
      return size;
    default:
      for (size_t i = 0; i < n; ++i) size += varint_size(static_cast<uint64_t>(v.integers[i]));
      return size;
  }
}

void write_payload(Writer& w, const Values& v, size_t n) {
  std::string& out = w.out();
  switch (contents_field(v.type)) {
    case 6:
      for (size_t i = 0; i < n; ++i) {
        auto f = static_cast<float>(v.numbers[i]);
        out.append(reinterpret_cast<const char*>(&f), sizeof f);
      }
      break;
    case 7:
      out.append(reinterpret_cast<const char*>(v.numbers), n * sizeof(double));
      break;
    case 8:
      for (size_t i = 0; i < n; ++i) w.bytes(8, v.texts[i]);
      break;
    default:
      for (size_t i = 0; i < n; ++i) w.raw(static_cast<uint64_t>(v.integers[i]));
  }
}

bool must_be_raw(const OutputTensor& output) {
  if (output.values.type == DataType::kFp16 || output.values.type == DataType::kBf16) return true;
  if (!output.request) return false;
  const Parameter* binary = find(output.request->parameters, "binary_data");
  return binary && binary->kind == Parameter::Kind::kBool && binary->integer != 0;
}

size_t length_delimited(size_t size) { return 1 + varint_size(size) + size; }

void write_head(Writer& w, const OutputTensor& output) {
  const Values& v = output.values;
  w.bytes(1, output.name);
  w.bytes(2, to_string(v.type));
  size_t shape = w.open(3);
  for (uint8_t i = 0; i < v.rank; ++i) w.raw(v.shape[i]);
  w.close(shape);
  write_parameters(w, 4, output.parameters);
}

void write_output(Writer& w, const OutputTensor& output, bool raw) {
  const Values& v = output.values;
  std::string& out = w.out();
  // The head is written where it will stay, once its size is known: it is small.
  size_t from = out.size();
  write_head(w, output);
  size_t head = out.size() - from;
  size_t n = raw ? 0 : v.count();
  size_t payload = n == 0 ? 0 : payload_size(v, n);
  uint32_t field = contents_field(v.type);
  size_t contents = field == 8 ? payload : length_delimited(payload);
  size_t whole = head + (n == 0 ? 0 : length_delimited(contents));
  size_t prefix = 1 + varint_size(whole);
  out.insert(from, prefix, '\0');
  char* at = out.data() + from;
  *at++ = static_cast<char>(grpc::bytes_tag(5));
  for (; whole >= 0x80; whole >>= 7) *at++ = static_cast<char>(whole | 0x80);
  *at = static_cast<char>(whole);
  if (n == 0) return;
  w.bytes_head(5, contents);
  if (field != 8) w.bytes_head(field, payload);
  write_payload(w, v, n);
}

}  // namespace

void append_infer_response(const InferResponse& response, bool raw, std::string& out) {
  if (!response.tensors.empty()) return append_tensor_message(response, raw, out);
  Writer w(out);
  w.bytes(1, response.model);
  if (!response.version.empty()) w.bytes(2, response.version);
  if (!response.id.empty()) w.bytes(3, response.id);
  write_parameters(w, 4, response.parameters);
  raw |= std::any_of(response.outputs.begin(), response.outputs.end(), must_be_raw);
  for (const OutputTensor& output : response.outputs) write_output(w, output, raw);
  if (!raw) return;
  for (const OutputTensor& output : response.outputs) {
    w.bytes_head(6, raw_size(output.values));
    append_raw(output.values, out);
  }
}

}  // namespace proa::protocols
