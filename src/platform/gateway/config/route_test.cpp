// Routing by tables: objects in YAML, requests, and where they must go.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/gateway/config/table_world.h"
#include "platform/gateway/outgoing.h"

namespace proa::gateway {
namespace {

constexpr std::string_view kIris = R"(
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: iris, namespace: test}
spec:
  gateways: [knative-serving/knative-local-gateway, mesh, knative-serving/knative-ingress-gateway]
  hosts: [iris.test.svc.cluster.local, iris.test.example.com]
  http:
  - headers:
      request:
        set: {Host: iris-predictor.test.svc.cluster.local, KServe-Isvc-Name: iris, KServe-Isvc-Namespace: test}
    match:
    - authority: {regex: '^iris\.test\.svc\.cluster\.local(?::\d{1,5})?$'}
      gateways: [knative-serving/knative-local-gateway, mesh]
    - authority: {regex: '^iris\.test\.example\.com(?::\d{1,5})?$'}
      gateways: [knative-serving/knative-ingress-gateway]
    route:
    - destination: {host: knative-local-gateway.istio-system.svc.cluster.local, port: {number: 80}}
      weight: 100
---
apiVersion: serving.knative.dev/v1
kind: Route
metadata: {name: iris-predictor, namespace: test}
status:
  url: http://iris-predictor.test.example.com
  traffic:
  - {revisionName: iris-predictor-00001, percent: 75, latestRevision: false, tag: old}
  - {revisionName: iris-predictor-00002, percent: 25, latestRevision: true}
---
apiVersion: serving.knative.dev/v1
kind: Revision
metadata: {name: iris-predictor-00001, namespace: test}
spec: {containerConcurrency: 2, timeoutSeconds: 10}
---
apiVersion: serving.knative.dev/v1
kind: Revision
metadata: {name: iris-predictor-00002, namespace: test}
spec: {}
---
apiVersion: v1
kind: Service
metadata: {name: iris, namespace: test}
spec: {type: ExternalName, externalName: knative-local-gateway.istio-system.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: iris-predictor-00001, namespace: test}
spec: {clusterIP: 127.96.1.1, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: test}
spec:
  clusterIP: 127.96.1.2
  selector: {app: web}
  ports: [{name: http, port: 8080}, {name: admin, port: 9000}]
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: test}
spec: {type: ExternalName, externalName: web.test.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: test}
spec: {type: ExternalName, externalName: example.org}
)";

constexpr const char* kOne = "revision test/iris-predictor-00001";
constexpr const char* kTwo = "revision test/iris-predictor-00002";

TEST(RouteTable, SendsEveryNameOfAnInferenceServiceToItsRevisions) {
  World w(kIris);
  for (const char* host : {"iris.test.example.com",
                           "iris.test.example.com:8080",
                           "IRIS.Test.Example.com",
                           "iris.test.example.com.",
                           "iris.test.svc.cluster.local",
                           "iris.test.svc.cluster.local:80",
                           "iris.test.svc",
                           "iris.test",
                           "iris.test.localhost",
                           "iris.test.localhost:41234",
                           "iris-predictor.test.svc.cluster.local",
                           "iris-predictor.test.svc",
                           "iris-predictor.test",
                           "iris-predictor.test.example.com",
                           "iris-predictor.test.localhost:8080",
                           "old-iris-predictor.test.example.com",
                           "old-iris-predictor.test.svc.cluster.local",
                           "iris-predictor-00001.test.svc.cluster.local",
                           "iris-predictor-00001.test",
                           "127.96.1.1",
                           "127.96.1.1:80"})
    EXPECT_EQ(w.to(host), kOne) << host;
}

TEST(RouteTable, KnowsNoOtherHost) {
  World w(kIris);
  for (const char* host : {"", "iris", "iris.other", "iris.test.example.org",
                           "x.iris.test.example.com", "127.0.0.1:8080", "localhost", "[::1]:80",
                           "iris.test.example.com:99999", "outside.test.svc.cluster.local"})
    EXPECT_EQ(w.to(host), "404 host") << host;
}

TEST(RouteTable, SplitsByPercentThroughTheChainOfGateways) {
  World w(kIris);
  int first = 0;
  for (uint32_t i = 0; i < 1000; ++i) {
    std::string to = w.to("iris.test.example.com", "/", "GET", {}, i * 4294967u);
    if (to == kOne)
      ++first;
    else
      EXPECT_EQ(to, kTwo);
  }
  EXPECT_NEAR(first, 750, 2);
}

