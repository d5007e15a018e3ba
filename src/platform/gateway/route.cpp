#include "platform/gateway/route.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {

bool query_holds(const HeaderMatch& match, std::string_view query) {
  while (!query.empty()) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    size_t equals = part.find('=');
    if (part.substr(0, equals) != match.name) continue;
    auto value = percent_decode(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    return value && match.value.matches(*value);
  }
  return false;
}

bool header_holds(const HeaderMatch& match, const RequestFacts& facts) {
  if (!facts.header) return false;
  std::string_view value = facts.header(facts.headers, match.name);
  return value.data() != nullptr && match.value.matches(value);
}

}  // namespace

bool TextMatch::matches(std::string_view value) const {
  switch (kind) {
    case kAny:
      return true;
    case kExact:
      return ignore_case ? iequals(value, text) : value == text;
    case kPrefix:
      if (value.size() < text.size()) return false;
      return ignore_case ? iequals(value.substr(0, text.size()), text) : value.starts_with(text);
    case kRegex:
      return pattern && pattern->matches(value);
    case kPathPrefix:
      if (value.size() < text.size()) return false;
      if (ignore_case ? !iequals(value.substr(0, text.size()), text) : !value.starts_with(text))
        return false;
      return value.size() == text.size() || value[text.size()] == '/';
  }
  return false;
}

bool matches(const Match& match, const RequestFacts& facts, size_t* prefix) {
  if (match.port && match.port != (facts.port ? facts.port : facts.listener)) return false;
  if (match.listener_port && match.listener_port != (facts.listener ? facts.listener : facts.port))
    return false;
  if (!match.method.matches(facts.method) || !match.authority.matches(facts.authority))
    return false;
  if (!match.scheme.matches(facts.scheme) || !match.uri.matches(facts.path)) return false;
  for (const HeaderMatch& h : match.headers)
    if (!header_holds(h, facts)) return false;
  for (const HeaderMatch& h : match.without_headers)
    if (header_holds(h, facts)) return false;
  for (const HeaderMatch& q : match.query)
    if (!query_holds(q, facts.query)) return false;
  const bool by_prefix =
      match.uri.kind == TextMatch::kPrefix || match.uri.kind == TextMatch::kPathPrefix;
  *prefix = by_prefix ? match.uri.text.size() : 0;
  return true;
}

Matched Host::match(const RequestFacts& facts) const {
  for (const Rule& rule : rules) {
    if (rule.matches.empty()) return {&rule, 0};
    for (const Match& m : rule.matches) {
      size_t prefix = 0;
      if (matches(m, facts, &prefix)) return {&rule, prefix};
    }
  }
  return {};
}

namespace {

const Destination* pick_of(const std::vector<Destination>& all, uint32_t total, uint32_t random) {
  if (all.empty()) return nullptr;
  if (all.size() == 1) return &all[0];
  if (total == 0) return nullptr;
  uint64_t at = (uint64_t{random} * total) >> 32;
  for (const Destination& d : all) {
    if (at < d.weight) return &d;
    at -= d.weight;
  }
  return &all.back();
}

// "/a" + "/b" and "/a/" + "b" → "/a/b"; "/" + "/b" → "/b".
std::string joined(std::string_view front, std::string_view rest) {
  while (front.ends_with('/')) front.remove_suffix(1);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  if (rest.empty()) return front.empty() ? "/" : std::string(front);
  return str(front, "/", rest);
}

}  // namespace

const Destination* pick(const Rule& rule, uint32_t random) {
  return pick_of(rule.destinations, rule.total_weight, random);
}

const Destination* pick(const Tunnel& tunnel, uint32_t random) {
  return pick_of(tunnel.destinations, tunnel.total_weight, random);
}

std::string rewritten_target(const Rule& rule, size_t prefix, std::string_view path,
                             std::string_view query) {
  std::string out;
  const Rewrite& rewrite = rule.rewrite;
  if (rewrite.uri_pattern) {
    out = rewrite.uri_pattern->replace(path, rewrite.uri_replacement).value_or(std::string(path));
  } else if (rewrite.uri.empty()) {
    out = path;
  } else if (rewrite.elements) {
    out = joined(rewrite.uri, path.substr(prefix));
  } else {
    out = rewrite.uri;
    if (prefix && !rewrite.whole_path) out += path.substr(prefix);
  }
  if (out.empty() || out[0] != '/') out.insert(0, "/");
  if (query.data()) out.append("?").append(query);
  return out;
}

std::string redirected_path(const Redirect& redirect, size_t prefix, std::string_view path) {
  if (redirect.prefix_only) return joined(redirect.uri, path.substr(prefix));
  return redirect.uri.empty() ? std::string(path) : redirect.uri;
}

std::string_view bare_host(std::string_view authority, std::string& buffer, uint16_t& port) {
  port = 0;
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    uint32_t number = 0;
    bool digits = colon + 1 < authority.size() && authority.size() - colon <= 6;
    for (char c : authority.substr(colon + 1)) {
      digits = digits && c >= '0' && c <= '9';
      number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    if (digits && number < 65536) {
      port = static_cast<uint16_t>(number);
      authority = authority.substr(0, colon);
    }
  }
  if (authority.ends_with('.')) authority.remove_suffix(1);
  for (char c : authority) {
    if (c < 'A' || c > 'Z') continue;
    buffer = lower(authority);
    return buffer;
  }
  return authority;
}

}  // namespace proa::gateway
