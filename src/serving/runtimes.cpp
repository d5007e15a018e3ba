// The ClusterServingRuntimes, by KServe's names: what `proa serve` stands in for.
#include "foundation/base/strings.h"
#include "serving/bootstrap.h"
#include "serving/spec/config.h"

namespace proa::serving {
namespace {

struct Format {
  const char *name, *version;
  int priority;
  bool automatic = true;
};
struct Runtime {
  const char *name, *image;
  std::vector<Format> formats;
  std::vector<const char*> protocols, args;
  std::vector<std::pair<const char*, const char*>> env;
};

const std::vector<Runtime>& table() {
  static const char *const kName = "--model_name={{.Name}}",
                           *const kDir = "--model_dir=/mnt/models",
                           *const kPort = "--http_port=8080", *const kThread = "--nthread=1";
  // KServe's own list has no grpc-v2 for its first three; `proa serve` answers gRPC on its port.
  static const std::vector<Runtime> runtimes = {
      {"kserve-sklearnserver",
       "kserve/sklearnserver:latest",
       {{"sklearn", "1", 1}},
       {"v1", "v2", "grpc-v2"},
       {kName, kDir, kPort},
       {}},
      {"kserve-xgbserver",
       "kserve/xgbserver:latest",
       {{"xgboost", "1", 1}, {"xgboost", "2", 1}, {"xgboost", "3", 1}},
       {"v1", "v2", "grpc-v2"},
       {kName, kDir, kPort, kThread},
       {}},
      {"kserve-lgbserver",
       "kserve/lgbserver:latest",
       {{"lightgbm", "3", 1}, {"lightgbm", "4", 1}},
       {"v1", "v2", "grpc-v2"},
       {kName, kDir, kPort, kThread},
       {}},
      {"kserve-predictiveserver",
       "kserve/predictiveserver:latest",
       {{"sklearn", "1", 3, false}, {"xgboost", "2", 3, false}, {"lightgbm", "4", 3, false}},
       {"v1", "v2", "grpc-v2"},
       {kName, kDir, kPort, "--framework={{.Annotations.modelFormat}}", kThread},
       {}},
      {"kserve-mlserver",
       "docker.io/seldonio/mlserver:1.7.1",
       {{"sklearn", "0", 2},
        {"sklearn", "1", 2},
        {"xgboost", "1", 2},
        {"xgboost", "2", 2},
        {"lightgbm", "3", 2},
        {"lightgbm", "4", 2},
        {"catboost", "1", 2}},
       {"v2", "grpc-v2"},
       {},
       {{"MLSERVER_MODEL_IMPLEMENTATION", "{{.Labels.modelClass}}"},
        {"MLSERVER_HTTP_PORT", "8080"},
        {"MLSERVER_GRPC_PORT", "9000"}}}};
  return runtimes;
}

json::Value container_of(const Runtime& r) {
  json::Value resources = json::object({{"cpu", "1"}, {"memory", "2Gi"}});
  json::Value c =
      json::object({{"name", std::string(kModelContainer)},
                    {"image", r.image},
                    {"securityContext",
                     json::object({{"allowPrivilegeEscalation", false},
                                   {"capabilities", json::object({{"drop", json::array({"ALL"})}})},
                                   {"privileged", false},
                                   {"runAsNonRoot", true}})},
                    {"resources", json::object({{"limits", resources}, {"requests", resources}})}});
  for (const char* a : r.args) c.ref("args").push(a);
  for (const auto& [name, value] : r.env)
    c.ref("env").push(json::object({{"name", name}, {"value", value}}));
  return c;
}

json::Value formats_of(const Runtime& r) {
  json::Value list{json::Array{}};
  for (const Format& f : r.formats) {
    json::Value v =
        json::object({{"name", f.name}, {"version", f.version}, {"priority", f.priority}});
    if (f.automatic) v.set("autoSelect", true);
    list.push(std::move(v));
  }
  return list;
}

}  // namespace

std::vector<json::Value> runtimes() {
  std::vector<json::Value> out;
  for (const Runtime& r : table()) {
    json::Value protocols{json::Array{}};
    for (const char* p : r.protocols) protocols.push(p);
    json::Value spec =
        json::object({{"annotations", json::object({{"prometheus.kserve.io/port", "8080"},
                                                    {"prometheus.kserve.io/path", "/metrics"}})},
                      {"supportedModelFormats", formats_of(r)},
                      {"protocolVersions", std::move(protocols)},
                      {"containers", json::array({container_of(r)})}});
    out.push_back(json::object({{"apiVersion", "serving.kserve.io/v1alpha1"},
                                {"kind", "ClusterServingRuntime"},
                                {"metadata", json::object({{"name", r.name}})},
                                {"spec", std::move(spec)}}));
  }
  return out;
}

}  // namespace proa::serving
