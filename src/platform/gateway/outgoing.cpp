#include "platform/gateway/outgoing.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

// Longest first letters first: this runs for every header of every request.
bool is_platform_header(std::string_view name) {
  char first = name.empty() ? '\0' : static_cast<char>(name[0] | 0x20);
  if (first != 'k') return false;
  if (name.size() > 2 && name[1] == '-') return true;
  constexpr std::string_view kKnative = "knative-serving-";
  return name.size() > kKnative.size() && iequals(name.substr(0, kKnative.size()), kKnative);
}

std::string_view peer_address(std::string_view peer) {
  std::string_view address = peer.substr(0, peer.rfind(':'));
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  return address;
}

void change_headers(http::Headers& headers, const HeaderChange& change) {
  for (const std::string& name : change.remove) headers.remove(name);
  for (const auto& [name, value] : change.set) headers.set(name, value);
  for (const auto& [name, value] : change.add) headers.add(name, value);
}

void make_upstream_head(const http::RequestHead& in, const Matched& matched, const Destination& to,
                        std::string_view request_id, http::RequestHead& out) {
  const Rule& rule = *matched.rule;
  out.method = in.method;
  out.authority = rule.authority.empty() ? in.authority : rule.authority;
  out.upgrade = in.upgrade;
  out.content_length = in.content_length;
  if (rule.rewrite.empty()) {
    out.target = in.target;
  } else {
    size_t question = in.target.find('?');
    std::string_view query;
    if (question != std::string::npos) query = std::string_view(in.target).substr(question + 1);
    out.target = rewritten_target(rule, matched.prefix, in.path(), query);
  }
  out.headers.clear();
  std::string_view forwarded;
  bool has_proto = false, has_id = false;
  for (const auto& [name, value] : in.headers) {
    if (name.empty() || is_platform_header(name)) continue;
    if (name.size() == 6 && iequals(name, "expect")) continue;  // 100 Continue is given here
    if ((name[0] | 0x20) == 'x') {
      if (iequals(name, "x-forwarded-for")) {
        forwarded = value;
        continue;
      }
      has_proto = has_proto || iequals(name, "x-forwarded-proto");
      if (iequals(name, "x-request-id")) {
        if (has_id) continue;
        has_id = true;
      }
    }
    out.headers.add(name, value);
  }
  std::string_view peer = peer_address(in.peer);
  if (forwarded.empty())
    out.headers.add("x-forwarded-for", peer);
  else
    out.headers.add("x-forwarded-for", str(forwarded, ", ", peer));
  if (!has_proto) out.headers.add("x-forwarded-proto", in.tls ? "https" : "http");
  if (!has_id) out.headers.add("x-request-id", request_id);
  if (!rule.request.empty()) change_headers(out.headers, rule.request);
  if (!to.request.empty()) change_headers(out.headers, to.request);
}

std::string redirect_location(const Redirect& redirect, const http::RequestHead& in, size_t prefix,
                              uint16_t listener) {
  const std::string_view was = in.tls ? "https" : "http";
  const std::string_view scheme = redirect.scheme.empty() ? was : std::string_view(redirect.scheme);
  std::string buffer;
  uint16_t port = 0;
  std::string authority(
      bare_host(redirect.authority.empty() ? in.authority : redirect.authority, buffer, port));
  if (redirect.port)
    port = redirect.port;
  else if (redirect.derive == Redirect::kOfScheme)
    port = 0;
  else if (redirect.derive == Redirect::kOfListener)
    port = listener;
  else if (scheme != was && redirect.authority.empty())
    port = 0;  // the request's port is of the other scheme
  bool usual = port == 0 || (redirect.port == 0 && ((scheme == "http" && port == 80) ||
                                                    (scheme == "https" && port == 443)));
  if (!usual) authority += str(":", port);
  std::string path =
      redirect.uri.empty() ? std::string(in.path()) : redirected_path(redirect, prefix, in.path());
  size_t question = in.target.find('?');
  if (question != std::string::npos && path.find('?') == std::string::npos)
    path += in.target.substr(question);
  return str(scheme, "://", authority, path);
}

std::string error_body(std::string_view text) {
  std::string out = "{\"error\": \"";
  static constexpr char kHex[] = "0123456789abcdef";
  for (char ch : text) {
    auto c = static_cast<unsigned char>(ch);
    if (c == '"' || c == '\\')
      out += '\\', out += ch;
    else if (c < 0x20 || c >= 0x7f)
      out += "\\u00", out += kHex[c >> 4], out += kHex[c & 15];
    else
      out += ch;
  }
  out += "\"}";
  return out;
}

// Statuses as gRPC's own proxies give them for HTTP's ("HTTP to gRPC Status Code Mapping").
http::Headers grpc_error(int status, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string message;
  for (char ch : text) {
    auto c = static_cast<unsigned char>(ch);
    if (c < 0x20 || c >= 0x7f || c == '%')
      message += '%', message += kHex[c >> 4], message += kHex[c & 15];
    else
      message += ch;
  }
  const char* code = "2";
  if (status == 404) code = "12";
  if (status == 413) code = "8";
  if (status == 429 || status == 502 || status == 503) code = "14";
  if (status == 504) code = "4";
  return {{"content-type", "application/grpc"}, {"grpc-status", code}, {"grpc-message", message}};
}

void count_answer(Backend& backend, metrics::Registry& registry, int status, Duration took) {
  if (!backend.is_revision()) return;
  const BackendMetrics& m = backend.measures(registry);
  const int code_class = status >= 100 && status < 600 ? status / 100 : 0;
  m.requests[code_class]->add();
  m.latency[code_class]->observe(seconds(took));
}

bool is_repeatable(std::string_view method, std::string_view path) {
  for (std::string_view m : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    if (method == m) return true;
  if (method != "POST") return false;
  if (path.starts_with("/v1/models/"))
    return path.ends_with(":predict") || path.ends_with(":explain") ||
           path.ends_with(":classify") || path.ends_with(":regress");
  if (path.starts_with("/tensorflow.serving.PredictionService/")) return true;
  if (path == "/inference.GRPCInferenceService/ModelInfer") return true;
  return path.starts_with("/v2/models/") && path.ends_with("/infer");
}

std::string uuid_text(uint64_t a, uint64_t b) {
  static constexpr char kHex[] = "0123456789abcdef";
  a = (a & ~uint64_t{0xf000}) | 0x4000;
  b = (b & ~(uint64_t{3} << 62)) | (uint64_t{1} << 63);
  std::string out(36, '-');
  size_t at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) ++at;
    uint64_t word = i < 16 ? a : b;
    out[at++] = kHex[(word >> (60 - 4 * (i % 16))) & 15];
  }
  return out;
}

}  // namespace proa::gateway
