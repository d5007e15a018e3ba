// Istio's objects: which requests go where, with which policy, by which listener.
#include "platform/gateway/config/table_world.h"

namespace proa::gateway {
namespace {

constexpr std::string_view kShop = R"(
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {clusterIP: 10.0.0.1, selector: {app: a}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {clusterIP: 10.0.0.2, selector: {app: b}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: shop}
spec:
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["shop/*.shop.com", "*/open.com"]
  - port: {number: 8443, name: tls, protocol: TLS}
    tls: {mode: PASSTHROUGH}
    hosts: ["*.shop.com"]
  - port: {number: 9000, name: tcp, protocol: TCP}
    hosts: ["*"]
)";

std::string vs(std::string_view name, std::string_view hosts, std::string_view http,
               std::string_view created = "2026-01-01T00:00:00Z", std::string_view ns = "shop") {
  return str("\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ",
             name, ", namespace: ", ns, ", creationTimestamp: '", created,
             "'}\nspec:\n  gateways: [shop/front]\n  hosts: [", hosts, "]\n", http);
}

constexpr std::string_view kToA = "  http: [{route: [{destination: {host: a}}]}]";
constexpr std::string_view kToB = "  http: [{route: [{destination: {host: b}}]}]";

TEST(IstioGateway, ServesItsHostsOnItsPortOnly) {
  World w(str(kShop, vs("v", "x.shop.com, other.org", kToA)));
  EXPECT_EQ(w.get(80, "x.shop.com"), "service shop/a:80");
  EXPECT_EQ(w.get(0, "x.shop.com"), "service shop/a:80");  // from within
  EXPECT_EQ(w.get(443, "x.shop.com"), "404 host");
  EXPECT_EQ(w.get(8080, "x.shop.com"), "404 host");
  EXPECT_EQ(w.get(80, "other.org"), "404 host");
  EXPECT_EQ(World::condition(w.statuses["VirtualService shop/v"], "Reconciled"),
            "False NotFullyCarriedOut: hosts: no server of its Gateways takes other.org");
}

TEST(IstioGateway, TakesHostsOfTheNamespacesItNames) {
  World w(str(kShop, vs("v", "x.shop.com, open.com", kToA, "2026", "elsewhere")));
  EXPECT_EQ(w.get(80, "x.shop.com"), "404 host");
  EXPECT_EQ(w.get(80, "open.com"), "503");  // there is no Service elsewhere/a
}

TEST(IstioGateway, ListensWhereItsServersSay) {
  World w{kShop};
  std::map<uint16_t, Listener> by_port;
  for (const Listener& l : w.builder.listeners())
    if (!l.cluster) by_port[l.port] = l;
  ASSERT_EQ(by_port.size(), 3u);
  EXPECT_EQ(by_port[80].protocol, Protocol::kHttp);
  EXPECT_EQ(by_port[9000].protocol, Protocol::kTcp);
  ASSERT_EQ(by_port[8443].chains.size(), 1u);
  EXPECT_EQ(by_port[8443].chains[0].mode, TlsMode::kPassthrough);
  EXPECT_EQ(by_port[8443].chains[0].hosts, std::vector<std::string>{"*.shop.com"});
}

constexpr std::string_view kSecure = R"(
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: secure, namespace: shop}
spec:
  servers:
  - port: {number: 80, name: plain, protocol: HTTP}
    tls: {httpsRedirect: true}
    hosts: [s.com]
  - port: {number: 443, name: https, protocol: HTTPS}
    tls: {mode: MUTUAL, credentialName: cert, minProtocolVersion: TLSV1_3}
    hosts: [s.com]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: s, namespace: shop}
spec: {gateways: [secure], hosts: [s.com], http: [{route: [{destination: {host: a}}]}]}
)";
constexpr std::string_view kCert = R"(
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: shop}
data: {tls.crt: Q0VSVA==, tls.key: S0VZ, ca.crt: Q0E=}
)";

