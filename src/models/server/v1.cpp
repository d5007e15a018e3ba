#include "models/server/v1.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "foundation/base/clock.h"
#include "foundation/base/strings.h"

namespace proa::models {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      ((out += "\\u00") += kHex[c >> 4]) += kHex[c & 15];
    else
      out += c;
  }
}

// KServe's form of errors; FastAPI's for what has no route.
Answer fail(int status, std::string_view message, std::string& out) {
  out += "{\"error\":\"";
  append_escaped(out, is_utf8(message) ? message : "the request holds bytes that are no UTF-8");
  out += "\"}";
  return {status};
}
Answer not_found(std::string& out) {
  out += R"({"detail":"Not Found"})";
  return {404};
}
Answer wrong_method(std::string_view allowed, std::string& out) {
  out += R"({"detail":"Method Not Allowed"})";
  return {405, "application/json", allowed};
}
constexpr std::string_view kAllowGet = "allow: GET\r\n";
constexpr std::string_view kAllowPost = "allow: POST\r\n";

// As Python's json.dumps writes lists: [1, 1] and [[0.5, 0.5], …].
void append_output(const engines::Output& o, size_t rows, std::string& out) {
  out += '[';
  for (size_t r = 0; r < rows; ++r) {
    if (r != 0) out += ", ";
    if (o.labels) {
      out += o.labels->json[o.classes[r]];
    } else if (o.width == 0) {
      engines::append_float(out, o.numbers[r]);
    } else {
      out += '[';
      for (size_t c = 0; c < o.width; ++c) {
        if (c != 0) out += ", ";
        engines::append_float(out, o.numbers[r * o.width + c]);
      }
      out += ']';
    }
  }
  out += ']';
}

metrics::Histogram& stage(metrics::Registry& registry, const char* name, const char* help,
                          const std::string& model) {
  return registry.histogram(name, help, {{"model_name", model}},
                            {.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10});
}

int http_status(Code code) {
  switch (code) {
    case Code::kInvalid:
      return 400;
    case Code::kTooLarge:
      return 413;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

V1::V1(std::string model_name, std::unique_ptr<engines::Model> model, metrics::Registry& registry)
    : name_(std::move(model_name)),
      predict_path_(str("/v1/models/", name_, ":predict")),
      model_(std::move(model)),
      session_(model_->session()),
      registry_(registry),
      preprocess_(
          stage(registry, "request_preprocess_seconds", "pre-process request latency", name_)),
      predict_(stage(registry, "request_predict_seconds", "predict request latency", name_)),
      postprocess_(
          stage(registry, "request_postprocess_seconds", "post-process request latency", name_)) {}

Answer V1::answer(std::string_view method, std::string_view path, std::string_view body,
                  std::string& out) {
  if (path == predict_path_ && method == "POST") [[likely]]
    return predict(body, out);
  if (method == "HEAD") method = "GET";
  if (path.find('%') != std::string_view::npos) {
    auto decoded = percent_decode(path);
    if (!decoded) return not_found(out);
    if (decoded->starts_with("/v1/models/")) return model(method, decoded->substr(11), body, out);
    return other(method, *decoded, out);
  }
  if (path.starts_with("/v1/models/")) return model(method, path.substr(11), body, out);
  return other(method, path, out);
}

Answer V1::predict(std::string_view body, std::string& out) {
  using Time = std::chrono::steady_clock;
  auto since = [](Time::time_point a, Time::time_point b) {
    return std::chrono::duration<double>(b - a).count();
  };
  auto start = Time::now();
  if (Status s = parse_rows(body, rows_); !s.ok())
    return fail(http_status(s.error().code), s.error().message, out);
  auto parsed = Time::now();
  engines::Batch batch{std::span(rows_.values).first(rows_.rows * rows_.columns), rows_.rows,
                       rows_.columns};
  if (Status s = session_->predict(batch, output_); !s.ok())
    return fail(http_status(s.error().code), s.error().message, out);
  auto predicted = Time::now();
  out += "{\"predictions\": ";
  append_output(output_, rows_.rows, out);
  out += '}';
  preprocess_.observe(since(start, parsed));
  predict_.observe(since(parsed, predicted));
  postprocess_.observe(since(predicted, Time::now()));
  return {};
}

// `rest`: what follows /v1/models/, "NAME", "NAME:predict", "NAME:explain".
Answer V1::model(std::string_view method, std::string_view rest, std::string_view body,
                 std::string& out) {
  if (rest.empty() || rest.find('/') != std::string_view::npos) return not_found(out);
  size_t colon = rest.rfind(':');
  std::string_view verb = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  std::string_view name = rest.substr(0, colon);
  if (!verb.empty() && verb != "predict" && verb != "explain") {
    verb = "";
    name = rest;
  }
  if (verb.empty() && method != "GET") return wrong_method(kAllowGet, out);
  if (!verb.empty() && method != "POST") return wrong_method(kAllowPost, out);
  if (name != name_)
    return fail(404, str("Model with name ", shorten(name, 200), " does not exist."), out);
  if (verb == "predict") return predict(body, out);
  if (verb == "explain") return fail(501, "Explainer not implemented for this model", out);
  if (!ready_) return fail(503, str("Model with name ", name_, " is not ready."), out);
  out += str("{\"name\":\"", name_, "\",\"ready\":true}");
  return {};
}

Answer V1::other(std::string_view method, std::string_view path, std::string& out) {
  bool known = path == "/" || path == "/v1/models" || path == "/v2/health/live" ||
               path == "/v2/health/ready" || path == "/metrics";
  if (!known) return not_found(out);
  if (method != "GET") return wrong_method(kAllowGet, out);
  if (path == "/")
    out += R"({"status":"alive"})";
  else if (path == "/v1/models")
    out += str("{\"models\":[\"", name_, "\"]}");
  else if (path == "/v2/health/live")
    out += R"({"live":true})";
  else if (path == "/metrics")
    return metrics_text(out);
  else {
    out += ready_ ? R"({"ready":true})" : R"({"ready":false})";
    return {ready_ ? 200 : 503};
  }
  return {};
}

Answer V1::metrics_text(std::string& out) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  long total = 0, resident = 0;
  if (FILE* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  registry_.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .set(static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  registry_.gauge("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
      .set(cpu);
  out += registry_.text();
  return {200, "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace proa::models