TEST(RouteTable, OverridesHostAndSetsKServesHeaders) {
  World w(kIris);
  const Rule* rule = nullptr;
  w.to("iris.test.example.com", "/", "GET", {}, 0, &rule);
  ASSERT_NE(rule, nullptr);
  http::RequestHead in, out;
  in.target = "/v1/models/iris:predict?x=1", in.authority = "iris.test.example.com",
  in.method = "POST";
  in.peer = "10.0.0.7:4242";
  in.headers = {{"K-Original-Host", "evil"},    {"Knative-Serving-Revision", "evil"},
                {"X-Forwarded-For", "1.2.3.4"}, {"content-length", "2"},
                {"Expect", "100-continue"},     {"Keep", "yes"}};
  make_upstream_head(in, {rule, 0}, *pick(*rule, 0), "id-1", out);
  EXPECT_EQ(out.authority, "iris-predictor.test.svc.cluster.local");
  EXPECT_EQ(out.target, in.target);
  EXPECT_EQ(out.headers.get("KServe-Isvc-Name"), "iris");
  EXPECT_EQ(out.headers.get("KServe-Isvc-Namespace"), "test");
  EXPECT_EQ(out.headers.get("x-forwarded-for"), "1.2.3.4, 10.0.0.7");
  EXPECT_EQ(out.headers.get("x-forwarded-proto"), "http");
  EXPECT_EQ(out.headers.get("x-request-id"), "id-1");
  EXPECT_EQ(out.headers.get("keep"), "yes");
  for (const char* gone : {"k-original-host", "knative-serving-revision", "expect", "host"})
    EXPECT_FALSE(out.headers.has(gone)) << gone;
}

TEST(RouteTable, RevisionsKeepTheirConcurrencyAndTimeout) {
  World w(kIris);
  auto options = w.builder.revision({"test", "iris-predictor-00001"})->options();
  EXPECT_EQ(options.container_concurrency, 2);
  EXPECT_EQ(options.timeout, std::chrono::seconds(10));
  EXPECT_EQ(w.builder.revision({"test", "iris-predictor-00002"})->options().timeout,
            std::chrono::seconds(300));
}

TEST(RouteTable, RevisionsHaveThePolicyOfTheirHostsDestinationRule) {
  World w(kIris);
  auto backend = w.builder.revision({"test", "iris-predictor-00001"});
  auto rule = [](std::string_view name, std::string_view host, std::string_view balance) {
    return str(
        "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: ", name,
        ", namespace: test}, spec: {host: '", host,
        "', subsets: [{name: v1}], trafficPolicy: {loadBalancer: {simple: ", balance, "}}}}");
  };
  auto balance = [&] {
    auto policy = backend->options().policy;
    return policy ? policy->balance : Balance::kDefault;
  };
  w.put(rule("all", "*.test.svc.cluster.local", "RANDOM"));
  EXPECT_EQ(balance(), Balance::kRandom);
  w.put(rule("own", "iris-predictor-00001", "ROUND_ROBIN"));
  EXPECT_EQ(balance(), Balance::kRoundRobin);
  EXPECT_EQ(backend->options().container_concurrency, 2);
  EXPECT_NE(World::condition(w.statuses["DestinationRule test/own"], "Reconciled")
                .find("subsets have no effect on a Knative Service's host"),
            std::string::npos);
  w.remove(rule("own", "iris-predictor-00001", "ROUND_ROBIN"));
  w.remove(rule("all", "*.test.svc.cluster.local", "RANDOM"));
  EXPECT_EQ(backend->options().policy, nullptr);
}

TEST(RouteTable, SendsServicePortsToTheirPorts) {
  World w(kIris);
  const std::pair<const char*, const char*> cases[] = {
      {"web.test.svc.cluster.local:8080", "service test/web:8080"},
      {"web.test.svc.cluster.local:9000", "service test/web:9000"},
      {"web.test.svc.cluster.local", "service test/web:8080"},
      {"web.test:9000", "service test/web:9000"},
      {"web.test.localhost:55", "service test/web:8080"},
      {"127.96.1.2:9000", "service test/web:9000"},
      {"alias.test.svc.cluster.local", "service test/web:8080"},
  };
  for (const auto& [host, to] : cases) EXPECT_EQ(w.to(host), to) << host;
}

