// What `proa serve` is told: the flags of KServe's Python servers, so that a runtime's args fit,
// and the variables and settings.json of MLServer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/base/result.h"

namespace proa::models {

struct ServeOptions {
  std::string model_name = "model";
  bool model_name_given = false;
  std::string model_dir;
  std::string host;  // "" until resolved: POD_IP, else 127.0.0.1
  uint16_t http_port = 8080, grpc_port = 8081;
  bool http_port_given = false, grpc_port_given = false;
  bool enable_grpc = true;
  int metrics_port = -1;  // a further one for REST and metrics; -1: none
  size_t workers = 1;
  std::string engine;  // "" by extension and content
  std::string python_implementation;  // of MLServer's variables: "my_runtime.MyRuntime"
  std::string version_policy = "latest";
  std::vector<std::pair<std::string, std::string>> version_labels;  // label, version
  size_t max_batch_size = 0;  // 0: adaptive
  Duration max_latency = std::chrono::seconds(5);
  bool max_latency_given = false, batch_disabled = false;
  size_t max_queue = 1000;
  size_t most_message = 8 << 20;  // gRPC
  Duration idle_timeout = std::chrono::seconds(75);
  bool load_at_start = true, compress = true;
  std::vector<std::string> load_models;  // where not all are loaded at the start: these are
  std::vector<std::pair<std::string, std::string>> named_models;  // name and file; else by folder
  bool mlserver = false;  // answer as MLServer does where it differs from KServe's servers
  std::string server_name;
  bool help = false, list_formats = false;
  std::vector<std::string> warnings;  // what is taken and means nothing here
};

extern const char* const kServeHelp;

// Flags go before MLServer's settings.json, that before the environment. kInvalid names the flag
// and what to do.
Result<ServeOptions> parse_serve_options(int argc, char** argv);

// One of MLServer's settings, "http_port", of a variable MLSERVER_HTTP_PORT or of settings.json.
Status set_mlserver(ServeOptions& options, std::string_view name, std::string_view value);
// All variables "NAME=value" of a null-terminated environment.
Status read_mlserver_variables(ServeOptions& options, char** environment);
// `folder`/settings.json, where it is there.
Status read_mlserver_settings(ServeOptions& options, const std::string& folder);

// The folder of a model URI that is one on this machine: "file:///mnt/models" → "/mnt/models".
std::string local_path(std::string_view model_dir);
Result<uint16_t> parse_port(std::string_view what, std::string_view value);
Result<bool> parse_switch(std::string_view what, std::string_view value);
Result<int64_t> parse_number(std::string_view what, std::string_view value, int64_t least,
                             int64_t most);

}  // namespace proa::models
