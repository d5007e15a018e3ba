// GatewayApi, first half: classes, Gateways and their listeners.
#include "platform/gateway/config/compile/gateway_api_table.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

Value condition_of(std::string_view type, bool status, std::string_view reason,
                   std::string_view message, int64_t generation) {
  return json::object({{"type", type},
                       {"status", status ? "True" : "False"},
                       {"reason", reason},
                       {"message", message},
                       {"observedGeneration", generation}});
}

void GatewayApi::put_class(const std::string& name, const Value& object) {
  classes_[name] = object["spec"]["controllerName"].str();
  class_generations_[name] = object["metadata"]["generation"].integer();
}

void GatewayApi::put_namespace(const std::string& name, const Value& object) {
  namespaces_[name] = object["metadata"]["labels"];
}

void GatewayApi::put_route(const std::string& source, ApiRoute route) {
  routes_[source] = std::move(route);
}

void GatewayApi::drop_route(const std::string& source) {
  routes_.erase(source);
  for (const Key& key : attached_to_[source]) {
    for (auto& [listener, routes] : attached_[key]) routes.erase(source);
    changed_.insert(key);
  }
  attached_to_.erase(source);
}

Compiled GatewayApi::compile_class(const std::string& name) const {
  Compiled out;
  auto it = classes_.find(name);
  if (it == classes_.end()) return out;
  const auto& ours = options_.controllers;
  if (std::find(ours.begin(), ours.end(), it->second) == ours.end()) return out;
  const int64_t generation = class_generations_.at(name);
  Value features = Value(json::Array{});
  for (const char* f : {"GRPCRoute",
                        "Gateway",
                        "GatewayPort8080",
                        "HTTPRoute",
                        "HTTPRouteBackendRequestHeaderModification",
                        "HTTPRouteBackendTimeout",
                        "HTTPRouteCORS",
                        "HTTPRouteHostRewrite",
                        "HTTPRouteMethodMatching",
                        "HTTPRouteParentRefPort",
                        "HTTPRoutePathRedirect",
                        "HTTPRoutePathRewrite",
                        "HTTPRoutePortRedirect",
                        "HTTPRouteQueryParamMatching",
                        "HTTPRouteRequestMirror",
                        "HTTPRouteRequestMultipleMirrors",
                        "HTTPRouteRequestPercentageMirror",
                        "HTTPRouteRequestTimeout",
                        "HTTPRouteResponseHeaderModification",
                        "HTTPRouteSchemeRedirect",
                        "ReferenceGrant"})
    features.push(json::object({{"name", f}}));
  out.status = json::object(
      {{"conditions", json::array({condition_of("Accepted", true, "Accepted",
                                                "carried out by this gateway", generation)})},
       {"supportedFeatures", std::move(features)}});
  return out;
}

void GatewayApi::check_kinds(const ApiListener& l, Checked& c) const {
  std::vector<std::string> possible;
  if (l.protocol == "HTTP" || (l.protocol == "HTTPS" && !l.passthrough))
    possible = {"HTTPRoute", "GRPCRoute"};
  if (l.protocol != "HTTP" && l.protocol != "HTTPS") {
    c.accepted = false, c.accepted_reason = "UnsupportedProtocol";
    c.accepted_message =
        str("protocol ", l.protocol, " is not carried out for Gateway API; HTTP and HTTPS are");
  } else if (l.passthrough) {
    c.accepted = false, c.accepted_reason = "UnsupportedValue";
    c.accepted_message = "tls.mode Passthrough needs TLSRoutes, which are not carried out";
  }
  if (l.kinds.empty()) {
    c.kinds = possible;
    return;
  }
  for (const auto& [group, kind] : l.kinds) {
    const bool known = group == kGatewayGroup &&
                       std::find(possible.begin(), possible.end(), kind) != possible.end();
    if (known) {
      c.kinds.push_back(kind);
      continue;
    }
    c.resolved = false, c.resolved_reason = "InvalidRouteKinds";
    c.resolved_message = str("allowedRoutes.kinds: ", group.empty() ? "core" : group, "/", kind,
                             " cannot be attached here");
  }
}

