// Gateway API: attachment, hostnames, precedence, filters, references, and what status says. The
// situations are those that its conformance suite names.
#include "platform/gateway/config/table_world.h"

namespace proa::gateway {
namespace {

std::string service(std::string_view name, std::string_view ns = "infra") {
  return str("\n---\n{apiVersion: v1, kind: Service, metadata: {name: ", name, ", namespace: ", ns,
             "}, spec: {clusterIP: 10.0.0.1, selector: {app: x}, ports: [{name: http, port: "
             "8080}]}}");
}

std::string base(std::string_view listeners) {
  return str(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours, generation: 1}
spec: {controllerName: proa.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: infra, generation: 3}
spec:
  gatewayClassName: ours
  listeners: [)",
             listeners, "]", service("v1"), service("v2"), service("v3"));
}
const std::string kHttp = "{name: http, port: 80, protocol: HTTP}";

std::string route(std::string_view name, std::string_view hostnames, std::string_view rules,
                  std::string_view created = "2026-01-01T00:00:00Z",
                  std::string_view parent = "{name: gw}", std::string_view ns = "infra",
                  std::string_view kind = "HTTPRoute") {
  return str("\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: ", kind,
             "\nmetadata: {name: ", name, ", namespace: ", ns,
             ", generation: 2, creationTimestamp: '", created, "'}\nspec:\n  parentRefs: [", parent,
             "]\n  hostnames: [", hostnames, "]\n  rules:\n", rules);
}
std::string to(std::string_view name, std::string_view match = "", std::string_view more = "") {
  return str("  - {backendRefs: [{name: ", name, ", port: 8080}]",
             match.empty() ? "" : str(", matches: [", match, "]"), more.empty() ? "" : ", ", more,
             "}\n");
}
std::string path(std::string_view type, std::string_view value) {
  return str("{path: {type: ", type, ", value: ", value, "}}");
}
constexpr std::string_view kV1 = "service infra/v1:8080", kV2 = "service infra/v2:8080",
                           kV3 = "service infra/v3:8080";

const json::Value& parent_status(World& w, const std::string& name) {
  return w.statuses[name]["parents"][0];
}

TEST(GatewayClass, OfOursIsAcceptedAndOthersAreLeftAlone) {
  World w(base(kHttp));
  EXPECT_EQ(World::condition(w.statuses["GatewayClass ours"], "Accepted"),
            "True Accepted: carried out by this gateway");
  w.put(
      "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: other}, "
      "spec: {controllerName: example.com/other}}");
  EXPECT_FALSE(w.statuses.contains("GatewayClass other"));
}

TEST(ApiGateway, SaysWhatItsListenersAreAndHowManyRoutesTheyHave) {
  World w(str(base(kHttp), route("r", "a.com", to("v1"))));
  const json::Value& s = w.statuses["Gateway infra/gw"];
  EXPECT_EQ(World::condition(s, "Accepted"), "True Accepted");
  EXPECT_EQ(World::condition(s, "Programmed"), "True Programmed");
  EXPECT_EQ(s["addresses"][0]["value"].str(), "127.0.0.1");
  const json::Value& l = s["listeners"][0];
  EXPECT_EQ(l["attachedRoutes"].integer(), 1);
  EXPECT_EQ(l["supportedKinds"].size(), 2u);
  EXPECT_EQ(World::condition(l, "Conflicted"), "False NoConflicts");
  EXPECT_EQ(World::condition(l, "ResolvedRefs"), "True ResolvedRefs");
  w.remove(route("r", "a.com", to("v1")));
  EXPECT_EQ(w.statuses["Gateway infra/gw"]["listeners"][0]["attachedRoutes"].integer(), 0);
  EXPECT_EQ(w.get(80, "a.com"), "404 path");  // the listener has the name; no route does
}

struct ListenerCase {
  const char* name;
  const char* listeners;
  const char* type;
  const char* expected;
};
TEST(ApiGateway, NamesWhatIsWrongWithAListener) {
  const ListenerCase cases[] = {
      {"protocol", "{name: l, port: 80, protocol: UDP}", "Accepted",
       "False UnsupportedProtocol: protocol UDP is not carried out for Gateway API; HTTP and "
       "HTTPS are"},
      {"passthrough", "{name: l, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}", "Accepted",
       "False UnsupportedValue: tls.mode Passthrough needs TLSRoutes, which are not carried out"},
      {"hostnames", "{name: l, port: 80, protocol: HTTP}, {name: m, port: 80, protocol: HTTP}",
       "Conflicted", "True HostnameConflict: listener m has the same port and hostname"},
      {"protocols", "{name: l, port: 80, protocol: HTTP}, {name: m, port: 80, protocol: HTTPS}",
       "Conflicted", "True ProtocolConflict: listener m has port 80 for HTTPS"},
      {"kinds", "{name: l, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}",
       "ResolvedRefs",
       "False InvalidRouteKinds: allowedRoutes.kinds: gateway.networking.k8s.io/TCPRoute cannot "
       "be attached here"},
      {"certificate",
       "{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}",
       "ResolvedRefs",
       "False InvalidCertificateRef: certificateRefs: there is no Secret infra/none with a "
       "certificate in tls.crt and a key in tls.key"},
      {"grant",
       "{name: l, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c, namespace: "
       "certs}]}}",
       "ResolvedRefs",
       "False RefNotPermitted: certificateRefs: no ReferenceGrant in namespace certs permits "
       "Secret c"},
  };
  for (const ListenerCase& c : cases) {
    World w(base(c.listeners));
    const json::Value& s = w.statuses["Gateway infra/gw"];
    EXPECT_EQ(World::condition(s["listeners"][0], c.type), c.expected) << c.name;
    EXPECT_TRUE(World::condition(s["listeners"][0], "Programmed").starts_with("False Invalid"))
        << c.name;
    EXPECT_TRUE(World::condition(s, "Accepted").starts_with("False ListenersNotValid")) << c.name;
  }
}

TEST(ApiGateway, AGrantLetsItUseAnotherNamespacesSecret) {
  World w(base(
      "{name: tls, hostname: s.com, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c, "
      "namespace: certs}]}}"));
  w.put(R"(
apiVersion: v1
kind: Secret
metadata: {name: c, namespace: certs}
data: {tls.crt: LS0tLS1CRUdJTiBD, tls.key: LS0tLS1CRUdJTiBL}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: certs}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: infra}]
  to: [{group: "", kind: Secret}]
)");
  const json::Value& l = w.statuses["Gateway infra/gw"]["listeners"][0];
  EXPECT_EQ(World::condition(l, "ResolvedRefs"), "True ResolvedRefs");
  bool found = false;
  for (const Listener& door : w.builder.listeners())
    if (door.port == 443) {
      found = true;
      ASSERT_EQ(door.chains.size(), 1u);
      EXPECT_EQ(door.chains[0].hosts, std::vector<std::string>{"s.com"});
    }
  EXPECT_TRUE(found);
}

