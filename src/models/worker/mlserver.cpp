// MLServer's settings, as far as they mean something here.
#include <algorithm>
#include <cstring>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/repository/layout.h"
#include "models/worker/options.h"

namespace proa::models {
namespace {

constexpr size_t kMostSettings = 1 << 20;
constexpr std::string_view kPrefix = "MLSERVER_";

// A runtime of MLServer's own by its engine, anything else as it is.
std::string engine_of(std::string_view implementation) {
  std::string_view known = repository::engine_of(implementation);
  if (!known.empty() || contains(implementation, "."))
    return std::string(known.empty() ? implementation : known);
  for (std::string_view engine : {"sklearn", "xgboost", "lightgbm", "catboost", "mlflow"})
    if (contains(lower(implementation), engine)) return std::string(engine);
  return std::string(implementation);
}

Status set_model(ServeOptions& o, std::string_view name, std::string_view value) {
  std::string what = str("model_", name);
  if (name == "name") {
    o.model_name = value;
    o.model_name_given = true;
  } else if (name == "uri") {
    o.model_dir = local_path(value);
  } else if (name == "implementation") {
    std::string engine = engine_of(value);
    bool python = contains(engine, ".");
    (python ? o.python_implementation : o.engine) = std::move(engine);
  } else if (name == "max_batch_size") {
    TRY(int64_t n, parse_number(what, value, 0, 1 << 20));
    o.max_batch_size = static_cast<size_t>(n);
  } else if (name == "max_batch_time") {
    auto s = parse_double(value);
    if (!s || !(*s >= 0 && *s <= 3600))
      return error(Code::kInvalid, str(what, ": '", shorten(value, 40), "' is no time in seconds"));
    o.max_latency = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*s));
    o.max_latency_given = *s > 0;
  } else if (name == "repository_root") {
    o.model_dir = local_path(value);
  } else {
    o.warnings.push_back(str("MLServer's setting ", what, " has no effect"));
  }
  return {};
}

Status set_port(ServeOptions& o, std::string_view name, std::string_view value) {
  TRY(uint16_t port, parse_port(name, value));
  if (name == "http_port") {
    o.http_port = port;
    o.http_port_given = true;
  } else if (name == "grpc_port") {
    o.grpc_port = port;
    o.grpc_port_given = true;
  } else {
    o.metrics_port = port;
  }
  return {};
}

std::string text_of(const json::Value& v) { return v.is_string() ? v.str() : json::dump(v); }

}  // namespace

Status set_mlserver(ServeOptions& o, std::string_view name, std::string_view value) {
  if (name.starts_with("model_")) return set_model(o, name.substr(6), value);
  if (name == "http_port" || name == "grpc_port" || name == "metrics_port")
    return set_port(o, name, value);
  if (name == "host") {
    o.host = value;
  } else if (name == "server_name") {
    o.server_name = value;
  } else if (name == "load_models_at_startup") {
    TRY(o.load_at_start, parse_switch(name, value));
  } else if (name == "gzip_enabled") {
    TRY(o.compress, parse_switch(name, value));
  } else if (name == "grpc_max_message_length") {
    TRY(int64_t n, parse_number(name, value, 1024, int64_t{1} << 30));
    o.most_message = static_cast<size_t>(n);
  } else {
    o.warnings.push_back(str("MLServer's setting ", name, " has no effect"));
  }
  return {};
}

Status read_mlserver_variables(ServeOptions& o, char** environment) {
  for (char** at = environment; at && *at; ++at) {
    std::string_view item = *at;
    size_t equals = item.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
    if (name == "MODELS_DIR" && o.model_dir.empty()) o.model_dir = local_path(value);
    if (!name.starts_with(kPrefix) || value.empty()) continue;
    o.mlserver = true;
    TRY_STATUS(set_mlserver(o, lower(name.substr(kPrefix.size())), value).context(name));
  }
  return {};
}

Status read_mlserver_settings(ServeOptions& o, const std::string& folder) {
  std::string path = str(folder, "/settings.json");
  if (folder.empty() || !exists(path)) return {};
  TRY(std::string text, read_file(path, kMostSettings));
  auto settings = json::parse(text, {kMostSettings, 50});
  if (!settings.ok()) return std::move(settings).error().with_context(path);
  o.mlserver = true;
  for (const auto& [name, value] : settings->object())
    if (!value.is_null()) TRY_STATUS(set_mlserver(o, name, text_of(value)).context(path));
  return {};
}

}  // namespace proa::models
