#include "models/protocols/tensor/write.h"

#include <cstring>

#include "foundation/base/strings.h"
#include "models/protocols/json_write.h"
#include "models/protocols/raw.h"

namespace proa::protocols {
namespace {

using inference::Tensor;

template <typename T>
T at(const Tensor& t, size_t i) {
  return static_cast<const T*>(t.data)[i];
}

void append_element(const Tensor& t, size_t i, std::string& out) {
  switch (t.type) {
    case DataType::kBool:
      out += at<uint8_t>(t, i) != 0 ? "true" : "false";
      return;
    case DataType::kUint8:
      return append_number(out, uint64_t{at<uint8_t>(t, i)});
    case DataType::kUint16:
      return append_number(out, uint64_t{at<uint16_t>(t, i)});
    case DataType::kUint32:
      return append_number(out, uint64_t{at<uint32_t>(t, i)});
    case DataType::kUint64:
      return append_number(out, at<uint64_t>(t, i));
    case DataType::kInt8:
      return append_number(out, int64_t{at<int8_t>(t, i)});
    case DataType::kInt16:
      return append_number(out, int64_t{at<int16_t>(t, i)});
    case DataType::kInt32:
      return append_number(out, int64_t{at<int32_t>(t, i)});
    case DataType::kInt64:
      return append_number(out, at<int64_t>(t, i));
    case DataType::kFp16:
      return append_json_number(out, from_fp16(at<uint16_t>(t, i)));
    case DataType::kBf16:
      return append_json_number(out, from_bf16(at<uint16_t>(t, i)));
    case DataType::kFp32:
      return append_json_number(out, static_cast<double>(at<float>(t, i)));
    case DataType::kFp64:
      return append_json_number(out, at<double>(t, i));
    case DataType::kBytes:
      return append_json_text(out, t.texts()[i]);
  }
}

// The elements from `i` as lists nested as the shape says, from dimension `d`.
void append_nested(const Tensor& t, size_t d, size_t& i, std::string& out) {
  if (d == t.shape.size()) return append_element(t, i++, out);
  out += '[';
  for (int64_t k = 0; k < t.shape[d]; ++k) {
    if (k != 0) out += ", ";
    append_nested(t, d + 1, i, out);
  }
  out += ']';
}

void append_whole(const Tensor& t, std::string& out) {
  size_t i = 0;
  append_nested(t, 0, i, out);
}

// The first dimension of all outputs, where it is one.
std::optional<size_t> rows_of(std::span<const Tensor> outputs) {
  for (const Tensor& t : outputs)
    if (t.shape.empty() || t.shape[0] != outputs[0].shape[0]) return std::nullopt;
  return static_cast<size_t>(outputs[0].shape[0]);
}

const Parameter* binary_wish(const InferRequest& request, std::string_view name) {
  for (const OutputRequest& o : request.outputs)
    if (o.name == name)
      if (const Parameter* p = find(o.parameters, "binary_data")) return p;
  return find(request.parameters, "binary_data_output");
}

bool wants_binary(const InferRequest& request, const Tensor& t) {
  const Parameter* p = binary_wish(request, t.name);
  return p && p->kind == Parameter::Kind::kBool && p->integer != 0;
}

Status append_output(const Tensor& t, bool binary, std::string& out) {
  if (!binary && (t.type == DataType::kFp16 || t.type == DataType::kBf16))
    return error(Code::kInvalid, str("Sending ", to_string(t.type),
                                     " data via JSON is not supported. Please use the binary data "
                                     "format for output ",
                                     t.name));
  out += "{\"name\":";
  append_json_text(out, t.name);
  out += ",\"shape\":[";
  for (size_t d = 0; d < t.shape.size(); ++d) {
    if (d != 0) out += ',';
    append_number(out, t.shape[d]);
  }
  out += "],\"datatype\":\"";
  out += to_string(t.type);
  if (binary) {
    out += "\",\"parameters\":{\"binary_data_size\":";
    append_number(out, uint64_t{tensor_raw_size(t)});
    out += "}}";
    return {};
  }
  out += "\",\"parameters\":null,\"data\":[";
  for (size_t i = 0; i < t.count; ++i) {
    if (i != 0) out += ',';
    append_element(t, i, out);
  }
  out += "]}";
  return {};
}

}  // namespace

namespace {

void append_several(std::span<const Tensor> outputs, std::optional<size_t> rows, std::string& out) {
  size_t count = rows.value_or(1);
  if (rows) out += '[';
  for (size_t r = 0; r < count; ++r) {
    if (r != 0) out += ", ";
    out += '{';
    for (const Tensor& t : outputs) {
      if (&t != outputs.data()) out += ", ";
      append_json_text(out, t.name);
      out += ": ";
      size_t i = rows ? r * (t.count / count) : 0;
      append_nested(t, rows ? 1 : 0, i, out);
    }
    out += '}';
  }
  if (rows) out += ']';
}

}  // namespace

void append_tensor_predictions(std::span<const Tensor> outputs, std::string& out) {
  if (outputs.size() == 1) return append_whole(outputs[0], out);
  append_several(outputs, rows_of(outputs), out);
}

void append_tensor_outputs(std::span<const Tensor> outputs, std::string& out) {
  if (outputs.size() == 1) return append_whole(outputs[0], out);
  append_several(outputs, std::nullopt, out);
}

size_t tensor_raw_size(const Tensor& t) {
  if (t.type != DataType::kBytes) return t.count * inference::size_of(t.type);
  size_t size = 0;
  for (std::string_view text : t.texts()) size += 4 + text.size();
  return size;
}

void append_tensor_raw(const Tensor& t, std::string& out) {
  if (t.type != DataType::kBytes) {
    out.append(static_cast<const char*>(t.data), tensor_raw_size(t));
    return;
  }
  for (std::string_view text : t.texts()) {
    auto size = static_cast<uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out += text;
  }
}

Result<std::optional<size_t>> append_tensor_response(const InferRequest& request,
                                                     const InferResponse& response,
                                                     std::string& out) {
  size_t start = out.size();
  bool any_binary = false;
  append_response_head(response, out);
  out += ",\"parameters\":null,\"outputs\":[";
  for (const Tensor& t : response.tensors) {
    if (&t != response.tensors.data()) out += ',';
    bool binary = wants_binary(request, t);
    any_binary |= binary;
    TRY_STATUS(append_output(t, binary, out));
  }
  out += "]}";
  if (!any_binary) return std::optional<size_t>();
  size_t json_length = out.size() - start;
  for (const Tensor& t : response.tensors)
    if (wants_binary(request, t)) append_tensor_raw(t, out);
  return std::optional<size_t>(json_length);
}

}  // namespace proa::protocols
