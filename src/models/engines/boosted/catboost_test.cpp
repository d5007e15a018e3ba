#include "models/engines/boosted/catboost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "foundation/base/strings.h"
#include "models/engines/boosted/catboost/hash.h"

namespace proa::engines {
namespace {

using inference::Cell;
using inference::Method;

// Two numbers and a category; the category's value "a" is one split, its CTR another.
constexpr std::string_view kModel = R"({
 "features_info": {
  "float_features": [{"feature_index": 0, "flat_feature_index": 0, "feature_id": "",
   "borders": [0.5, 1.5], "nan_value_treatment": "AsTrue"}],
  "categorical_features": [{"feature_index": 0, "flat_feature_index": 1, "feature_id": "",
   "values": [-805065478]}],
  "ctrs": [{"elements": [{"cat_feature_index": 0, "combination_element": "cat_feature_value"}],
   "ctr_type": "Borders", "identifier": "", "prior_numerator": 0.5, "prior_denomerator": 1,
   "shift": 0, "scale": 15, "target_border_idx": 0, "borders": [10]}]},
 "ctr_data": {"{\"identifier\":[{\"cat_feature_index\":0,\"combination_element\":)"
R"(\"cat_feature_value\"}],\"type\":\"Borders\"}":
  {"counter_denominator": 0, "hash_stride": 3, "hash_map": ["HASH", 1, 9]}},
 "oblivious_trees": [{"splits": [{"split_index": 1}, {"split_index": 2}, {"split_index": 3}],
  "leaf_values": [0, 1, 2, 3, 4, 5, 6, 7]}],
 "model_info": {"params": "{\"loss_function\": {\"type\": \"RMSE\"}}"},
 "scale_and_bias": [2, [100]]})";

std::string model_text() {
  int32_t b = boosted::category_hash("b");
  uint64_t hash = boosted::combine_hash(0, static_cast<uint64_t>(int64_t{b}));
  return replace_all(kModel, "HASH", str(hash));
}

double ask(std::string_view bytes, double number, std::string_view category) {
  auto model = read_catboost(bytes, {});
  EXPECT_TRUE(model.ok()) << model.error().message;
  if (!model.ok()) return 0;
  Cell cells[2] = {{Cell::Kind::kNumber, number, {}}, {Cell::Kind::kText, 0, category}};
  inference::Table table;
  table.form = inference::Table::Form::kCells;
  table.rows = 1, table.columns = 2, table.cells = cells;
  inference::Workspace work;
  inference::Output out;
  auto status = (*model)->predict(table, Method::kDefault, work, out);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return status.ok() ? out.first.numbers[0] : 0;
}

TEST(Catboost, HashesCategoriesAsCatboostDoes) {
  EXPECT_EQ(boosted::category_hash("a"), -805065478);
  EXPECT_EQ(boosted::category_hash("b"), 1982436109);
  EXPECT_EQ(boosted::category_hash("z"), 476319382);
}

TEST(Catboost, WalksNumbersCategoriesAndTheirStatistics) {
  std::string text = model_text();
  EXPECT_EQ(ask(text, 0, "x"), 100);             // statistic (0 + 0.5) / (0 + 1) × 15 = 7.5
  EXPECT_EQ(ask(text, 2, "x"), 100 + 2 * 1);     // above the second border
  EXPECT_EQ(ask(text, std::nan(""), "x"), 102);  // missing is larger than every border
  EXPECT_EQ(ask(text, 0, "a"), 100 + 2 * 2);
  EXPECT_EQ(ask(text, 0, "b"), 100 + 2 * 4);  // (9 + 0.5) / (10 + 1) × 15 = 12.9…
  EXPECT_EQ(ask(text, 2, "b"), 100 + 2 * 5);
}

TEST(Catboost, RefusesTextInNumbersAndFractionsInCategories) {
  auto model = read_catboost(model_text(), {});
  ASSERT_TRUE(model.ok());
  inference::Workspace work;
  inference::Output out;
  inference::Table table;
  double row[2] = {1, 2.5};
  table.rows = 1, table.columns = 2, table.dense = row;
  auto status = (*model)->predict(table, Method::kDefault, work, out);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("a category must be"), std::string::npos);
  Cell cells[2] = {{Cell::Kind::kText, 0, "x"}, {Cell::Kind::kText, 0, "x"}};
  table.form = inference::Table::Form::kCells;
  table.cells = cells;
  status = (*model)->predict(table, Method::kDefault, work, out);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("column 0"), std::string::npos);
}

void refuses(std::string_view bytes, std::string_view what) {
  auto model = read_catboost(bytes, {});
  ASSERT_FALSE(model.ok()) << what;
  EXPECT_NE(model.error().message.find(what), std::string::npos) << model.error().message;
}

TEST(Catboost, RefusesFilesThatContradictThemselves) {
  std::string good = model_text();
  auto with = [&](std::string_view from, std::string_view to) {
    EXPECT_NE(good.find(from), std::string::npos) << from;
    return replace_all(good, from, to);
  };
  refuses(with("{\"split_index\": 3}", "{\"split_index\": 4}"), "split is out of range");
  refuses(with("[0, 1, 2, 3, 4, 5, 6, 7]", "[0, 1, 2, 3, 4, 5, 6, 7, 8]"), "leaf values");
  refuses(with("\"target_border_idx\": 0", "\"target_border_idx\": 2"), "class");
  refuses(with("\"hash_stride\": 3", "\"hash_stride\": 2"), "table");
  refuses(with("\"ctr_type\": \"Borders\"", "\"ctr_type\": \"Buckets\""), "no table");
  refuses(with("\"flat_feature_index\": 1", "\"flat_feature_index\": 2e6"), "column");
  refuses("{}", "not a CatBoost model");
  refuses("CBM1", "not a CatBoost model");
}

TEST(Catboost, SurvivesAnyChangeOfBytes) {
  std::mt19937 random(20240602);
  std::string good = model_text();
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(read_catboost(std::string_view(good).substr(0, n), {}).ok());
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (size_t k = 0; k <= random() % 3; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto model = read_catboost(bytes, {});
    if (model.ok() && (*model)->info().features == 2) (void)ask(bytes, 1, "a");
  }
}

}  // namespace
}  // namespace proa::engines
