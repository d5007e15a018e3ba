// For tests: objects in YAML, requests, and where they must go.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/json/yaml.h"
#include "platform/gateway/config/table_builder.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {

inline const client::Kind* kind_of(const json::Value& object) {
  const std::string &version = object["apiVersion"].str(), &kind = object["kind"].str();
  const std::string group = contains(version, "/") ? version.substr(0, version.find('/')) : "";
  for (const client::Kind* k : watched_kinds())
    if (kind == k->kind && group == k->group) return k;
  return nullptr;
}

struct World {
  FakeClock clock;
  TableBuilder builder{BuilderOptions{}, clock};
  std::shared_ptr<const Table> table;
  std::map<std::string, json::Value> statuses;  // "Kind ns/name" → the last
  std::vector<std::string> events;

  explicit World(std::string_view yaml) { put(yaml); }
  void put(std::string_view yaml, bool drop = false) {
    auto documents = json::parse_yaml_stream(yaml);
    ASSERT_TRUE(documents.ok()) << documents.error().message;
    for (const json::Value& d : *documents) {
      const client::Kind* kind = kind_of(d);
      ASSERT_NE(kind, nullptr) << json::dump(d);
      drop ? builder.drop(*kind, d) : builder.put(*kind, d);
    }
    build();
  }
  void remove(std::string_view yaml) { put(yaml, true); }
  void build() {
    table = builder.build();
    for (StatusUpdate& s : builder.take_statuses()) {
      if (!s.warning.empty()) events.push_back(s.warning);
      statuses[str(s.kind->kind, " ", text_of(s.key))] = std::move(s.status);
    }
  }

  // "revision ns/name", "404 host", "404 path", "503", "301", "200".
  std::string to(std::string_view authority, std::string_view path = "/v1/models/iris:predict",
                 std::string_view method = "POST", http::Headers headers = {}, uint32_t random = 0,
                 const Rule** rule = nullptr, uint16_t listener = 0) {
    std::string buffer;
    RequestFacts f;
    f.listener = listener;
    const Host* host = table->find(bare_host(authority, buffer, f.port), listener);
    if (!host) return "404 host";
    f.method = method, f.path = path.substr(0, path.find('?'));
    if (path.find('?') != path.npos) f.query = path.substr(path.find('?') + 1);
    f.authority = host->name, f.scheme = "http";
    f.headers = &headers;
    f.header = [](const void* h, std::string_view name) {
      auto& all = *static_cast<const http::Headers*>(h);
      return all.has(name) ? all.get(name) : std::string_view();
    };
    Matched m = host->match(f);
    if (!m.rule) return "404 path";
    if (rule) *rule = m.rule;
    prefix = m.prefix;
    if (m.rule->redirect) return str(m.rule->redirect->code);
    if (m.rule->direct) return str(m.rule->direct->status);
    const Destination* d = pick(*m.rule, random);
    if (!d) return "503";
    if (!d->backend) return str(d->status);
    return d->backend->name();
  }
  // A GET that came by this listener.
  std::string get(uint16_t listener, std::string_view authority, std::string_view path = "/",
                  http::Headers headers = {}) {
    return to(authority, path, "GET", std::move(headers), 0, &last, listener);
  }
  // "True Reason: message", of an object's condition; path into the status as keys.
  static std::string condition(const json::Value& holder, std::string_view type) {
    for (const json::Value& c : holder["conditions"].array())
      if (c["type"].str() == type)
        return str(c["status"].str(), " ", c["reason"].str(),
                   c["message"].str().empty() ? "" : ": ", c["message"].str());
    return "none";
  }
  size_t prefix = 0;
  const Rule* last = nullptr;
};

}  // namespace proa::gateway
