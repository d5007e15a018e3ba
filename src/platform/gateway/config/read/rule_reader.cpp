#include "platform/gateway/config/read/rule_reader.h"

#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "platform/gateway/config/read/virtual_service.h"

namespace proa::gateway {

using json::Value;

namespace {

constexpr size_t kMostWarnings = 20;

// gRPC's status codes by their names.
int grpc_code(std::string_view name) {
  static constexpr std::string_view kNames[] = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "FAILED_PRECONDITION",
                                                "ABORTED",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "INTERNAL",
                                                "UNAVAILABLE",
                                                "DATA_LOSS",
                                                "UNAUTHENTICATED"};
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (iequals(name, kNames[i])) return static_cast<int>(i);
  if (auto n = parse_int(name); n && *n >= 0 && *n <= 16) return static_cast<int>(*n);
  return -1;
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> out;
  for (const Value& v : list.array()) out.push_back(v.str());
  return out;
}

}  // namespace

uint32_t share_of(double percent) {
  return static_cast<uint32_t>(std::lround(std::clamp(percent, 0.0, 100.0) * (kMillion / 100)));
}

HeaderChange read_header_change(const Value& v) {
  HeaderChange c;
  for (const auto& [name, value] : v["set"].object()) c.set.emplace_back(name, value.str());
  for (const auto& [name, value] : v["add"].object()) c.add.emplace_back(name, value.str());
  for (const Value& name : v["remove"].array()) c.remove.push_back(name.str());
  return c;
}

std::shared_ptr<const Pattern> read_pattern(const std::string& text, std::string_view where,
                                            std::vector<std::string>& warnings) {
  auto pattern = Pattern::make(text);
  if (pattern.ok()) return *pattern;
  if (warnings.size() < kMostWarnings)
    warnings.push_back(str(where, ": regex: ", pattern.error().message, "; it matches nothing"));
  return nullptr;
}

void RuleReader::warn(std::string text) {
  if (warnings_.size() < kMostWarnings) warnings_.push_back(std::move(text));
}

void RuleReader::rewrite(const Value& v, Rule& rule) {
  rule.rewrite.uri = v["uri"].str();
  if (v.has("authority")) rule.authority = v["authority"].str();
  const Value& regex = v["uriRegexRewrite"];
  if (!regex.has("match")) return;
  auto pattern = Pattern::make(regex["match"].str());
  if (!pattern.ok()) return warn(str("http.rewrite.uriRegexRewrite: ", pattern.error().message));
  rule.rewrite.uri_pattern = *pattern;
  rule.rewrite.uri_replacement = regex["rewrite"].str();
}

Redirect RuleReader::redirect(const Value& v) {
  Redirect r;
  r.uri = v["uri"].str(), r.authority = v["authority"].str(), r.scheme = v["scheme"].str();
  r.port = static_cast<uint16_t>(v["port"].integer());
  if (v["derivePort"].str() == "FROM_PROTOCOL_DEFAULT") r.derive = Redirect::kOfScheme;
  if (v["derivePort"].str() == "FROM_REQUEST_PORT") r.derive = Redirect::kAsRequested;
  r.code = static_cast<int>(v["redirectCode"].integer(301));
  if (r.code < 300 || r.code > 399) {
    warn(str("http.redirect.redirectCode ", r.code, " is no redirect; 301 is used"));
    r.code = 301;
  }
  return r;
}

DirectResponse RuleReader::direct(const Value& v) {
  DirectResponse d;
  d.status = static_cast<int>(std::clamp<int64_t>(v["status"].integer(200), 200, 599));
  d.body = v["body"]["string"].str();
  if (v["body"].has("bytes")) d.body = unbase64(v["body"]["bytes"].str()).value_or("");
  return d;
}