TEST(IstioGateway, EndsTlsWithTheSecretAndSendsPlainRequestsToHttps) {
  World w(str(kShop, "---", kSecure));
  EXPECT_EQ(w.get(80, "s.com"), "301");
  EXPECT_EQ(w.last->redirect->scheme, "https");
  EXPECT_EQ(w.get(443, "s.com"), "service shop/a:80");
  EXPECT_NE(World::condition(w.statuses["Gateway shop/secure"], "Reconciled").find("no Secret"),
            std::string::npos);
  Listeners listeners;
  auto tls = [&]() -> const Listener* {
    listeners = w.builder.listeners();
    for (const Listener& l : listeners)
      if (l.port == 443) return &l;
    return nullptr;
  };
  EXPECT_EQ(tls(), nullptr);
  w.put(kCert);
  ASSERT_NE(tls(), nullptr);
  ASSERT_EQ(tls()->chains.size(), 1u);
  const TlsChain& chain = tls()->chains[0];
  EXPECT_EQ(chain.mode, TlsMode::kMutual);
  EXPECT_EQ(chain.least, TlsVersion::k1_3);
  EXPECT_EQ(chain.credential.certificate, "CERT");
  EXPECT_EQ(chain.credential.client_ca, "CA");
  EXPECT_EQ(World::condition(w.statuses["Gateway shop/secure"], "Reconciled"), "True Reconciled");
}

TEST(VirtualService, RulesOfOneHostAreJoinedByAgeWithCatchAllsLast) {
  World w(str(kShop, vs("old", "m.shop.com", kToA, "2026-01-01"),
              vs("young", "m.shop.com",
                 "  http: [{match: [{uri: {prefix: /b}}], route: [{destination: {host: b}}]}]",
                 "2026-02-01")));
  EXPECT_EQ(w.get(80, "m.shop.com", "/b"), "service shop/b:80");
  EXPECT_EQ(w.get(80, "m.shop.com", "/c"), "service shop/a:80");
  w.remove(vs("old", "m.shop.com", kToA, "2026-01-01"));
  EXPECT_EQ(w.get(80, "m.shop.com", "/c"), "404 path");
}

TEST(VirtualService, TheLongestWildcardTakesTheRequest) {
  World w(str(kShop, vs("wide", "'*.shop.com'", kToA), vs("narrow", "'*.eu.shop.com'", kToB)));
  EXPECT_EQ(w.get(80, "x.eu.shop.com"), "service shop/b:80");
  EXPECT_EQ(w.get(80, "x.y.eu.shop.com"), "service shop/b:80");
  EXPECT_EQ(w.get(80, "x.us.shop.com"), "service shop/a:80");
  EXPECT_EQ(w.get(80, "shop.com"), "404 host");
}

