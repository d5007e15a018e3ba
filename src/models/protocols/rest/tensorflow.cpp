// TensorFlow Serving's REST beside V1: the states of versions, signatures, :classify and :regress.
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/protocols/json_write.h"
#include "models/protocols/rest/rest.h"
#include "models/protocols/tfserving/tensor_proto.h"
#include "models/protocols/tfserving/tensorflow_service.h"

namespace proa::protocols {
namespace {

void append_signature_tensors(const std::vector<inference::SignatureTensor>& tensors,
                              std::string& out) {
  out += '{';
  for (const inference::SignatureTensor& t : tensors) {
    if (&t != tensors.data()) out += ',';
    append_json_text(out, t.name);
    out += str(":{\"dtype\":\"", tensorflow_type_name(t.type), "\",\"tensor_shape\":{\"dim\":[");
    for (size_t d = 0; d < t.shape.size(); ++d)
      out += str(d == 0 ? "" : ",", "{\"size\":\"", t.shape[d], "\",\"name\":\"\"}");
    out += str("],\"unknown_rank\":", t.any_rank, "},\"name\":");
    append_json_text(out, t.tensor);
    out += '}';
  }
  out += '}';
}

void append_signature(const inference::Signature& s, std::string& out) {
  append_json_text(out, s.name);
  out += ":{\"inputs\":";
  append_signature_tensors(s.inputs, out);
  out += ",\"outputs\":";
  append_signature_tensors(s.outputs, out);
  out += ",\"method_name\":";
  append_json_text(out, s.method);
  out += '}';
}

void append_classes_json(const Classes& classes, std::string& out) {
  for (size_t r = 0; r < classes.rows; ++r) {
    out += r == 0 ? "[" : ", [";
    for (size_t i = 0; i < classes.width; ++i) {
      const Scored& s = classes.all[r * classes.width + i];
      out += i == 0 ? "[" : ", [";
      append_json_text(out, s.label);
      out += ", ";
      append_json_number(out, static_cast<double>(s.score));
      out += ']';
    }
    out += ']';
  }
}

}  // namespace

HttpAnswer Rest::version_states(const Route& r, std::string& out) {
  auto states = service_.version_states(r.model, r.version);
  if (!states.ok()) return error_answer(states.error(), out);
  out += "{\"model_version_status\":[";
  for (const VersionState& s : *states) {
    if (&s != states->data()) out += ',';
    out += str("{\"version\":\"", version_number(s.version), "\",\"state\":\"",
               s.available ? "AVAILABLE" : "END", "\",\"status\":{\"error_code\":\"",
               s.available ? "OK" : "UNAVAILABLE", "\",\"error_message\":");
    append_json_text(out, s.reason);
    out += "}}";
  }
  out += "]}";
  return {};
}

HttpAnswer Rest::signatures(const Route& r, std::string& out) {
  auto model = service_.model_metadata(r.model, r.version);
  if (!model.ok()) return error_answer(model.error(), out);
  out += "{\"model_spec\":{\"name\":";
  append_json_text(out, model->name);
  out += str(",\"signature_name\":\"\",\"version\":\"", version_number(model->version),
             "\"},\"metadata\":{\"signature_def\":{\"signature_def\":{");
  auto all = signatures_of(*model);
  for (const inference::Signature& s : all) {
    if (&s != all.data()) out += ',';
    append_signature(s, out);
  }
  out += "}}}}";
  return {};
}

Status Rest::judge_body(std::string_view body, const Route& r, std::string& out) {
  auto parsed = json::parse(body, {options_.most_body_bytes, 20});
  if (!parsed.ok() || !parsed->is_object())
    return error(Code::kInvalid, str("Unrecognized request format: ",
                                     parsed.ok() ? "no JSON object" : parsed.error().message));
  work_.reset();
  Examples examples;
  TRY_STATUS(read_examples(*parsed, work_, examples));
  InferRequest request;
  request.model = r.model;
  request.version = r.version;
  request.signature = (*parsed)["signature_name"].str();
  request.id = "-";  // the protocol has none
  response_ = {};
  TRY_STATUS(ask_with_examples(service_, examples, request, work_, response_));
  size_t rows = examples.rows.size();
  if (r.endpoint == Endpoint::kV1Classify) {
    TRY(Classes classes, classes_of(response_, rows, work_));
    out += "{\"result\": [";
    append_classes_json(classes, out);
  } else {
    TRY(auto values, values_of(response_, rows, work_));
    out += "{\"result\": [";
    for (size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out += ", ";
      append_json_number(out, static_cast<double>(values[i]));
    }
  }
  out += "]}";
  return {};
}

HttpAnswer Rest::judge(const http::RequestView& request, const Route& r, std::string& out) {
  std::string_view body = request.body, coding_name;
  for (const http::FieldView& field : request.fields)
    if (iequals(field.name, "content-encoding")) coding_name = field.value;
  Status s;
  std::string unpacked;
  if (!coding_name.empty()) {
    auto coding = coding_of(coding_name);
    if (!coding.ok()) return error_answer(coding.error(), out);
    if (*coding != Coding::kIdentity) {
      s = decode(*coding, body, options_.most_body_bytes, unpacked);
      body = unpacked;
    }
  }
  if (s.ok()) s = judge_body(body, r, out);
  return s.ok() ? HttpAnswer() : error_answer(s.error(), out);
}

}  // namespace proa::protocols