TEST(ApiGateway, SaysThatAPortCouldNotBeOpened) {
  World w(base("{name: l, port: 8081, protocol: HTTP}"));
  w.builder.opened({{"", 8081, 0, "address in use"}});
  w.build();
  const json::Value& s = w.statuses["Gateway infra/gw"];
  EXPECT_EQ(World::condition(s["listeners"][0], "Programmed"),
            "False PortUnavailable: address in use");
  EXPECT_EQ(World::condition(s, "Programmed"), "False Invalid: no listener is served");
}

TEST(HttpRoute, MatchesWholePathElementsAndTheLongestFirst) {
  World w(str(base(kHttp),
              route("r", "a.com",
                    to("v1", path("PathPrefix", "/")) + to("v2", path("PathPrefix", "/v2/")) +
                        to("v3", path("Exact", "/v2")))));
  EXPECT_EQ(w.get(80, "a.com", "/"), kV1);
  EXPECT_EQ(w.get(80, "a.com", "/v2"), kV3);
  EXPECT_EQ(w.get(80, "a.com", "/v2/"), kV2);
  EXPECT_EQ(w.get(80, "a.com", "/v2/x"), kV2);
  EXPECT_EQ(w.get(80, "a.com", "/v2x"), kV1);
}

TEST(HttpRoute, PrecedenceHoldsAcrossRoutesOfOneHost) {
  World w(str(base(kHttp),
              route("young", "a.com", to("v2", path("PathPrefix", "/x")), "2026-02-01"),
              route("old", "a.com",
                    to("v1", path("PathPrefix", "/x")) +
                        to("v3", "{path: {value: /x}, headers: [{name: version, value: two}]}"),
                    "2026-01-01"),
              route("long", "a.com", to("v3", path("PathPrefix", "/x/y")), "2026-03-01")));
  EXPECT_EQ(w.get(80, "a.com", "/x"), kV1);  // the older
  EXPECT_EQ(w.get(80, "a.com", "/x", {{"version", "two"}}), kV3);
  EXPECT_EQ(w.get(80, "a.com", "/x/y"), kV3);
  w.remove(route("old", "a.com", to("v1")));
  EXPECT_EQ(w.get(80, "a.com", "/x"), kV2);
}