void RuleReader::retry_on(Retries& r, std::string_view word) {
  struct Known {
    std::string_view word;
    bool Retries::*flag;
  };
  static constexpr Known kKnown[] = {{"5xx", &Retries::on_5xx},
                                     {"gateway-error", &Retries::on_gateway_error},
                                     {"reset", &Retries::on_reset},
                                     {"reset-before-request", &Retries::on_reset},
                                     {"connect-failure", &Retries::on_connect_failure},
                                     {"refused-stream", &Retries::on_refused_stream},
                                     {"retriable-4xx", &Retries::on_retriable_4xx},
                                     {"cancelled", &Retries::on_cancelled},
                                     {"deadline-exceeded", &Retries::on_deadline_exceeded},
                                     {"internal", &Retries::on_internal},
                                     {"resource-exhausted", &Retries::on_resource_exhausted},
                                     {"unavailable", &Retries::on_unavailable}};
  if (word.empty() || word == "retriable-status-codes") return;
  for (const Known& k : kKnown) {
    if (k.word != word) continue;
    r.*k.flag = true;
    return;
  }
  auto status = parse_int(word);
  if (status && *status >= 400 && *status <= 599)
    r.statuses.push_back(static_cast<int>(*status));
  else
    warn(str("http.retries.retryOn \"", word, "\" is not carried out"));
}

Retries RuleReader::retries(const Value& v) {
  Retries r;
  r.defined = true;
  r.attempts = static_cast<int>(std::clamp<int64_t>(v["attempts"].integer(), 0, 10));
  if (auto d = parse_duration(v["perTryTimeout"].str())) r.per_try = *d;
  if (auto d = parse_duration(v["backoff"].str())) r.backoff = *d;
  std::string on = v["retryOn"].str();
  if (on.empty()) on = "connect-failure,refused-stream,unavailable,cancelled";
  for (std::string_view word : split(on, ',')) retry_on(r, trim(word));
  r.same_endpoint = v.has("retryIgnorePreviousHosts") && !v["retryIgnorePreviousHosts"].boolean();
  if (v["retryRemoteLocalities"].boolean())
    warn("http.retries.retryRemoteLocalities has no effect: all endpoints are on one machine");
  return r;
}

Fault RuleReader::fault(const Value& v) {
  Fault f;
  auto share = [](const Value& part) {
    return part["percentage"].is_object()
               ? share_of(part["percentage"]["value"].number())
               : share_of(static_cast<double>(part["percent"].integer()));
  };
  const Value &delay = v["delay"], &abort = v["abort"];
  if (auto d = parse_duration(delay["fixedDelay"].str())) f.delay = *d;
  f.delay_share = share(delay);
  if (delay.has("exponentialDelay")) warn("http.fault.delay.exponentialDelay is not carried out");
  if (abort.has("httpStatus"))
    f.status = static_cast<int>(std::clamp<int64_t>(abort["httpStatus"].integer(), 200, 599));
  if (abort.has("grpcStatus")) {
    f.grpc_status = grpc_code(abort["grpcStatus"].str());
    if (f.grpc_status < 0)
      warn(str("http.fault.abort.grpcStatus \"", abort["grpcStatus"].str(), "\" is not known"));
  }
  f.abort_share = share(abort);
  if (abort.has("http2Error")) warn("http.fault.abort.http2Error is not carried out");
  return f;
}

std::shared_ptr<const Cors> RuleReader::cors(const Value& v) {
  auto cors = std::make_shared<Cors>();
  for (const Value& o : v["allowOrigin"].array()) {
    TextMatch m;
    if (o.str() != "*") m.kind = TextMatch::kExact, m.text = o.str();
    cors->origins.push_back(std::move(m));
  }
  for (const Value& o : v["allowOrigins"].array()) {
    TextMatch m;
    if (o.has("exact")) {
      if (o["exact"].str() != "*") m.kind = TextMatch::kExact, m.text = o["exact"].str();
    } else if (o.has("prefix")) {
      m.kind = TextMatch::kPrefix, m.text = o["prefix"].str();
    } else {
      m.kind = TextMatch::kRegex, m.text = o["regex"].str();
      m.pattern = read_pattern(m.text, "http.corsPolicy.allowOrigins", warnings_);
    }
    cors->origins.push_back(std::move(m));
  }
  cors->methods = texts(v["allowMethods"]);
  cors->headers = texts(v["allowHeaders"]);
  cors->expose = texts(v["exposeHeaders"]);
  if (auto d = parse_duration(v["maxAge"].str())) cors->max_age = *d;
  cors->credentials = v["allowCredentials"].boolean();
  cors->forward_unmatched = v["unmatchedPreflights"].str() != "IGNORE";
  return cors;
}

}  // namespace proa::gateway
