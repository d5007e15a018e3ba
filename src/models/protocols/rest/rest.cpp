#include "models/protocols/rest/rest.h"

#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/protocols/json_write.h"

namespace proa::protocols {
namespace {

constexpr size_t kKeptWork = 8 << 20;
constexpr std::string_view kAllowGet = "allow: GET\r\n", kAllowPost = "allow: POST\r\n";

HttpAnswer not_found(std::string& out) {
  out += R"({"detail":"Not Found"})";
  return {404, "application/json", {}};
}

void append_tensors(const std::vector<inference::TensorInfo>& tensors, std::string& out) {
  out += '[';
  for (const auto& t : tensors) {
    if (&t != tensors.data()) out += ',';
    out += "{\"name\":";
    append_json_text(out, t.name);
    out += str(",\"datatype\":\"", inference::to_string(t.type), "\",\"shape\":[");
    for (size_t i = 0; i < t.shape.size(); ++i) {
      if (i != 0) out += ',';
      append_number(out, t.shape[i]);
    }
    out += "]}";
  }
  out += ']';
}

void append_texts(const std::vector<std::string>& texts, std::string& out) {
  out += '[';
  for (const std::string& t : texts) {
    if (&t != texts.data()) out += ',';
    append_json_text(out, t);
  }
  out += ']';
}

http::Response to_response(const HttpAnswer& answer, std::string body) {
  http::Response r;
  r.status = answer.status;
  r.headers.set("content-type", answer.content_type);
  for (std::string_view line : split(answer.extra, '\n'))
    if (size_t colon = line.find(": "); colon != std::string_view::npos)
      r.headers.add(line.substr(0, colon), trim(line.substr(colon + 2)));
  r.body = std::move(body);
  return r;
}

std::vector<http::FieldView> fields_of(const http::Request& request) {
  std::vector<http::FieldView> fields;
  for (const auto& [name, value] : request.headers) fields.push_back({name, value});
  return fields;
}

http::RequestView view_of(const http::Request& request, std::span<const http::FieldView> fields) {
  http::RequestView v;
  v.method = request.method;
  v.target = request.target;
  v.authority = request.authority;
  v.body = request.body;
  v.fields = fields;
  v.version = request.version;
  v.tls = request.tls;
  v.peer = request.peer;
  return v;
}

}  // namespace

// A request that waits to be batched: it owns the HTTP request that its views look into.
class Rest::Later : public Call {
 public:
  Later(Rest& rest, http::Request http, const Route& route,
        std::shared_ptr<http::Responder> responder)
      : rest_(rest),
        http_(std::move(http)),
        model_(route.model),
        version_(route.version),
        endpoint_(route.endpoint),
        responder_(std::move(responder)),
        job_(rest.options_) {}

  Status read() {
    job_.set_tensors(rest_.service_.handling(model_, version_).tensors);
    fields_ = fields_of(http_);
    return job_.read(view_of(http_, fields_), {endpoint_, true, model_, version_, {}}, work,
                     request);
  }
  void done(Status status) override {
    std::string body;
    HttpAnswer a = job_.write(status, request, response, rest_.service_.retry_after(), body);
    responder_->send(to_response(a, std::move(body)));
  }
  bool abandoned() const override { return responder_->closed(); }

