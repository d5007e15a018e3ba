#include "app/options.h"

#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::app {

namespace {

struct Given {
  std::string data_dir, kubeconfig, bind, domain, config;
  std::optional<uint16_t> api_port, http_port;
  std::vector<std::string> mirrors;
  bool verbose = false, take_over = false;
};

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char* cwd = ::getcwd(nullptr, 0);
  std::string out = str(cwd ? cwd : "", "/", path);
  ::free(cwd);
  return out;
}

Result<uint16_t> port_of(const json::Value& v, std::string_view key) {
  int64_t port = v.integer(-1);
  if (port < 0 || port > 65535)
    return error(Code::kInvalid, str("configuration: ", key, " must be a port, 0 to 65535"));
  return static_cast<uint16_t>(port);
}

// What the file says and no flag overrides.
Status read_config(Given& given) {
  TRY(auto text, read_file(given.config, 1 << 20));
  auto parsed = json::parse_yaml(text);
  if (!parsed.ok()) return std::move(parsed).error().with_context(given.config);
  for (const auto& [key, v] : parsed->object()) {
    auto text_into = [&v = v](std::string& target) {
      if (target.empty()) target = v.str();
    };
    if (key == "dataDir")
      text_into(given.data_dir);
    else if (key == "kubeconfig")
      text_into(given.kubeconfig);
    else if (key == "bind")
      text_into(given.bind);
    else if (key == "domain")
      text_into(given.domain);
    else if (key == "verbose")
      given.verbose = given.verbose || v.boolean();
    else if (key == "apiPort" || key == "httpPort") {
      TRY(uint16_t port, port_of(v, key));
      auto& target = key == "apiPort" ? given.api_port : given.http_port;
      if (!target) target = port;
    } else if (key == "mirrors") {
      for (const auto& [prefix, folder] : v.object())
        given.mirrors.push_back(prefix + "=" + folder.str());
    } else {
      return error(Code::kInvalid, str(given.config, ": unknown key \"", key,
                                       "\"; known: dataDir, kubeconfig, bind, domain, apiPort, "
                                       "httpPort, mirrors, verbose"));
    }
  }
  return {};
}

Result<UpOptions> settle(const Given& given) {
  UpOptions options;
  const char* home = ::getenv("HOME");
  options.data_dir =
      absolute(given.data_dir.empty() ? str(home ? home : "", "/.proa") : given.data_dir);
  while (options.data_dir.size() > 1 && options.data_dir.back() == '/') options.data_dir.pop_back();
  options.kubeconfig =
      given.kubeconfig.empty() ? options.data_dir + "/kubeconfig" : absolute(given.kubeconfig);
  if (!given.bind.empty()) options.bind = given.bind;
  if (!given.domain.empty()) options.domain = given.domain;
  if (given.api_port) options.api_port = *given.api_port;
  options.http_port = given.http_port;
  options.verbose = given.verbose;
  options.take_over = given.take_over;
  for (const std::string& mirror : given.mirrors) {
    size_t at = mirror.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == mirror.size() ||
        !contains(mirror.substr(0, at), "://"))
      return error(Code::kInvalid,
                   str("--mirror ", mirror, ": expected URI-PREFIX=DIR, e.g. gs://bucket=/models"));
    std::string folder = absolute(mirror.substr(at + 1));
    if (char* real = ::realpath(folder.c_str(), nullptr)) {
      folder = real;
      ::free(real);
    } else {
      return errno_error(str("--mirror ", mirror, ": ", folder));
    }
    options.mirrors[mirror.substr(0, at)] = folder;
  }
  return options;
}

}  // namespace

Result<std::optional<UpOptions>> parse_up_options(int argc, char** argv) {
  Given given;
  CLI::App app(
      "Starts the platform: API server, controllers, node, gateway and autoscaler, in the "
      "foreground.\n"
      "Ctrl-C stops all of it.",
      "proa up");
  app.add_option("--data-dir", given.data_dir, "folder for everything it keeps (default: ~/.proa)");
  app.add_option("--kubeconfig", given.kubeconfig,
                 "where to write the kubeconfig (default: DATA-DIR/kubeconfig)");
  app.add_option("--api-port", given.api_port,
                 "port of the API server (default: 6443; 0: any free one)");
  app.add_option("--http-port", given.http_port,
                 "port of the gateway (default: 80 where permitted, else 8080; 0: any free one)");
  app.add_option("--bind", given.bind, "address to listen on (default: 127.0.0.1)");
  app.add_option("--domain", given.domain,
                 "domain of the services' addresses (default: example.com)");
  app.add_option("--mirror", given.mirrors,
                 "URI-PREFIX=DIR: serve models below the prefix from a folder")
      ->allow_extra_args(false);
  app.add_option(
      "--config", given.config,
      "YAML file with dataDir, kubeconfig, bind, domain, apiPort, httpPort, mirrors, verbose");
  app.add_flag("--take-over", given.take_over,
               "replace the instance that runs on the data folder, if one does: pods run on, no "
               "request fails, the other process finishes what it has in hand and ends");
  app.add_flag("--verbose,-v", given.verbose, "log debug lines too");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return std::optional<UpOptions>();
  } catch (const CLI::Error& e) {
    return error(Code::kInvalid, str(e.what(), "; see proa up --help"));
  }
  if (!given.config.empty()) TRY_STATUS(read_config(given));
  TRY(UpOptions options, settle(given));
  return std::optional<UpOptions>(std::move(options));
}

}  // namespace proa::app