TEST(RouteTable, SaysThatARouteHasNoTrafficYet) {
  World w(R"(
apiVersion: serving.knative.dev/v1
kind: Route
metadata: {name: new, namespace: test}
)");
  EXPECT_EQ(w.to("new.test.example.com"), "503");
  EXPECT_EQ(w.to("new.test.svc.cluster.local"), "503");
}

TEST(RouteTable, HidesClusterLocalRoutesFromTheOutside) {
  World w(R"(
apiVersion: serving.knative.dev/v1
kind: Route
metadata: {name: a, namespace: test, labels: {networking.knative.dev/visibility: cluster-local}}
status: {url: http://a.test.svc.cluster.local, traffic: [{revisionName: a-1, percent: 100}]}
)");
  EXPECT_EQ(w.to("a.test.example.com"), "404 host");
  EXPECT_EQ(w.to("a.test.svc.cluster.local"), "revision test/a-1");
}

constexpr std::string_view kRules = R"(
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: test}
spec:
  hosts: [shop.example.com, '*.wild.example.com']
  http:
  - match: [{uri: {exact: /exact}}]
    route: [{destination: {host: exact}}]
  - match: [{uri: {prefix: /api/}}, {uri: {exact: /api}}]
    rewrite: {uri: /}
    route: [{destination: {host: api.test}}]
  - match: [{uri: {regex: '^/v1/models/[\w-]+:explain$'}}]
    route: [{destination: {host: explain.test.svc.cluster.local}}]
  - match: [{uri: {prefix: /Case}, ignoreUriCase: true}]
    route: [{destination: {host: case}}]
  - match: [{method: {exact: DELETE}}]
    directResponse: {status: 403, body: {string: no}}
  - match: [{headers: {x-canary: {exact: 'on'}}}]
    route: [{destination: {host: canary}}]
  - match: [{headers: {x-user: {regex: 'a+b'}}}]
    route: [{destination: {host: regex}}]
  - match: [{headers: {x-any: {}}}]
    route: [{destination: {host: any}}]
  - match: [{queryParams: {v: {exact: '2 a'}}}]
    route: [{destination: {host: query}}]
  - match: [{uri: {prefix: /both}, withoutHeaders: {x-no: {exact: '1'}}}]
    route: [{destination: {host: without}}]
  - match: [{uri: {exact: /old}}]
    redirect: {uri: /new, authority: other.example.com, redirectCode: 308}
  - match: [{uri: {prefix: /zero}}]
    route: [{destination: {host: exact}, weight: 0}, {destination: {host: api}, weight: 100}]
  - match: [{uri: {prefix: /missing}}]
    route: [{destination: {host: nowhere}}]
  - match: [{uri: {prefix: /bad}, authority: {exact: other.example.com}}]
    route: [{destination: {host: exact}}]
  - match: [{uri: {prefix: /retry}}]
    timeout: 2s
    retries: {attempts: 3, perTryTimeout: 500ms, retryOn: 'gateway-error,connect-failure,weird'}
    fault: {}
    route: [{destination: {host: exact}}]
)";

std::string services(std::initializer_list<const char*> names) {
  std::string out;
  for (const char* n : names)
    out += str("---\napiVersion: v1\nkind: Service\nmetadata: {name: ", n,
               ", namespace: test}\nspec: {clusterIP: 127.96.0.1, selector: {a: b}, ports: [{port: "
               "80}]}\n");
  return out;
}

World shop() {
  return World(str(kRules, services({"exact", "api", "explain", "case", "canary", "regex", "any",
                                     "query", "without"})));
}

