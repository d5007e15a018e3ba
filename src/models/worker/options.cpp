#include "models/worker/options.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "foundation/base/strings.h"
#include "models/worker/dialects.h"

namespace proa::models {

const char* const kServeHelp = R"(proa serve: a model server

  proa serve --model_dir=DIR [--model_name=NAME] [--http_port=8080] [--grpc_port=8081] ...

  --model_dir        a model file; a folder with one; a folder of numbered versions (1, 2, ...) of
                     one; or a repository: a folder with a folder for each model
  --model_name       name of a single model: /v1/models/NAME:predict (default: model)
  --http_port        port of REST, V1 and V2, and of gRPC too (default 8080); 0: any free one
  --grpc_port        port of gRPC alone (default 8081); --enable_grpc=false: none
  --host             address to listen on; 0.0.0.0 for all (default: the variable POD_IP, else
                     127.0.0.1)
  --workers          threads that serve (default 1); they share the models
  --framework        sklearn, xgboost, lightgbm, catboost, onnx, openvino, pmml, torch or mlflow
                     (default: by the file)
  --version_policy   latest, latest:N, all or specific:1,3 (default: latest)
  --version_labels   names of versions, as TensorFlow Serving has them: stable=1,canary=2
  --max_batch_size   rows of requests that are predicted together (default: what has arrived at
                     once, without waiting)
  --max_latency      milliseconds that the first request of a batch waits (default 5000)
  --enable_batcher   false: requests are never joined
  --max_queue        requests that may wait to be batched (default 1000); then 503
  --timeout_keep_alive  seconds that an idle connection is kept (default 75)
  --grpc_max_receive_message_length, --grpc_max_send_message_length  bytes (default 8388608)
  --list-formats     prints what can be served

Variables: PREDICT_PROBA=true answers with class probabilities; PROA_MEMORY_LIMIT_BYTES bounds the
size of a model file (default: the limit of the control group); PROA_PYTHON names an interpreter
with MLServer, which serves a model-settings.json whose implementation is Python code;
PROA_MAX_BATCH_SIZE and PROA_MAX_LATENCY are the flags' defaults, as an InferenceService's batcher
sets them; CE_TYPE, CE_SOURCE and CE_MERGE shape CloudEvents; MLSERVER_... as MLServer takes them,
and its model-settings.json and settings.json.

KServe's other server flags (--max_threads, --nthread, ...) are taken with a warning. So are the
command lines of tritonserver (--model-repository, --model-control-mode, --load-model, ...),
tensorflow_model_server (--port, --rest_api_port, --model_base_path, ...), OpenVINO's model server
(--model_path, --rest_port, ...) and torchserve (--model-store, --ts-config, ...).
)";

namespace {

// KServe's flags that change nothing here.
constexpr std::string_view kIgnored[] = {
    "max_threads",
    "max_asyncio_workers",
    "enable_docs_url",
    "enable_latency_logging",
    "configure_logging",
    "log_config_file",
    "access_log_format",
    "event_loop",
    "protocol",
    "nthread",
    "predictor_host",
    "predictor_protocol",
    "predictor_use_ssl",
    "predictor_request_timeout_seconds",
    "predictor_request_retries",
    "enable_predictor_health_check",
};
constexpr std::string_view kTaken[] = {
    "model_name",
    "model_dir",
    "http_port",
    "host",
    "http_host",
    "grpc_port",
    "enable_grpc",
    "workers",
    "framework",
    "version_policy",
    "version_labels",
    "max_batch_size",
    "max_batchsize",
    "max_latency",
    "enable_batcher",
    "max_queue",
    "model_version_policy",
    "timeout_keep_alive",
    "grpc_max_send_message_length",
    "grpc_max_receive_message_length",
    "metrics_port",
    "model_control_mode",
    "load_model",
    "ts_config",
};

size_t distance(std::string_view a, std::string_view b) {  // Levenshtein's
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t before = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, before + (a[i - 1] != b[j - 1])});
      before = above;
    }
  }
  return row[b.size()];
}

Error unknown_flag(std::string_view flag, std::string_view name) {
  std::string_view nearest;
  size_t least = 4;
  for (std::string_view known : kTaken)
    if (size_t d = distance(name, known); d < least) least = d, nearest = known;
  std::string hint =
      nearest.empty() ? "see proa serve --help" : str("did you mean --", nearest, "?");
  return error(Code::kInvalid, str("unknown flag ", flag, "; ", hint));
}

