#include "models/protocols/rest/job.h"

#include "foundation/base/clock.h"
#include "foundation/base/strings.h"
#include "foundation/obs/metrics.h"
#include "models/protocols/json_write.h"
#include "models/protocols/tensor/write.h"

namespace proa::protocols {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kKept = 1 << 20;  // buffers larger than this are given back

bool is_name(std::string_view name, std::string_view lower_name) {
  for (size_t i = 0; i < name.size(); ++i)
    if ((name[i] | 0x20) != lower_name[i] && name[i] != lower_name[i]) return false;
  return true;
}

}  // namespace

int http_status(Code code) {
  switch (code) {
    case Code::kInvalid:
      return 400;
    case Code::kUnprocessable:
      return 422;
    case Code::kNotFound:
      return 404;
    case Code::kTooLarge:
      return 413;
    case Code::kUnsupportedMedia:
      return 415;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
    case Code::kExhausted:
      return 503;
    case Code::kDeadline:
      return 504;
    default:
      return 500;
  }
}

HttpAnswer error_answer(const Error& e, std::string& out) {
  out.clear();
  out += "{\"error\":";
  append_json_text(out, e.message);
  if (e.code == Code::kUnprocessable) {
    out += R"(,"detail":[{"type":"value_error","loc":["body"],"msg":)";
    append_json_text(out, e.message);
    out += "}]";
  }
  out += '}';
  HttpAnswer answer;
  answer.status = http_status(e.code);
  return answer;
}

Job::Fields Job::fields_of(const http::RequestView& http) {
  Fields f;
  for (const http::FieldView& field : http.fields) {
    switch (field.name.size()) {
      case 12:
        if (is_name(field.name, "content-type")) f.content_type = field.value;
        break;
      case 15:
        if (is_name(field.name, "accept-encoding")) f.accept_encoding = field.value;
        break;
      case 16:
        if (is_name(field.name, "content-encoding")) f.content_encoding = field.value;
        break;
      case 31:
        if (is_name(field.name, "inference-header-content-length")) f.json_length = field.value;
        break;
      default:
        break;
    }
    if (field.name.size() > 3 && field.name[2] == '-' && is_name(field.name.substr(0, 3), "ce-"))
      f.cloud = true;
  }
  return f;
}

Status Job::read_v1(std::string_view body, Workspace& work, InferRequest& request) {
  if (tensors_) {
    request.body = body;
    return {};
  }
  TRY_STATUS(rows_.read(body, work));
  request.rows = &rows_.table();
  request.parameters = rows_.parameters();
  return {};
}

Status Job::read_v2(std::string_view body, const Fields& fields, Workspace& work,
                    InferRequest& request) {
  std::optional<size_t> json_length;
  if (!fields.json_length.empty()) {
    auto n = parse_int(trim(fields.json_length));
    if (!n || *n < 0)
      return error(Code::kInvalid, str("inference-header-content-length: '",
                                       shorten(fields.json_length, 40), "' is no length"));
    json_length = static_cast<size_t>(*n);
  } else if (fields.content_type.starts_with("application/octet-stream")) {
    return error(Code::kInvalid,
                 "received byte inputs, but the'inference-header-content-length' header is "
                 "missing.");
  }
  return infer_.read(body, json_length, work, request);
}

Status Job::read(const http::RequestView& http, const Route& route, Workspace& work,
                 InferRequest& request) {
  start_ = Clock::now();
  work.reset();
  request = {};
  request.model = route.model;
  request.version = route.version;
  v2_ = route.endpoint == Endpoint::kInfer;
  event_.reset();
  content_type_ = "application/json";
  extra_.clear();
  Fields fields = fields_of(http);
  answer_coding_ =
      fields.accept_encoding.empty() ? Coding::kIdentity : accepted_coding(fields.accept_encoding);
  std::string_view body = http.body;
  if (!fields.content_encoding.empty()) {
    TRY(Coding coding, coding_of(fields.content_encoding));
    if (coding != Coding::kIdentity) {
      TRY_STATUS(decode(coding, body, options_.most_body_bytes, unpacked_));
      body = unpacked_;
    }
  }
  if (!v2_ && (fields.cloud || fields.content_type.starts_with("application/cloudevents"))) {
    TRY(auto event, cloud_event(http.fields, fields.content_type, body));
    if (event) {
      event_ = std::make_unique<CloudEvent>(std::move(*event));
      if (event_->structured) body = event_->data;
    }
  }
  return v2_ ? read_v2(body, fields, work, request) : read_v1(body, work, request);
}

void Job::write_event(std::string_view model, std::string& out) {
  Workspace work;
  std::string id = str("proa-", static_cast<uint64_t>(Clock::now().time_since_epoch().count()));
  CloudAnswer a =
      cloud_answer(*event_, options_.events, model, id, rfc3339(real_clock().wall(), true), out);
  extra_ += a.headers;
  if (!event_->structured) return;
  out = std::move(a.body);
  content_type_ = "application/cloudevents+json";
}

void Job::compress(std::string& out) {
  if (answer_coding_ == Coding::kIdentity || out.size() < options_.compress_from) return;
  if (!encode(answer_coding_, out, packed_).ok()) return;
  std::swap(out, packed_);
  extra_ += "content-encoding: ";
  extra_ += to_string(answer_coding_);
  extra_ += "\r\nvary: accept-encoding\r\n";
}

Status Job::write_body(const InferRequest& request, const InferResponse& response,
                       std::string& out) {
  if (!v2_) {
    out += response.columnar ? "{\"outputs\": " : "{\"predictions\": ";
    if (response.tensors.empty())
      append_predictions(response, out);
    else if (response.columnar)
      append_tensor_outputs(response.tensors, out);
    else
      append_tensor_predictions(response.tensors, out);
    out += '}';
    if (event_) write_event(request.model, out);
    return {};
  }
  TRY(auto json_length, response.tensors.empty()
                            ? append_infer_response(request, response, out)
                            : append_tensor_response(request, response, out));
  if (json_length) {
    content_type_ = "application/octet-stream";
    extra_ += "inference-header-content-length: ";
    append_number(extra_, static_cast<uint64_t>(*json_length));
    extra_ += "\r\n";
  }
  return {};
}

void Job::measure(const InferResponse& response) const {
  if (!response.stages) return;
  response.stages->preprocess->observe(seconds(response.asked - start_));
  response.stages->postprocess->observe(seconds(Clock::now() - response.answered));
}

HttpAnswer Job::write(const Status& status, const InferRequest& request,
                      const InferResponse& response, int retry_after, std::string& out) {
  Status s = status.ok() ? write_body(request, response, out) : status;
  HttpAnswer answer;
  if (s.ok()) {
    compress(out);
    answer.content_type = content_type_;
    measure(response);
  } else {
    answer = error_answer(s.error(), out);
    extra_.clear();
    if (answer.status == 503) extra_ = str("retry-after: ", retry_after, "\r\n");
  }
  answer.extra = extra_;
  for (std::string* buffer : {&unpacked_, &packed_})
    if (buffer->capacity() > kKept) std::string().swap(*buffer);
  return answer;
}

}  // namespace proa::protocols
