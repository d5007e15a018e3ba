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
  }
  return false;
}

bool matches(const Match& match, const RequestFacts& facts, size_t* prefix) {
  if (match.port && match.port != facts.port) return false;
  if (!match.method.matches(facts.method) || !match.authority.matches(facts.authority))
    return false;
  if (!match.scheme.matches(facts.scheme) || !match.uri.matches(facts.path)) return false;
  for (const HeaderMatch& h : match.headers)
    if (!header_holds(h, facts)) return false;
  for (const HeaderMatch& h : match.without_headers)
    if (header_holds(h, facts)) return false;
  for (const HeaderMatch& q : match.query)
    if (!query_holds(q, facts.query)) return false;
  *prefix = match.uri.kind == TextMatch::kPrefix ? match.uri.text.size() : 0;
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

const Destination* pick(const Rule& rule, uint32_t random) {
  if (rule.destinations.empty()) return nullptr;
  if (rule.destinations.size() == 1) return &rule.destinations[0];
  if (rule.total_weight == 0) return nullptr;
  uint64_t at = (uint64_t{random} * rule.total_weight) >> 32;
  for (const Destination& d : rule.destinations) {
    if (at < d.weight) return &d;
    at -= d.weight;
  }
  return &rule.destinations.back();
}

std::string rewritten_target(const Rule& rule, size_t prefix, std::string_view path,
                             std::string_view query) {
  std::string out;
  const Rewrite& rewrite = rule.rewrite;
  if (rewrite.uri_pattern) {
    out = rewrite.uri_pattern->replace(path, rewrite.uri_replacement).value_or(std::string(path));
  } else if (rewrite.uri.empty()) {
    out = path;
  } else {
    out = rewrite.uri;
    if (prefix) out += path.substr(prefix);
  }
  if (out.empty() || out[0] != '/') out.insert(0, "/");
  if (query.data()) out.append("?").append(query);
  return out;
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

const Host* Table::find(std::string_view host) const {
  auto it = hosts_.find(host);
  if (it != hosts_.end()) return it->second.get();
  if (!wildcards_) return nullptr;
  std::string name;
  for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    name.assign("*").append(host.substr(dot));
    it = hosts_.find(name);
    if (it != hosts_.end()) return it->second.get();
  }
  it = hosts_.find(std::string_view("*"));
  return it != hosts_.end() ? it->second.get() : nullptr;
}

void Table::put(std::string name, std::shared_ptr<const Host> host) {
  if (name.starts_with('*')) wildcards_ = true;
  hosts_.emplace(std::move(name), std::move(host));
}

std::vector<std::string> Table::hosts(size_t most) const {
  std::vector<std::string> out;
  for (const auto& [name, host] : hosts_) {
    if (out.size() >= most) break;
    out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace proa::gateway
