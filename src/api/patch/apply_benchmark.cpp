// Server-side apply of a Deployment as the platform makes them: settled, one field changed,
// created.
#include <benchmark/benchmark.h>

#include "api/patch/apply.h"
#include "api/schema/validate.h"

namespace proa::api {
namespace {

const char* kText =
    R"({"apiVersion":"apps/v1","kind":"Deployment",)"
    R"("metadata":{"name":"sklearn-iris-predictor-00001-deployment","namespace":"kserve-test",
"labels":{"app":"sklearn-iris-predictor-00001",)"
    R"("serving.knative.dev/configuration":"sklearn-iris-predictor",)"
    R"("serving.knative.dev/revision":"sklearn-iris-predictor-00001"},
"annotations":{"autoscaling.knative.dev/class":"kpa.autoscaling.knative.dev",)"
    R"("autoscaling.knative.dev/min-scale":"0"}},
"spec":{"replicas":1,"selector":{"matchLabels":{"serving.knative.dev/revisionUID":"x"}},)"
    R"("template":{"metadata":{"labels":{"app":"sklearn-iris-predictor-00001",)"
    R"("serving.knative.dev/revision":"sklearn-iris-predictor-00001"}},
"spec":{"initContainers":[{"name":"storage-initializer","image":"kserve/storage-initializer",)"
    R"("args":["gs://b/m","/mnt/models"],"volumeMounts":[{"name":"m","mountPath":"/mnt/models"}]}],
"containers":[{"name":"kserve-container","image":"kserve/sklearnserver",)"
    R"("args":["--model_name=sklearn-iris","--model_dir=/mnt/models","--http_port=8080"],)"
    R"("env":[{"name":"PORT","value":"8080"},{"name":"K_REVISION","value":"sklearn-iris-predictor-00001"}],
"ports":[{"name":"user-port","containerPort":8080,"protocol":"TCP"}],)"
    R"("resources":{"limits":{"cpu":"1","memory":"2Gi"},"requests":{"cpu":"1","memory":"2Gi"}},)"
    R"("volumeMounts":[{"name":"m","mountPath":"/mnt/models","readOnly":true}]},
{"name":"queue-proxy","image":"queue","ports":[{"name":"http-queueadm","containerPort":8022,)"
    R"("protocol":"TCP"},{"name":"queue-port","containerPort":8012,"protocol":"TCP"}],)"
    R"("readinessProbe":{"httpGet":{"port":8012,"path":"/"},"periodSeconds":10}}],
"volumes":[{"name":"m","emptyDir":{}}],"terminationGracePeriodSeconds":300}}}})";

struct Setup {
  std::unique_ptr<Catalog> catalog = std::move(Catalog::built_in()).value();
  KindRef kind = catalog->find_kind("apps/v1", "Deployment");
  json::Value fields = *json::parse(kText);
  Writer writer{"controller", "", "2026-11-01T10:00:00Z"};
  json::Value live = [&] {
    auto made = server_side_apply(*kind, {}, fields, writer, true);
    json::Value object = std::move(made->object);
    default_fields(*kind, object);
    json::Value before = object;
    object.set("status", json::object({{"replicas", 1}, {"readyReplicas", 1}}));
    track_update(*kind, before, object, {"node", "status", writer.now});
    return object;
  }();
};

void settled(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    auto r = server_side_apply(*s.kind, s.live, s.fields, s.writer, true);
    if (r->changed) state.SkipWithError("changed");
  }
}
void one_field(benchmark::State& state) {
  Setup s;
  s.fields.ref("spec").set("replicas", 2);
  for (auto _ : state) {
    auto r = server_side_apply(*s.kind, s.live, s.fields, s.writer, true);
    if (!r->changed) state.SkipWithError("not changed");
  }
}
void created(benchmark::State& state) {
  Setup s;
  for (auto _ : state)
    benchmark::DoNotOptimize(server_side_apply(*s.kind, {}, s.fields, s.writer, true));
}
void pruned_and_checked(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    json::Value v = s.fields;
    benchmark::DoNotOptimize(prune(*s.kind, v));
    default_fields(*s.kind, v);
    benchmark::DoNotOptimize(validate(*s.kind, v));
  }
}
BENCHMARK(settled);
BENCHMARK(one_field);
BENCHMARK(created);
BENCHMARK(pruned_and_checked);

}  // namespace
}  // namespace proa::api

BENCHMARK_MAIN();
