// Host names as the configuration's objects write them, and the names of what a route is made from.
//
// Used by this folder alone. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "client/client.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

// What a compiled object depends on: "s:ns/name" (a host of the cluster: Service, Route, Revision,
// their DestinationRules), "g:ns/name" (Istio Gateway), "a:ns/name" (Gateway API Gateway), "c:name"
// (GatewayClass), "n:ns" (a namespace's labels), "t:ns/name" (Secret), "r:ns" (ReferenceGrants),
// "v:ns/name" (VirtualService), "e:host" (ServiceEntry). When one changes, what used it is made
// anew.
using Uses = std::set<std::string>;
std::string use(char kind, const client::Key& key);
std::string use(char kind, std::string_view name);

inline constexpr std::string_view kLocalSuffix = ".svc.cluster.local";

// "name.ns.svc.cluster.local", "name.ns.svc", "name.ns", "name" (in `ns`) → key; nullopt for other
// names.
std::optional<client::Key> service_key(std::string_view host, std::string_view ns);
std::string service_host(const client::Key& key);  // the longest form
bool is_local_name(std::string_view host);         // ends in .svc.cluster.local

// "iris.ns.anything" → "iris.ns.localhost", if its second label is ns; "iris-ns.anything", as in
// Standard mode, → "iris-ns.localhost"; else "".
std::string localhost_of(std::string_view host, std::string_view ns);

// Does `wide` ("*", "*.a.b", "a.b") take every name that `narrow` takes?
bool host_covers(std::string_view wide, std::string_view narrow);
// The narrower of two if one covers the other; "" if they have nothing in common.
std::string host_intersection(std::string_view a, std::string_view b);

// "ns/name" or "name" (in `ns`).
client::Key key_in(std::string_view text, std::string_view ns);
std::string text_of(const client::Key& key);

void weigh(Rule& rule);  // sums up its destinations' weights

}  // namespace proa::gateway
