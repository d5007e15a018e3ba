// The subset of kubectl's JSONPath that printer columns and scale subresources use:
// .a.b, ['a'], [0], [-1], [1:3], [*], .*, [?(@.a=='b')], ==, !=, <, <=, >, >=, &&, and bare
// filters.
//
// Pure, thread-safe; paths are parsed once and kept. Format: kubectl's JSONPath page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"

namespace proa::api {

class JsonPath {
 public:
  // With or without outer braces and leading dot. kInvalid names the place.
  static Result<JsonPath> parse(std::string_view text);
  // All matches in document order; at most `most`.
  std::vector<const json::Value*> find(const json::Value& root, size_t most = 1000) const;

  struct Step {
    enum Kind { kKey, kIndex, kSlice, kAll, kFilter } kind = kKey;
    std::string key;           // kKey
    int64_t from = 0, to = 0;  // kIndex, kSlice
    bool open_end = true;      // kSlice without a right bound
    struct Test {
      std::vector<std::string> path;
      std::string op;
      json::Value value;
    };
    std::vector<Test> tests;  // kFilter, all must hold; op "" means present
  };

 private:
  std::vector<Step> steps_;
};

}  // namespace proa::api
