// GatewayApi, second half: HTTPRoutes and GRPCRoutes.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "foundation/base/strings.h"
#include "platform/gateway/config/compile/gateway_api_table.h"

namespace proa::gateway {

using json::Value;

// "" or the reason why there is no backend; destinations are appended in any case.
std::string GatewayApi::resolve_backend(const ApiRoute& route, const ApiBackend& b,
                                        const Rule& rule, std::vector<Destination>& to,
                                        Compiled& out) {
  auto failed = [&](const char* reason, std::string why) {
    Destination d;
    d.weight = b.weight * 100, d.status = 500, d.why = why;
    to.push_back(std::move(d));
    out.warnings.push_back(std::move(why));
    return std::string(reason);
  };
  if (!b.to.group.empty() || b.to.kind != "Service")
    return failed("InvalidKind", str("backendRef: ", b.to.kind, " is not carried out; Service is"));
  if (!grants_.allow(std::string(kGatewayGroup), route.kind, route.key.ns, b.to, out.uses))
    return failed("RefNotPermitted", str("backendRef: no ReferenceGrant in namespace ", b.to.key.ns,
                                         " permits Service ", b.to.key.name));
  out.uses.insert(use('s', b.to.key));
  const auto* service = cluster_.service(b.to.key);
  if (!service && !cluster_.route(b.to.key))
    return failed("BackendNotFound", str("backendRef: there is no Service ", text_of(b.to.key)));
  if (service && service->external_name.empty() && !cluster_.has_revision(b.to.key) &&
      std::none_of(service->ports.begin(), service->ports.end(),
                   [&](const auto& p) { return p.port == b.to.port; }))
    return failed("BackendNotFound",
                  str("backendRef: Service ", text_of(b.to.key), " has no port ", b.to.port));
  std::string authority = rule.authority;
  if (authority.empty() && !route.hostnames.empty()) authority = route.hostnames[0];
  auto found =
      cluster_.resolve(service_host(b.to.key), b.to.port, "", authority, b.to.key.ns, out.uses);
  uint64_t sum = 0;
  for (const Destination& d : found) sum += d.weight;
  for (Destination& d : found) {
    // In hundredths, so that percents of weights stay exact.
    d.weight = sum ? static_cast<uint32_t>(uint64_t{b.weight} * 100 * d.weight / sum) : 0;
    d.request = b.request, d.response = b.response;
    to.push_back(std::move(d));
  }
  return "";
}

void GatewayApi::resolve_rules(const ApiRoute& route, std::vector<Rule>& rules,
                               std::vector<Order>& order, std::pair<std::string, std::string>& refs,
                               Compiled& out) {
  auto note = [&](std::string reason) {
    if (!reason.empty() && refs.first.empty()) refs = {reason, out.warnings.back()};
  };
  for (const ApiRule& source : route.rules) {
    Rule rule = source.rule;
    if (source.broken) {
      rule.redirect.reset();
      rule.direct = DirectResponse{500, "a filter of this rule is not carried out"};
    } else if (!rule.redirect) {
      for (const ApiBackend& b : source.to)
        note(resolve_backend(route, b, rule, rule.destinations, out));
      // No backend at all: 500 by the specification.
      if (std::all_of(source.to.begin(), source.to.end(), [](auto& b) { return b.weight == 0; }))
        rule.destinations.clear(), rule.direct = DirectResponse{500, "the rule has no backend"};
    }
    for (const ApiBackend& m : source.mirrors) {
      std::vector<Destination> to;
      note(resolve_backend(route, m, rule, to, out));
      if (!to.empty() && to[0].backend) rule.mirrors.push_back({std::move(to[0]), m.weight});
    }
    weigh(rule);
    for (const auto& [match, at] : source.matches) {
      rules.push_back(rule);
      rules.back().matches = {match};
      order.push_back(at);
    }
  }
  std::vector<size_t> places(rules.size());
  std::iota(places.begin(), places.end(), size_t{0});
  std::stable_sort(places.begin(), places.end(),
                   [&](size_t a, size_t b) { return order[a] < order[b]; });
  std::vector<Rule> sorted;
  std::vector<Order> sorted_order;
  for (size_t i : places) sorted.push_back(std::move(rules[i])), sorted_order.push_back(order[i]);
  rules = std::move(sorted), order = std::move(sorted_order);
}

bool GatewayApi::may_attach(const ApiRoute& route, const Gateway& g, size_t listener,
                            Uses& uses) const {
  const ApiListener& l = g.spec.listeners[listener];
  const Checked& c = g.checked[listener];
  if (std::find(c.kinds.begin(), c.kinds.end(), route.kind) == c.kinds.end()) return false;
  if (l.from == "All") return true;
  if (l.from == "Same") return route.key.ns == g.spec.key.ns;
  if (l.from != "Selector") return false;
  uses.insert(use('n', route.key.ns));
  auto labels = namespaces_.find(route.key.ns);
  return labels != namespaces_.end() && selects(l.selector, labels->second);
}

void GatewayApi::claim(const ApiRoute& route, const Gateway& g, const ApiListener& l,
                       const std::string& name, const std::vector<Rule>& rules,
                       const std::vector<Order>& order, Compiled& out) const {
  // A name that a narrower listener of the same port has is that listener's alone.
  for (const ApiListener& other : g.spec.listeners) {
    if (&other == &l || other.port != l.port || other.hostname.empty()) continue;
    const bool narrower = l.hostname.empty() ||
                          (other.hostname != l.hostname && host_covers(l.hostname, other.hostname));
    if (narrower && host_covers(other.hostname, name)) return;
  }
  auto host = std::make_shared<Host>();
  host->name = name;
  host->source = str(route.kind, " ", text_of(route.key));
  host->rules = rules;
  auto part = std::make_shared<Part>();
  part->host = std::move(host);
  part->order = order;
  out.claims.push_back(
      {l.port, name, Rank::kGatewayRoute, route.created, std::move(part), nullptr});
}

GatewayApi::ParentResult GatewayApi::attach(const std::string& source, const ApiRoute& route,
                                            const ApiParent& parent, const std::vector<Rule>& rules,
                                            const std::vector<Order>& order, Compiled& out) {
  const Gateway& g = gateways_.at(parent.key);
  ParentResult result;
  result.message = parent.section.empty() ? str("no listener has port ", parent.port)
                                          : str("there is no listener ", parent.section);
  bool allowed = false;
  for (size_t i = 0; i < g.spec.listeners.size(); ++i) {
    const ApiListener& l = g.spec.listeners[i];
    if (!parent.section.empty() && l.name != parent.section) continue;
    if (parent.port && l.port != parent.port) continue;
    if (!may_attach(route, g, i, out.uses)) {
      if (!allowed && !result.attached)
        result.reason = "NotAllowedByListeners",
        result.message = str("listener ", l.name, " does not take a ", route.kind, " of namespace ",
                             route.key.ns);
      continue;
    }
    allowed = true;
    const std::set<std::string> names = names_at(l, route);
    if (names.empty()) {
      if (!result.attached)
        result.reason = "NoMatchingListenerHostname",
        result.message = str("no hostname of the route is one of listener ", l.name);
      continue;
    }
    if (const ApiRoute* older = rival(route, g, i, names, out.uses)) {
      if (!result.attached)
        result.reason = "HostnameConflict",
        result.message = str("listener ", l.name, " has the older ", older->kind, " ",
                             text_of(older->key), " with a hostname of this route");
      continue;
    }
    result.attached = true, result.reason = "Accepted", result.message.clear();
    attached_[parent.key][l.name].insert(source);
    attached_to_[source].insert(parent.key);
    changed_.insert(parent.key);
    if (g.checked[i].accepted && !g.checked[i].conflicted)
      for (const std::string& name : names) claim(route, g, l, name, rules, order, out);
  }
  return result;
}

std::vector<client::Key> GatewayApi::gateways_of(const std::string& route) const {
  std::vector<Key> out;
  auto it = routes_.find(route);
  if (it == routes_.end()) return out;
  for (const ApiParent& parent : it->second.parents)
    if (parent.gateway) out.push_back(parent.key);
  return out;
}

std::set<std::string> names_at(const ApiListener& l, const ApiRoute& route) {
  std::set<std::string> names;
  if (route.hostnames.empty()) names.insert(l.hostname.empty() ? "*" : l.hostname);
  for (const std::string& h : route.hostnames)
    if (std::string both = host_intersection(l.hostname, h); !both.empty()) names.insert(both);
  return names;
}

// Of an HTTPRoute and a GRPCRoute with a hostname in common a listener has exactly one: the older,
// else the first by name. This finds the one that this route gives way to.
const ApiRoute* GatewayApi::rival(const ApiRoute& route, const Gateway& g, size_t listener,
                                  const std::set<std::string>& names, Uses& uses, int depth) const {
  constexpr int kMostDepth = 8;
  const bool http = route.kind == "HTTPRoute";
  uses.insert(use(http ? 'j' : 'h', g.spec.key));
  if (depth > kMostDepth) return nullptr;
  const ApiListener& l = g.spec.listeners[listener];
  const std::string prefix = http ? "J:" : "H:";
  for (auto it = routes_.lower_bound(prefix); it != routes_.end() && it->first.starts_with(prefix);
       ++it) {
    const ApiRoute& other = it->second;
    if (std::tie(route.created, route.key, route.kind) <
        std::tie(other.created, other.key, other.kind))
      continue;
    const bool here = std::any_of(other.parents.begin(), other.parents.end(), [&](const auto& p) {
      return p.gateway && p.key == g.spec.key && (p.section.empty() || p.section == l.name) &&
             (!p.port || p.port == l.port);
    });
    if (!here || !may_attach(other, g, listener, uses)) continue;
    const auto theirs = names_at(l, other);
    const bool shared = std::any_of(names.begin(), names.end(), [&](const std::string& a) {
      return std::any_of(theirs.begin(), theirs.end(),
                         [&](const std::string& b) { return !host_intersection(a, b).empty(); });
    });
    if (shared && !rival(other, g, listener, theirs, uses, depth + 1)) return &other;
  }
  return nullptr;
}

Compiled GatewayApi::compile_route(const std::string& source) {
  Compiled out;
  auto it = routes_.find(source);
  if (it == routes_.end()) return out;
  const ApiRoute& route = it->second;
  for (const Key& key : attached_to_[source]) {
    for (auto& [listener, routes] : attached_[key]) routes.erase(source);
    changed_.insert(key);
  }
  attached_to_.erase(source);
  std::vector<Rule> rules;
  std::vector<Order> order;
  std::pair<std::string, std::string> refs;
  resolve_rules(route, rules, order, refs, out);
  Value parents(json::Array{});
  for (const ApiParent& parent : route.parents) {
    if (!parent.gateway) continue;
    out.uses.insert(use('a', parent.key));
    auto g = gateways_.find(parent.key);
    if (g == gateways_.end() || !g->second.ours) continue;
    const ParentResult result = attach(source, route, parent, rules, order, out);
    Value conditions(json::Array{});
    conditions.push(
        condition_of("Accepted", result.attached, result.reason, result.message, route.generation));
    conditions.push(condition_of("ResolvedRefs", refs.first.empty(),
                                 refs.first.empty() ? "ResolvedRefs" : refs.first, refs.second,
                                 route.generation));
    if (!route.unsupported.empty())
      conditions.push(condition_of("PartiallyInvalid", true, "UnsupportedValue",
                                   join(route.unsupported, ", ") + ": not carried out",
                                   route.generation));
    parents.push(json::object({{"parentRef", parent.reference},
                               {"controllerName", g->second.controller},
                               {"conditions", std::move(conditions)}}));
  }
  out.status = json::object({{"parents", std::move(parents)}});
  return out;
}

}  // namespace proa::gateway
