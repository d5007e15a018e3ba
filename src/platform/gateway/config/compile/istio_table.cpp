#include "platform/gateway/config/compile/istio_table.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

namespace {

bool is_local_gateway_name(std::string_view gateway) {
  return gateway == "mesh" || contains(gateway, "local");
}

// Every form by which a cluster-local host is known.
std::vector<std::string> forms_of(const std::string& host) {
  std::vector<std::string> out = {host};
  if (!is_local_name(host)) return out;
  std::string stem = host.substr(0, host.size() - kLocalSuffix.size());
  out.push_back(stem + ".svc");
  if (std::count(stem.begin(), stem.end(), '.') == 1) out.push_back(stem);
  return out;
}

std::shared_ptr<const Part> part_of(std::shared_ptr<Host> host) {
  auto part = std::make_shared<Part>();
  part->host = std::move(host);
  return part;
}

Rule to_https() {
  Rule rule;
  rule.redirect = Redirect{};
  rule.redirect->scheme = "https";
  rule.redirect->derive = Redirect::kOfScheme;
  rule.name = "httpsRedirect";
  return rule;
}

}  // namespace

Value istio_status(const std::vector<std::string>& warnings, bool said_before) {
  if (warnings.empty() && !said_before) return {};
  Value conditions(json::Array{});
  conditions.push(json::object({{"type", "Reconciled"},
                                {"status", warnings.empty() ? "True" : "False"},
                                {"reason", warnings.empty() ? "Reconciled" : "NotFullyCarriedOut"},
                                {"message", join(warnings, "; ")}}));
  return json::object({{"conditions", std::move(conditions)}});
}

std::vector<std::string> IstioTable::put_entry(const Key& key, const Value& object) {
  std::vector<std::string> hosts = drop_entry(key);
  const Value& spec = object["spec"];
  Entry entry;
  std::vector<Cluster::Port> ports;
  for (const Value& p : spec["ports"].array())
    ports.push_back({p["name"].str(), static_cast<uint16_t>(p["number"].integer()), false});
  const std::string& resolution = spec["resolution"].str();
  if (resolution != "STATIC") {
    entry.warnings.push_back(str("spec.resolution ", resolution.empty() ? "NONE" : resolution,
                                 " is not carried out; STATIC with endpoints is"));
    ports.clear();
  }
  for (const char* field : {"workloadSelector", "subjectAltNames", "addresses"})
    if (spec.has(field)) entry.warnings.push_back(str("spec.", field, " is not carried out"));
  std::map<std::string, std::vector<EndpointAddress>> by_port;
  for (const Value& p : spec["ports"].array()) {
    const std::string& name = p["name"].str();
    const int64_t number = p["targetPort"].integer(p["number"].integer());
    const std::string protocol = lower(p["protocol"].str());
    for (const Value& e : spec["endpoints"].array()) {
      EndpointAddress a;
      a.address = e["address"].str();
      a.port = static_cast<uint16_t>(e["ports"][name].integer(number));
      a.http2 = protocol == "http2" || protocol == "grpc";
      by_port[name].push_back(std::move(a));
    }
  }
  for (const Value& h : spec["hosts"].array()) {
    entry.hosts.push_back(lower(h.str()));
    cluster_.set_entry(entry.hosts.back(), ports, by_port);
    hosts.push_back(entry.hosts.back());
  }
  entries_[key] = std::move(entry);
  return hosts;
}

std::vector<std::string> IstioTable::drop_entry(const Key& key) {
  auto it = entries_.find(key);
  if (it == entries_.end()) return {};
  std::vector<std::string> hosts = it->second.hosts;
  for (const std::string& host : hosts) cluster_.set_entry(host, {}, {});
  entries_.erase(it);
  return hosts;
}

Compiled IstioTable::compile_entry(const Key& key) const {
  Compiled out;
  if (auto it = entries_.find(key); it != entries_.end()) out.warnings = it->second.warnings;
  return out;
}