void GatewayApi::check_certificates(const Gateway& g, const ApiListener& l, Checked& c, Uses& uses,
                                    std::vector<TlsChain>& chains) const {
  auto bad = [&](const char* reason, std::string message) {
    c.resolved = false, c.resolved_reason = reason, c.resolved_message = std::move(message);
  };
  if (l.certificates.empty())
    return bad("InvalidCertificateRef", "tls.certificateRefs is missing: nothing to serve");
  if (!l.client_cas.empty())
    return bad("InvalidCertificateRef", "tls.frontendValidation is not carried out");
  for (const Reference& ref : l.certificates) {
    if (!ref.group.empty() || ref.kind != "Secret") {
      bad("InvalidCertificateRef", str("certificateRefs: ", ref.kind, " is no Secret"));
      continue;
    }
    uses.insert(use('t', ref.key));
    if (!grants_.allow(std::string(kGatewayGroup), "Gateway", g.spec.key.ns, ref, uses)) {
      bad("RefNotPermitted", str("certificateRefs: no ReferenceGrant in namespace ", ref.key.ns,
                                 " permits Secret ", ref.key.name));
      continue;
    }
    auto secret = secrets_.find(ref.key);
    if (!secret || secret->certificate.find("-----BEGIN") == std::string::npos ||
        secret->key.find("-----BEGIN") == std::string::npos) {
      bad("InvalidCertificateRef", str("certificateRefs: there is no Secret ", text_of(ref.key),
                                       " with a certificate in tls.crt and a key in tls.key"));
      continue;
    }
    TlsChain chain;
    chain.hosts = {l.hostname.empty() ? "*" : l.hostname};
    chain.credential = *secret;
    chain.credential.client_ca.clear();
    chain.name = str("Gateway ", text_of(g.spec.key), "/", l.name);
    chains.push_back(std::move(chain));
  }
}

void GatewayApi::check_conflicts(Gateway& g) const {
  const auto& all = g.spec.listeners;
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) {
      if (i == j || all[i].port != all[j].port) continue;
      Checked& c = g.checked[i];
      if (all[i].protocol != all[j].protocol) {
        c.conflicted = true, c.conflict_reason = "ProtocolConflict";
        c.conflict_message =
            str("listener ", all[j].name, " has port ", all[i].port, " for ", all[j].protocol);
      } else if (all[i].hostname == all[j].hostname) {
        c.conflicted = true, c.conflict_reason = "HostnameConflict";
        c.conflict_message = str("listener ", all[j].name, " has the same port and hostname");
      }
    }
  }
}

Compiled GatewayApi::compile_gateway(const Key& key) {
  Compiled out;
  auto it = gateways_.find(key);
  if (it == gateways_.end()) return out;
  Gateway& g = it->second;
  out.uses.insert(use('c', g.spec.gateway_class));
  auto found = classes_.find(g.spec.gateway_class);
  g.controller = found == classes_.end() ? "" : found->second;
  const auto& controllers = options_.controllers;
  g.ours = std::find(controllers.begin(), controllers.end(), g.controller) != controllers.end();
  g.checked.assign(g.spec.listeners.size(), {});
  if (!g.ours) return out;
  changed_.insert(key);
  check_conflicts(g);
  const std::string source = "a:" + text_of(key);
  for (size_t i = 0; i < g.spec.listeners.size(); ++i) {
    const ApiListener& l = g.spec.listeners[i];
    Checked& c = g.checked[i];
    check_kinds(l, c);
    std::vector<TlsChain> chains;
    if (c.accepted && l.protocol == "HTTPS") check_certificates(g, l, c, out.uses, chains);
    DoorPiece piece;
    piece.port = l.port;
    piece.protocol = l.protocol == "HTTPS" ? Protocol::kHttps : Protocol::kHttp;
    if (c.accepted && doors_.taken(source, l.port, piece.protocol)) {
      c.accepted = false, c.accepted_reason = "PortUnavailable";
      c.accepted_message = str("port ", l.port, " serves another protocol for another object");
    }
    if (!c.accepted || c.conflicted) continue;
    if (l.protocol == "HTTP") out.doors.push_back(piece);
    for (TlsChain& chain : chains) {
      piece.chain = std::move(chain);
      out.doors.push_back(piece);
    }
    // What no route of this listener takes is not found, even if a wider listener's route would.
    auto part = std::make_shared<Part>();
    auto host = std::make_shared<Host>();
    host->name = l.hostname.empty() ? "*" : l.hostname;
    host->source = str("Gateway ", text_of(key), ", listener ", l.name);
    part->host = std::move(host);
    out.claims.push_back(
        {l.port, part->host->name, Rank::kListener, g.spec.created, part, nullptr});
  }
  return out;
}

