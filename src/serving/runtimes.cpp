// The ClusterServingRuntimes, by KServe's names: what `proa serve` stands in for.
#include "foundation/base/strings.h"
#include "serving/bootstrap.h"
#include "serving/spec/config.h"

namespace proa::serving {
namespace {

struct Format {
  const char *name, *version;
  int priority;  // 0: none
  bool automatic = true;
};
struct Runtime {
  const char *name, *image;
  std::vector<Format> formats;
  std::vector<const char*> protocols, args;
  std::vector<std::pair<const char*, const char*>> env = {};
  const char* metrics_port = "8080";
  const char* command = nullptr;
};

const char *const kName = "--model_name={{.Name}}", *const kDir = "--model_dir=/mnt/models",
                  *const kPort = "--http_port=8080", *const kThread = "--nthread=1";

// KServe's list has no grpc-v2 for its Python servers; `proa serve` answers gRPC on its port.
std::vector<Runtime> python_servers() {
  const std::vector<const char*> all = {"v1", "v2", "grpc-v2"};
  const std::vector<const char*> plain = {kName, kDir, kPort},
                                 threaded = {kName, kDir, kPort, kThread};
  return {
      {"kserve-sklearnserver", "kserve/sklearnserver:latest", {{"sklearn", "1", 1}}, all, plain},
      {"kserve-xgbserver",
       "kserve/xgbserver:latest",
       {{"xgboost", "1", 1}, {"xgboost", "2", 1}, {"xgboost", "3", 1}},
       all,
       threaded},
      {"kserve-lgbserver",
       "kserve/lgbserver:latest",
       {{"lightgbm", "3", 1}, {"lightgbm", "4", 1}},
       all,
       threaded},
      {"kserve-pmmlserver",
       "kserve/pmmlserver:latest",
       {{"pmml", "3", 1}, {"pmml", "4", 1}},
       all,
       plain},
      {"kserve-paddleserver", "kserve/paddleserver:latest", {{"paddle", "2", 1}}, all, plain},
      {"kserve-predictiveserver",
       "kserve/predictiveserver:latest",
       {{"sklearn", "1", 3, false}, {"xgboost", "2", 3, false}, {"lightgbm", "4", 3, false}},
       all,
       {kName, kDir, kPort, "--framework={{.Annotations.modelFormat}}", kThread}},
      // Of these `proa serve` says what to do instead.
      {"kserve-autogluonserver",
       "kserve/autogluonserver:latest",
       {{"autogluon", "1", 1}},
       {"v1", "v2"},
       plain},
      {"kserve-huggingfaceserver",
       "kserve/huggingfaceserver:latest",
       {{"huggingface", "1", 1}},
       {"v2", "v1"},
       {kName}},
  };
}

Runtime mlserver() {
  return {"kserve-mlserver",
          "docker.io/seldonio/mlserver:1.7.1",
          {{"sklearn", "0", 2},
           {"sklearn", "1", 2},
           {"xgboost", "1", 2},
           {"xgboost", "2", 2},
           {"lightgbm", "3", 2},
           {"lightgbm", "4", 2},
           {"catboost", "1", 2},
           {"mlflow", "1", 1},
           {"mlflow", "2", 1}},
          {"v2", "grpc-v2"},
          {},
          {{"MLSERVER_MODEL_IMPLEMENTATION", "{{.Labels.modelClass}}"},
           {"MLSERVER_HTTP_PORT", "8080"},
           {"MLSERVER_GRPC_PORT", "9000"}}};
}

std::vector<Runtime> other_servers() {
  return {
      {"kserve-tensorflow-serving",
       "tensorflow/serving:2.6.2",
       {{"tensorflow", "1", 2}, {"tensorflow", "2", 2}},
       {"v1", "grpc-v1"},
       {kName, "--port=9000", "--rest_api_port=8080", "--model_base_path=/mnt/models",
        "--rest_api_timeout_in_ms=60000"},
       {},
       "8080",
       "/usr/bin/tensorflow_model_server"},
      {"kserve-tritonserver",
       "nvcr.io/nvidia/tritonserver:23.05-py3",
       {{"tensorrt", "8", 1},
        {"tensorflow", "1", 1},
        {"tensorflow", "2", 1},
        {"onnx", "1", 1},
        {"pytorch", "1", 0, false},
        {"triton", "2", 1}},
       {"v1", "v2", "grpc-v2"},  // v1, which Triton lacks: ONNX needs no protocolVersion then
       {"tritonserver", "--model-store=/mnt/models", "--grpc-port=9000", "--http-port=8080",
        "--allow-grpc=true", "--allow-http=true"},
       {},
       "8002"},
      {"kserve-torchserve",
       "pytorch/torchserve-kfs:0.9.0",
       {{"pytorch", "1", 2}},
       {"v1", "v2", "grpc-v2"},
       {"torchserve", "--start", "--model-store=/mnt/models/model-store",
        "--ts-config=/mnt/models/config/config.properties"},
       {{"TS_SERVICE_ENVELOPE", "{{.Labels.serviceEnvelope}}"}},
       "8082"},
      {"kserve-openvino",
       "openvino/model_server:latest",
       {{"openvino", "10", 1},
        {"onnx", "1", 2, false},  // KServe's list has no such runtime by default: only by name
        {"tensorflow", "1", 3, false}},
       {"v1", "v2", "grpc-v2"},
       {kName, "--model_path=/mnt/models", "--port=9000", "--rest_port=8080",
        "--file_system_poll_wait_seconds=0"}},
  };
}

std::vector<Runtime> table() {
  std::vector<Runtime> all = python_servers();
  all.push_back(mlserver());
  for (Runtime& r : other_servers()) all.push_back(std::move(r));
  return all;
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
  if (r.command) c.set("command", json::array({r.command}));
  for (const char* a : r.args) c.ref("args").push(a);
  for (const auto& [name, value] : r.env)
    c.ref("env").push(json::object({{"name", name}, {"value", value}}));
  return c;
}

json::Value formats_of(const Runtime& r) {
  json::Value list{json::Array{}};
  for (const Format& f : r.formats) {
    json::Value v = json::object({{"name", f.name}});
    if (*f.version) v.set("version", f.version);
    if (f.priority != 0) v.set("priority", f.priority);
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
        json::object({{"annotations", json::object({{"prometheus.kserve.io/port", r.metrics_port},
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