Compiled IstioTable::compile_gateway(const Key& key) const {
  Compiled out;
  auto it = gateways_.find(key);
  if (it == gateways_.end()) return out;
  out.warnings = it->second.warnings;
  out.doors = doors_of(it->second, secrets_, options_.gateway_ns, out.uses, out.warnings);
  for (const IstioServer& server : it->second.servers) {
    if (!server.redirect) continue;
    for (const auto& h : server.hosts) {
      auto host = std::make_shared<Host>();
      host->name = h.host;
      host->source = str("Gateway ", text_of(key));
      host->rules.push_back(to_https());
      out.claims.push_back(
          {server.port, h.host, Rank::kListener, "", part_of(std::move(host)), nullptr});
    }
  }
  return out;
}

// Where a host is served: everywhere, if it belongs to the mesh, a cluster-local gateway or one
// that does not exist; and at each server of its Gateways that has the host.
std::vector<IstioTable::Where> IstioTable::places(const VirtualService& vs, const std::string& host,
                                                  bool& unmatched, Uses& uses) const {
  std::vector<Where> out;
  bool everywhere = vs.gateways.empty();
  for (const std::string& name : vs.gateways) {
    if (name == "mesh") {
      everywhere = true;
      continue;
    }
    const Key key = key_in(name, vs.ns);
    uses.insert(use('g', key));
    auto gateway = gateways_.find(key);
    if (gateway == gateways_.end() || contains(name, "local")) {
      everywhere = true;
      continue;
    }
    bool served = false;
    for (const IstioServer& server : gateway->second.servers) {
      if (!server.http) continue;
      std::string at = host_at(server, vs.ns, host);
      if (at.empty()) continue;
      served = true;
      out.push_back({server.port, std::move(at), &gateway->second, &server});
    }
    if (!served && !is_local_name(host)) unmatched = true;
  }
  if (everywhere || is_local_name(host)) out.push_back({0, host, nullptr, nullptr});
  return out;
}

// Do a match's gateways have this place?
bool IstioTable::applies(const std::vector<std::string>& gateways, const VirtualService& vs,
                         const Where& where, bool local) const {
  if (gateways.empty()) return true;
  return std::any_of(gateways.begin(), gateways.end(), [&](const std::string& g) {
    if (where.gateway) return g != "mesh" && key_in(g, vs.ns) == where.gateway->key;
    return is_local_gateway_name(g) == local;
  });
}

// Decides gateway and authority matches, which are known for a host. false: the rule never holds.
bool IstioTable::narrow(Rule& rule, const VirtualService& vs, const Where& where,
                        const std::string& host, bool local) const {
  if (rule.matches.empty()) return true;
  std::erase_if(rule.matches, [&](Match& m) {
    if (!applies(m.gateways, vs, where, local)) return true;
    if (m.authority.kind != TextMatch::kExact || host.starts_with('*')) return false;
    std::string buffer;
    uint16_t port = 0;
    if (bare_host(m.authority.text, buffer, port) != host) return true;
    m.authority = {};
    if (port) m.port = port;
    return false;
  });
  return !rule.matches.empty();
}

std::vector<Destination> IstioTable::destinations(const std::vector<NamedDestination>& to,
                                                  const std::string& authority,
                                                  const std::string& ns, Uses& uses) const {
  std::vector<Destination> out;
  for (const NamedDestination& one : to) {
    auto found = cluster_.resolve(one.host, one.port, one.subset, authority, ns, uses);
    uint32_t sum = 0;
    for (const Destination& d : found) sum += d.weight;
    for (Destination& d : found) {
      // 10,000 parts, so that percents of percents stay exact.
      d.weight = sum ? static_cast<uint32_t>(std::min<uint64_t>(
                           uint64_t{one.weight} * d.weight * 10000 / sum, UINT32_MAX / 64))
                     : 0;
      d.request = one.request, d.response = one.response;
      out.push_back(std::move(d));
    }
  }
  return out;
}

Rule IstioTable::rule_for(const RuleSource& source, const VirtualService& vs,
                          const std::string& host, Uses& uses) const {
  Rule rule = source.rule;
  std::string authority = rule.authority.empty() ? host : lower(rule.authority);
  std::string buffer;
  uint16_t port = 0;
  authority = std::string(bare_host(authority, buffer, port));
  rule.destinations = destinations(source.to, authority, vs.ns, uses);
  for (const NamedDestination& m : source.mirrors)
    for (Destination& d : destinations({m}, authority, vs.ns, uses))
      if (d.backend) rule.mirrors.push_back({std::move(d), m.weight});
  weigh(rule);
  return rule;
}