TEST(VirtualService, MatchesHeadersThatAreAbsentAndCaselessUris) {
  World w(str(kShop, vs("v", "h.shop.com", R"(
  http:
  - match: [{uri: {prefix: /Case}, ignoreUriCase: true, withoutHeaders: {x-not: {}}}]
    route: [{destination: {host: b}}]
  - match: [{port: 8080}]
    directResponse: {status: 418}
  - match: [{scheme: {exact: https}}]
    directResponse: {status: 201}
  - route: [{destination: {host: a}}]
)")));
  EXPECT_EQ(w.get(80, "h.shop.com", "/cASE/x"), "service shop/b:80");
  EXPECT_EQ(w.get(80, "h.shop.com", "/cASE/x", {{"x-not", "1"}}), "service shop/a:80");
  EXPECT_EQ(w.get(80, "h.shop.com:8080", "/"), "service shop/a:80");  // the listener's port counts
}

TEST(VirtualService, ReadsFaultsMirrorsCorsAndRetriesInFull) {
  World w(str(kShop, vs("v", "f.shop.com", R"(
  http:
  - fault:
      delay: {fixedDelay: 5s, percentage: {value: 0.1}}
      abort: {grpcStatus: UNAVAILABLE, percentage: {value: 50}}
    mirrors: [{destination: {host: b}, percentage: {value: 25}}]
    corsPolicy:
      allowOrigins: [{exact: 'https://a.com'}, {regex: 'https://.*[.]b[.]com'}]
      allowMethods: [GET, POST]
      maxAge: 24h
      allowCredentials: true
      unmatchedPreflights: IGNORE
    retries: {attempts: 2, perTryTimeout: 1s, retryOn: "connect-failure,503,retriable-4xx", backoff: 10ms}
    timeout: 0s
    rewrite: {uriRegexRewrite: {match: '^/(.*)$', rewrite: '/v2/\1'}}
    route: [{destination: {host: a}}]
)")));
  ASSERT_EQ(w.get(80, "f.shop.com", "/x"), "service shop/a:80");
  const Rule& r = *w.last;
  ASSERT_TRUE(r.fault);
  EXPECT_EQ(r.fault->delay, std::chrono::seconds(5));
  EXPECT_EQ(r.fault->delay_share, 1000u);
  EXPECT_EQ(r.fault->grpc_status, 14);
  EXPECT_EQ(r.fault->abort_share, kMillion / 2);
  ASSERT_EQ(r.mirrors.size(), 1u);
  EXPECT_EQ(r.mirrors[0].share, kMillion / 4);
  EXPECT_EQ(r.mirrors[0].to.backend->name(), "service shop/b:80");
  ASSERT_TRUE(r.cors);
  EXPECT_TRUE(r.cors->origins[1].matches("https://x.b.com"));
  EXPECT_FALSE(r.cors->origins[1].matches("https://b.com"));
  EXPECT_FALSE(r.cors->forward_unmatched);
  EXPECT_EQ(r.cors->max_age, std::chrono::hours(24));
  EXPECT_TRUE(r.retries.on_connect_failure && r.retries.on_retriable_4xx);
  EXPECT_EQ(r.retries.statuses, std::vector<int>{503});
  EXPECT_EQ(r.timeout, kNoTimeout);
  EXPECT_EQ(rewritten_target(r, 0, "/x", {}), "/v2/x");
}

TEST(VirtualService, DelegatesAreTakenInWithinTheRootsMatch) {
  const std::string_view root = R"(
  http:
  - match: [{uri: {prefix: /team}, headers: {x-env: {exact: test}}}]
    timeout: 3s
    headers: {request: {set: {x-root: '1'}}}
    delegate: {name: team, namespace: teams}
  - route: [{destination: {host: a}}]
)";
  const std::string_view team = R"(
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: team, namespace: teams}
spec:
  http:
  - match: [{uri: {prefix: /team/in}}]
    headers: {request: {set: {x-team: '2'}}}
    route: [{destination: {host: b.shop.svc.cluster.local}}]
  - match: [{uri: {prefix: /outside}}]
    route: [{destination: {host: b.shop.svc.cluster.local}}]
)";
  World w(str(kShop, vs("root", "d.shop.com", root)));
  EXPECT_EQ(w.get(80, "d.shop.com", "/team/in"), "service shop/a:80");
  w.put(team);
  EXPECT_EQ(w.get(80, "d.shop.com", "/team/in", {{"x-env", "test"}}), "service shop/b:80");
  EXPECT_EQ(w.last->timeout, std::chrono::seconds(3));
  EXPECT_EQ(w.last->request.set, (std::vector<NameValue>{{"x-root", "1"}, {"x-team", "2"}}));
  EXPECT_EQ(w.get(80, "d.shop.com", "/team/in"), "service shop/a:80");
  EXPECT_EQ(w.get(80, "d.shop.com", "/outside", {{"x-env", "test"}}), "service shop/a:80");
  EXPECT_NE(World::condition(w.statuses["VirtualService shop/root"], "Reconciled")
                .find("no match of VirtualService teams/team lies within"),
            std::string::npos);
}

TEST(VirtualService, SendsBytesByServerName) {
  World w(str(kShop, vs("bytes", "x.shop.com", R"(
  tls:
  - match: [{port: 8443, sniHosts: [x.shop.com]}]
    route: [{destination: {host: a}}]
  - match: [{port: 8443, sniHosts: ['*.shop.com']}]
    route: [{destination: {host: b}}]
  tcp:
  - match: [{port: 9000}]
    route: [{destination: {host: b}}]
)")));
  auto to = [&](uint16_t port, std::string_view sni) -> std::string {
    const Tunnel* t = w.table->tunnel(port, sni);
    return t ? t->destinations[0].backend->name() : "none";
  };
  EXPECT_EQ(to(8443, "x.shop.com"), "service shop/a:80");
  EXPECT_EQ(to(8443, "y.shop.com"), "service shop/b:80");
  EXPECT_EQ(to(8443, "y.other.com"), "none");
  EXPECT_EQ(to(9000, ""), "service shop/b:80");
}

constexpr std::string_view kRule = R"(
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: shop}
spec:
  host: a
  trafficPolicy:
    loadBalancer: {simple: ROUND_ROBIN}
    connectionPool: {http: {http1MaxPendingRequests: 7}}
    portLevelSettings: [{port: {number: 80}, outlierDetection: {consecutive5xxErrors: 3}}]
    tunnel: {targetHost: x, targetPort: 1}
  subsets:
  - {name: v1, labels: {version: v1}}
  - name: v2
    labels: {version: v2}
    trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}, tls: {mode: SIMPLE}}
)";

std::shared_ptr<const Policy> policy_at(World& w, std::string_view host) {
  if (!w.get(80, host).starts_with("service")) return nullptr;
  return w.last->destinations[0].backend->options().policy;
}