Result<std::vector<std::pair<std::string, std::string>>> parse_labels(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> all;
  for (std::string_view part : split(text, ',')) {
    size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0 || !parse_int(part.substr(equals + 1)))
      return error(Code::kInvalid, str("--version_labels: '", shorten(part, 60),
                                       "' is not LABEL=NUMBER, as in stable=1,canary=2"));
    all.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  return all;
}

Status set_text(ServeOptions& o, std::string_view name, std::string_view value) {
  if (name == "model_name") {
    o.model_name = value;
    o.model_name_given = true;
  } else if (name == "model_dir") {
    o.model_dir = local_path(value);
  } else if (name == "host" || name == "http_host") {
    o.host = value == "localhost" ? "127.0.0.1" : value;
  } else if (name == "framework") {
    o.engine = value;
  } else if (name == "load_model") {
    o.load_models.emplace_back(value);
  } else if (name == "version_labels") {
    TRY(o.version_labels, parse_labels(value));
  } else if (name == "ts_config") {
    return read_torchserve_config(o, local_path(value));
  } else if (name == "model_control_mode") {
    if (value == "poll")
      o.warnings.push_back("--model_control_mode=poll: folders are not watched; load by the API");
    o.load_at_start = value != "explicit";
  } else {
    o.version_policy = value;
  }
  return {};
}

constexpr std::string_view kTexts[] = {"model_name",
                                       "model_dir",
                                       "host",
                                       "http_host",
                                       "framework",
                                       "version_policy",
                                       "version_labels",
                                       "model_version_policy",
                                       "load_model",
                                       "ts_config",
                                       "model_control_mode"};

Status set_limit(ServeOptions& o, std::string_view name, std::string_view value) {
  std::string flag = str("--", name);
  if (name == "workers") {
    TRY(int64_t n, parse_number(flag, value, 0, 256));
    o.workers = n != 0 ? static_cast<size_t>(n)
                       : static_cast<size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  } else if (name == "max_latency") {
    TRY(int64_t n, parse_number(flag, value, 0, 3'600'000));
    o.max_latency = std::chrono::milliseconds(n);
    o.max_latency_given = true;
  } else if (name == "max_queue") {
    TRY(int64_t n, parse_number(flag, value, 1, 1 << 20));
    o.max_queue = static_cast<size_t>(n);
  } else if (name == "timeout_keep_alive") {
    TRY(int64_t n, parse_number(flag, value, 1, 86400));
    o.idle_timeout = std::chrono::seconds(n);
  } else if (name.starts_with("grpc_max_")) {
    TRY(int64_t n, parse_number(flag, value, 1024, int64_t{1} << 30));
    o.most_message = std::max(o.most_message, static_cast<size_t>(n));
  } else {
    TRY(int64_t n, parse_number(flag, value, 0, 1 << 20));
    o.max_batch_size = static_cast<size_t>(n);
  }
  return {};
}

Status set_flag(ServeOptions& o, std::string_view name, std::string_view value) {
  if (value.empty()) {
    if (name != "enable_batcher" && name != "enable_grpc")
      return error(Code::kInvalid, str("--", name, " needs a value"));
    value = "true";
  }
  if (name == "http_port") {
    o.http_port_given = true;
    TRY(o.http_port, parse_port("--http_port", value));
  } else if (name == "grpc_port") {
    o.grpc_port_given = true;
    TRY(o.grpc_port, parse_port("--grpc_port", value));
  } else if (name == "enable_grpc") {
    TRY(o.enable_grpc, parse_switch("--enable_grpc", value));
  } else if (name == "enable_batcher") {
    TRY(bool on, parse_switch("--enable_batcher", value));
    o.batch_disabled = !on;
    if (on && o.max_batch_size == 0) o.max_batch_size = 32;  // as KServe's agent
  } else if (name == "metrics_port") {
    TRY(uint16_t port, parse_port("--metrics_port", value));
    o.metrics_port = port;
  } else if (std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts)) {
    return set_text(o, name, value);
  } else {
    return set_limit(o, name, value);
  }
  return {};
}

Status check_engine(const ServeOptions& o) {
  for (std::string_view known : {"", "sklearn", "xgboost", "lightgbm", "catboost", "onnx",
                                 "openvino", "pmml", "torch", "mlflow"})
    if (o.engine == known) return {};
  return error(Code::kInvalid, str("--framework: '", shorten(o.engine, 60),
                                   "' is not served; sklearn, xgboost, lightgbm, catboost, onnx, "
                                   "openvino, pmml, torch and mlflow are"));
}

