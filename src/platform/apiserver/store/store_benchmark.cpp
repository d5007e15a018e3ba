// Writes a second and lists of 10,000 objects. Kill test of 1,000: PROA_STORE_KILLS=1000
// apiserver_store_test
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/store/store.h"

namespace proa::apiserver {
namespace {

std::unique_ptr<Store> fresh(std::string& folder) {
  char name[] = "/tmp/proa-store-bench-XXXXXX";
  folder = mkdtemp(name);
  auto log = SqliteLog::open(folder + "/store.db");
  return std::move(*Store::open(std::move(*log)));
}

json::Value config_map(int64_t i) {
  return json::object(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", json::object({{"name", str("cm-", i)}, {"namespace", "default"}})},
       {"data", json::object({{"key", std::string(300, 'v')}})}});
}

void RelaxedCreates(benchmark::State& state) {
  std::string folder;
  auto store = fresh(folder);
  int64_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(store->put("configmaps", str("d/", i), config_map(i), 0)), ++i;
  state.SetItemsProcessed(state.iterations());
  store.reset();
  (void)remove_tree(folder).ok();
}
BENCHMARK(RelaxedCreates);

void DurableCreates(benchmark::State& state) {
  static std::string folder;
  static std::unique_ptr<Store> store;
  static std::atomic<int64_t> next{0};
  if (state.thread_index() == 0) store = fresh(folder), next = 0;
  for (auto _ : state) {
    int64_t i = next++;
    auto item = store->put("configmaps", str("d/", i), config_map(i), 0);
    if (!item.ok() || !store->wait_durable((*item)->revision).ok())
      state.SkipWithError("write failed");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    store.reset();
    (void)remove_tree(folder).ok();
  }
}
BENCHMARK(DurableCreates)->Threads(1)->Threads(8)->UseRealTime();

void ListTenThousand(benchmark::State& state) {
  std::string folder;
  auto store = fresh(folder);
  for (int64_t i = 0; i < 10000; ++i)
    (void)store->put("configmaps", str("d/", i), config_map(i), 0).ok();
  for (auto _ : state) {
    std::string text;
    for (const Item& item : store->list("configmaps", "").items) text += item->text, text += ',';
    benchmark::DoNotOptimize(text);
  }
  store.reset();
  (void)remove_tree(folder).ok();
}
BENCHMARK(ListTenThousand);

}  // namespace
}  // namespace proa::apiserver
BENCHMARK_MAIN();