TEST(RouteTable, MatchesByUriMethodHeadersAndQuery) {
  World w = shop();
  struct Case {
    const char *method, *path, *want;
    http::Headers headers;
  };
  const Case cases[] = {
      {"GET", "/exact", "service test/exact:80", {}},
      {"GET", "/exact/", "404 path", {}},
      {"GET", "/exact?x=1", "service test/exact:80", {}},
      {"GET", "/api", "service test/api:80", {}},
      {"GET", "/api/x", "service test/api:80", {}},
      {"GET", "/apix", "404 path", {}},
      {"POST", "/v1/models/iris-2:explain", "service test/explain:80", {}},
      {"POST", "/v1/models/iris-2:predict", "404 path", {}},
      {"POST", "/v1/models/a/b:explain", "404 path", {}},
      {"GET", "/cAsE/x", "service test/case:80", {}},
      {"DELETE", "/anything", "403", {}},
      {"GET", "/", "service test/canary:80", {{"X-Canary", "on"}}},
      {"GET", "/", "404 path", {{"X-Canary", "off"}}},
      {"GET", "/", "service test/regex:80", {{"x-user", "aaab"}}},
      {"GET", "/", "404 path", {{"x-user", "aaabc"}}},
      {"GET", "/", "service test/any:80", {{"x-any", "whatever"}}},
      {"GET", "/?a=1&v=2%20a", "service test/query:80", {}},
      {"GET", "/?v=2", "404 path", {}},
      {"GET", "/both", "service test/without:80", {}},
      {"GET", "/both", "404 path", {{"x-no", "1"}}},
      {"GET", "/old", "308", {}},
      {"GET", "/zero", "service test/api:80", {}},
      {"GET", "/missing", "503", {}},
      {"GET", "/bad", "404 path", {}},
      {"GET", "/retry", "service test/exact:80", {}},
  };
  for (const Case& c : cases)
    EXPECT_EQ(w.to("shop.example.com", c.path, c.method, c.headers), c.want)
        << c.method << " " << c.path;
}

TEST(RouteTable, AnswersWildcardHosts) {
  World w = shop();
  EXPECT_EQ(w.to("a.wild.example.com", "/exact"), "service test/exact:80");
  EXPECT_EQ(w.to("a.b.wild.example.com", "/exact"), "service test/exact:80");
  EXPECT_EQ(w.to("wild.example.com", "/exact"), "404 host");
}

TEST(RouteTable, RewritesTheMatchedPrefix) {
  World w = shop();
  const Rule* rule = nullptr;
  w.to("shop.example.com", "/api/x/y", "GET", {}, 0, &rule);
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rewritten_target(*rule, 5, "/api/x/y", std::string_view("q=1")), "/x/y?q=1");
  EXPECT_EQ(rewritten_target(*rule, 0, "/api", {}), "/");
}

TEST(RouteTable, ReadsTimeoutAndRetriesAndNamesWhatItDoesNotDo) {
  World w = shop();
  const Rule* rule = nullptr;
  w.to("shop.example.com", "/retry", "GET", {}, 0, &rule);
  EXPECT_EQ(rule->timeout, std::chrono::seconds(2));
  EXPECT_EQ(rule->retries.attempts, 3);
  EXPECT_EQ(rule->retries.per_try, std::chrono::milliseconds(500));
  EXPECT_TRUE(rule->retries.on_gateway_error);
  std::string all = join(w.table->warnings(), "\n");
  ASSERT_TRUE(rule->fault.has_value());
  EXPECT_NE(all.find("\"weird\" is not carried out"), std::string::npos) << all;
}

TEST(RouteTable, ADeletedObjectLeavesNoRoute) {
  World w(kIris);
  w.builder.drop(api::kVirtualService, {"test", "iris"});
  w.builder.drop(api::kService, {"test", "iris"});
  w.table = w.builder.build();
  EXPECT_EQ(w.to("iris.test.example.com"), "404 host");
  EXPECT_EQ(w.to("iris-predictor.test.example.com"), kOne);
}

TEST(RouteTable, ReportsARegexThatIsNone) {
  World w(R"(
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: bad, namespace: test}
spec:
  hosts: [bad.example.com]
  http: [{match: [{uri: {regex: '('}}], directResponse: {status: 200}}]
)");
  EXPECT_EQ(w.to("bad.example.com"), "404 path");
  ASSERT_FALSE(w.table->warnings().empty());
  EXPECT_NE(w.table->warnings()[0].find("regex"), std::string::npos);
}

TEST(RouteTable, TenThousandServicesAreBuiltInLinearTime) {
  FakeClock clock;
  TableBuilder builder({}, clock);
  for (int i = 0; i < 10000; ++i) {
    json::Value s = json::object({{"apiVersion", "v1"}, {"kind", "Service"}});
    s.ref("metadata", "name") = str("s", i);
    s.ref("metadata", "namespace") = "test";
    s.ref("spec", "clusterIP") = str("127.96.", i / 250, ".", i % 250);
    s.ref("spec", "ports").push(json::object({{"port", 80}}));
    builder.put(api::kService, s);
  }
  EXPECT_EQ(builder.build()->size(), 10000u * 5);  // four names and the address
}

