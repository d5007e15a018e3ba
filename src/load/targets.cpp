#include "load/targets.h"

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::load {

Result<Target> make_target(std::string method, std::string url) {
  Target t;
  t.method = std::move(method);
  std::string_view rest = url;
  if (rest.starts_with("https://"))
    t.tls = true, t.port = 443, rest.remove_prefix(8);
  else if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else
    return error(Code::kInvalid, str("target \"", url, "\": expected http://… or https://…"));
  size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  t.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (t.path[0] == '?') t.path = "/" + t.path;
  size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    auto port = parse_int(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535)
      return error(Code::kInvalid, str("target \"", url, "\": bad port"));
    t.port = static_cast<uint16_t>(*port);
    authority = authority.substr(0, colon);
  }
  if (authority.size() > 2 && authority.front() == '[')
    authority = authority.substr(1, authority.size() - 2);
  if (authority.empty()) return error(Code::kInvalid, str("target \"", url, "\": no host"));
  t.host = authority;
  t.url = std::move(url);
  return t;
}

Result<std::pair<std::string, std::string>> parse_header(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return error(Code::kInvalid, str("header \"", line, "\": expected NAME: VALUE"));
  return std::pair(std::string(trim(line.substr(0, colon))),
                   std::string(trim(line.substr(colon + 1))));
}

Result<std::vector<Target>> parse_http_targets(std::string_view text) {
  std::vector<Target> targets;
  bool open = false;  // between a request line and the blank line after it
  size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = trim(line);
    if (!line.empty() && line[0] == '#') continue;
    if (line.empty()) {
      open = false;
      continue;
    }
    auto at = [&](std::string_view what) { return str("targets, line ", number, ": ", what); };
    if (line[0] == '@' && open) {
      auto body = read_file(std::string(line.substr(1)), 256u << 20);
      if (!body.ok()) return std::move(body).error().with_context(at("body"));
      targets.back().body = std::move(*body);
      continue;
    }
    size_t space = line.find(' ');
    bool request = space != std::string_view::npos && contains(line.substr(space), "://") &&
                   line.substr(0, space).find(':') == std::string_view::npos;
    if (request) {
      auto target =
          make_target(std::string(line.substr(0, space)), std::string(trim(line.substr(space))));
      if (!target.ok()) return std::move(target).error().with_context(at("target"));
      targets.push_back(std::move(*target));
      open = true;
    } else if (open) {
      auto header = parse_header(line);
      if (!header.ok()) return std::move(header).error().with_context(at("header"));
      targets.back().headers.push_back(std::move(*header));
    } else {
      return error(Code::kInvalid, at("expected METHOD URL"));
    }
  }
  if (targets.empty()) return error(Code::kInvalid, "no targets to attack");
  return targets;
}

Result<std::vector<Target>> parse_json_targets(std::string_view text) {
  std::vector<Target> targets;
  for (std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    TRY(json::Value v, json::parse(line));
    TRY(Target target, make_target(v["method"].str(), v["url"].str()));
    for (const auto& [name, values] : v["header"].object())
      for (const json::Value& value : values.array())
        target.headers.emplace_back(name, value.str());
    if (v.has("body")) {
      auto body = unbase64(v["body"].str());
      if (!body)
        return error(Code::kInvalid, str("target \"", target.url, "\": body is not base64"));
      target.body = std::move(*body);
    }
    targets.push_back(std::move(target));
  }
  if (targets.empty()) return error(Code::kInvalid, "no targets to attack");
  return targets;
}

}  // namespace proa::load
