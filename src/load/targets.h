// Targets: what to request. Read from vegeta's text or JSON format; bodies are read once, into
// memory.
//
//   POST http://host/path        {"method": "POST", "url": "http://host/path",
//   Header: value                 "header": {"Header": ["value"]}, "body": "BASE64"}
//   @/path/of/body
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::load {

struct Target {
  std::string method, url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // Parts of the url.
  bool tls = false;
  std::string host;
  uint16_t port = 80;
  std::string path;  // with the query
};

Result<Target> make_target(std::string method, std::string url);  // kInvalid unless http(s)://HOST…
Result<std::vector<Target>> parse_http_targets(std::string_view text);
Result<std::vector<Target>> parse_json_targets(std::string_view text);
// "Name: value"
Result<std::pair<std::string, std::string>> parse_header(std::string_view line);

}  // namespace proa::load
