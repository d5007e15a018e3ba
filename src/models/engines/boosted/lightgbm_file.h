// LightGBM's text model (what Booster.save_model writes, releases 2 to 4) as plain checked data.
//
// Used by lightgbm.cpp and by the fuzz target. Pure; values own their memory. What parse_lightgbm()
// gives is consistent: each tree is a tree, every child, leaf, feature and bit set is inside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines {

struct LightgbmTree {
  enum class MissingType : uint8_t { kNone = 0, kZero = 1, kNan = 2 };
  size_t leaves = 1;
  // One a split, leaves - 1 of them; split 0 is the root. A child ≥ 0 is a split, below that leaf
  // ~c.
  std::vector<uint32_t> feature;
  std::vector<double> threshold;  // of a categorical split: the number of its bit set
  std::vector<uint8_t> decision;  // bit 0: categorical, 1: missing goes left, 2 and 3: MissingType
  std::vector<int32_t> left, right;
  std::vector<double> leaf_value;
  std::vector<uint32_t> boundaries,
      bits;  // bit set s: bits[boundaries[s]] to bits[boundaries[s + 1]]
  // For contributions; empty where the file has none.
  std::vector<double> leaf_count, internal_count, internal_value;
  // Linear leaves: constant, and terms[starts[leaf]] to terms[starts[leaf + 1]].
  bool linear = false;
  struct Term {
    uint32_t feature = 0;
    double coefficient = 0;
  };
  std::vector<double> leaf_constant;
  std::vector<uint32_t> term_starts;
  std::vector<Term> terms;

  bool categorical(size_t split) const { return decision[split] & 1; }
  bool default_left(size_t split) const { return decision[split] & 2; }
  MissingType missing(size_t split) const {
    return static_cast<MissingType>(decision[split] >> 2 & 3);
  }
};

struct LightgbmFile {
  std::string version;       // "v4"; "" in files of the first releases
  size_t classes = 1;        // num_class
  size_t per_iteration = 1;  // trees of one iteration; tree t adds to output t % per_iteration
  size_t features = 0;
  bool average = false;   // boosting=rf: the outputs are divided by the number of iterations
  std::string objective;  // "binary sigmoid:1"; "" for a custom one
  std::vector<std::string> feature_names;
  std::vector<LightgbmTree> trees;
};

// Whether a file that begins with `head` is one; XGBoost uses the same extensions.
bool is_lightgbm(std::string_view head);
Result<LightgbmFile> parse_lightgbm(std::string_view text);

}  // namespace proa::engines
