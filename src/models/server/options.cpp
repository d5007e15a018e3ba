#include "models/server/options.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "foundation/base/strings.h"

namespace proa::models {

const char* const kServeHelp = R"(proa serve: a model server for one model

  proa serve --model_dir=DIR [--model_name=NAME] [--http_port=8080] [--host=ADDRESS]

  --model_dir   folder with one .joblib, .pkl or .pickle file of scikit-learn, or that file
  --model_name  name in the URL: /v1/models/NAME:predict (default: model)
  --http_port   port (default 8080); 0: any free one
  --host        address to listen on; 0.0.0.0 for all (default: the variable POD_IP, else 127.0.0.1)

Variables: PREDICT_PROBA=true answers with class probabilities; PROA_MEMORY_LIMIT_BYTES bounds the
size of the model file (default: the limit of the control group).

KServe's other server flags (--workers, --grpc_port, --max_threads, ...) are taken with a warning.
)";

namespace {

// KServe's flags that change nothing here (yet).
constexpr std::string_view kIgnored[] = {
    "grpc_port",
    "workers",
    "max_threads",
    "max_asyncio_workers",
    "enable_grpc",
    "enable_docs_url",
    "enable_latency_logging",
    "configure_logging",
    "log_config_file",
    "access_log_format",
    "event_loop",
    "timeout_keep_alive",
    "protocol",
    "nthread",
    "framework",
    "predictor_host",
    "predictor_protocol",
    "predictor_use_ssl",
    "predictor_request_timeout_seconds",
    "predictor_request_retries",
    "enable_predictor_health_check",
    "grpc_max_send_message_length",
    "grpc_max_receive_message_length",
};
constexpr std::string_view kTaken[] = {"model_name", "model_dir", "http_port", "host", "http_host"};

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

Status set_port(ServeOptions& o, std::string_view value) {
  auto port = parse_int(value);
  if (!port || *port < 0 || *port > 65535)
    return error(Code::kInvalid,
                 str("--http_port: '", value, "' is no port; give a number from 0 to 65535"));
  o.http_port = static_cast<uint16_t>(*port);
  return {};
}

Status set_flag(ServeOptions& o, std::string_view name, std::string_view value) {
  if (value.empty()) return error(Code::kInvalid, str("--", name, " needs a value"));
  if (name == "http_port") return set_port(o, value);
  if (name == "model_name")
    o.model_name = value;
  else if (name == "model_dir")
    o.model_dir = local_path(value);
  else if (name == "host" || name == "http_host")
    o.host = value == "localhost" ? "127.0.0.1" : value;
  return {};
}

Status check(ServeOptions& o) {
  if (o.model_dir.empty())
    return error(Code::kInvalid, "--model_dir is missing; see proa serve --help");
  for (char c : o.model_name)
    if (!std::isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("._-").find(c) == std::string_view::npos)
      return error(Code::kInvalid, str("--model_name: '", shorten(o.model_name, 60),
                                       "' may hold letters, digits, '.', '_' and '-' only"));
  if (o.host.empty()) {
    const char* pod = std::getenv("POD_IP");
    o.host = pod && *pod ? pod : "127.0.0.1";
  }
  return {};
}

}  // namespace

std::string local_path(std::string_view dir) {
  if (dir.starts_with("file://")) dir.remove_prefix(7);
  return std::string(dir);
}

Result<ServeOptions> parse_serve_options(int argc, char** argv) {
  ServeOptions o;
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      o.help = true;
      return o;
    }
    if (!flag.starts_with("--"))
      return error(Code::kInvalid, str("unexpected argument '", flag, "'"));
    size_t equals = flag.find('=');
    std::string name = replace_all(
        flag.substr(2, equals == std::string_view::npos ? equals : equals - 2), "-", "_");
    bool taken = std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken);
    bool ignored = std::find(std::begin(kIgnored), std::end(kIgnored), name) != std::end(kIgnored);
    if (!taken && !ignored) return unknown_flag(flag.substr(0, equals), name);
    std::string_view value;
    if (equals != std::string_view::npos)
      value = flag.substr(equals + 1);
    else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--"))
      value = argv[++i];
    if (taken)
      TRY_STATUS(set_flag(o, name, value));
    else
      o.warnings.push_back(str("flag --", name, " has no effect"));
  }
  TRY_STATUS(check(o));
  return o;
}

}  // namespace proa::models