TEST(HttpRoute, MatchesMethodsHeadersAndQueryByTheFirstOfAName) {
  World w(str(base(kHttp),
              route("r", "a.com",
                    to("v1", "{method: POST}, {queryParams: [{name: q, value: '1'}]}") +
                        to("v2",
                           "{headers: [{name: h, value: a}, {name: H, value: b}], queryParams: "
                           "[{name: animal, type: RegularExpression, value: 'wh.*'}]}"))));
  EXPECT_EQ(w.to("a.com", "/", "POST", {}, 0, nullptr, 80), kV1);
  EXPECT_EQ(w.get(80, "a.com", "/?q=1"), kV1);
  EXPECT_EQ(w.get(80, "a.com", "/?animal=whale", {{"h", "a"}}), kV2);
  EXPECT_EQ(w.get(80, "a.com", "/?animal=dog", {{"h", "a"}}), "404 path");
}

TEST(HttpRoute, TakesTheIntersectionOfItsHostnamesWithTheListeners) {
  World w(
      str(base("{name: one, hostname: very.specific.com, port: 80, protocol: HTTP}, {name: two, "
               "hostname: '*.wild.io', port: 80, protocol: HTTP}, {name: three, hostname: "
               "'*.a.wild.io', port: 80, protocol: HTTP}"),
          route("r1", "'*.specific.com', unknown.com", to("v1"), "2026-01-01",
                "{name: gw, sectionName: one}"),
          route("r2", "x.wild.io, x.a.wild.io, wild.io", to("v2"), "2026-01-01",
                "{name: gw, sectionName: two}"),
          route("r3", "nothing.org", to("v3"))));
  EXPECT_EQ(w.get(80, "very.specific.com"), kV1);
  EXPECT_EQ(w.get(80, "other.specific.com"), "404 host");
  EXPECT_EQ(w.get(80, "unknown.com"), "404 host");
  EXPECT_EQ(w.get(80, "x.wild.io"), kV2);
  EXPECT_EQ(w.get(80, "wild.io"), "404 host");
  // Belongs to the narrower listener, to which the route is not attached.
  EXPECT_EQ(w.get(80, "x.a.wild.io"), "404 path");
  EXPECT_TRUE(World::condition(parent_status(w, "HTTPRoute infra/r3"), "Accepted")
                  .starts_with("False NoMatchingListenerHostname"));
}

TEST(HttpRoute, MayComeFromOtherNamespacesOnlyWhereTheListenerLetsIt) {
  World w(str(
      base("{name: same, port: 80, protocol: HTTP}, {name: all, port: 81, protocol: HTTP, "
           "allowedRoutes: {namespaces: {from: All}}}, {name: some, port: 82, protocol: HTTP, "
           "allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: a}}}}}"),
      service("v1", "apps"), "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: apps}}",
      route("r", "a.com", to("v1"), "2026-01-01", "{name: gw, namespace: infra}", "apps")));
  EXPECT_EQ(w.get(80, "a.com"), "404 path");
  EXPECT_EQ(w.get(81, "a.com"), "service apps/v1:8080");
  EXPECT_EQ(w.get(82, "a.com"), "404 path");
  w.put("{apiVersion: v1, kind: Namespace, metadata: {name: apps, labels: {team: a}}}");
  EXPECT_EQ(w.get(82, "a.com"), "service apps/v1:8080");
  w.put(route("s", "b.com", to("v1"), "2026-01-01", "{name: gw, namespace: infra, port: 80}",
              "apps"));
  EXPECT_TRUE(World::condition(parent_status(w, "HTTPRoute apps/s"), "Accepted")
                  .starts_with("False NotAllowedByListeners"));
}

TEST(HttpRoute, ParentThatNamesNoListenerIsRefused) {
  World w(str(base(kHttp), route("r", "a.com", to("v1"), "2026", "{name: gw, sectionName: x}"),
              route("p", "a.com", to("v1"), "2026", "{name: gw, port: 81}"),
              route("n", "a.com", to("v1"), "2026", "{name: unknown}")));
  EXPECT_EQ(World::condition(parent_status(w, "HTTPRoute infra/r"), "Accepted"),
            "False NoMatchingParent: there is no listener x");
  EXPECT_TRUE(World::condition(parent_status(w, "HTTPRoute infra/p"), "Accepted")
                  .starts_with("False NoMatchingParent"));
  EXPECT_EQ(w.statuses["HTTPRoute infra/n"]["parents"].size(), 0u);
}

