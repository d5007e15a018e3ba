// ModelInferResponse of a model of tensors.
#include <algorithm>

#include "foundation/grpc/wire.h"
#include "models/inference/tensor.h"
#include "models/protocols/grpc/infer_message.h"
#include "models/protocols/tensor/write.h"

namespace proa::protocols {
namespace {

using grpc::Writer;
using inference::Tensor;

template <typename T>
void varints(Writer& w, uint32_t field, const Tensor& t) {
  const auto* from = static_cast<const T*>(t.data);
  size_t size = 0;
  for (size_t i = 0; i < t.count; ++i)
    size += grpc::varint_size(static_cast<uint64_t>(static_cast<int64_t>(from[i])));
  w.bytes_head(field, size);
  for (size_t i = 0; i < t.count; ++i) w.raw(static_cast<uint64_t>(static_cast<int64_t>(from[i])));
}

void bytes_of(Writer& w, uint32_t field, const Tensor& t) {
  w.bytes_head(field, tensor_raw_size(t));
  append_tensor_raw(t, w.out());
}

// InferTensorContents: a field for each group of types.
void write_contents(Writer& w, const Tensor& t) {
  switch (t.type) {
    case DataType::kBool:
      return varints<uint8_t>(w, 1, t);
    case DataType::kInt8:
      return varints<int8_t>(w, 2, t);
    case DataType::kInt16:
      return varints<int16_t>(w, 2, t);
    case DataType::kInt32:
      return varints<int32_t>(w, 2, t);
    case DataType::kInt64:
      return varints<int64_t>(w, 3, t);
    case DataType::kUint8:
      return varints<uint8_t>(w, 4, t);
    case DataType::kUint16:
      return varints<uint16_t>(w, 4, t);
    case DataType::kUint32:
      return varints<uint32_t>(w, 4, t);
    case DataType::kUint64:
      return varints<uint64_t>(w, 5, t);
    case DataType::kFp32:
      return bytes_of(w, 6, t);
    case DataType::kFp64:
      return bytes_of(w, 7, t);
    case DataType::kBytes:
      for (std::string_view text : t.texts()) w.bytes(8, text);
      return;
    case DataType::kFp16:
    case DataType::kBf16:
      return;  // raw only
  }
}

bool must_be_raw(const Tensor& t) { return t.type == DataType::kFp16 || t.type == DataType::kBf16; }

void write_output(Writer& w, const Tensor& t, bool raw) {
  size_t whole = w.open(5);
  w.bytes(1, t.name);
  w.bytes(2, to_string(t.type));
  size_t shape = w.open(3);
  for (int64_t d : t.shape) w.raw(static_cast<uint64_t>(d));
  w.close(shape);
  if (!raw && t.count != 0) {
    size_t contents = w.open(5);
    write_contents(w, t);
    w.close(contents);
  }
  w.close(whole);
}

}  // namespace

void append_tensor_message(const InferResponse& response, bool raw, std::string& out) {
  Writer w(out);
  w.bytes(1, response.model);
  if (!response.version.empty()) w.bytes(2, response.version);
  if (!response.id.empty()) w.bytes(3, response.id);
  raw |= std::any_of(response.tensors.begin(), response.tensors.end(), must_be_raw);
  for (const Tensor& t : response.tensors) write_output(w, t, raw);
  if (!raw) return;
  for (const Tensor& t : response.tensors) bytes_of(w, 6, t);
}

}  // namespace proa::protocols