Value GatewayApi::listener_status(const Key& key, const Gateway& g, size_t i,
                                  const PortStates& ports) const {
  const ApiListener& l = g.spec.listeners[i];
  const Checked& c = g.checked[i];
  const int64_t generation = g.spec.generation;
  Value conditions(json::Array{});
  conditions.push(
      condition_of("Accepted", c.accepted, c.accepted_reason, c.accepted_message, generation));
  conditions.push(
      condition_of("Conflicted", c.conflicted, c.conflict_reason, c.conflict_message, generation));
  conditions.push(
      condition_of("ResolvedRefs", c.resolved, c.resolved_reason, c.resolved_message, generation));
  auto state = ports.find(l.port);
  const bool closed =
      state != ports.end() && (!state->second.bound || !state->second.error.empty());
  if (!c.usable())
    conditions.push(
        condition_of("Programmed", false, "Invalid", "see the other conditions", generation));
  else if (closed)
    conditions.push(
        condition_of("Programmed", false, "PortUnavailable", state->second.error, generation));
  else if (state != ports.end() && state->second.bound != l.port)
    conditions.push(condition_of(
        "Programmed", true, "Programmed",
        str("port ", l.port, " is port ", state->second.bound, " of this machine"), generation));
  else
    conditions.push(condition_of("Programmed", true, "Programmed", "", generation));
  Value kinds(json::Array{});
  for (const std::string& kind : c.kinds)
    kinds.push(json::object({{"group", kGatewayGroup}, {"kind", kind}}));
  int64_t attached = 0;
  if (auto a = attached_.find(key); a != attached_.end())
    if (auto r = a->second.find(l.name); r != a->second.end())
      attached = static_cast<int64_t>(r->second.size());
  return json::object({{"name", l.name},
                       {"supportedKinds", std::move(kinds)},
                       {"attachedRoutes", attached},
                       {"conditions", std::move(conditions)}});
}

Value GatewayApi::gateway_status(const Key& key, const PortStates& ports) const {
  auto it = gateways_.find(key);
  if (it == gateways_.end() || !it->second.ours) return {};
  const Gateway& g = it->second;
  const int64_t generation = g.spec.generation;
  Value listeners(json::Array{});
  size_t usable = 0, programmed = 0;
  for (size_t i = 0; i < g.checked.size(); ++i) {
    Value l = listener_status(key, g, i, ports);
    usable += g.checked[i].usable();
    programmed += client::condition_is(json::object({{"status", l}}), "Programmed", "True");
    listeners.push(std::move(l));
  }
  bool addresses = true;
  for (const std::string& a : g.spec.addresses)
    addresses = addresses && (a.empty() || a == options_.address);
  Value conditions(json::Array{});
  const bool all = usable == g.checked.size();
  if (!addresses)
    conditions.push(condition_of("Accepted", false, "UnsupportedAddress",
                                 str("the only address is ", options_.address), generation));
  else
    conditions.push(
        condition_of("Accepted", all || usable > 0, all ? "Accepted" : "ListenersNotValid",
                     all ? "" : "not every listener is valid; see status.listeners", generation));
  conditions.push(condition_of("Programmed", programmed > 0 && addresses,
                               programmed > 0 && addresses ? "Programmed" : "Invalid",
                               programmed > 0 ? "" : "no listener is served", generation));
  if (!g.spec.unsupported.empty())
    conditions.push(condition_of("UnsupportedFields", true, "UnsupportedValue",
                                 join(g.spec.unsupported, ", ") + ": not carried out", generation));
  return json::object(
      {{"addresses",
        json::array({json::object({{"type", "IPAddress"}, {"value", options_.address}})})},
       {"conditions", std::move(conditions)},
       {"listeners", std::move(listeners)}});
}

}  // namespace proa::gateway
