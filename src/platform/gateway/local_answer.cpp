#include "platform/gateway/local_answer.h"

#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "platform/gateway/balance.h"
#include "platform/gateway/outgoing.h"

namespace proa::gateway {
namespace {

bool origin_allowed(const Cors& cors, std::string_view origin) {
  if (origin.empty()) return false;
  for (const TextMatch& match : cors.origins)
    if (match.matches(origin) || (match.kind == TextMatch::kExact && match.text == "*"))
      return true;
  return false;
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) out += (out.empty() ? "" : ",") + item;
  return out;
}

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view pair = trim(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
  }
  return {};
}

}  // namespace

std::optional<http::Headers> preflight_answer(const Cors& cors, const http::RequestHead& in) {
  std::string_view origin = in.headers.get("origin");
  if (in.method != "OPTIONS" || origin.empty() ||
      !in.headers.has("access-control-request-method")) {
    return std::nullopt;
  }
  http::Headers out;
  if (!origin_allowed(cors, origin)) {
    if (cors.forward_unmatched) return std::nullopt;
    return out;
  }
  out.add("access-control-allow-origin", origin);
  if (!cors.methods.empty()) out.add("access-control-allow-methods", joined(cors.methods));
  if (!cors.headers.empty()) out.add("access-control-allow-headers", joined(cors.headers));
  if (cors.max_age) out.add("access-control-max-age", str(cors.max_age->count() / 1'000'000'000));
  if (cors.credentials) out.add("access-control-allow-credentials", "true");
  return out;
}

void add_cors(const Cors& cors, std::string_view origin, http::Headers& headers) {
  if (!origin_allowed(cors, origin)) return;
  headers.set("access-control-allow-origin", origin);
  if (cors.credentials) headers.set("access-control-allow-credentials", "true");
  if (!cors.expose.empty()) headers.set("access-control-expose-headers", joined(cors.expose));
}

bool falls_in(uint32_t share, uint64_t random) {
  if (share == 0) return false;
  return share >= kMillion || random % kMillion < share;
}

std::optional<uint64_t> affinity(const HashPolicy& policy, const http::RequestHead& in,
                                 uint64_t random, std::string* cookie) {
  switch (policy.kind) {
    case HashPolicy::kSourceIp:
      return hash_text(peer_address(in.peer));
    case HashPolicy::kHeader: {
      if (!in.headers.has(policy.name)) return std::nullopt;
      return hash_text(in.headers.get(policy.name));
    }
    case HashPolicy::kQueryParameter: {
      size_t at = in.target.find('?');
      if (at == std::string::npos) return std::nullopt;
      auto value = http::query_value(std::string_view(in.target).substr(at + 1), policy.name);
      if (!value) return std::nullopt;
      return hash_text(*value);
    }
    case HashPolicy::kCookie:
      break;
  }
  std::string_view had = cookie_value(in.headers.get("cookie"), policy.name);
  if (!had.empty()) return hash_text(had);
  if (!policy.make_cookie) return std::nullopt;
  std::string value = uuid_text(random, random * 0x9e3779b97f4a7c15u);
  *cookie = str(policy.name, "=", value);
  if (policy.cookie_ttl.count() > 0)
    *cookie += str("; Max-Age=", policy.cookie_ttl.count() / 1'000'000'000);
  *cookie += str("; Path=", policy.cookie_path.empty() ? "/" : policy.cookie_path, "; HttpOnly");
  return hash_text(value);
}

}  // namespace proa::gateway
