// What a CatBoost file says, in .cbm or in .json. Private to this folder.
//
// Features have three numberings: the column of a row ("flat"), and the place among the numerical
// or among the categorical features. Splits of trees name "binary features": first every border of
// the numerical features, then every value of the one-hot features, then every border of the CTRs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines::boosted {

class Document;

enum class CtrType : uint8_t {
  kBorders,
  kBuckets,
  kBinarizedMean,
  kFloatMean,
  kCounter,
  kFrequency
};

struct CatboostFloat {
  uint32_t flat = 0;
  std::vector<double> borders;
  bool nan_is_large = false;  // else smaller than every border
};
struct CatboostOneHot {
  uint32_t cat = 0;  // among the categorical features
  std::vector<double> values;
};
// What of a row a CTR's table is asked with.
struct CatboostProjection {
  std::vector<uint32_t> cats;
  std::vector<std::pair<uint32_t, float>> borders;   // numerical feature > border
  std::vector<std::pair<uint32_t, int32_t>> values;  // hash of a categorical feature == value
  CtrType type = CtrType::kBorders;
  std::string key() const;
};
struct CatboostCtr {
  CatboostProjection base;
  uint32_t target_border = 0;
  float prior = 0, denominator = 1, shift = 0, scale = 1;
  std::vector<double> borders;
};
struct CatboostTable {
  CatboostProjection base;
  int32_t counter_denominator = 0;
  uint32_t stride = 0;  // numbers a bucket: classes; 1 for counters; 2 (sum, count) for means
  std::vector<std::pair<uint64_t, uint32_t>> buckets;  // hash → its number, sorted
  std::vector<float> counts;                           // exact below 2^24; sums of means are floats
};
struct CatboostNode {                       // of a tree that is not symmetric; diffs 0: a leaf
  uint32_t split = 0, left = 0, right = 0;  // indices into the tree's nodes; left == right: a leaf
  uint32_t value = 0;                       // leaf: its first in leaf_values
};
struct CatboostTree {
  std::vector<uint32_t> splits;     // symmetric: a split a level
  size_t leaves = 0;                // symmetric: the first in leaf_values
  std::vector<CatboostNode> nodes;  // not symmetric: all of them
};

struct CatboostFile {
  size_t features = 0;   // columns
  size_t dimension = 1;  // numbers a row
  std::vector<CatboostFloat> floats;
  std::vector<uint32_t> cats;      // the columns of the categorical features
  std::vector<std::string> names;  // of the columns, "" where the file has none
  std::vector<CatboostOneHot> one_hots;
  std::vector<CatboostCtr> ctrs;
  std::vector<CatboostTable> tables;
  std::vector<CatboostTree> trees;
  std::vector<double> leaf_values;
  double scale = 1;
  std::vector<double> bias;
  // From the training's parameters.
  std::string version, loss;
  enum class Label : uint8_t { kInteger, kFloat, kText } label_type = Label::kInteger;
  std::vector<double> label_numbers;
  std::vector<std::string> label_texts;
};

Result<CatboostFile> read_catboost_cbm(std::string_view bytes);
Result<CatboostFile> read_catboost_json(std::string_view bytes);
// "class_params" and "params": an object, or its text.
Status read_catboost_parameters(const Document& class_params, const Document& params,
                                CatboostFile& file);
// Checks what both formats share.
Status check_catboost(const CatboostFile& file);

}  // namespace proa::engines::boosted