TEST(HttpRoute, ABackendThatCannotBeUsedIsAnswered500AndNamed) {
  World w(
      str(base(kHttp), service("far", "other"), route("none", "a.com", to("nothing")),
          route("kind", "b.com", "  - {backendRefs: [{kind: Pod, name: p}]}\n"),
          route("ns", "c.com", "  - {backendRefs: [{name: far, namespace: other, port: 8080}]}\n"),
          route("port", "d.com", "  - {backendRefs: [{name: v1, port: 1}]}\n"),
          route("zero", "e.com", "  - {backendRefs: []}\n")));
  for (const char* host : {"a.com", "b.com", "c.com", "d.com", "e.com"})
    EXPECT_EQ(w.get(80, host), "500") << host;
  auto refs = [&](const char* name) {
    return World::condition(parent_status(w, str("HTTPRoute infra/", name)), "ResolvedRefs");
  };
  EXPECT_EQ(refs("none"), "False BackendNotFound: backendRef: there is no Service infra/nothing");
  EXPECT_TRUE(refs("kind").starts_with("False InvalidKind"));
  EXPECT_TRUE(refs("ns").starts_with("False RefNotPermitted"));
  EXPECT_TRUE(refs("port").starts_with("False BackendNotFound"));
  w.put(R"(
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: infra}]
  to: [{group: "", kind: Service, name: far}]
)");
  EXPECT_EQ(w.get(80, "c.com"), "service other/far:8080");
  EXPECT_EQ(refs("ns"), "True ResolvedRefs");
  w.put(service("nothing"));
  EXPECT_EQ(w.get(80, "a.com"), "service infra/nothing:8080");
}

TEST(HttpRoute, WeightsSplitAndZeroTakesNothing) {
  World w(
      str(base(kHttp), route("r", "a.com",
                             "  - {backendRefs: [{name: v1, port: 8080, weight: 70}, {name: v2, "
                             "port: 8080, weight: 30}, {name: v3, port: 8080, weight: 0}]}\n")));
  ASSERT_EQ(w.get(80, "a.com"), kV1);
  std::map<std::string, int> counts;
  for (int i = 0; i < 1000; ++i)
    counts[pick(*w.last, static_cast<uint32_t>(i) * 4294967u)->backend->name()]++;
  EXPECT_NEAR(counts[std::string(kV1)], 700, 2);
  EXPECT_EQ(counts.count(std::string(kV3)), 0u);
}

TEST(HttpRoute, FiltersChangeHeadersPathsAndMirror) {
  World w(str(base(kHttp), route("r", "a.com",
                                 to("v1", path("PathPrefix", "/old/"),
                                    "filters: [{type: URLRewrite, urlRewrite: {hostname: new.org, "
                                    "path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}, "
                                    "{type: RequestHeaderModifier, requestHeaderModifier: {set: "
                                    "[{name: a, value: b}], remove: [c]}}, {type: RequestMirror, "
                                    "requestMirror: {backendRef: {name: v2, port: 8080}, fraction: "
                                    "{numerator: 1, denominator: 4}}}], timeouts: {request: 2s, "
                                    "backendRequest: 1s}") +
                                     to("v1", path("PathPrefix", "/full"),
                                        "filters: [{type: URLRewrite, urlRewrite: {path: {type: "
                                        "ReplaceFullPath, replaceFullPath: /one}}}]"))));
  ASSERT_EQ(w.get(80, "a.com", "/old/x"), kV1);
  const Rule& r = *w.last;
  EXPECT_EQ(rewritten_target(r, w.prefix, "/old/x", {}), "/x");
  EXPECT_EQ(rewritten_target(r, w.prefix, "/old", {}), "/");
  EXPECT_EQ(r.authority, "new.org");
  EXPECT_EQ(r.request.remove, std::vector<std::string>{"c"});
  ASSERT_EQ(r.mirrors.size(), 1u);
  EXPECT_EQ(r.mirrors[0].share, kMillion / 4);
  EXPECT_EQ(r.timeout, std::chrono::seconds(2));
  EXPECT_EQ(r.retries.per_try, std::chrono::seconds(1));
  ASSERT_EQ(w.get(80, "a.com", "/full/more"), kV1);
  EXPECT_EQ(rewritten_target(*w.last, w.prefix, "/full/more", std::string_view("q")), "/one?q");
}