TEST(PlainHost, RecognisesOnlyKServesForm) {
  EXPECT_EQ(plain_host_of(R"(^a-b\.c\.example\.com(?::\d{1,5})?$)"), "a-b.c.example.com");
  for (const char* other :
       {R"(^a.b(?::\d{1,5})?$)", R"(a\.b(?::\d{1,5})?$)", R"(^a\.b$)", R"(^a[x]\.b(?::\d{1,5})?$)",
        "", R"(^(?::\d{1,5})?$)", R"(^a\d(?::\d{1,5})?$)"})
    EXPECT_EQ(plain_host_of(other), std::nullopt) << other;
}

TEST(GrpcErrors, AreTrailersInTheHead) {
  const http::Headers h = grpc_error(503, "no pod: 50 % \xc3\xa4\n");
  EXPECT_EQ(h.get("content-type"), "application/grpc");
  EXPECT_EQ(h.get("grpc-status"), "14");
  EXPECT_EQ(h.get("grpc-message"), "no pod: 50 %25 %C3%A4%0A");
  EXPECT_EQ(grpc_error(404, "").get("grpc-status"), "12");
  EXPECT_EQ(grpc_error(413, "").get("grpc-status"), "8");
  EXPECT_EQ(grpc_error(504, "").get("grpc-status"), "4");
}

TEST(Endpoints, OfARevisionComeFromItsPrivateServicesSlices) {
  World w(kIris);
  auto backend = w.builder.revision({"test", "iris-predictor-00001"});
  EXPECT_EQ(backend->endpoints(), 0u);
  w.put(R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s1, namespace: test, labels: {kubernetes.io/service-name: iris-predictor-00001-private}}
ports: [{name: http, port: 8080}]
endpoints:
- {addresses: [127.10.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: p1, namespace: test, uid: u1}}
- {addresses: [127.10.0.2], conditions: {ready: false}}
- {addresses: [127.10.0.3], conditions: {ready: true, terminating: true}}
)");
  EXPECT_EQ(backend->endpoints(), 1u);
  w.builder.drop(api::kEndpointSlice, {"test", "s1"});
  EXPECT_EQ(backend->endpoints(), 0u);
}

TEST(Endpoints, ThatTheNodeCallsReadyAreUsedBeforeTheirSliceSaysSo) {
  World w(kIris);
  auto backend = w.builder.revision({"test", "iris-predictor-00001"});
  const std::string slice = R"(
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s1, namespace: test, labels: {kubernetes.io/service-name: iris-predictor-00001-private}}
ports: [{name: h2c, port: 8080}]
endpoints:
- {addresses: [127.10.0.2], conditions: {ready: false}, targetRef: {kind: Pod, name: p, uid: u}}
)";
  w.builder.pod_ready("u", true);  // before there is any slice
  EXPECT_EQ(backend->endpoints(), 0u);
  w.put(slice);
  EXPECT_EQ(backend->endpoints(), 1u);
  w.builder.pod_ready("u", false);
  EXPECT_EQ(backend->endpoints(), 0u);
  w.builder.pod_ready("u", true);
  EXPECT_EQ(backend->endpoints(), 1u);
  w.builder.pod_ready("another", true);
  EXPECT_EQ(backend->endpoints(), 1u);
  w.put(replace_all(slice, "ready: false", "ready: false, terminating: true"));
  EXPECT_EQ(backend->endpoints(), 0u);
}

TEST(Repeatable, MeansIdempotentMethodsAndInference) {
  EXPECT_TRUE(is_repeatable("GET", "/x"));
  EXPECT_TRUE(is_repeatable("POST", "/v1/models/iris:predict"));
  EXPECT_TRUE(is_repeatable("POST", "/v1/models/iris/versions/2:classify"));
  EXPECT_TRUE(is_repeatable("POST", "/tensorflow.serving.PredictionService/Predict"));
  EXPECT_TRUE(is_repeatable("POST", "/v2/models/iris/infer"));
  EXPECT_TRUE(is_repeatable("POST", "/v2/models/iris/versions/1/infer"));
  EXPECT_TRUE(is_repeatable("POST", "/inference.GRPCInferenceService/ModelInfer"));
  EXPECT_FALSE(is_repeatable("POST", "/inference.GRPCInferenceService/RepositoryModelLoad"));
  EXPECT_FALSE(is_repeatable("POST", "/v2/repository/models/iris/load"));
  EXPECT_FALSE(is_repeatable("PATCH", "/v1/models/iris:predict"));
}

}  // namespace
}  // namespace proa::gateway
