#include "models/protocols/json_write.h"

#include <charconv>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/protocols/raw.h"

namespace proa::protocols {
namespace {

void append_element(const Values& v, size_t i, std::string& out) {
  if (v.type == DataType::kBytes)
    append_json_text(out, v.texts[i]);
  else if (inference::is_float(v.type))
    append_json_number(out, v.numbers[i]);
  else if (v.type == DataType::kBool)
    out += v.integers[i] != 0 ? "true" : "false";
  else if (v.type == DataType::kUint64)
    append_number(out, static_cast<uint64_t>(v.integers[i]));
  else
    append_number(out, v.integers[i]);
}

// The elements from `at` as lists nested as the shape says, from dimension `d`.
void append_nested(const Values& v, uint8_t d, size_t& at, std::string& out) {
  if (d == v.rank) return append_element(v, at++, out);
  out += '[';
  for (size_t i = 0; i < v.shape[d]; ++i) {
    if (i != 0) out += ", ";
    append_nested(v, static_cast<uint8_t>(d + 1), at, out);
  }
  out += ']';
}

void append_nested(const Values& v, std::string& out) {
  size_t at = 0;
  append_nested(v, 0, at, out);
}

void append_row(const Values& v, size_t row, std::string& out) {
  size_t at = row * v.row_size();
  append_nested(v, v.rank == 0 ? 0 : 1, at, out);
}

bool is_named(const InferResponse& r) {
  for (const OutputTensor& o : r.outputs)
    if (o.name.empty() || o.name.starts_with("output-")) return false;
  return true;
}

void append_parameter(const Parameter& p, std::string& out) {
  append_json_text(out, p.name);
  out += ':';
  switch (p.kind) {
    case Parameter::Kind::kBool:
      out += p.integer != 0 ? "true" : "false";
      break;
    case Parameter::Kind::kInt64:
      append_number(out, p.integer);
      break;
    case Parameter::Kind::kUint64:
      append_number(out, p.natural);
      break;
    case Parameter::Kind::kDouble:
      append_json_number(out, p.number);
      break;
    case Parameter::Kind::kText:
      append_json_text(out, p.text);
  }
}

void append_parameters(std::span<const Parameter> parameters, size_t binary_size, bool binary,
                       std::string& out) {
  out += "\"parameters\":";
  if (parameters.empty() && !binary) {
    out += "null";
    return;
  }
  out += '{';
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (i != 0) out += ',';
    append_parameter(parameters[i], out);
  }
  if (binary) {
    out += parameters.empty() ? "\"binary_data_size\":" : ",\"binary_data_size\":";
    append_number(out, static_cast<uint64_t>(binary_size));
  }
  out += '}';
}

bool is_true(const Parameter* p) { return p->kind == Parameter::Kind::kBool && p->integer != 0; }

// An output's own word goes before the request's.
bool wants_binary(const InferRequest& request, const OutputTensor& o) {
  if (o.request)
    if (const Parameter* p = find(o.request->parameters, "binary_data")) return is_true(p);
  const Parameter* p = find(request.parameters, "binary_data_output");
  return p && is_true(p);
}

Status append_output(const OutputTensor& o, bool binary, std::string& out) {
  const Values& v = o.values;
  if (!binary && (v.type == DataType::kFp16 || v.type == DataType::kBf16))
    return error(Code::kInvalid, str("Sending ", to_string(v.type),
                                     " data via JSON is not supported. Please use the "
                                     "binary data format for output ",
                                     o.name));
  out += "{\"name\":";
  append_json_text(out, o.name);
  out += ",\"shape\":[";
  for (uint8_t d = 0; d < v.rank; ++d) {
    if (d != 0) out += ',';
    append_number(out, static_cast<uint64_t>(v.shape[d]));
  }
  out += "],\"datatype\":\"";
  out += to_string(v.type);
  out += "\",";
  append_parameters(o.parameters, binary ? raw_size(v) : 0, binary, out);
  if (!binary) {
    out += ",\"data\":[";
    for (size_t i = 0, n = v.count(); i < n; ++i) {
      if (i != 0) out += ',';
      append_element(v, i, out);
    }
    out += ']';
  }
  out += '}';
  return {};
}

}  // namespace

// An exponent below 1e-4 and from 1e16, with the digits that read back the same.
void append_json_number(std::string& out, double v) {
  double size = std::fabs(v);
  if (!(size <= 1.7976931348623157e308)) {
    out += "null";
    return;
  }
  if (size < 1e15 && v == std::trunc(v) && !(v == 0 && std::signbit(v))) {
    append_number(out, static_cast<int64_t>(v));
    out += ".0";
    return;
  }
  bool exponent = v != 0 && (size < 1e-4 || size >= 1e16);
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, v,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed);
  std::string_view digits(text, static_cast<size_t>(end.ptr - text));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_json_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  bool ascii = true;
  for (char c : text) ascii &= static_cast<unsigned char>(c) < 0x80;
  if (!ascii && !is_utf8(text)) {  // byte by byte, as Latin-1
    std::string utf8;
    for (char c : text) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80)
        utf8 += c;
      else
        (utf8 += static_cast<char>(0xc0 | byte >> 6)) += static_cast<char>(0x80 | (byte & 63));
    }
    return append_json_text(out, utf8);
  }
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (byte < 0x20)
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    else
      out += c;
  }
  out += '"';
}

void append_predictions(const InferResponse& response, std::string& out) {
  if (response.outputs.size() == 1) return append_nested(response.outputs[0].values, out);
  bool named = is_named(response);
  out += '[';
  size_t count = named && !response.outputs.empty() ? response.outputs[0].values.shape[0]
                                                    : response.outputs.size();
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out += ", ";
    if (!named) {
      append_nested(response.outputs[i].values, out);
      continue;
    }
    out += '{';
    for (const OutputTensor& o : response.outputs) {
      if (&o != response.outputs.data()) out += ", ";
      append_json_text(out, o.name);
      out += ": ";
      append_row(o.values, i, out);
    }
    out += '}';
  }
  out += ']';
}

void append_response_head(const InferResponse& response, std::string& out) {
  out += "{\"model_name\":";
  append_json_text(out, response.model);
  out += ",\"model_version\":";
  if (response.version.empty())
    out += "null";
  else
    append_json_text(out, response.version);
  out += ",\"id\":";
  append_json_text(out, response.id);
}

Result<std::optional<size_t>> append_infer_response(const InferRequest& request,
                                                    const InferResponse& response,
                                                    std::string& out) {
  size_t start = out.size();
  bool any_binary = false;
  append_response_head(response, out);
  out += ',';
  append_parameters(response.parameters, 0, false, out);
  out += ",\"outputs\":[";
  for (const OutputTensor& o : response.outputs) {
    if (&o != response.outputs.data()) out += ',';
    bool binary = wants_binary(request, o);
    any_binary |= binary;
    TRY_STATUS(append_output(o, binary, out));
  }
  out += "]}";
  if (!any_binary) return std::optional<size_t>();
  size_t json_length = out.size() - start;
  for (const OutputTensor& o : response.outputs)
    if (wants_binary(request, o)) append_raw(o.values, out);
  return std::optional<size_t>(json_length);
}

}  // namespace proa::protocols