TEST(HttpRoute, RedirectsByPathPortAndScheme) {
  World w(str(base(kHttp),
              route("r", "a.com",
                    "  - {matches: [{path: {value: /p}}], filters: [{type: RequestRedirect, "
                    "requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: "
                    "/new}, statusCode: 301}}]}\n"
                    "  - {filters: [{type: RequestRedirect, requestRedirect: {scheme: https, "
                    "hostname: b.com}}]}\n")));
  ASSERT_EQ(w.get(80, "a.com", "/p/x"), "301");
  EXPECT_EQ(redirected_path(*w.last->redirect, w.prefix, "/p/x"), "/new/x");
  EXPECT_EQ(w.last->redirect->derive, Redirect::kOfListener);
  ASSERT_EQ(w.get(80, "a.com", "/"), "302");
  EXPECT_EQ(w.last->redirect->derive, Redirect::kOfScheme);
  EXPECT_EQ(w.last->redirect->authority, "b.com");
}

TEST(HttpRoute, CorsOriginsMayHaveAWildcard) {
  World w(str(base(kHttp), route("r", "a.com",
                                 to("v1", "",
                                    "filters: [{type: CORS, cors: {allowOrigins: "
                                    "['https://*.b.com', 'https://c.com'], allowMethods: ['*'], "
                                    "maxAge: 600}}]"))));
  ASSERT_EQ(w.get(80, "a.com"), kV1);
  const Cors& cors = *w.last->cors;
  EXPECT_TRUE(cors.origins[0].matches("https://x.y.b.com"));
  EXPECT_FALSE(cors.origins[0].matches("https://xbbcom"));
  EXPECT_TRUE(cors.origins[1].matches("https://c.com"));
  EXPECT_EQ(cors.max_age, std::chrono::seconds(600));
}

TEST(HttpRoute, AFilterThatIsNotCarriedOutIsNamedAndItsRuleFails) {
  World w(str(base(kHttp),
              route("r", "a.com",
                    to("v1", path("PathPrefix", "/e"),
                       "filters: [{type: ExtensionRef, extensionRef: {group: x, kind: Y, name: "
                       "z}}]") +
                        to("v2", "", "sessionPersistence: {sessionName: s}"))));
  EXPECT_EQ(w.get(80, "a.com", "/e"), "500");
  EXPECT_EQ(w.get(80, "a.com", "/"), kV2);
  EXPECT_EQ(World::condition(parent_status(w, "HTTPRoute infra/r"), "PartiallyInvalid"),
            "True UnsupportedValue: rules.filters extensionRef Y/z, rules.sessionPersistence: not "
            "carried out");
}

TEST(GrpcRoute, MatchesServiceAndMethod) {
  auto grpc = [](std::string_view name, std::string_view rules) {
    return route(name, "g.com", rules, "2026", "{name: gw}", "infra", "GRPCRoute");
  };
  World w(
      str(base(kHttp), grpc("g", to("v1", "{method: {service: inference.GRPC, method: Infer}}") +
                                     to("v2", "{method: {service: inference.GRPC}}") +
                                     to("v3", "{method: {method: Only}}"))));
  EXPECT_EQ(w.to("g.com", "/inference.GRPC/Infer"), kV1);
  EXPECT_EQ(w.to("g.com", "/inference.GRPC/Other"), kV2);
  EXPECT_EQ(w.to("g.com", "/any.Service/Only"), kV3);
  EXPECT_EQ(w.to("g.com", "/any.Service/Else"), "404 path");
  EXPECT_EQ(World::condition(parent_status(w, "GRPCRoute infra/g"), "Accepted"), "True Accepted");
}