Status check(ServeOptions& o) {
  if (o.model_dir.empty())
    return error(Code::kInvalid, "--model_dir is missing; see proa serve --help");
  for (char c : o.model_name)
    if (!std::isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("._-").find(c) == std::string_view::npos)
      return error(Code::kInvalid, str("--model_name: '", shorten(o.model_name, 60),
                                       "' may hold letters, digits, '.', '_' and '-' only"));
  TRY_STATUS(check_engine(o));
  use_plain_folder(o);
  if (o.host.empty()) {
    const char* pod = std::getenv("POD_IP");
    o.host = pod && *pod ? pod : "127.0.0.1";
  }
  if (o.http_port == 0 && !o.grpc_port_given) o.grpc_port = 0;
  if (o.batch_disabled) o.max_batch_size = 0;
  if (o.max_latency_given && o.max_batch_size == 0 && !o.batch_disabled) o.max_batch_size = 32;
  if (o.server_name.empty()) o.server_name = o.mlserver ? "mlserver" : "kserve";
  return {};
}

struct Flag {
  std::string name, value;
};

// The command line as names and values; --help and what has no value are settled here.
Result<std::vector<Flag>> read_flags(int argc, char** argv, ServeOptions& o) {
  std::vector<Flag> flags;
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      o.help = true;
      continue;
    }
    if (flag == "start" && i == 1) {  // mlserver start DIR
      o.mlserver = true;
      if (i + 1 < argc && argv[i + 1][0] != '-') flags.push_back({"model_dir", argv[++i]});
      continue;
    }
    if (is_server_name(flag)) continue;
    if (!flag.starts_with("--"))
      return error(Code::kInvalid, str("unexpected argument '", flag, "'"));
    size_t equals = flag.find('=');
    std::string name = replace_all(
        flag.substr(2, equals == std::string_view::npos ? equals : equals - 2), "-", "_");
    if (name == "list_formats") {
      o.list_formats = true;
      continue;
    }
    name = our_flag(name);
    bool taken = std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken);
    bool ignored = means_nothing_here(name) ||
                   std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored);
    TRY_STATUS(check_served(name, ""));
    if (!taken && !ignored) return unknown_flag(flag.substr(0, equals), name);
    std::string_view value;
    if (equals != std::string_view::npos)
      value = flag.substr(equals + 1);
    else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--"))
      value = argv[++i];
    TRY_STATUS(check_served(name, value));
    if (taken)
      flags.push_back({name, std::string(value)});
    else
      o.warnings.push_back(str("flag --", name, " has no effect"));
  }
  return flags;
}

}  // namespace

std::string local_path(std::string_view dir) {
  if (dir.starts_with("file://")) dir.remove_prefix(7);
  return std::string(dir);
}

Result<uint16_t> parse_port(std::string_view what, std::string_view value) {
  auto port = parse_int(value);
  if (!port || *port < 0 || *port > 65535)
    return error(Code::kInvalid,
                 str(what, ": '", value, "' is no port; give a number from 0 to 65535"));
  return static_cast<uint16_t>(*port);
}

Result<bool> parse_switch(std::string_view what, std::string_view value) {
  std::string v = lower(value);
  for (std::string_view yes : {"true", "1", "yes", "y", "on", "t"})
    if (v == yes) return true;
  for (std::string_view no : {"false", "0", "no", "n", "off", "f"})
    if (v == no) return false;
  return error(Code::kInvalid, str(what, ": '", shorten(value, 40), "' is neither true nor false"));
}

Result<int64_t> parse_number(std::string_view what, std::string_view value, int64_t least,
                             int64_t most) {
  auto n = parse_int(value);
  if (n && *n >= least && *n <= most) return *n;
  return error(Code::kInvalid,
               str(what, ": '", shorten(value, 40), "' is no number from ", least, " to ", most));
}

Result<ServeOptions> parse_serve_options(int argc, char** argv) {
  ServeOptions o;
  if (const char* service = std::getenv("INFERENCE_SERVICE_NAME"); service && *service)
    o.model_name = service;
  TRY(auto flags, read_flags(argc, argv, o));
  if (o.help || o.list_formats) return o;
  TRY_STATUS(read_mlserver_variables(o, ::environ));
  for (auto [variable, flag] : {std::pair{"PROA_MAX_BATCH_SIZE", "max_batch_size"},
                                std::pair{"PROA_MAX_LATENCY", "max_latency"}})
    if (const char* value = std::getenv(variable)) TRY_STATUS(set_flag(o, flag, value));
  for (const Flag& f : flags)
    if (f.name == "model_dir") TRY_STATUS(set_flag(o, f.name, f.value));
  TRY_STATUS(read_mlserver_settings(o, o.model_dir));
  for (const Flag& f : flags) TRY_STATUS(set_flag(o, f.name, f.value));
  TRY_STATUS(check(o));
  return o;
}

}  // namespace proa::models
