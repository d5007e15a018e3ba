#include "serving/pod_mutator.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "serving/credentials.h"
#include "serving/pull_secrets.h"
#include "serving/storage_spec.h"

namespace proa::serving {
namespace {

constexpr const char* kShared = "kserve-provision-location";
constexpr const char* kClaim = "kserve-pvc-source";
constexpr const char* kAgentContainer = "agent";
constexpr const char* kLocal = "kserve-local-source";

struct Source {
  std::string uri, path;
};

Result<std::vector<Source>> sources_of(const json::Value& annotations) {
  std::vector<Source> out;
  if (const auto& one = annotations[kSourceUriAnnotation].str(); !one.empty())
    out.push_back({one, std::string(kModelPath)});
  if (const auto& many = annotations[kSourceUrisAnnotation].str(); !many.empty()) {
    TRY(auto list, json::parse(many).context(kSourceUrisAnnotation));
    for (const auto& item : list.array())
      out.push_back({item["uri"].str(), item["mountPath"].str_or(kModelPath)});
  }
  return out;
}

json::Value* find_named(json::Value& list, std::string_view name) {
  for (auto& item : list.make_array())
    if (item["name"].str() == name) return &item;
  return nullptr;
}

void add_volume(json::Value& spec, json::Value volume) {
  auto& volumes = spec.ref("volumes");
  if (!find_named(volumes, volume["name"].str())) volumes.push(std::move(volume));
}

void add_mount(json::Value& container, json::Value mount) {
  auto& mounts = container.ref("volumeMounts").make_array();
  for (const auto& m : mounts)
    if (m["mountPath"].str() == mount["mountPath"].str()) return;
  mounts.push_back(std::move(mount));
}

void add_env(json::Value& container, std::string_view name, std::string_view value) {
  auto& env = container.ref("env");
  if (!find_named(env, name)) env.push(json::object({{"name", name}, {"value", value}}));
}

bool read_only(const json::Value& pod) {
  return pod["metadata"]["annotations"]["storage.kserve.io/readonly"].str() != "false";
}

// The containers that read the model.
std::vector<json::Value*> readers(json::Value& spec) {
  std::vector<json::Value*> out;
  auto& list = spec.ref("containers").make_array();
  for (auto& c : list) {
    const auto& name = c["name"].str();
    if (name == kModelContainer || name == "transformer-container") out.push_back(&c);
  }
  return out;
}

// pvc://CLAIM/PATH: mounted, not copied.
Status mount_claim(json::Value& pod, const Source& source, size_t index) {
  std::string_view rest = std::string_view(source.uri).substr(6);
  const auto slash = rest.find('/');
  const std::string claim(rest.substr(0, slash));
  std::string_view path = slash == rest.npos ? "" : rest.substr(slash + 1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (claim.empty())
    return error(Code::kInvalid, str("Invalid URI must be pvc://<pvcname>/[path]: ", source.uri));
  const std::string volume = index == 0 ? kClaim : str(kClaim, "-", index);
  auto& spec = pod.ref("spec");
  add_volume(spec, json::object({{"name", volume},
                                 {"persistentVolumeClaim", json::object({{"claimName", claim}})}}));
  json::Value mount = json::object({{"mountPath", source.path}, {"name", volume}});
  if (read_only(pod)) mount.set("readOnly", true);
  if (!path.empty()) mount.set("subPath", path);
  for (auto* c : readers(spec)) add_mount(*c, mount);
  return {};
}

json::Value new_initializer(const Config& config) {
  json::Value c = json::object(
      {{"name", std::string(kInitContainer)},
       {"image", config.init_image},
       {"imagePullPolicy", "IfNotPresent"},
       {"terminationMessagePolicy", "FallbackToLogsOnError"},
       {"resources",
        json::object({{"limits", json::object({{"cpu", config.init_cpu_limit},
                                               {"memory", config.init_memory_limit}})},
                      {"requests", json::object({{"cpu", config.init_cpu_request},
                                                 {"memory", config.init_memory_request}})}})}});
  c.set("args", json::Array{});
  c.set("env", json::Array{});
  return c;
}

// A path of this machine is visible to the initializer through a hostPath volume, read-only.
void show_local(json::Value& spec, json::Value& init, const Source& source, size_t index) {
  std::string path = source.uri;
  if (path.starts_with("file://")) path = path.substr(7);
  if (path.empty() || path[0] != '/' || !exists(path))
    return;  // the initializer says it is not there
  const std::string name = str(kLocal, "-", index);
  add_volume(spec, json::object({{"name", name}, {"hostPath", json::object({{"path", path}})}}));
  add_mount(init, json::object({{"mountPath", path}, {"name", name}, {"readOnly", true}}));
}

std::string shared_parent(const std::vector<Source>& sources) {
  if (sources.size() == 1) return sources[0].path;
  const auto slash = sources[0].path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : sources[0].path.substr(0, slash);
}

// A revision's pods all take the version of the model that its first one got: a Knative revision,
// or what a Deployment made of one template.
std::string revision_of(const json::Value& labels) {
  if (const auto& r = labels["serving.knative.dev/revision"].str(); !r.empty()) return r;
  const auto& hash = labels["pod-template-hash"].str();
  return hash.empty() ? hash : str(labels["app"].str(), "-", hash);
}

bool from_registry(const Source& s) {
  return s.uri.starts_with("oci://") || s.uri.starts_with("oci+fetch://");
}

// Which server models:/ and runs:/ are of, and who asks it, is said where the model is.
void mlflow_env(json::Value& spec, json::Value& init, const std::vector<Source>& sources) {
  auto of_mlflow = [](const Source& s) {
    return s.uri.starts_with("models:/") || s.uri.starts_with("runs:/");
  };
  if (std::none_of(sources.begin(), sources.end(), of_mlflow)) return;
  auto& env = init.ref("env");
  for (const auto* c : readers(spec))
    for (const auto& variable : (*c)["env"].array())
      if (variable["name"].str().starts_with("MLFLOW_") && !find_named(env, variable["name"].str()))
        env.push(variable);
}

Status inject(json::Value& pod, const std::vector<Source>& sources, const StorageSpec& storage,
              const client::Client& client, const Config& config) {
  auto& spec = pod.ref("spec");
  auto init = new_initializer(config);
  for (const auto& s : sources) {
    init.ref("args").push(s.uri);
    init.ref("args").push(s.path);
  }
  if (storage.used)
    add_storage_env(pod, init, storage);
  else
    TRY_STATUS(add_credentials(pod, init, client, config));
  for (auto [name, value] :
       {std::pair{"HF_HUB_ENABLE_HF_TRANSFER", "1"}, std::pair{"HF_XET_HIGH_PERFORMANCE", "1"},
        std::pair{"HF_XET_NUM_CONCURRENT_RANGE_GETS", "8"}})
    add_env(init, name, value);
  for (const auto& [name, value] : config.init_env) add_env(init, name, value);
  mlflow_env(spec, init, sources);
  if (const auto revision = revision_of(pod["metadata"]["labels"]); !revision.empty())
    add_env(init, "PROA_MODEL_PIN", str(pod["metadata"]["namespace"].str(), "/", revision));
  for (size_t i = 0; i < sources.size(); ++i) {
    const auto& uri = sources[i].uri;
    if (uri.starts_with("file://") || uri.starts_with("/")) show_local(spec, init, sources[i], i);
  }
  if (std::any_of(sources.begin(), sources.end(), from_registry))
    add_pull_secrets(pod, init, client);
  const std::string at = shared_parent(sources);
  add_mount(init, json::object({{"mountPath", at}, {"name", kShared}}));
  add_volume(spec, json::object({{"name", kShared}, {"emptyDir", json::Object{}}}));
  json::Value mount = json::object({{"mountPath", at}, {"name", kShared}});
  if (read_only(pod)) mount.set("readOnly", true);
  for (auto* c : readers(spec)) add_mount(*c, mount);
  spec.ref("initContainers").push(std::move(init));
  return {};
}

json::Value agent_resources(const Config& config) {
  return json::object({{"limits", json::object({{"cpu", config.agent_cpu_limit},
                                                {"memory", config.agent_memory_limit}})},
                       {"requests", json::object({{"cpu", config.agent_cpu_request},
                                                  {"memory", config.agent_memory_request}})}});
}

// The agent is there as on a cluster; on this platform the model server does its batching, for
// every protocol, and is told so by its environment.
void inject_agent(json::Value& pod, const Config& config) {
  const auto& annotations = pod["metadata"]["annotations"];
  if (annotations[kBatcherAnnotation].str() != "true") return;
  auto& spec = pod.ref("spec");
  if (find_named(spec.ref("containers"), kAgentContainer)) return;
  const std::string size = annotations[kBatcherSizeAnnotation].str_or(config.batch_size);
  const std::string latency = annotations[kBatcherLatencyAnnotation].str_or(config.batch_latency);
  auto* model = find_named(spec.ref("containers"), kModelContainer);
  if (!model) return;
  add_env(*model, "PROA_MAX_BATCH_SIZE", size);
  add_env(*model, "PROA_MAX_LATENCY", latency);
  json::Value agent = json::object(
      {{"name", kAgentContainer},
       {"image", config.agent_image},
       {"args", json::array({"--enable-batcher", "--max-batchsize", size, "--max-latency", latency,
                             "--component-port", "8080"})},
       {"ports", json::array({json::object(
                     {{"name", "agent-port"}, {"containerPort", 9081}, {"protocol", "TCP"}})})},
       {"resources", agent_resources(config)}});
  if (model->has("securityContext")) agent.set("securityContext", (*model)["securityContext"]);
  spec.ref("containers").push(std::move(agent));
}

}  // namespace

Status mutate_pod(json::Value& pod, const client::Client& client, const Config& config) {
  if (pod["metadata"]["labels"][kIsvcLabel].str().empty()) return {};
  auto& annotations = pod.ref("metadata", "annotations");
  for (const auto& [key, on] :
       {std::pair{"serving.kserve.io/enable-metric-aggregation", config.aggregate_metrics},
        std::pair{"serving.kserve.io/enable-prometheus-scraping", config.prometheus_scraping}})
    if (annotations[key].is_null()) annotations.set(key, on ? "true" : "false");
  if (annotations["serving.kserve.io/enable-prometheus-scraping"].str() == "true")
    for (const auto& [key, value] :
         {std::pair{"prometheus.io/scrape", std::string("true")},
          std::pair{"prometheus.io/port", annotations["prometheus.kserve.io/port"].str_or("8080")},
          std::pair{"prometheus.io/path",
                    annotations["prometheus.kserve.io/path"].str_or("/metrics")}})
      if (annotations[key].is_null()) annotations.set(key, value);
  inject_agent(pod, config);
  TRY(auto sources, sources_of(pod["metadata"]["annotations"]));
  if (sources.empty()) return {};
  if (readers(pod.ref("spec")).empty())
    return error(Code::kInvalid,
                 str("Invalid configuration: cannot find container: ", kModelContainer));
  if (pod["spec"].has("initContainers") &&
      find_named(pod.ref("spec", "initContainers"), kInitContainer))
    return {};
  TRY(const auto storage, read_storage_spec(pod, sources[0].uri, client, config));
  sources[0].uri = storage.uri;
  std::vector<Source> fetched;
  for (size_t i = 0, claims = 0; i < sources.size(); ++i) {
    if (sources[i].uri.starts_with("pvc://"))
      TRY_STATUS(mount_claim(pod, sources[i], claims++));
    else
      fetched.push_back(sources[i]);
  }
  if (!fetched.empty()) TRY_STATUS(inject(pod, fetched, storage, client, config));
  return {};
}

}  // namespace proa::serving
