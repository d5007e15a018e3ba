// With 10,000 services: what a change costs, what a lookup costs, and how long an API write takes
// to be in the table that workers read.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/gateway/config/api_configuration.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {
namespace {

constexpr int kServices = 10000;

json::Value object_of(const client::Kind& kind, const std::string& name) {
  json::Value v = json::object({{"apiVersion", kind.api_version()}, {"kind", kind.kind}});
  v.ref("metadata", "name") = name;
  v.ref("metadata", "namespace") = "test";
  return v;
}

// What one InferenceService comes to, as far as the gateway sees it.
std::vector<std::pair<const client::Kind*, json::Value>> service_objects(const std::string& name) {
  std::vector<std::pair<const client::Kind*, json::Value>> out;
  json::Value service = object_of(api::kService, name);
  service.ref("spec", "selector", "app") = name;
  service.ref("spec", "ports").push(json::object({{"name", "http"}, {"port", 80}}));
  out.emplace_back(&api::kService, service);
  json::Value revision = object_of(api::kRevision, name + "-00001");
  revision.ref("spec", "containers")
      .push(json::object({{"name", "kserve-container"}, {"image", "x"}}));
  out.emplace_back(&api::kRevision, revision);
  json::Value vs = object_of(api::kVirtualService, name);
  vs.ref("spec", "hosts").push(name + ".test.example.com");
  vs.ref("spec", "hosts").push(name + ".test.svc.cluster.local");
  json::Value to = json::object({{"weight", 100}});
  to.ref("destination", "host") = name + ".test.svc.cluster.local";
  json::Value rule;
  rule.ref("route").push(to);
  rule.ref("headers", "request", "set", "KServe-Isvc-Name") = name;
  vs.ref("spec", "http").push(rule);
  out.emplace_back(&api::kVirtualService, vs);
  return out;
}

struct Times {
  std::vector<double> us;
  void report(benchmark::State& state) {
    std::sort(us.begin(), us.end());
    if (us.empty()) return;
    state.counters["p50_us"] = us[us.size() / 2];
    state.counters["p99_us"] = us[us.size() * 99 / 100];
    state.counters["max_us"] = us.back();
  }
};

double since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
      .count();
}

void fill(TableBuilder& builder) {
  for (int i = 0; i < kServices; ++i)
    for (auto& [kind, object] : service_objects(str("s", i))) builder.put(*kind, object);
}

void BM_FirstBuild(benchmark::State& state) {
  for (auto _ : state) {
    TableBuilder builder({}, real_clock());
    fill(builder);
    benchmark::DoNotOptimize(builder.build());
  }
}
BENCHMARK(BM_FirstBuild)->Unit(benchmark::kMillisecond)->Iterations(3);

void BM_OneChangeAmongTenThousand(benchmark::State& state) {
  TableBuilder builder({}, real_clock());
  fill(builder);
  auto table = builder.build();
  Times times;
  int i = 0;
  for (auto _ : state) {
    auto objects = service_objects(str("s", i++ % kServices));
    json::Value vs = objects[2].second;
    vs.ref("metadata", "annotations", "n") = str(i);
    const auto began = std::chrono::steady_clock::now();
    builder.put(api::kVirtualService, vs);
    table = builder.build();
    times.us.push_back(since(began));
  }
  times.report(state);
}
BENCHMARK(BM_OneChangeAmongTenThousand)->Unit(benchmark::kMicrosecond)->Iterations(5000);

void BM_Find(benchmark::State& state) {
  TableBuilder builder({}, real_clock());
  fill(builder);
  auto table = builder.build();
  std::vector<std::string> hosts;
  for (int i = 0; i < kServices; ++i) hosts.push_back(str("s", i, ".test.example.com"));
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(table->find(hosts[i], 80));
    i = (i + 7919) % hosts.size();
  }
}
BENCHMARK(BM_Find);

// The API server in process, its watches, the control thread: until publish() hands out a table
// that has the host.
struct Bed {
  Bed() {
    char name[] = "/tmp/proa-gateway-bench-XXXXXX";
    folder = mkdtemp(name);
    catalog = std::move(*api::Catalog::built_in());
    store = std::move(
        *apiserver::Store::open(std::move(*apiserver::SqliteLog::open(folder + "/state.db"))));
    core =
        std::make_unique<apiserver::Core>(*catalog, *store, real_clock(), apiserver::CoreOptions{});
    CHECK(core->bootstrap().ok());
    client = std::make_unique<apiserver::EmbeddedClient>(*core);
    json::Value ns = json::object({{"apiVersion", "v1"}, {"kind", "Namespace"}});
    ns.ref("metadata", "name") = "test";
    CHECK(client->create(api::kNamespace, ns).ok());
    configuration = std::make_unique<ApiConfiguration>(ApiConfigurationOptions{}, *client);
    configuration->start(loop, [this](std::shared_ptr<const Table> t, const Listeners*) {
      std::lock_guard lock(mutex);
      table = std::move(t);
      changed.notify_all();
    });
    thread = std::thread([this] { loop.run(); });
  }
  ~Bed() {
    configuration->stop();
    loop.stop();
    thread.join();
    configuration.reset();
    client.reset(), core.reset(), store.reset();
    (void)remove_tree(folder).ok();
  }
  void create(const std::string& name) {
    for (auto& [kind, object] : service_objects(name)) CHECK(client->create(*kind, object).ok());
  }
  void await(const std::string& host) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return table && table->find(host, 80) != nullptr; });
  }
  std::string folder;
  std::unique_ptr<api::Catalog> catalog;
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::Core> core;
  std::unique_ptr<apiserver::EmbeddedClient> client;
  async::Loop loop;
  std::unique_ptr<ApiConfiguration> configuration;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<const Table> table;
};

void BM_ApiWriteToTable(benchmark::State& state) {
  Bed bed;
  for (int i = 0; i < kServices; ++i) bed.create(str("s", i));
  bed.await(str("s", kServices - 1, ".test.example.com"));
  Times times;
  int i = 0;
  for (auto _ : state) {
    const std::string name = str("new", i++);
    auto objects = service_objects(name);
    CHECK(bed.client->create(*objects[0].first, objects[0].second).ok());
    const auto began = std::chrono::steady_clock::now();
    CHECK(bed.client->create(*objects[2].first, objects[2].second).ok());
    bed.await(name + ".test.example.com");
    times.us.push_back(since(began));
  }
  times.report(state);
}
BENCHMARK(BM_ApiWriteToTable)->Unit(benchmark::kMicrosecond)->Iterations(1000);

}  // namespace
}  // namespace proa::gateway

BENCHMARK_MAIN();
