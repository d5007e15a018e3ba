// TableBuilder, second half: resolving names and building the table.
#include "platform/gateway/config/table_builder.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {

constexpr std::string_view kLocalSuffix = ".svc.cluster.local";
constexpr int kMostDepth = 8;

bool is_local_gateway_name(std::string_view gateway) {
  return gateway == "mesh" || contains(gateway, "local");
}

// The shorter names by which a cluster-local host is known.
void put_local(TableEditor& table, const std::string& host, const std::shared_ptr<const Host>& entry) {
  table.offer(host, entry);
  if (!is_local_name(host)) return;
  std::string stem = host.substr(0, host.size() - kLocalSuffix.size());
  table.offer(stem + ".svc", entry);
  if (std::count(stem.begin(), stem.end(), '.') == 1) table.offer(stem, entry);
}

// "iris.ns.anything" → "iris.ns.localhost", if its second label is ns.
std::string localhost_of(std::string_view host, std::string_view ns) {
  size_t dot = host.find('.');
  if (dot == std::string_view::npos || dot == 0 || host[0] == '*') return "";
  std::string_view rest = host.substr(dot + 1);
  if (!rest.starts_with(ns) || rest.size() <= ns.size() || rest[ns.size()] != '.') return "";
  return str(host.substr(0, dot), ".", ns, ".localhost");
}

void weigh(Rule& rule) {
  rule.total_weight = 0;
  for (const Destination& d : rule.destinations) rule.total_weight += d.weight;
}

}  // namespace

bool is_local_name(std::string_view host) { return host.ends_with(kLocalSuffix); }

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

// The revisions of a Route by percent, or those of a tag.
std::vector<Destination> TableBuilder::traffic(const Key& key, const std::string& tag) {
  std::vector<Destination> out;
  for (const Target& t : routes_.at(key).traffic) {
    if (tag.empty() ? t.percent == 0 : t.tag != tag) continue;
    Destination d;
    d.weight = tag.empty() ? t.percent : 100;
    d.backend = revision_backend({key.ns, t.revision});
    out.push_back(std::move(d));
  }
  if (out.empty()) {
    Destination d;
    d.weight = 100;
    d.why = str("Route ", key.ns, "/", key.name,
                " has no revision to send requests to yet; see kubectl describe");
    out.push_back(std::move(d));
  }
  return out;
}

std::vector<Destination> TableBuilder::resolve(const std::string& host, uint16_t port,
                                               const std::string& authority, const std::string& ns,
                                               int depth) {
  auto failed = [](std::string why) {
    Destination d;
    d.weight = 100;
    d.why = std::move(why);
    std::vector<Destination> out;
    out.push_back(std::move(d));
    return out;
  };
  if (depth > kMostDepth) return failed(str("destination ", host, " leads in a circle"));
  const auto& gateways = options_.local_gateways;
  if (std::find(gateways.begin(), gateways.end(), host) != gateways.end()) {
    if (authority.empty() || authority == host)
      return failed(str("destination ", host, ": no Host to go by"));
    return resolve(authority, port, "", ns, depth + 1);
  }
  auto key = service_key(host, ns);
  if (!key)
    return failed(str("destination ", host, " is outside the cluster, which is not supported"));
  if (routes_.contains(*key)) return traffic(*key, "");
  Destination d;
  d.weight = 100;
  if (revisions_.contains(*key)) {
    d.backend = revision_backend(*key);
  } else {
    auto service = services_.find(*key);
    if (service == services_.end())
      return failed(str("destination ", host, ": there is no Service ", key->ns, "/", key->name));
    const Service& s = service->second;
    if (!s.external_name.empty()) return resolve(s.external_name, port, authority, ns, depth + 1);
    const ServicePort* chosen = s.ports.empty() ? nullptr : &s.ports[0];
    for (const ServicePort& p : s.ports)
      if (p.port == (port ? port : 80)) chosen = &p;
    if (!chosen) return failed(str("Service ", key->ns, "/", key->name, " has no port"));
    d.backend = service_backend(*key, *chosen);
  }
  std::vector<Destination> out;
  out.push_back(std::move(d));
  return out;
}

