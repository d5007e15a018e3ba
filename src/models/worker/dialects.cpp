#include "models/worker/dialects.h"

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::models {
namespace {

constexpr size_t kMostConfig = 1 << 20;
constexpr std::string_view kStore = "/model-store";

constexpr std::pair<std::string_view, std::string_view> kSame[] = {
    {"model_store", "model_dir"},       // torchserve, tritonserver
    {"model_repository", "model_dir"},  // tritonserver
    {"model_base_path", "model_dir"},   // tensorflow_model_server
    {"model_path", "model_dir"},        // OpenVINO's
    {"port", "grpc_port"},              // tensorflow_model_server, OpenVINO's
    {"rest_port", "http_port"},         // OpenVINO's
    {"rest_api_port", "http_port"},     // tensorflow_model_server
    {"rest_bind_address", "host"},      // OpenVINO's
    {"http_address", "host"},           // tritonserver
    {"allow_grpc", "enable_grpc"},      // tritonserver
};

constexpr std::string_view kNothing[] = {
    // tritonserver
    "allow_http", "allow_metrics", "allow_gpu_metrics", "strict_model_config",
    "disable_auto_complete_config", "strict_readiness", "log_verbose", "log_info", "log_warning",
    "log_error", "exit_on_error", "exit_timeout_secs", "http_thread_count", "backend_config",
    "min_supported_compute_capability", "pinned_memory_pool_byte_size", "repository_poll_secs",
    "buffer_manager_thread_count", "model_load_thread_count", "grpc_infer_allocation_pool_size",
    // tensorflow_model_server
    "rest_api_timeout_in_ms", "rest_api_num_threads", "enable_batching", "batching_parameters_file",
    "file_system_poll_wait_seconds", "tensorflow_session_parallelism", "enable_model_warmup",
    "tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism",
    "per_process_gpu_memory_fraction", "monitoring_config_file", "grpc_channel_arguments",
    // OpenVINO's model server
    "target_device", "plugin_config", "nireq", "log_level", "log_path", "grpc_workers",
    "rest_workers", "grpc_bind_address", "metrics_enable", "cache_dir", "stateful",
    // torchserve
    "start", "foreground", "ncs", "no_config_snapshots", "log_config", "disable_token_auth",
    "disable_token", "enable_model_api"};

// Runtimes and flags that a later release may serve, and what to do until then.
constexpr std::pair<std::string_view, std::string_view> kLaterFrameworks[] = {
    {"huggingface",
     "models of Hugging Face's transformers are not served: export it to ONNX (optimum-cli export "
     "onnx --model MODEL FOLDER) and set modelFormat onnx, or run its own server as a custom "
     "predictor (spec.predictor.containers)"},
    {"vllm",
     "language models are not served: run vLLM itself as a custom predictor "
     "(spec.predictor.containers)"},
    {"autogluon",
     "AutoGluon's models are Python code and are not served: export its best model to ONNX, or run "
     "its own server as a custom predictor (spec.predictor.containers)"},
};
constexpr std::pair<std::string_view, std::string_view> kRefusedFlags[] = {
    {"model_config_file",
     "lists of models are not read: give a folder with a folder for each model "
     "(--model_base_path)"},
    {"config_path",
     "lists of models are not read: give a folder with a folder for each model (--model_path)"},
    {"models", "name the models in config.properties: load_models or model_snapshot"},
};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name != "." && name != ".." &&
         name.find('/') == name.npos;
}

// One model of the store: a file name, not a path.
Status add_model(ServeOptions& o, std::string_view name, std::string_view file) {
  if (!is_name(name) || !is_name(file))
    return error(Code::kInvalid, str("'", shorten(file, 100), "' of model '", shorten(name, 100),
                                     "' is no name of a file in the model store"));
  o.named_models.emplace_back(name, file);
  return {};
}

// "all", "none", "a.mar,b=c.mar".
Status read_load_models(ServeOptions& o, std::string_view value) {
  if (value == "all") return {};
  if (value == "none" || value.empty()) {
    o.load_at_start = false;
    return {};
  }
  for (std::string_view item : split(value, ',')) {
    item = trim(item);
    size_t equals = item.find('=');
    std::string_view file = equals == item.npos ? item : item.substr(equals + 1);
    std::string_view name =
        equals == item.npos ? item.substr(0, item.rfind('.')) : item.substr(0, equals);
    TRY_STATUS(add_model(o, name, file).context("load_models"));
  }
  return {};
}

// {"models": {NAME: {VERSION: {"defaultVersion": true, "marName": FILE}}}}: the default version.
Status read_snapshot(ServeOptions& o, std::string_view value) {
  auto parsed = json::parse(value, {kMostConfig, 20});
  if (!parsed.ok()) return std::move(parsed).error().with_context("model_snapshot");
  for (const auto& [name, versions] : (*parsed)["models"].object()) {
    std::string_view file;
    for (const auto& [version, settings] : versions.object())
      if (file.empty() || settings["defaultVersion"].boolean()) file = settings["marName"].str();
    TRY_STATUS(add_model(o, name, file).context("model_snapshot"));
  }
  return {};
}

Status set_property(ServeOptions& o, std::string_view name, std::string_view value) {
  if (name == "model_store") {
    if (o.model_dir.empty()) o.model_dir = local_path(value);
  } else if (name == "load_models") {
    if (o.named_models.empty()) return read_load_models(o, value);
  } else if (name == "model_snapshot") {
    o.named_models.clear();
    return read_snapshot(o, value);
  }
  return {};  // addresses, threads, metrics: as this server's own flags say
}

}  // namespace

bool is_server_name(std::string_view word) {
  return word == "tritonserver" || word == "torchserve";
}

std::string our_flag(std::string_view name) {
  for (const auto& [theirs, ours] : kSame)
    if (theirs == name) return std::string(ours);
  return std::string(name);
}

bool means_nothing_here(std::string_view name) {
  return std::find(std::begin(kNothing), std::end(kNothing), name) != std::end(kNothing);
}

Status check_served(std::string_view name, std::string_view value) {
  if (name == "framework")
    for (const auto& [framework, what] : kLaterFrameworks)
      if (framework == value) return error(Code::kUnimplemented, std::string(what));
  for (const auto& [flag, what] : kRefusedFlags)
    if (flag == name) return error(Code::kUnimplemented, str("--", name, ": ", what));
  return {};
}

Status parse_torchserve_config(ServeOptions& o, std::string_view text) {
  std::string line;
  for (std::string_view part : split(text, '\n')) {
    part = trim(part);
    bool goes_on = part.ends_with('\\');
    if (goes_on) part.remove_suffix(1);
    line += part;
    if (goes_on) continue;
    std::string whole = std::exchange(line, "");
    if (whole.empty() || whole[0] == '#' || whole[0] == '!') continue;
    size_t equals = whole.find_first_of("=:");
    if (equals == whole.npos) continue;
    std::string_view all = whole;
    TRY_STATUS(set_property(o, trim(all.substr(0, equals)), trim(all.substr(equals + 1))));
  }
  return {};
}

Status read_torchserve_config(ServeOptions& o, const std::string& path) {
  if (!exists(path)) return {};
  TRY(std::string text, read_file(path, kMostConfig));
  return parse_torchserve_config(o, text).context(path);
}

void use_plain_folder(ServeOptions& o) {
  if (!o.model_dir.ends_with(kStore) || exists(o.model_dir)) return;
  o.model_dir.resize(o.model_dir.size() - kStore.size());
}

}  // namespace proa::models