void IstioTable::add_host(const VirtualService& vs, const std::vector<RuleSource>& rules,
                          const std::string& name, Compiled& out) const {
  std::string host = name;
  if (host.find('.') == std::string::npos && host != "*")
    host = str(name, ".", vs.ns, kLocalSuffix);
  const bool local = is_local_name(host);
  std::vector<Rule> made;
  for (const RuleSource& source : rules) made.push_back(rule_for(source, vs, host, out.uses));
  const std::string since = str(vs.created, "/", vs.ns, "/", vs.name);
  bool unmatched = false;
  const auto all = places(vs, host, unmatched, out.uses);
  if (unmatched) out.warnings.push_back(str("hosts: no server of its Gateways takes ", host));
  for (const Where& where : all) {
    auto entry = std::make_shared<Host>();
    entry->name = where.name, entry->local = local;
    entry->source = str("VirtualService ", vs.ns, "/", vs.name);
    if (where.server && where.server->redirect) entry->rules.push_back(to_https());
    for (const Rule& r : made) {
      if (where.server && where.server->redirect) break;
      Rule rule = r;
      if (narrow(rule, vs, where, host, local)) entry->rules.push_back(std::move(rule));
    }
    const auto part = part_of(std::move(entry));
    for (const std::string& form : forms_of(where.name))
      out.claims.push_back({where.scope, form, Rank::kVirtualService, since, part, nullptr});
    if (where.scope != 0 && where.scope != 80) continue;
    if (std::string alias = localhost_of(host, vs.ns); !alias.empty())
      out.claims.push_back(
          {0, alias, local ? Rank::kNameAlias : Rank::kAlias, since, part, nullptr});
    if (!host.starts_with('*'))
      out.claims.push_back(
          {0, str(vs.name, ".", vs.ns, ".localhost"), Rank::kNameAlias, since, part, nullptr});
  }
}

// tls and tcp routes: at each server that hands on bytes.
void IstioTable::add_bytes(const VirtualService& vs, Compiled& out) const {
  const std::string since = str(vs.created, "/", vs.ns, "/", vs.name);
  for (const std::string& name : vs.gateways) {
    if (name == "mesh") continue;
    auto gateway = gateways_.find(key_in(name, vs.ns));
    out.uses.insert(use('g', key_in(name, vs.ns)));
    if (gateway == gateways_.end()) continue;
    for (const IstioServer& server : gateway->second.servers) {
      const bool passed = server.tls && server.chain.mode == TlsMode::kPassthrough;
      if (server.http && !passed) continue;
      for (const ByteRule& rule : vs.bytes) {
        auto tunnel = std::make_shared<Tunnel>();
        tunnel->name = str("VirtualService ", vs.ns, "/", vs.name);
        tunnel->destinations = destinations(rule.to, "", vs.ns, out.uses);
        for (const Destination& d : tunnel->destinations) tunnel->total_weight += d.weight;
        auto claim = [&](const std::string& sni) {
          out.claims.push_back({server.port, sni, Rank::kVirtualService, since, nullptr, tunnel});
        };
        if (rule.matches.empty()) claim("*");
        for (const ByteRule::Match& m : rule.matches) {
          if (m.port && m.port != server.port) continue;
          if (!applies(m.gateways, vs, {server.port, "", &gateway->second, &server}, false))
            continue;
          if (m.hosts.empty()) claim("*");
          for (const std::string& sni : m.hosts) claim(sni);
        }
      }
    }
  }
}

Compiled IstioTable::compile_virtual_service(const Key& key) {
  Compiled out;
  auto it = virtual_services_.find(key);
  if (it == virtual_services_.end()) return out;
  const VirtualService& vs = it->second;
  out.warnings = vs.warnings;
  auto find = [&](const Key& other) -> const VirtualService* {
    auto found = virtual_services_.find(other);
    return found == virtual_services_.end() ? nullptr : &found->second;
  };
  const auto rules = with_delegates(vs, find, out.uses, out.warnings);
  if (!rules.empty())
    for (const std::string& host : vs.hosts) add_host(vs, rules, host, out);
  add_bytes(vs, out);
  std::sort(out.warnings.begin(), out.warnings.end());
  out.warnings.erase(std::unique(out.warnings.begin(), out.warnings.end()), out.warnings.end());
  return out;
}

}  // namespace proa::gateway