// The rule as it is for one host: authority and gateway matches are decided here.
Rule TableBuilder::rule_for(const RuleSource& source, const VirtualService& vs,
                            const std::string& host, bool local) {
  Rule rule = source.rule;
  std::erase_if(rule.matches, [&](Match& m) {
    if (!m.gateways.empty() &&
        std::none_of(m.gateways.begin(), m.gateways.end(),
                     [&](const std::string& g) { return is_local_gateway_name(g) == local; }))
      return true;
    if (m.authority.kind != TextMatch::kExact || host.starts_with('*')) return false;
    std::string buffer;
    uint16_t port = 0;
    if (bare_host(m.authority.text, buffer, port) != host) return true;
    m.authority = {};
    if (port) m.port = port;
    return false;
  });
  for (const NamedDestination& to : source.to) {
    std::string authority = rule.authority.empty() ? host : lower(rule.authority);
    std::string buffer;
    uint16_t port = 0;
    authority = std::string(bare_host(authority, buffer, port));
    auto found = resolve(to.host, to.port, authority, vs.ns, 0);
    uint32_t sum = 0;
    for (const Destination& d : found) sum += d.weight;
    for (Destination& d : found) {
      // 10,000 parts, so that percents of percents stay exact.
      d.weight = sum ? static_cast<uint32_t>(uint64_t{to.weight} * d.weight * 10000 / sum) : 0;
      d.request = to.request, d.response = to.response;
      rule.destinations.push_back(std::move(d));
    }
  }
  weigh(rule);
  return rule;
}

void TableBuilder::add_virtual_services(TableEditor& table) {
  std::vector<const VirtualService*> ordered;
  for (const auto& [key, vs] : virtual_services_) ordered.push_back(&vs);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](auto* a, auto* b) { return a->created < b->created; });
  Hosts hosts;
  std::vector<std::pair<std::string, std::shared_ptr<Host>>> aliases, local_aliases;
  for (const VirtualService* vs : ordered) {
    for (const std::string& w : vs->warnings)
      if (warnings_.size() < 1000) warnings_.push_back(w);
    for (const std::string& name : vs->hosts) {
      std::string host = name;
      if (host.find('.') == std::string::npos && host != "*")
        host = str(name, ".", vs->ns, kLocalSuffix);
      const bool local = is_local_name(host);
      std::shared_ptr<Host>& entry = hosts[host];
      if (!entry) {
        entry = std::make_shared<Host>();
        entry->name = host, entry->local = local;
        entry->source = str("VirtualService ", vs->ns, "/", vs->name);
      }
      for (const RuleSource& source : vs->rules) {
        Rule rule = rule_for(source, *vs, host, local);
        if (rule.matches.empty() && !source.rule.matches.empty()) continue;
        entry->rules.push_back(std::move(rule));
      }
      auto& list = local ? local_aliases : aliases;
      if (std::string alias = localhost_of(host, vs->ns); !alias.empty())
        list.emplace_back(alias, entry);
      if (!host.starts_with('*'))
        local_aliases.emplace_back(str(vs->name, ".", vs->ns, ".localhost"), entry);
    }
  }
  for (const auto& [name, host] : hosts) put_local(table, name, host);
  for (auto& [name, host] : aliases) table.offer(name, host);
  for (auto& [name, host] : local_aliases) table.offer(name, host);
}

void TableBuilder::add_routes(TableEditor& table) {
  for (const auto& [key, route] : routes_) {
    std::set<std::string> tags = {""};
    for (const Target& t : route.traffic) tags.insert(t.tag);
    for (const std::string& tag : tags) {
      auto host = std::make_shared<Host>();
      std::string prefix = tag.empty() ? "" : tag + "-";
      host->name = str(prefix, key.name, ".", key.ns, kLocalSuffix);
      host->local = true;
      host->source = str("Route ", key.ns, "/", key.name);
      Rule rule;
      rule.destinations = traffic(key, tag);
      weigh(rule);
      host->rules.push_back(std::move(rule));
      put_local(table, host->name, host);
      if (!route.external.empty()) table.offer(prefix + route.external, host);
      table.offer(str(prefix, key.name, ".", key.ns, ".localhost"), host);
    }
  }
}

