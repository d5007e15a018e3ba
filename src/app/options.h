// Options of `proa up`: flags, then the file that --config names, then defaults.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "foundation/base/result.h"

namespace proa::app {

struct UpOptions {
  std::string data_dir;    // absolute
  std::string kubeconfig;  // absolute
  std::string bind = "127.0.0.1";
  uint16_t api_port = 6443;
  std::optional<uint16_t> http_port;  // unset: 80 where permitted, else 8080
  std::string domain = "example.com";
  std::map<std::string, std::string> mirrors;  // URI prefix → absolute folder
  bool verbose = false;
  bool take_over = false;  // of the instance that runs on the data folder
};

// nullopt: --help or --version was answered. Errors name the flag or the key.
Result<std::optional<UpOptions>> parse_up_options(int argc, char** argv);

}  // namespace proa::app
