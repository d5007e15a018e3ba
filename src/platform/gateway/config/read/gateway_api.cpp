#include "platform/gateway/config/read/gateway_api.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/config/read/route_filters.h"

namespace proa::gateway {

using json::Value;

namespace {

Reference reference_of(const Value& v, const std::string& ns, const char* kind) {
  Reference r;
  r.group = v["group"].str();
  r.kind = v["kind"].str_or(kind);
  if (r.kind.empty()) r.kind = kind;
  const std::string& other = v["namespace"].str();
  r.key = {other.empty() ? ns : other, v["name"].str()};
  r.port = static_cast<uint16_t>(v["port"].integer());
  return r;
}

ApiListener read_listener(const Value& v, ApiGateway& gateway) {
  ApiListener l;
  l.name = v["name"].str(), l.hostname = lower(v["hostname"].str());
  l.protocol = v["protocol"].str();
  l.port = static_cast<uint16_t>(v["port"].integer());
  const Value& tls = v["tls"];
  l.passthrough = tls["mode"].str() == "Passthrough";
  for (const Value& c : tls["certificateRefs"].array())
    l.certificates.push_back(reference_of(c, gateway.key.ns, "Secret"));
  for (const Value& c : tls["frontendValidation"]["caCertificateRefs"].array())
    l.client_cas.push_back(reference_of(c, gateway.key.ns, "ConfigMap"));
  if (tls.has("options") && !tls["options"].object().empty())
    gateway.unsupported.push_back(str("listeners[", l.name, "].tls.options"));
  const Value& namespaces = v["allowedRoutes"]["namespaces"];
  l.from = namespaces["from"].str_or("Same");
  if (l.from.empty()) l.from = "Same";
  l.selector = namespaces["selector"];
  for (const Value& k : v["allowedRoutes"]["kinds"].array()) {
    std::string group = k.has("group") ? k["group"].str() : std::string(kGatewayGroup);
    l.kinds.emplace_back(std::move(group), k["kind"].str());
  }
  return l;
}

// What HTTPRoutes and GRPCRoutes have in common.
ApiRoute read_route(const Value& object, const char* kind) {
  ApiRoute route;
  const Value& spec = object["spec"];
  route.key = client::key_of(object);
  route.kind = kind;
  route.created = object["metadata"]["creationTimestamp"].str();
  route.generation = object["metadata"]["generation"].integer();
  for (const Value& p : spec["parentRefs"].array()) {
    ApiParent parent;
    const Reference r = reference_of(p, route.key.ns, "Gateway");
    parent.gateway = r.kind == "Gateway" && (!p.has("group") || r.group == kGatewayGroup);
    parent.key = r.key, parent.port = r.port;
    parent.section = p["sectionName"].str();
    parent.reference = p;
    route.parents.push_back(std::move(parent));
  }
  for (const Value& h : spec["hostnames"].array()) route.hostnames.push_back(lower(h.str()));
  return route;
}

TextMatch value_match(const Value& v, std::string_view where, ApiRoute& route) {
  TextMatch m;
  m.kind = TextMatch::kExact, m.text = v["value"].str();
  if (v["type"].str() != "RegularExpression") return m;
  m.kind = TextMatch::kRegex;
  m.pattern = read_pattern(m.text, where, route.unsupported);
  return m;
}

std::vector<HeaderMatch> value_matches(const Value& list, std::string_view where, ApiRoute& route) {
  std::vector<HeaderMatch> out;
  for (const Value& v : list.array()) {
    const std::string& name = v["name"].str();
    // Of several of one name the first counts.
    if (std::none_of(out.begin(), out.end(), [&](auto& h) { return iequals(h.name, name); }))
      out.push_back({name, value_match(v, where, route)});
  }
  return out;
}

std::pair<Match, Order> http_match(const Value& v, ApiRoute& route) {
  Match m;
  Order o;
  const Value& path = v["path"];
  const std::string& type = path["type"].str();
  std::string text = path.has("value") ? path["value"].str() : "/";
  o.by[1] = -static_cast<int64_t>(text.size());
  if (type == "Exact") {
    m.uri.kind = TextMatch::kExact, m.uri.text = text;
    o.by[0] = -3;
  } else if (type == "RegularExpression") {
    m.uri.kind = TextMatch::kRegex, m.uri.text = text;
    m.uri.pattern = read_pattern(text, "rules.matches.path", route.unsupported);
    o.by[0] = -2;
  } else {
    while (text.ends_with('/')) text.pop_back();
    m.uri.kind = TextMatch::kPathPrefix, m.uri.text = text;
    o.by[0] = -1, o.by[1] = -static_cast<int64_t>(text.size());
  }
  if (const std::string& method = v["method"].str(); !method.empty()) {
    m.method.kind = TextMatch::kExact, m.method.text = method;
    o.by[2] = -1;
  }
  m.headers = value_matches(v["headers"], "rules.matches.headers", route);
  m.query = value_matches(v["queryParams"], "rules.matches.queryParams", route);
  o.by[3] = -static_cast<int64_t>(m.headers.size());
  o.by[4] = -static_cast<int64_t>(m.query.size());
  return {std::move(m), o};
}

// By length of service, then of method, then number of headers.
std::pair<Match, Order> grpc_match(const Value& v, ApiRoute& route) {
  Match m;
  Order o;
  const Value& method = v["method"];
  const std::string &service = method["service"].str(), &name = method["method"].str();
  o.by[1] = -static_cast<int64_t>(service.size());
  o.by[2] = -static_cast<int64_t>(name.size());
  if (method["type"].str() == "RegularExpression") {
    m.uri.kind = TextMatch::kRegex;
    m.uri.text = str("/", service.empty() ? "[^/]+" : service, "/", name.empty() ? "[^/]+" : name);
    m.uri.pattern = read_pattern(m.uri.text, "rules.matches.method", route.unsupported);
  } else if (!service.empty() && !name.empty()) {
    m.uri.kind = TextMatch::kExact, m.uri.text = str("/", service, "/", name);
    o.by[0] = -1;
  } else if (!service.empty()) {
    m.uri.kind = TextMatch::kPathPrefix, m.uri.text = str("/", service);
    o.by[0] = -1;
  } else if (!name.empty()) {
    m.uri.kind = TextMatch::kRegex;
    std::string quoted = replace_all(name, ".", "\\.");
    m.uri.text = str("/[^/]+/", quoted);
    m.uri.pattern = read_pattern(m.uri.text, "rules.matches.method", route.unsupported);
    o.by[0] = -1;
  }
  m.headers = value_matches(v["headers"], "rules.matches.headers", route);
  o.by[3] = -static_cast<int64_t>(m.headers.size());
  return {std::move(m), o};
}

void read_backends(const Value& v, ApiRule& rule, ApiRoute& route) {
  for (const Value& b : v["backendRefs"].array()) {
    ApiBackend backend;
    backend.to = reference_of(b, route.key.ns, "Service");
    backend.weight = static_cast<uint32_t>(std::clamp<int64_t>(b["weight"].integer(1), 0, 1000000));
    for (const Value& f : b["filters"].array()) {
      const std::string& type = f["type"].str();
      if (type == "RequestHeaderModifier")
        backend.request = header_filter(f["requestHeaderModifier"]);
      else if (type == "ResponseHeaderModifier")
        backend.response = header_filter(f["responseHeaderModifier"]);
      else
        route.unsupported.push_back(str("rules.backendRefs.filters ", type));
    }
    rule.to.push_back(std::move(backend));
  }
}

void read_times(const Value& v, Rule& rule) {
  auto time = [](const std::string& text) -> std::optional<Duration> {
    auto d = parse_duration(text);
    if (d && d->count() == 0) d = kNoTimeout;
    return d;
  };
  if (auto d = time(v["timeouts"]["request"].str())) rule.timeout = *d;
  if (auto d = time(v["timeouts"]["backendRequest"].str()); d && *d != kNoTimeout)
    rule.retries.per_try = *d;
  const Value& retry = v["retry"];
  if (!retry.is_object()) return;
  rule.retries.defined = true;
  rule.retries.attempts =
      static_cast<int>(std::clamp<int64_t>(retry["attempts"].integer(1), 0, 10));
  for (const Value& code : retry["codes"].array())
    rule.retries.statuses.push_back(static_cast<int>(code.integer()));
  rule.retries.on_connect_failure = rule.retries.on_refused_stream = true;
  if (auto d = parse_duration(retry["backoff"].str())) rule.retries.backoff = *d;
}

template <typename ReadMatch>
ApiRule read_rule(const Value& v, ApiRoute& route, uint32_t& index, ReadMatch read_match) {
  ApiRule rule;
  rule.rule.name = v["name"].str();
  FilterReader filters(rule, route);
  for (const Value& f : v["filters"].array()) filters.read(f);
  for (const Value& m : v["matches"].array()) {
    rule.matches.push_back(read_match(m, route));
  }
  if (rule.matches.empty()) rule.matches.push_back(read_match(Value(), route));
  for (auto& [match, order] : rule.matches) {
    order.since = str(route.created, "/", route.key.ns, "/", route.key.name);
    order.index = index++;
  }
  read_backends(v, rule, route);
  read_times(v, rule.rule);
  if (v.has("sessionPersistence")) route.unsupported.push_back("rules.sessionPersistence");
  return rule;
}

}  // namespace

ApiGateway read_api_gateway(const Value& object) {
  ApiGateway out;
  const Value& spec = object["spec"];
  out.key = client::key_of(object);
  out.created = object["metadata"]["creationTimestamp"].str();
  out.generation = object["metadata"]["generation"].integer();
  out.gateway_class = spec["gatewayClassName"].str();
  for (const Value& l : spec["listeners"].array()) out.listeners.push_back(read_listener(l, out));
  for (const Value& a : spec["addresses"].array()) out.addresses.push_back(a["value"].str());
  for (const char* field :
       {"infrastructure", "backendTLS", "allowedListeners", "tls", "defaultScope"})
    if (spec.has(field)) out.unsupported.push_back(str("spec.", field));
  return out;
}

ApiRoute read_http_route(const Value& object) {
  ApiRoute route = read_route(object, "HTTPRoute");
  uint32_t index = 0;
  for (const Value& r : object["spec"]["rules"].array())
    route.rules.push_back(read_rule(r, route, index, http_match));
  return route;
}

ApiRoute read_grpc_route(const Value& object) {
  ApiRoute route = read_route(object, "GRPCRoute");
  uint32_t index = 0;
  for (const Value& r : object["spec"]["rules"].array())
    route.rules.push_back(read_rule(r, route, index, grpc_match));
  return route;
}

}  // namespace proa::gateway
