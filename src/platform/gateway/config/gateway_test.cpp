// The whole Gateway over the real API core in process: two workers, watches, backends, stop.
#include "platform/gateway/gateway.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"
#include "platform/gateway/config/api_configuration.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {
namespace {

class Demand : public knative::DemandSink {
 public:
  void waiting(const client::Key&, int) override { ++waits; }
  void report(const client::Key&, int64_t, double, double requests) override {
    total = total + static_cast<int>(requests);
  }
  std::atomic<int> waits{0}, total{0};
};

struct LoopThread {
  async::Loop loop;
  std::thread thread;
  void start() {
    thread = std::thread([this] { loop.run(); });
  }
  ~LoopThread() {
    loop.stop();
    if (thread.joinable()) thread.join();
  }
};

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override {
    auto catalog = api::Catalog::built_in();
    ASSERT_TRUE(catalog.ok()) << catalog.error().message;
    catalog_ = std::move(*catalog);
    auto store = apiserver::Store::open(std::make_unique<apiserver::NoDisk>(1));
    ASSERT_TRUE(store.ok());
    store_ = std::move(*store);
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, clock_, apiserver::CoreOptions{});
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    ASSERT_TRUE(core_->bootstrap().ok());
    char name[] = "/tmp/proa-gateway-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    GatewayOptions options;
    options.pod_log_root = dir_ + "/pods";
    options.access_log = dir_ + "/access.log";
    options.admin_port = 0;
    options.cluster_listeners = false;
    gateway_ = std::make_unique<Gateway>(
        options, std::make_unique<ApiConfiguration>(ApiConfigurationOptions{}, *client_), demand_,
        registry_);
    Status started = gateway_->start({&one_.loop, &two_.loop});
    ASSERT_TRUE(started.ok()) << started.error().message;
    one_.start(), two_.start();
  }
  void TearDown() override {
    gateway_->stop(std::chrono::seconds(2));
    gateway_.reset();
    (void)remove_tree(dir_);
  }

  void create(const client::Kind& kind, const std::string& yaml) {
    auto v = json::parse_yaml(yaml);
    ASSERT_TRUE(v.ok()) << v.error().message;
    v->set("kind", std::string(kind.kind));
    v->set("apiVersion", kind.api_version());
    auto made = client_->create(kind, *v);
    ASSERT_TRUE(made.ok()) << made.error().message;
    if (!(*v)["status"].is_object()) return;
    client::ApplyOptions status{"test", "status", false};
    auto set = client_->apply(kind, *v, status);
    ASSERT_TRUE(set.ok()) << set.error().message;
  }
  void create_service() {
    create(api::kNamespace, "metadata: {name: ns}");
    create(api::kRevision,
           "metadata: {name: r, namespace: ns}\nspec: {containers: [{name: kserve-container, "
           "image: x}]}");
    create(
        api::kRoute,
        "metadata: {name: iris, namespace: ns}\nspec: {}\n"
        "status: {url: 'http://iris.ns.example.com', traffic: [{revisionName: r, percent: 100}]}");
  }
  void create_endpoint(uint16_t port) {
    create(
        api::kEndpointSlice,
        str("metadata: {name: s, namespace: ns, labels: {kubernetes.io/service-name: r-private}}\n"
            "addressType: IPv4\nports: [{name: http, port: ",
            port,
            "}]\n"
            "endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}, targetRef: {kind: "
            "Pod, name: p, "
            "namespace: ns, uid: u}}]"));
  }

  http::Response get(uint16_t port, const std::string& target, const std::string& host) {
    http::ClientRequest r;
    r.host = "127.0.0.1", r.port = port, r.target = target;
    r.headers.set("host", host);
    std::optional<Result<http::Response>> answer;
    http::Client client(here_);
    client.fetch(std::move(r), [&](Result<http::Response> a) { answer = std::move(a); });
    for (int i = 0; i < 1000 && !answer; ++i) here_.run_once(std::chrono::milliseconds(10));
    if (!answer || !answer->ok()) {
      ADD_FAILURE() << (answer ? answer->error().message : "no answer");
      return {};
    }
    return **answer;
  }
  // Until the table has it.
  http::Response get_routed(const std::string& host) {
    http::Response r;
    for (int i = 0; i < 200; ++i) {
      r = get(gateway_->http_port(), "/", host);
      if (r.status != 404) break;
      here_.run_once(std::chrono::milliseconds(5));
    }
    return r;
  }

  FakeClock clock_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  metrics::Registry registry_;
  Demand demand_;
  std::string dir_;
  async::Loop here_;
  LoopThread one_, two_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, ServesWhatTheApiSays) {
  LoopThread back;
  http::Server server(back.loop, {}, [](http::Request, std::shared_ptr<http::Responder> r) {
    http::Response response;
    response.body = "hello";
    r->send(std::move(response));
  });
  auto port = server.listen("127.0.0.1", 0);
  ASSERT_TRUE(port.ok());
  back.start();
  EXPECT_EQ(get(gateway_->http_port(), "/", "iris.ns.example.com").status, 404);
  create_service();
  create_endpoint(*port);
  EXPECT_EQ(get_routed("iris.ns.example.com").body, "hello");
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(get(gateway_->http_port(), "/", "iris.ns.svc.cluster.local").body, "hello");
  EXPECT_EQ(demand_.waits, 0);
  EXPECT_EQ(get(gateway_->admin_port(), "/healthz", "x").body, "ok\n");
  EXPECT_TRUE(contains(get(gateway_->admin_port(), "/routes", "x").body, "iris.ns.localhost"));
  EXPECT_TRUE(
      contains(get(gateway_->admin_port(), "/metrics", "x").body, "revision_request_count{"));
  ASSERT_TRUE(client_->remove(api::kRoute, "ns", "iris", {}).ok());
  int status = 200;
  for (int i = 0; i < 200 && status != 404; ++i)
    status = get(gateway_->http_port(), "/", "iris.ns.example.com").status;
  EXPECT_EQ(status, 404);
  gateway_->stop(std::chrono::seconds(2));
  auto log = read_file(dir_ + "/pods/ns_p_u/queue-proxy/0.log");
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_GE(split(*log, '\n').size(), 21u);
  EXPECT_TRUE(exists(dir_ + "/access.log"));
  back.loop.stop();
  back.thread.join();
}