void TableBuilder::add_services(TableEditor& table) {
  for (const auto& [key, service] : services_) {
    auto host = std::make_shared<Host>();
    host->name = str(key.name, ".", key.ns, kLocalSuffix);
    host->local = true;
    host->source = str("Service ", key.ns, "/", key.name);
    if (!service.external_name.empty()) {
      Rule rule;
      rule.destinations = resolve(service.external_name, 0, "", key.ns, 0);
      weigh(rule);
      if (!rule.destinations[0].backend) continue;  // leads outside: a matter of DNS
      host->rules.push_back(std::move(rule));
    } else if (revisions_.contains(key)) {
      Rule rule;
      rule.destinations = resolve(host->name, 0, "", key.ns, 0);
      weigh(rule);
      host->rules.push_back(std::move(rule));
    } else {
      if (service.ports.empty()) continue;
      std::vector<const ServicePort*> ports;
      for (const ServicePort& p : service.ports) ports.push_back(&p);
      // Last, for any port: 80, else the first.
      auto eighty = std::find_if(ports.begin(), ports.end(), [](auto* p) { return p->port == 80; });
      const ServicePort* fallback = eighty != ports.end() ? *eighty : ports[0];
      for (size_t i = 0; i <= ports.size(); ++i) {
        const ServicePort& p = i < ports.size() ? *ports[i] : *fallback;
        Rule rule;
        if (i < ports.size()) {
          Match match;
          match.port = p.port;
          rule.matches.push_back(std::move(match));
        }
        Destination d;
        d.weight = 100;
        d.backend = service_backend(key, p);
        rule.destinations.push_back(std::move(d));
        weigh(rule);
        host->rules.push_back(std::move(rule));
      }
    }
    put_local(table, host->name, host);
    table.offer(str(key.name, ".", key.ns, ".localhost"), host);
    if (!service.cluster_ip.empty()) table.offer(service.cluster_ip, host);
  }
}

std::shared_ptr<const Table> TableBuilder::build() {
  TableEditor table;
  add_virtual_services(table);
  add_routes(table);
  add_services(table);
  for (const auto& [key, vs] : virtual_services_) {
    for (const std::string& gateway : vs.gateways) {
      size_t slash = gateway.find('/');
      Key g = slash == std::string::npos ? Key{key.ns, gateway}
                                         : Key{gateway.substr(0, slash), gateway.substr(slash + 1)};
      if (gateway == "mesh" || gateways_.contains(g) || warnings_.size() >= 1000) continue;
      warnings_.push_back(str("VirtualService ", key.ns, "/", key.name, ": Gateway ", gateway,
                                    " does not exist; its rules are served all the same"));
    }
  }
  forget_unused();
  table.set_warnings(std::make_shared<std::vector<std::string>>(std::move(warnings_)));
  warnings_.clear();
  return table.finish();
}

// What only the builder still holds and no object names has no use any more.
void TableBuilder::forget_unused() {
  std::erase_if(revision_backends_, [&](const auto& entry) {
    return entry.second.use_count() == 1 && !revisions_.contains(entry.first);
  });
  std::erase_if(service_backends_,
                [&](const auto& entry) { return !services_.contains(entry.first); });
}

Listeners TableBuilder::listeners() const {
  Listeners out;
  for (const auto& [key, service] : services_) {
    if (service.cluster_ip.empty() || key.name.ends_with("-private")) continue;
    const auto name = str(key.name, ".", key.ns, kLocalSuffix);
    const bool gateway = std::find(options_.local_gateways.begin(), options_.local_gateways.end(),
                                   name) != options_.local_gateways.end();
    if (!gateway && !service.selects && !revisions_.contains(key)) continue;
    for (const ServicePort& p : service.ports) {
      Listener l;
      l.address = service.cluster_ip, l.port = p.port, l.cluster = true;
      out.push_back(std::move(l));
    }
  }
  return out;
}

std::vector<std::shared_ptr<Backend>> TableBuilder::backends() const {
  std::vector<std::shared_ptr<Backend>> out;
  for (const auto& [key, backend] : revision_backends_) out.push_back(backend);
  for (const auto& [key, ports] : service_backends_)
    for (const auto& [port, backend] : ports) out.push_back(backend);
  return out;
}

std::shared_ptr<Backend> TableBuilder::revision(const Key& key) const {
  auto it = revision_backends_.find(key);
  return it == revision_backends_.end() ? nullptr : it->second;
}

}  // namespace proa::gateway
