// For tests: a fake of Google Cloud Storage's JSON API with the failures that a network has.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "foundation/json/value.h"
#include "models/storage/transfer/digest.h"
#include "models/storage/transfer/test_server.h"

namespace proa::storage {

struct FakeGcs {
  struct Object {
    std::string content;
    int64_t generation = 1;
  };
  std::mutex mutex;
  std::map<std::string, Object> objects;                      // by name, in bucket "b"
  size_t page = 2;                                            // objects a page
  std::string token;                                          // if set: wanted as bearer
  std::function<std::optional<Answer>(const Asked&)> before;  // may answer instead

  json::Value describe(const std::string& name, const Object& o) {
    return json::object({{"name", name},
                         {"size", str(o.content.size())},
                         {"generation", str(o.generation)},
                         {"crc32c", crc32c_text(crc32c(0, o.content))}});
  }

  Answer handle(const Asked& asked) {
    std::lock_guard lock(mutex);
    if (before)
      if (auto a = before(asked)) return *a;
    if (asked.path == "/token") return {200, {}, R"({"access_token":"t0","expires_in":3600})"};
    const std::string root = "/storage/v1/b/b/o";
    if (!asked.path.starts_with(root)) return {404, {}, R"({"error":{"message":"no bucket"}})"};
    if (!token.empty()) {
      const auto it = asked.headers.find("authorization");
      if (it == asked.headers.end() || it->second != "Bearer " + token)
        return {403, {}, R"({"error":{"message":"Anonymous caller"}})"};
    }
    if (asked.path == root) return list(asked);
    const auto it = objects.find(asked.path.substr(root.size() + 1));
    if (it == objects.end()) return {404, {}, "{}"};
    const auto q = asked.query;
    if (!q.contains("alt")) return {200, {}, json::dump(describe(it->first, it->second))};
    if (const auto g = q.find("generation");
        g != q.end() && g->second != str(it->second.generation))
      return {404, {}, "{}"};
    return ranged(asked, it->second.content);
  }

  Answer list(const Asked& asked) {
    const auto prefix = asked.query.contains("prefix") ? asked.query.at("prefix") : "";
    const auto after = asked.query.contains("pageToken") ? asked.query.at("pageToken") : "";
    json::Value out{json::Object{}};
    size_t n = 0;
    for (const auto& [name, o] : objects) {
      if (!name.starts_with(prefix) || (!after.empty() && name <= after)) continue;
      if (n++ == page) {
        out.set("nextPageToken", (*out["items"].array().rbegin())["name"]);
        break;
      }
      out.ref("items").push(describe(name, o));
    }
    return {200, {}, json::dump(out)};
  }
};

}  // namespace proa::storage
