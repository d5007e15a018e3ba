#include "models/engines/trees/forest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace proa::trees {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Node split(int32_t feature, double threshold, uint32_t left, uint32_t right,
           Missing nan = Missing::kRight) {
  Node n;
  n.feature = feature, n.threshold = threshold, n.left = left, n.right = right, n.nan = nan;
  return n;
}

Node leaf(uint32_t value) {
  Node n;
  n.value = value;
  return n;
}

Spec stump() {
  Spec s;
  s.features = 1;
  s.values = {-1, 1};
  s.trees.push_back({{split(0, 0.5, 1, 2), leaf(0), leaf(1)}, 0});
  return s;
}

double ask(const Spec& spec, std::vector<double> row) {
  auto forest = Forest::make(spec);
  EXPECT_TRUE(forest.ok());
  inference::Workspace work;
  std::vector<double> out(spec.outputs);
  forest->predict(row.data(), 1, out.data(), work);
  return out[0];
}

TEST(Forest, GoesLeftUpToTheThreshold) {
  EXPECT_EQ(ask(stump(), {0.5}), -1);
  EXPECT_EQ(ask(stump(), {std::nextafter(0.5, 1)}), 1);
}

TEST(Forest, GoesLeftBelowTheThresholdWhereTheComparisonIsStrict) {
  Spec s = stump();
  s.less = true;
  EXPECT_EQ(ask(s, {0.5}), 1);
  EXPECT_EQ(ask(s, {std::nextafter(0.5, 0)}), -1);
  s.trees[0].nodes[0].threshold = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(ask(s, {-std::numeric_limits<double>::infinity()}), 1);
}

TEST(Forest, RoundsToFloatBeforeComparingWhereTheFrameworkDoes) {
  Spec s = stump();
  s.trees[0].nodes[0].threshold = 0.1f;
  s.less = s.float_input = true;
  EXPECT_EQ(ask(s, {0.1}), 1);  // 0.1 as float is the threshold
  s.float_input = false;
  EXPECT_EQ(ask(s, {0.1}), -1);
}

TEST(Forest, SendsMissingValuesWhereTheNodeSays) {
  Spec s = stump();
  EXPECT_EQ(ask(s, {kNan}), 1);
  s.trees[0].nodes[0].nan = Missing::kLeft;
  EXPECT_EQ(ask(s, {kNan}), -1);
  s.trees[0].nodes[0].nan = Missing::kZero;
  EXPECT_EQ(ask(s, {kNan}), -1);
  s.trees[0].nodes[0].threshold = -0.5;
  EXPECT_EQ(ask(s, {kNan}), 1);
  s.trees[0].nodes[0].nan = Missing::kLeft;
  s.trees[0].nodes[0].zero_is_missing = true;
  EXPECT_EQ(ask(s, {0}), -1);
  EXPECT_EQ(ask(s, {1}), 1);
}

TEST(Forest, LooksCategoriesUpInTheSet) {
  Spec s = stump();
  s.trees[0].nodes[0].set = 0;
  s.sets = {{0b101, 0b10}};
  EXPECT_EQ(ask(s, {0}), -1);
  EXPECT_EQ(ask(s, {1}), 1);
  EXPECT_EQ(ask(s, {2.9}), -1);
  EXPECT_EQ(ask(s, {33}), -1);
  for (double x : {-1.0, 64.0, 1e300, -1e300, 4294967296.0, kNan}) EXPECT_EQ(ask(s, {x}), 1);
  EXPECT_EQ(ask(s, {-0.5}), -1);
  s.negative_fractions = true;
  EXPECT_EQ(ask(s, {-0.5}), 1);
}

TEST(Forest, UsesALeafsLinearModelUnlessAValueIsMissing) {
  Spec s = stump();
  s.features = 2;
  s.linear = {{10, {0, 1}, {2, 3}}};
  s.trees[0].nodes[1].linear = 0;
  EXPECT_EQ(ask(s, {0.25, 2}), 16.5);
  EXPECT_EQ(ask(s, {0.25, kNan}), -1);
  EXPECT_EQ(ask(s, {1, 2}), 1);
}

TEST(Forest, AddsTreesToTheirOutputsAndAverages) {
  Spec s = stump();
  s.outputs = 2;
  s.trees.push_back(s.trees[0]);
  s.trees[1].output = 1;
  s.base = {10, 20};
  s.divisor = 2;
  auto forest = Forest::make(s);
  ASSERT_TRUE(forest.ok());
  inference::Workspace work;
  std::vector<double> rows = {0, 1}, out(4);
  forest->predict(rows.data(), 2, out.data(), work);
  EXPECT_EQ(out, (std::vector<double>{4.5, 9.5, 5.5, 10.5}));
  std::vector<uint32_t> leaves(4);
  forest->leaves(rows.data(), 2, leaves.data(), work);
  EXPECT_EQ(leaves, (std::vector<uint32_t>{1, 1, 2, 2}));
}

TEST(Forest, AddsAsFloatsWhereTheFrameworkDoes) {
  Spec s = stump();
  s.values = {0.1, 0.2};
  s.base = {16777216};
  s.float_sum = true;
  EXPECT_EQ(ask(s, {0}), 16777216);
  s.float_sum = false;
  EXPECT_EQ(ask(s, {0}), 16777216.1);
}

void refuses(const Spec& s, std::string_view what) {
  auto forest = Forest::make(s);
  ASSERT_FALSE(forest.ok());
  EXPECT_EQ(forest.error().code, Code::kDataLoss);
  EXPECT_NE(forest.error().message.find(what), std::string::npos) << forest.error().message;
}

TEST(Forest, RefusesTreesThatAreNone) {
  Spec s = stump();
  s.trees[0].nodes[0].right = 3;
  refuses(s, "out of range");
  s = stump();
  s.trees[0].nodes[0].right = 1;
  refuses(s, "two parents");
  s = stump();
  s.trees[0].nodes[0].right = 0;
  refuses(s, "two parents");
  s = stump();
  s.trees[0].nodes[0].feature = 1;
  refuses(s, "feature 1 of 1");
  s = stump();
  s.trees[0].nodes[0].threshold = kNan;
  refuses(s, "threshold");
  s = stump();
  s.trees[0].nodes[1].value = 2;
  refuses(s, "value");
  s = stump();
  s.trees[0].nodes[0].set = 0;
  refuses(s, "set");
  s = stump();
  s.trees[0].nodes[1].linear = 0;
  refuses(s, "linear");
  s = stump();
  s.trees[0].nodes.clear();
  refuses(s, "no nodes");
  s = stump();
  s.trees[0].output = 1;
  refuses(s, "output");
}

TEST(Forest, LeavesOutNodesThatNothingLeadsTo) {
  Spec s = stump();
  s.trees[0].nodes.push_back(split(9, 0, 77, 78));
  EXPECT_EQ(ask(s, {0}), -1);
}

}  // namespace
}  // namespace proa::trees
