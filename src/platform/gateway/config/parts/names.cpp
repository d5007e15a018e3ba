#include "platform/gateway/config/parts/names.h"

#include "foundation/base/strings.h"

namespace proa::gateway {

std::string use(char kind, const client::Key& key) { return str(kind, ":", key.ns, "/", key.name); }
std::string use(char kind, std::string_view name) { return str(kind, ":", name); }

bool is_local_name(std::string_view host) { return host.ends_with(kLocalSuffix); }

std::string service_host(const client::Key& key) {
  return str(key.name, ".", key.ns, kLocalSuffix);
}

std::optional<client::Key> service_key(std::string_view host, std::string_view ns) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (is_local_name(host))
    host.remove_suffix(kLocalSuffix.size());
  else if (host.ends_with(".svc"))
    host.remove_suffix(4);
  auto parts = split(host, '.');
  if (parts.size() == 1 && !parts[0].empty())
    return client::Key{std::string(ns), std::string(parts[0])};
  if (parts.size() == 2) return client::Key{std::string(parts[1]), std::string(parts[0])};
  return {};
}

std::string localhost_of(std::string_view host, std::string_view ns) {
  size_t dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0 || host[0] == '*') return "";
  if (host.substr(0, dot).ends_with(str("-", ns))) return str(host.substr(0, dot), ".localhost");
  std::string_view rest = host.substr(dot + 1);
  if (!rest.starts_with(ns) || rest.size() <= ns.size() || rest[ns.size()] != '.') return "";
  return str(host.substr(0, dot), ".", ns, ".localhost");
}

bool host_covers(std::string_view wide, std::string_view narrow) {
  if (wide == "*" || wide == narrow) return true;
  if (!wide.starts_with("*.")) return false;
  std::string_view suffix = wide.substr(1);  // ".a.b"
  if (narrow.starts_with("*.")) narrow.remove_prefix(1);
  return narrow.size() >= suffix.size() && narrow.ends_with(suffix) && narrow != suffix;
}

std::string host_intersection(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b.empty() ? "*" : b);
  if (b.empty() || host_covers(b, a)) return std::string(a);
  if (host_covers(a, b)) return std::string(b);
  return "";
}

client::Key key_in(std::string_view text, std::string_view ns) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {std::string(ns), std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

std::string text_of(const client::Key& key) {
  return key.ns.empty() ? key.name : str(key.ns, "/", key.name);
}

void weigh(Rule& rule) {
  rule.total_weight = 0;
  for (const Destination& d : rule.destinations) rule.total_weight += d.weight;
}

}  // namespace proa::gateway
