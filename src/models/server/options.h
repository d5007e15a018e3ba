// The command line of `proa serve`: that of KServe's Python servers, so that a runtime's args fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/result.h"

namespace proa::models {

struct ServeOptions {
  std::string model_name = "model";
  std::string model_dir;
  std::string host;  // "" until resolved: POD_IP, else 127.0.0.1
  uint16_t http_port = 8080;
  bool help = false;
  std::vector<std::string> warnings;  // flags that are taken and mean nothing here
};

extern const char* const kServeHelp;

// kInvalid names the flag and what to do.
Result<ServeOptions> parse_serve_options(int argc, char** argv);

// The folder of a model URI that is one on this machine: "file:///mnt/models" → "/mnt/models".
std::string local_path(std::string_view model_dir);

}  // namespace proa::models