TEST(DestinationRule, OverlaysPoliciesOfHostPortAndSubset) {
  World w(str(kShop, vs("v", "p.shop.com", kToA),
              vs("v2", "q.shop.com", "  http: [{route: [{destination: {host: a, subset: v2}}]}]")));
  EXPECT_EQ(policy_at(w, "p.shop.com"), nullptr);
  EXPECT_EQ(w.get(80, "q.shop.com"), "503");  // no such subset yet
  w.put(kRule);
  auto p = policy_at(w, "p.shop.com");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->balance, Balance::kRoundRobin);
  EXPECT_EQ(p->pool.most_pending, 7u);
  EXPECT_TRUE(p->has_outlier);
  EXPECT_EQ(p->outlier.consecutive_5xx, 3u);
  auto q = policy_at(w, "q.shop.com");
  ASSERT_TRUE(q);
  EXPECT_EQ(q->balance, Balance::kConsistentHash);
  EXPECT_EQ(q->hash.name, "x-user");
  EXPECT_EQ(q->pool.most_pending, 7u);
  ASSERT_TRUE(q->tls);
  EXPECT_EQ(q->tls->server_name, "a.shop.svc.cluster.local");
  EXPECT_NE(World::condition(w.statuses["DestinationRule shop/a"], "Reconciled")
                .find("trafficPolicy.tunnel is not carried out"),
            std::string::npos);
  w.remove(kRule);
  EXPECT_EQ(policy_at(w, "p.shop.com"), nullptr);
  EXPECT_EQ(w.get(80, "q.shop.com"), "503");
}

TEST(DestinationRule, ASubsetHasThePodsWithItsLabels) {
  World w(str(kShop,
              vs("v1", "q.shop.com", "  http: [{route: [{destination: {host: a, subset: v1}}]}]"),
              "\n---", kRule, R"(
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a-1, namespace: shop, labels: {kubernetes.io/service-name: a}}
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [10.1.0.1], conditions: {ready: true}, targetRef: {name: p1, uid: u1}}
- {addresses: [10.1.0.2], conditions: {ready: true}, targetRef: {name: p2, uid: u2}}
)"));
  ASSERT_EQ(w.get(80, "q.shop.com"), "service shop/a:80 subset v1");
  auto backend = w.last->destinations[0].backend;
  EXPECT_EQ(backend->endpoints(), 0u);
  w.put(
      "{apiVersion: v1, kind: Pod, metadata: {name: p1, namespace: shop, uid: u1, labels: "
      "{version: v1}}}");
  EXPECT_EQ(backend->endpoints(), 1u);
}

TEST(DestinationRule, AWildcardCountsForEveryServiceItTakes) {
  World w(str(kShop, vs("v", "p.shop.com", kToA), R"(
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: all, namespace: shop}
spec: {host: '*.shop.svc.cluster.local', trafficPolicy: {loadBalancer: {simple: RANDOM}}}
)"));
  ASSERT_TRUE(policy_at(w, "p.shop.com"));
  EXPECT_EQ(policy_at(w, "p.shop.com")->balance, Balance::kRandom);
}

TEST(ServiceEntry, StaticEndpointsAreAHost) {
  World w(str(kShop,
              vs("v", "e.shop.com", "  http: [{route: [{destination: {host: db.outside.org}}]}]")));
  EXPECT_EQ(w.get(80, "e.shop.com"), "503");
  const std::string_view entry = R"(
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: shop}
spec:
  hosts: [db.outside.org]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.9.9.9}]
)";
  w.put(entry);
  EXPECT_EQ(w.get(80, "e.shop.com"), "host db.outside.org:80");
  EXPECT_EQ(w.last->destinations[0].backend->endpoints(), 1u);
  w.remove(entry);
  EXPECT_EQ(w.get(80, "e.shop.com"), "503");
}

TEST(ScaledService, RequestsWaitAndAreReportedUnderItsPodAutoscaler) {
  World w(R"(
apiVersion: v1
kind: Service
metadata:
  name: m
  namespace: shop
  annotations: {autoscaling.proa.dev/pod-autoscaler: m-predictor}
spec: {clusterIP: 10.0.0.9, selector: {app: m}, ports: [{name: http, port: 80}]}
)");
  ASSERT_EQ(w.get(0, "m.shop.svc.cluster.local"), "service shop/m:80");
  const Backend& b = *w.last->destinations[0].backend;
  EXPECT_TRUE(b.is_revision());
  EXPECT_EQ(b.key(), (client::Key{"shop", "m-predictor"}));
}

}  // namespace
}  // namespace proa::gateway
