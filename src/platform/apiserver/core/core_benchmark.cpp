// Creates, applies and lists through Core, relaxed durability, over a real log.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/embedded_client.h"

namespace proa::apiserver {
namespace {

struct Bed {
  Bed() {
    char name[] = "/tmp/proa-core-bench-XXXXXX";
    folder = mkdtemp(name);
    catalog = std::move(*api::Catalog::built_in());
    store = std::move(*Store::open(std::move(*SqliteLog::open(folder + "/state.db"))));
    core = std::make_unique<Core>(*catalog, *store, real_clock(), CoreOptions{});
    CHECK(core->bootstrap().ok());
    client = std::make_unique<EmbeddedClient>(*core);
  }
  ~Bed() {
    client.reset();
    core.reset();
    store.reset();
    (void)remove_tree(folder).ok();
  }
  std::string folder;
  std::unique_ptr<api::Catalog> catalog;
  std::unique_ptr<Store> store;
  std::unique_ptr<Core> core;
  std::unique_ptr<EmbeddedClient> client;
};

json::Value config_map(int64_t i) {
  return json::object(
      {{"metadata", json::object({{"name", str("cm-", i)}, {"namespace", "default"}})},
       {"data", json::object({{"key", std::string(300, 'v')}})}});
}

json::Value pod(int64_t i) {
  json::Value container =
      json::object({{"name", "c"},
                    {"image", "x"},
                    {"ports", json::array({json::object({{"containerPort", 8080}})})}});
  return json::object(
      {{"metadata", json::object({{"name", str("p-", i)}, {"namespace", "default"}})},
       {"spec", json::object({{"containers", json::array({container})}})}});
}

void CreateConfigMap(benchmark::State& state) {
  Bed bed;
  int64_t i = 0;
  for (auto _ : state) CHECK(bed.client->create(api::kConfigMap, config_map(i++)).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CreateConfigMap);

void CreatePod(benchmark::State& state) {
  Bed bed;
  int64_t i = 0;
  for (auto _ : state) CHECK(bed.client->create(api::kPod, pod(i++)).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CreatePod);

void ApplyThatChangesNothing(benchmark::State& state) {
  Bed bed;
  for (auto _ : state)
    CHECK(bed.client->apply(api::kConfigMap, config_map(1), {.manager = "m"}).ok());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ApplyThatChangesNothing);

void ApplyThatChanges(benchmark::State& state) {
  Bed bed;
  int64_t n = 0;
  for (auto _ : state) {
    json::Value fields = config_map(1);
    fields.ref("data", "n") = str(n++);
    CHECK(bed.client->apply(api::kConfigMap, std::move(fields), {.manager = "m"}).ok());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ApplyThatChanges);

void ListTenThousand(benchmark::State& state) {
  Bed bed;
  for (int64_t i = 0; i < 10000; ++i)
    CHECK(bed.client->create(api::kConfigMap, config_map(i)).ok());
  for (auto _ : state) benchmark::DoNotOptimize(bed.client->list(api::kConfigMap, {}));
}
BENCHMARK(ListTenThousand);

}  // namespace
}  // namespace proa::apiserver
BENCHMARK_MAIN();
