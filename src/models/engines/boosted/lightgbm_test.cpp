#include "models/engines/boosted/lightgbm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/engines/boosted/lightgbm_file.h"
#include "models/engines/boosted/lightgbm_objective.h"

namespace proa::engines {
namespace {

using inference::Method;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string header(std::string_view objective, int per_iteration, std::string_view more = "") {
  return "tree\nversion=v4\nnum_class=" + std::to_string(per_iteration) +
         "\nnum_tree_per_iteration=" + std::to_string(per_iteration) +
         "\nlabel_index=0\nmax_feature_idx=1\nobjective=" + std::string(objective) +
         "\nfeature_names=a b\nfeature_infos=[0:1] 0:1:2\n" + std::string(more) + "\n";
}

// a <= 0.5: leaf 0; otherwise b in {0, 2}: leaf 1, else leaf 2.
std::string tree(int number, std::string_view decision = "2 1", std::string_view left = "-1 -2",
                 std::string_view right = "1 -3") {
  return "Tree=" + std::to_string(number) +
         "\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nsplit_gain=1 1\nthreshold=0.5 0\n"
         "decision_type=" +
         std::string(decision) + "\nleft_child=" + std::string(left) +
         "\nright_child=" + std::string(right) +
         "\nleaf_value=1 2 4\nleaf_weight=1 1 1\nleaf_count=2 1 1\ninternal_value=0 0\n"
         "internal_count=4 2\ncat_boundaries=0 1\ncat_threshold=5\nis_linear=0\nshrinkage=1\n\n\n";
}

std::vector<double> answer(const inference::Model& model, std::vector<double> rows,
                           Method method = Method::kDefault) {
  inference::Table in;
  in.columns = 2;
  in.rows = rows.size() / 2;
  in.dense = rows.data();
  inference::Workspace work;
  inference::Output out;
  Status done = model.predict(in, method, work, out);
  EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().message);
  std::vector<double> values;
  if (!done.ok()) return values;
  for (size_t i = 0; i < out.first.count(); ++i)
    values.push_back(out.first.numbers ? out.first.numbers[i]
                                       : static_cast<double>(out.first.integers[i]));
  return values;
}

std::unique_ptr<inference::Model> model(const std::string& text) {
  auto made = lightgbm_model(text, {});
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? std::move(*made) : nullptr;
}

const std::string kEnd = "end of trees\n\nfeature_importances:\na=1\n";

TEST(Lightgbm, AnswersTheSumOfItsTrees) {
  auto m = model(header("regression", 1) + tree(0) + tree(1) + kEnd);
  ASSERT_TRUE(m);
  EXPECT_EQ(answer(*m, {0.5, 0, 1, 0, 1, 1, 1, 2.5, 1, -0.5, 1, 33, 1, kNan}),
            (std::vector<double>{2, 4, 8, 4, 4, 8, 8}));
}

TEST(Lightgbm, SendsMissingValuesWhereTheSplitSays) {
  // 2: NaN is 0 and goes left by the threshold; 10: NaN goes left; 8: NaN goes right; 4: 0 and NaN
  // go right.
  for (auto [decision, nan, zero] :
       {std::tuple{"2 1", 1.0, 1.0}, {"10 1", 1.0, 1.0}, {"8 1", 4.0, 1.0}, {"4 1", 4.0, 4.0}}) {
    auto m = model(header("regression", 1) + tree(0, decision) + kEnd);
    ASSERT_TRUE(m);
    EXPECT_EQ(answer(*m, {kNan, 1, 0, 1}), (std::vector<double>{nan, zero})) << decision;
  }
}

TEST(Lightgbm, TransformsByTheObjective) {
  auto m = model(header("binary sigmoid:2", 1) + tree(0) + kEnd);
  ASSERT_TRUE(m);
  EXPECT_DOUBLE_EQ(answer(*m, {0, 0})[0], 1 / (1 + std::exp(-2.0)));
  EXPECT_EQ(answer(*m, {0, 0}, Method::kRaw)[0], 1);
  auto multi = model(header("multiclass num_class:2", 2) + tree(0) + tree(1) + kEnd);
  ASSERT_TRUE(multi);
  EXPECT_EQ(answer(*multi, {0, 0}), (std::vector<double>{0.5, 0.5}));
  auto o = LightgbmObjective::parse("regression sqrt", 1);
  ASSERT_TRUE(o.ok());
  std::vector<double> v{-3, 2};
  o->transform(v);
  EXPECT_EQ(v, (std::vector<double>{-9, 4}));
  EXPECT_EQ(LightgbmObjective::parse("my_objective", 1).error().code, Code::kUnimplemented);
}

TEST(Lightgbm, AveragesRandomForests) {
  auto m = model(header("regression", 1, "average_output\n") + tree(0) + tree(1) + kEnd);
  ASSERT_TRUE(m);
  EXPECT_EQ(answer(*m, {1, 1}), (std::vector<double>{4}));
}

TEST(Lightgbm, GivesLeavesAndContributions) {
  auto m = model(header("regression", 1) + tree(0) + kEnd);
  ASSERT_TRUE(m);
  EXPECT_EQ(answer(*m, {0, 0, 1, 0, 1, 1}, Method::kApply), (std::vector<double>{0, 1, 2}));
  for (double b : {0.0, 1.0}) {
    std::vector<double> parts = answer(*m, {1, b}, Method::kContrib);
    ASSERT_EQ(parts.size(), 3u);
    EXPECT_DOUBLE_EQ(parts[2], 2);
    EXPECT_DOUBLE_EQ(parts[0] + parts[1] + parts[2], answer(*m, {1, b})[0]);
  }
}

TEST(Lightgbm, EvaluatesLinearLeaves) {
  std::string text = header("regression", 1) +
                     "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=0.5\n"
                     "decision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n"
                     "is_linear=1\nleaf_const=10 20\nnum_features=0 2\nleaf_features= 0 1 \n"
                     "leaf_coeff= 2 3 \nshrinkage=1\n\n" +
                     kEnd;
  auto m = model(text);
  ASSERT_TRUE(m);
  EXPECT_EQ(answer(*m, {0, 0, 1, 1, 1, kNan}), (std::vector<double>{10, 25, 2}));
  EXPECT_TRUE(std::isinf(answer(*m, {1, std::numeric_limits<double>::infinity()})[0]));
}

TEST(Lightgbm, RefusesDamagedFiles) {
  std::string good = header("regression", 1) + tree(0) + kEnd;
  for (const std::string& bad : {std::string("tree\n"), header("regression", 1) + tree(0),
                                 header("regression", 1) + tree(0, "2 1", "-1 -2", "1 -4") + kEnd,
                                 header("regression", 1) + tree(0, "2 1", "-1 -2", "0 -3") + kEnd,
                                 header("regression", 1) + tree(0, "2 1", "-1 -1", "1 -3") + kEnd,
                                 header("regression", 1) + tree(0, "3 1") + tree(1, "1 1 1") + kEnd,
                                 header("multiclass num_class:2", 2) + tree(0) + kEnd}) {
    auto made = lightgbm_model(bad, {});
    ASSERT_FALSE(made.ok()) << bad;
    EXPECT_EQ(made.error().code, Code::kDataLoss) << bad;
  }
  for (size_t cut = 0; cut < good.find("end of trees"); ++cut)
    EXPECT_FALSE(lightgbm_model(good.substr(0, cut), {}).ok()) << cut;
  EXPECT_EQ(lightgbm_model("\x80\x04", {}).error().code, Code::kUnimplemented);
}

TEST(Lightgbm, NamesBothWidthsOfRowsThatDoNotFit) {
  auto m = model(header("regression", 1) + tree(0) + kEnd);
  ASSERT_TRUE(m);
  std::vector<double> row{1, 2, 3};
  inference::Table in;
  in.rows = 1;
  in.columns = 3;
  in.dense = row.data();
  inference::Workspace work;
  inference::Output out;
  Status done = m->predict(in, Method::kDefault, work, out);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kInvalid);
  EXPECT_EQ(done.error().message,
            "The number of features in data (3) is not the same as it was in training data (2).");
}

}  // namespace
}  // namespace proa::engines
