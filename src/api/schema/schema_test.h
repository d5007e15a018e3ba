// What the tests of this folder share: the catalog, made once, and JSON with single quotes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "api/schema/schema.h"

namespace proa::api {

inline Catalog& test_catalog() {
  static std::unique_ptr<Catalog> catalog = [] {
    auto made = Catalog::built_in();
    if (!made.ok()) ADD_FAILURE() << made.error().message;
    return std::move(made).value();
  }();
  return *catalog;
}

inline const KindDef& test_kind(std::string_view api_version, std::string_view kind) {
  KindRef found = test_catalog().find_kind(api_version, kind);
  EXPECT_TRUE(found) << kind;
  static std::vector<KindRef> kept;
  kept.push_back(found);
  return *found;
}

// {'a': 1} for {"a": 1}
inline json::Value js(std::string text) {
  std::replace(text.begin(), text.end(), '\'', '"');
  auto parsed = json::parse(text);
  if (!parsed.ok()) ADD_FAILURE() << parsed.error().message << "\n" << text;
  return std::move(parsed).value();
}

}  // namespace proa::api
