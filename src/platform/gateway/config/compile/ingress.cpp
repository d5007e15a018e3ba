#include "platform/gateway/config/compile/ingress.h"

#include <algorithm>
#include <numeric>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

void Ingresses::put_class(const std::string& name, const Value& object) {
  const Value& annotations = object["metadata"]["annotations"];
  classes_[name] = {object["spec"]["controller"].str(),
                    annotations["ingressclass.kubernetes.io/is-default-class"].str() == "true"};
}

// By its class: one whose controller is known, or a well-known name without an object.
bool Ingresses::ours(const Value& object, Uses& uses) const {
  std::string name = object["spec"]["ingressClassName"].str();
  if (name.empty()) name = object["metadata"]["annotations"]["kubernetes.io/ingress.class"].str();
  uses.insert("i:");
  if (auto it = classes_.find(name); it != classes_.end()) {
    const auto& known = options_.controllers;
    return std::find(known.begin(), known.end(), it->second.controller) != known.end();
  }
  const auto& names = options_.ingress_classes;
  return std::find(names.begin(), names.end(), name) != names.end();
}

Rule Ingresses::rule(const Key& key, const Value& backend, const std::string& host, Compiled& out) {
  Rule rule;
  const Value& service = backend["service"];
  auto failed = [&](std::string why) {
    Destination d;
    d.weight = 100, d.why = why;
    rule.destinations.push_back(std::move(d));
    weigh(rule);
    out.warnings.push_back(std::move(why));
    return rule;
  };
  if (!service.is_object())
    return failed("backend.resource is not carried out; backend.service is");
  const Key to{key.ns, service["name"].str()};
  auto port = static_cast<uint16_t>(service["port"]["number"].integer());
  out.uses.insert(use('s', to));
  const auto* known = cluster_.service(to);
  if (!known && !cluster_.route(to)) return failed(str("there is no Service ", text_of(to)));
  if (const std::string& name = service["port"]["name"].str(); known && !name.empty()) {
    for (const auto& p : known->ports)
      if (p.name == name) port = p.port;
    if (!port) return failed(str("Service ", text_of(to), " has no port ", name));
  }
  rule.destinations = cluster_.resolve(service_host(to), port, "", host, to.ns, out.uses);
  weigh(rule);
  return rule;
}

void Ingresses::read_paths(const Key& key, const Value& v, const std::string& host, Part& part,
                           Compiled& out) {
  auto made = std::make_shared<Host>(*part.host);
  for (const Value& p : v["http"]["paths"].array()) {
    Rule r = rule(key, p["backend"], host, out);
    Match m;
    Order o;
    std::string text = p["path"].str_or("/");
    const bool exact = p["pathType"].str() == "Exact";
    if (!exact)
      while (text.ends_with('/')) text.pop_back();
    m.uri.kind = exact ? TextMatch::kExact : TextMatch::kPathPrefix;
    // The longest path first; of equal ones the exact one.
    o.by[0] = -static_cast<int64_t>(text.size()) * 2 - (exact ? 1 : 0);
    m.uri.text = std::move(text);
    r.matches.push_back(std::move(m));
    made->rules.push_back(std::move(r));
    part.order.push_back(std::move(o));
  }
  part.host = std::move(made);
}

void Ingresses::read_tls(const Key& key, const Value& spec, Compiled& out) {
  for (const Value& t : spec["tls"].array()) {
    const Key secret{key.ns, t["secretName"].str()};
    if (secret.name.empty()) continue;  // the gateway's own certificate
    out.uses.insert(use('t', secret));
    auto found = secrets_.find(secret);
    if (!found || found->certificate.empty()) {
      out.warnings.push_back(
          str("spec.tls: there is no Secret ", text_of(secret), " with tls.crt and tls.key"));
      continue;
    }
    DoorPiece piece;
    piece.port = 443, piece.protocol = Protocol::kHttps;
    TlsChain chain;
    for (const Value& h : t["hosts"].array()) chain.hosts.push_back(lower(h.str()));
    if (chain.hosts.empty()) chain.hosts.push_back("*");
    chain.credential = *found;
    chain.credential.client_ca.clear();
    chain.name = str("Ingress ", text_of(key));
    piece.chain = std::move(chain);
    out.doors.push_back(std::move(piece));
  }
}