TEST(GrpcRoute, OfTwoKindsWithOneHostnameTheOlderIsAccepted) {
  auto grpc = [](std::string_view created) {
    return route("g", "g.com", to("v1", "{method: {service: inference.GRPC}}"), created,
                 "{name: gw}", "infra", "GRPCRoute");
  };
  World w(str(base(kHttp), route("r", "g.com, h.com", to("v2")), grpc("2100")));
  EXPECT_EQ(w.get(80, "g.com"), kV2);
  EXPECT_EQ(World::condition(parent_status(w, "HTTPRoute infra/r"), "Accepted"), "True Accepted");
  EXPECT_TRUE(World::condition(parent_status(w, "GRPCRoute infra/g"), "Accepted")
                  .starts_with("False HostnameConflict: listener "));
  w.put(grpc("1999"));
  EXPECT_EQ(w.to("g.com", "/inference.GRPC/Infer"), kV1);
  EXPECT_EQ(World::condition(parent_status(w, "GRPCRoute infra/g"), "Accepted"), "True Accepted");
  EXPECT_TRUE(World::condition(parent_status(w, "HTTPRoute infra/r"), "Accepted")
                  .starts_with("False HostnameConflict: listener "));
  w.remove(grpc("1999"));
  EXPECT_EQ(World::condition(parent_status(w, "HTTPRoute infra/r"), "Accepted"), "True Accepted");
}

TEST(ApiGateway, TakingItAwayTakesItsRoutesAway) {
  World w(str(base(kHttp), route("r", "a.com", to("v1"))));
  w.remove(
      "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, "
      "namespace: infra}}");
  EXPECT_EQ(w.get(80, "a.com"), "404 host");
  EXPECT_EQ(w.statuses["HTTPRoute infra/r"]["parents"].size(), 0u);
}

constexpr std::string_view kIngressYaml = R"(
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: infra}
spec:
  defaultBackend: {service: {name: v3, port: {name: http}}}
  tls: [{hosts: [a.com], secretName: c}]
  rules:
  - host: a.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: v1, port: {number: 8080}}}}
      - {path: /foo, pathType: Exact, backend: {service: {name: v2, port: {number: 8080}}}}
      - {path: /foo, pathType: Prefix, backend: {service: {name: v3, port: {number: 8080}}}}
)";

TEST(Ingress, RoutesByHostAndPathWithTheLongestFirst) {
  World w(str(base(kHttp), "\n---", kIngressYaml));
  EXPECT_EQ(w.get(0, "a.com", "/x"), kV1);
  EXPECT_EQ(w.get(443, "a.com", "/x"), kV1);
  EXPECT_EQ(w.get(0, "a.com", "/foo"), kV2);
  EXPECT_EQ(w.get(0, "a.com", "/foo/x"), kV3);
  EXPECT_EQ(w.get(0, "unknown.com", "/"), kV3);
  EXPECT_EQ(w.statuses["Ingress infra/i"]["loadBalancer"]["ingress"][0]["ip"].str(), "127.0.0.1");
}

TEST(Ingress, WhatIsNotCarriedOutIsToldOnce) {
  const std::string yaml = R"(
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: infra, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /, a/b: c}}
spec: {rules: [{host: a.com, http: {paths: [{path: /, pathType: Prefix, backend: {resource: {kind: X, name: y}}}]}}]}
)";
  World w(yaml);
  ASSERT_EQ(w.events.size(), 1u);
  EXPECT_EQ(w.events[0],
            "annotation nginx.ingress.kubernetes.io/rewrite-target is not carried out; "
            "backend.resource is not carried out; backend.service is");
  w.put(yaml);
  EXPECT_EQ(w.events.size(), 1u);
}

TEST(Ingress, OfAnotherControllersClassIsLeftAlone) {
  World w(R"(
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: theirs}, spec: {controller: example.com/other}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: j, namespace: infra}
spec: {ingressClassName: theirs, defaultBackend: {service: {name: v1, port: {number: 8080}}}}
)");
  EXPECT_EQ(w.get(0, "x.com"), "404 host");
  EXPECT_FALSE(w.statuses.contains("Ingress infra/j"));
}

TEST(Statuses, KeepTheTimeOfAConditionThatStays) {
  auto parse = [](const char* text) { return *json::parse(text); };
  json::Value wanted = parse(
      R"({"parents":[{"parentRef":{"name":"b"},"conditions":[{"type":"A","status":"True","reason":"x"}]}]})");
  fill_times(wanted,
             parse(
                 R"({"parents":[{"parentRef":{"name":"a"},"conditions":[]},
              {"parentRef":{"name":"b"},"conditions":[
                {"type":"A","status":"True","reason":"y","lastTransitionTime":"then"}]}]})"),
             "now");
  EXPECT_EQ(wanted["parents"][0]["conditions"][0]["lastTransitionTime"].str(), "then");
  fill_times(wanted, json::Value(), "now");
  EXPECT_EQ(wanted["parents"][0]["conditions"][0]["lastTransitionTime"].str(), "now");
}

}  // namespace
}  // namespace proa::gateway
