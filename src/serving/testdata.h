// For tests: files of testdata/ as YAML documents.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/client.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::serving {

inline std::vector<json::Value> testdata(const std::string& name) {
  const std::string here = __FILE__;
  const auto text = read_file(here.substr(0, here.rfind('/')) + "/testdata/" + name);
  EXPECT_TRUE(text.ok()) << (text.ok() ? "" : text.error().message);
  if (!text.ok()) return {};
  auto documents = json::parse_yaml_stream(*text);
  EXPECT_TRUE(documents.ok()) << (documents.ok() ? "" : documents.error().message);
  return documents.ok() ? *documents : std::vector<json::Value>{};
}

inline json::Value yaml(std::string_view text) {
  auto v = json::parse_yaml(text);
  EXPECT_TRUE(v.ok()) << (v.ok() ? "" : v.error().message);
  return v.ok() ? *v : json::Value();
}

inline client::Object shared(json::Value v) {
  return std::make_shared<const json::Value>(std::move(v));
}

// Owner references without uid, as the files write them.
inline json::Value plain(json::Value v) {
  if (v["metadata"].has("ownerReferences"))
    for (auto& o : v.ref("metadata", "ownerReferences").make_array()) o.erase("uid");
  return v;
}

inline void expect_same(const json::Value& got, const json::Value& want) {
  EXPECT_EQ(json::dump_yaml(got), json::dump_yaml(want));
}

}  // namespace proa::serving