 private:
  Rest& rest_;
  http::Request http_;
  std::vector<http::FieldView> fields_;
  std::string model_, version_;
  Endpoint endpoint_;
  std::shared_ptr<http::Responder> responder_;
  Job job_;
};

Rest::Rest(Service& service, RestOptions options, Metrics metrics)
    : service_(service),
      options_(std::move(options)),
      metrics_(std::move(metrics)),
      job_(options_) {}

Route Rest::route_of(std::string_view path) {
  if (path.find('%') == std::string_view::npos) [[likely]]
    return route(path);
  auto decoded = percent_decode(path);
  if (!decoded) return {};
  decoded_path_ = std::move(*decoded);
  return route(decoded_path_);
}

// The version that a label stands for.
Status Rest::resolve(Route& r) {
  TRY(label_version_, service_.version_of(r.model, r.label));
  r.version = label_version_;
  return {};
}

bool Rest::waits(const Route& r) {
  switch (r.endpoint) {
    case Endpoint::kV1Predict:
    case Endpoint::kInfer: {
      Service::Handling handling = service_.handling(r.model, r.version);
      job_.set_tensors(handling.tensors);
      return handling.later;
    }
    case Endpoint::kLoad:
    case Endpoint::kUnload:
      return true;
    default:
      return false;
  }
}

bool Rest::answer(const http::RequestView& request, http::ResponseBuffer& response) {
  Route r = route_of(request.path());
  Status known = r.label.empty() ? Status() : resolve(r);
  if (known.ok() && request.method == "POST" && waits(r)) return false;
  HttpAnswer a =
      known.ok() ? now(request, r, response.body()) : error_answer(known.error(), response.body());
  response.finish(a.status, a.content_type, a.extra);
  return true;
}

void Rest::answer_later(http::Request request, std::shared_ptr<http::Responder> responder) {
  Route r = route_of(request.path());
  Status known = r.label.empty() ? Status() : resolve(r);
  if (!known.ok() || request.method != "POST" || !waits(r)) {
    auto fields = fields_of(request);
    std::string body;
    HttpAnswer a =
        known.ok() ? now(view_of(request, fields), r, body) : error_answer(known.error(), body);
    return responder->send(to_response(a, std::move(body)));
  }
  if (r.endpoint == Endpoint::kLoad || r.endpoint == Endpoint::kUnload)
    return change(r, std::move(responder));
  auto later = std::make_unique<Later>(*this, std::move(request), r, std::move(responder));
  if (Status s = later->read(); !s.ok()) return later->done(std::move(s));
  service_.infer_later(std::move(later));
}

HttpAnswer Rest::now(const http::RequestView& request, const Route& r, std::string& out) {
  if (r.endpoint == Endpoint::kNone) return not_found(out);
  bool get_like = request.method == "GET" || request.method == "HEAD";
  if (r.post ? request.method != "POST" : !get_like) {
    out += R"({"detail":"Method Not Allowed"})";
    return {405, "application/json", r.post ? kAllowPost : kAllowGet};
  }
  switch (r.endpoint) {
    case Endpoint::kV1Predict:
    case Endpoint::kInfer:
      return infer(request, r, out);
    case Endpoint::kV1Classify:
    case Endpoint::kV1Regress:
      return judge(request, r, out);
    case Endpoint::kIndex:
      return index(request.body, out);
    case Endpoint::kV1Explain:
      if (auto known = service_.model_ready(r.model, {}); !known.ok())
        return error_answer(known.error(), out);
      return error_answer(error(Code::kUnimplemented, "Explainer not implemented for this model"),
                          out);
    default:
      return get(r, out);
  }
}

HttpAnswer Rest::infer(const http::RequestView& request, const Route& r, std::string& out) {
  response_ = {};
  Status s = job_.read(request, r, work_, request_);
  // What is wrong with the body is said after what is wrong with the name.
  if (!s.ok())
    if (auto known = service_.model_ready(r.model, r.version); !known.ok()) s = known.error();
  if (s.ok()) s = service_.infer(request_, work_, response_);
  HttpAnswer a = job_.write(s, request_, response_, service_.retry_after(), out);
  if (work_.capacity() > kKeptWork) {
    work_.reset();
    work_.trim(kKeptWork);
  }
  return a;
}

HttpAnswer Rest::get(const Route& r, std::string& out) {
  switch (r.endpoint) {
    case Endpoint::kAlive:
      out += R"({"status":"alive"})";
      return {};
    case Endpoint::kMetrics:
      metrics_(out);
      return {200, "text/plain; version=0.0.4; charset=utf-8", {}};
    case Endpoint::kV1Models:
    case Endpoint::kV2Models:
      return models(out);
    case Endpoint::kServer:
      return server(out);
    case Endpoint::kLive:
      out += service_.live() ? R"({"live":true})" : R"({"live":false})";
      return {service_.live() ? 200 : 503, "application/json", {}};
    case Endpoint::kReady:
      return ready(out);
    case Endpoint::kModel:
      return model(r, out);
    case Endpoint::kV1Metadata:
      return signatures(r, out);
    case Endpoint::kV1Model:
      if (auto m = service_.model_metadata(r.model, r.version); m.ok() && m->tensorflow)
        return version_states(r, out);
      return model_ready(r, out);
    case Endpoint::kModelReady:
      return model_ready(r, out);
    default:
      return not_found(out);
  }
}

HttpAnswer Rest::models(std::string& out) {
  out += "{\"models\":";
  append_texts(service_.models(), out);
  out += '}';
  return {};
}

HttpAnswer Rest::server(std::string& out) {
  ServerMetadata m = service_.server_metadata();
  out += "{\"name\":";
  append_json_text(out, m.name);
  out += ",\"version\":";
  append_json_text(out, m.version);
  out += ",\"extensions\":";
  append_texts(m.extensions, out);
  out += '}';
  return {};
}

HttpAnswer Rest::ready(std::string& out) {
  bool yes = service_.ready();
  out += yes ? R"({"ready":true})" : R"({"ready":false})";
  return {yes ? 200 : 503, "application/json", {}};
}

HttpAnswer Rest::model(const Route& r, std::string& out) {
  auto m = service_.model_metadata(r.model, r.version);
  if (!m.ok()) return error_answer(m.error(), out);
  out += "{\"name\":";
  append_json_text(out, m->name);
  if (!m->versions.empty()) {
    out += ",\"versions\":";
    append_texts(m->versions, out);
  }
  out += ",\"platform\":";
  append_json_text(out, m->platform);
  out += ",\"inputs\":";
  append_tensors(m->inputs, out);
  out += ",\"outputs\":";
  append_tensors(m->outputs, out);
  out += '}';
  return {};
}

HttpAnswer Rest::model_ready(const Route& r, std::string& out) {
  auto yes = service_.model_ready(r.model, r.version);
  if (!yes.ok()) return error_answer(yes.error(), out);
  if (!*yes)
    return error_answer(
        error(Code::kUnavailable, str("Model with name ", r.model, " is not ready.")), out);
  out += "{\"name\":";
  append_json_text(out, r.model);
  out += ",\"ready\":true}";
  return {};
}

HttpAnswer Rest::index(std::string_view body, std::string& out) {
  bool ready_only = false;
  if (!trim(body).empty()) {
    auto parsed = json::parse(body, {1 << 16, 20});
    if (!parsed.ok() || !parsed->is_object())
      return error_answer(
          error(Code::kInvalid, str("Unrecognized request format: ",
                                    parsed.ok() ? "no JSON object" : parsed.error().message)),
          out);
    ready_only = (*parsed)["ready"].boolean();
  }
  out += '[';
  bool first = true;
  for (const IndexEntry& e : service_.index(ready_only)) {
    if (!std::exchange(first, false)) out += ',';
    out += "{\"name\":";
    append_json_text(out, e.name);
    if (!e.version.empty()) {
      out += ",\"version\":";
      append_json_text(out, e.version);
    }
    out += ",\"state\":";
    append_json_text(out, e.state);
    out += ",\"reason\":";
    append_json_text(out, e.reason);
    out += '}';
  }
  out += ']';
  return {};
}

void Rest::change(const Route& r, std::shared_ptr<http::Responder> responder) {
  bool load = r.endpoint == Endpoint::kLoad;
  auto done = [load, name = std::string(r.model), responder](Status s) {
    std::string body;
    HttpAnswer a;
    if (s.ok()) {
      body = "{\"name\":";
      append_json_text(body, name);
      body += load ? ",\"load\":true}" : ",\"unload\":true}";
    } else if (load) {  // KServe's code for every load that fails
      a = error_answer(error(Code::kUnavailable,
                             str("Model with name ", name, " is not ready. ", s.error().message)),
                       body);
    } else {
      a = error_answer(s.error(), body);
    }
    responder->send(to_response(a, std::move(body)));
  };
  std::string name(r.model);
  load ? service_.load(name, std::move(done)) : service_.unload(name, std::move(done));
}

}  // namespace proa::protocols
