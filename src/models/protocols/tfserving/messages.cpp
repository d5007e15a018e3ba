#include "models/protocols/tfserving/messages.h"

#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"
#include "models/protocols/tfserving/tensor_proto.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::Reader;
using grpc::varint_tag;
using grpc::Writer;

Error malformed() {
  return error(Code::kInvalid, "the request is no well-formed protobuf message");
}

Status read_spec(Reader r, ModelSpec& out) {
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) out.name = r.bytes();
    if (r.tag() == bytes_tag(3)) out.signature = r.bytes();
    if (r.tag() == bytes_tag(4)) {
      out.label = r.bytes();
      out.version.reset();
    }
    if (r.tag() == bytes_tag(2)) {
      out.label = {};
      out.version = 0;
      Reader value = r.message();
      while (value.next())
        if (value.tag() == varint_tag(1)) out.version = value.signed_number();
      if (!value.ok()) return malformed();
    }
  }
  return r.ok() ? Status() : malformed();
}

struct Entry {
  std::string_view name;
  Reader value{""};
};

Status read_entry(Reader r, Entry& out) {
  out.name = {};
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) out.name = r.bytes();
    if (r.tag() == bytes_tag(2)) out.value = r.message();
  }
  if (!r.ok()) return malformed();
  if (!is_utf8(out.name)) return error(Code::kInvalid, "the name of an input is not UTF-8");
  return {};
}

void write_tensor(Writer& w, uint32_t field, const inference::SignatureTensor& t) {
  size_t entry = w.open(field);
  w.bytes(1, t.name);
  size_t info = w.open(2);
  w.bytes(1, t.tensor);
  w.number(2, static_cast<uint64_t>(t.type));
  size_t shape = w.open(3);
  if (t.any_rank) w.boolean(3, true);
  for (int64_t size : t.shape) {
    size_t dim = w.open(2);
    w.number(1, static_cast<uint64_t>(size));
    w.close(dim);
  }
  w.close(shape);
  w.close(info);
  w.close(entry);
}

inference::SignatureTensor signature_tensor(const inference::TensorInfo& t) {
  inference::SignatureTensor out{t.name, str(t.name, ":0"), tensorflow_type(t.type), t.shape,
                                 t.any_shape};
  if (t.any_shape) out.shape.clear();
  return out;
}

}  // namespace

Status read_model_spec(std::string_view message, uint32_t field, ModelSpec& out) {
  bool there = false;
  Reader r(message);
  while (r.next()) {
    if (r.tag() != bytes_tag(field)) continue;
    there = true;
    TRY_STATUS(read_spec(r.message(), out));
  }
  if (!r.ok()) return malformed();
  if (!there) return error(Code::kInvalid, "Missing ModelSpec");
  if (out.name.empty()) return error(Code::kInvalid, "ModelSpec has no name specified.");
  if (!is_utf8(out.name) || !is_utf8(out.signature) || !is_utf8(out.label))
    return error(Code::kInvalid, "a name is not UTF-8");
  return {};
}

Status read_predict_request(std::string_view message, Workspace& work, InferRequest& out) {
  size_t inputs = 0, outputs = 0;
  Reader count(message);
  while (count.next()) {
    inputs += count.tag() == bytes_tag(2);
    outputs += count.tag() == bytes_tag(3);
  }
  if (!count.ok()) return malformed();
  if (inputs > kMostInputs || outputs > kMostInputs)
    return error(Code::kInvalid, str("more than ", kMostInputs, " tensors"));
  auto tensors = work.take<InputTensor>(inputs + 1);
  auto wanted = work.take<OutputRequest>(outputs + 1);
  size_t i = 0, o = 0;
  Reader r(message);
  while (r.next()) {
    if (r.tag() == bytes_tag(2)) {
      Entry entry;
      TRY_STATUS(read_entry(r.message(), entry));
      InputTensor t;
      TRY_STATUS(read_tensor_proto(entry.value, entry.name, work, t));
      auto same = std::find_if(tensors.begin(), tensors.begin() + static_cast<ptrdiff_t>(i),
                               [&](const InputTensor& other) { return other.name == t.name; });
      if (same == tensors.begin() + static_cast<ptrdiff_t>(i)) ++i;
      *same = t;
    } else if (r.tag() == bytes_tag(3)) {
      wanted[o] = OutputRequest();
      wanted[o++].name = r.bytes();
    }
  }
  out.inputs = tensors.first(i);
  out.outputs = wanted.first(o);
  return {};
}

int64_t version_number(std::string_view version) {
  auto n = parse_int(version);
  return n && *n >= 0 ? *n : 1;
}

void append_model_spec(Writer& w, uint32_t field, const InferResponse& response,
                       std::string_view signature) {
  size_t spec = w.open(field);
  w.bytes(1, response.model);
  size_t version = w.open(2);
  w.number(1, static_cast<uint64_t>(version_number(response.version)));
  w.close(version);
  w.bytes(3, signature.empty() ? inference::kDefaultSignature : signature);
  w.close(spec);
}

void append_predict_response(const InferResponse& response, std::string_view signature,
                             Workspace& work, std::string& out) {
  Writer w(out);
  for (const inference::Tensor& t : tensors_of(response, work)) {
    size_t entry = w.open(1);
    w.bytes(1, t.name);
    append_tensor_proto(w, 2, t);
    w.close(entry);
  }
  append_model_spec(w, 2, response, signature);
}

void append_classes(const Classes& classes, std::string& out) {
  Writer w(out);
  size_t result = w.open(1);
  for (size_t r = 0; r < classes.rows; ++r) {
    size_t row = w.open(1);
    for (const Scored& s : classes.all.subspan(r * classes.width, classes.width)) {
      size_t one = w.open(1);
      if (!s.label.empty()) w.bytes(1, s.label);
      w.raw(grpc::fixed32_tag(2));
      w.out().append(reinterpret_cast<const char*>(&s.score), sizeof s.score);
      w.close(one);
    }
    w.close(row);
  }
  w.close(result);
}

void append_values(std::span<const float> values, std::string& out) {
  Writer w(out);
  size_t result = w.open(1);
  for (float v : values) {
    size_t one = w.open(1);
    w.raw(grpc::fixed32_tag(1));
    w.out().append(reinterpret_cast<const char*>(&v), sizeof v);
    w.close(one);
  }
  w.close(result);
}

std::vector<inference::Signature> signatures_of(const ModelMetadata& model) {
  if (!model.signatures.empty()) return model.signatures;
  inference::Signature one;
  one.name = inference::kDefaultSignature;
  one.method = "tensorflow/serving/predict";
  for (const auto& t : model.inputs) one.inputs.push_back(signature_tensor(t));
  for (const auto& t : model.outputs) one.outputs.push_back(signature_tensor(t));
  return {one};
}

void append_signatures(const std::vector<inference::Signature>& signatures, std::string& out) {
  Writer w(out);
  for (const inference::Signature& s : signatures) {
    size_t entry = w.open(1);
    w.bytes(1, s.name);
    size_t whole = w.open(2);
    for (const auto& t : s.inputs) write_tensor(w, 1, t);
    for (const auto& t : s.outputs) write_tensor(w, 2, t);
    w.bytes(3, s.method);
    w.close(whole);
    w.close(entry);
  }
}

}  // namespace proa::protocols