// Of the controllers whose classes are taken: what their annotations ask for is not done.
void Ingresses::read_annotations(const Value& object, Compiled& out) {
  static constexpr std::string_view kOthers[] = {"nginx.ingress.kubernetes.io/",   "nginx.org/",
                                                 "traefik.ingress.kubernetes.io/", "haproxy.org/",
                                                 "haproxy-ingress.github.io/",     "konghq.com/",
                                                 "alb.ingress.kubernetes.io/"};
  for (const auto& [name, value] : object["metadata"]["annotations"].object())
    for (std::string_view prefix : kOthers)
      if (name.starts_with(prefix))
        out.warnings.push_back(str("annotation ", name, " is not carried out"));
}

Compiled Ingresses::compile(const Key& key) {
  Compiled out;
  auto it = objects_.find(key);
  if (it == objects_.end() || !ours(it->second, out.uses)) return out;
  const Value& spec = it->second["spec"];
  const std::string& created = it->second["metadata"]["creationTimestamp"].str();
  std::map<std::string, std::shared_ptr<Part>> parts;
  auto part_of = [&](const std::string& host) {
    auto& part = parts[host];
    if (part) return part;
    auto made = std::make_shared<Host>();
    made->name = host;
    made->source = str("Ingress ", text_of(key));
    part = std::make_shared<Part>();
    part->host = std::move(made);
    return part;
  };
  for (const Value& r : spec["rules"].array()) {
    std::string host = lower(r["host"].str());
    if (host.empty()) host.assign(1, '*');
    read_paths(key, r, host, *part_of(host), out);
  }
  if (spec["defaultBackend"].is_object()) {
    part_of("*");
    for (auto& [name, part] : parts) {  // behind every path of every host
      auto made = std::make_shared<Host>(*part->host);
      made->rules.push_back(rule(key, spec["defaultBackend"], name, out));
      Order last;
      last.by[0] = 1;
      part->order.push_back(last);
      part->host = std::move(made);
    }
  }
  read_tls(key, spec, out);
  read_annotations(it->second, out);
  std::sort(out.warnings.begin(), out.warnings.end());
  out.warnings.erase(std::unique(out.warnings.begin(), out.warnings.end()), out.warnings.end());
  for (auto& [name, part] : parts) {
    auto host = std::make_shared<Host>(*part->host);
    std::vector<size_t> at(host->rules.size());
    std::iota(at.begin(), at.end(), size_t{0});
    std::stable_sort(at.begin(), at.end(),
                     [&](size_t a, size_t b) { return part->order[a] < part->order[b]; });
    std::vector<Rule> rules;
    std::vector<Order> order;
    for (size_t i : at) rules.push_back(host->rules[i]), order.push_back(part->order[i]);
    host->rules = std::move(rules);
    part->host = std::move(host), part->order = std::move(order);
    for (uint16_t port : {80, 443})
      out.claims.push_back({port, name, Rank::kIngress, created, part, nullptr});
    if (std::string alias = localhost_of(name, key.ns); !alias.empty())
      out.claims.push_back({0, alias, Rank::kAlias, created, part, nullptr});
  }
  out.status = status(out);
  return out;
}

Value Ingresses::status(const Compiled& out) const {
  Value entry = json::object({{"ip", options_.address}});
  if (!out.warnings.empty()) {
    // An Ingress has no conditions; this is where it can say what is wrong with a port.
    Value ports(json::Array{});
    ports.push(json::object(
        {{"port", 80}, {"protocol", "TCP"}, {"error", "proa.dev/BackendOrFieldNotCarriedOut"}}));
    entry.set("ports", std::move(ports));
  }
  return json::object({{"loadBalancer", json::object({{"ingress", json::array({entry})}})}});
}

}  // namespace proa::gateway