TEST_F(GatewayTest, ARequestWaitsForTheFirstEndpoint) {
  LoopThread back;
  http::Server server(back.loop, {},
                      [](http::Request, std::shared_ptr<http::Responder> r) { r->send({}); });
  auto port = server.listen("127.0.0.1", 0);
  ASSERT_TRUE(port.ok());
  back.start();
  create_service();
  for (int i = 0; i < 1000 && !gateway_->table()->find("iris.ns.example.com"); ++i)
    here_.run_once(std::chrono::milliseconds(5));
  std::thread pod([&] {
    async::Loop waiting;
    while (demand_.waits == 0) waiting.run_once(std::chrono::milliseconds(1));
    create_endpoint(*port);
  });
  EXPECT_EQ(get_routed("iris.ns.example.com").status, 200);
  pod.join();
  EXPECT_GE(demand_.waits, 1);
  back.loop.stop();
  back.thread.join();
}

TEST_F(GatewayTest, CarriesOutGatewayApiAndIngressAndWritesTheirStatus) {
  LoopThread back;
  http::Server server(back.loop, {}, [](http::Request, std::shared_ptr<http::Responder> r) {
    http::Response response;
    response.body = "hello";
    r->send(std::move(response));
  });
  auto port = server.listen("127.0.0.1", 0);
  ASSERT_TRUE(port.ok());
  back.start();
  create_service();
  create(api::kService,
         "metadata: {name: web, namespace: ns}\nspec: {ports: [{name: http, port: 80}]}");
  create(api::kEndpointSlice,
         str("metadata: {name: w, namespace: ns, labels: {kubernetes.io/service-name: web}}\n"
             "addressType: IPv4\nports: [{name: http, port: ",
             *port, "}]\nendpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]"));
  create(kGatewayClass,
         "metadata: {name: ours}\nspec: {controllerName: proa.dev/gateway-controller}");
  create(kApiGateway,
         "metadata: {name: gw, namespace: ns}\nspec: {gatewayClassName: ours, listeners: [{name: "
         "http, port: 80, protocol: HTTP}]}");
  create(kHttpRoute,
         "metadata: {name: r, namespace: ns}\nspec: {parentRefs: [{name: gw}], hostnames: "
         "[web.org], rules: [{backendRefs: [{name: web, port: 80}]}]}");
  create(kIngress,
         "metadata: {name: i, namespace: ns}\nspec: {rules: [{host: in.org, http: {paths: [{path: "
         "/, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}");
  EXPECT_EQ(get_routed("web.org").body, "hello");
  EXPECT_EQ(get_routed("in.org").body, "hello");
  auto status = [&](const client::Kind& kind, const char* name, auto part) {
    for (int i = 0; i < 400; ++i) {
      auto object = client_->get(kind, kind.namespaced ? "ns" : "", name);
      if (object.ok() && part((**object)["status"])) return true;
      here_.run_once(std::chrono::milliseconds(5));
    }
    return false;
  };
  auto is_true = [](const json::Value& conditions, const char* type) {
    for (const json::Value& c : conditions.array())
      if (c["type"].str() == type && c["status"].str() == "True" &&
          !c["lastTransitionTime"].str().empty())
        return true;
    return false;
  };
  EXPECT_TRUE(
      status(kGatewayClass, "ours", [&](auto& s) { return is_true(s["conditions"], "Accepted"); }));
  EXPECT_TRUE(status(kApiGateway, "gw", [&](auto& s) {
    return is_true(s["conditions"], "Programmed") &&
           s["listeners"][0]["attachedRoutes"].integer() == 1;
  }));
  EXPECT_TRUE(status(kHttpRoute, "r",
                     [&](auto& s) { return is_true(s["parents"][0]["conditions"], "Accepted"); }));
  EXPECT_TRUE(status(kIngress, "i", [&](auto& s) {
    return s["loadBalancer"]["ingress"][0]["ip"].str() == "127.0.0.1";
  }));
  back.loop.stop();
  back.thread.join();
}

TEST_F(GatewayTest, NamesThePortThatIsTaken) {
  GatewayOptions options;
  options.http_port = gateway_->http_port();
  options.admin_port = gateway_->admin_port();
  async::Loop loop;
  metrics::Registry registry;
  Gateway second(options, std::make_unique<ApiConfiguration>(ApiConfigurationOptions{}, *client_),
                 demand_, registry);
  Status started = second.start({&loop});
  ASSERT_FALSE(started.ok());
  EXPECT_TRUE(contains(started.error().message, str(gateway_->http_port())))
      << started.error().message;
}

}  // namespace
}  // namespace proa::gateway
