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

// A random tree of at most `depth` levels.
void grow(Spec& s, Tree& tree, std::mt19937& random, size_t at, size_t depth, bool zeros) {
  auto number = [&](size_t most) { return static_cast<uint32_t>(random() % most); };
  if (depth == 0 || number(8) == 0) {
    tree.nodes[at] = leaf(static_cast<uint32_t>(s.values.size()));
    for (size_t i = 0; i < s.width; ++i) s.values.push_back((number(2001) - 1000.0) / 7);
    return;
  }
  auto left = static_cast<uint32_t>(tree.nodes.size());
  tree.nodes.resize(tree.nodes.size() + 2);
  auto feature = static_cast<int32_t>(number(s.features));
  double threshold = number(3) == 0 ? number(9) / 4.0 - 1 : (number(2001) - 1000.0) / 499;
  Missing nan = zeros && feature % 2 == 0 ? Missing::kZero
                : number(2) == 0          ? Missing::kLeft
                                          : Missing::kRight;
  tree.nodes[at] = split(feature, threshold, left, left + 1, nan);
  grow(s, tree, random, left, depth - 1, zeros);
  grow(s, tree, random, left + 1, depth - 1, zeros);
}

void compare_paths(uint32_t seed) {
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  auto number = [&](size_t most) { return random() % most; };
  Spec s;
  s.features = 1 + number(40);
  s.outputs = 1 + number(3);
  s.width = number(2) == 0 ? 1 : s.outputs;
  s.less = number(2) == 0;
  s.float_input = number(2) == 0;
  s.float_sum = number(2) == 0;
  s.divisor = number(2) == 0 ? 1 : 7;
  size_t depth = number(14), trees = 1 + number(30);
  bool zeros = number(2) == 0;
  for (size_t t = 0; t < trees; ++t) {
    Tree tree;
    tree.nodes.resize(1);
    grow(s, tree, random, 0, depth, zeros);
    tree.output = static_cast<uint32_t>(t % s.outputs);
    s.trees.push_back(std::move(tree));
  }
  size_t n = 1 + number(600);
  std::vector<double> rows(n * s.features);
  size_t nans = number(3);
  for (double& x : rows) {
    x = number(2) == 0 ? static_cast<double>(number(9)) / 4 - 1
                       : (static_cast<double>(number(2001)) - 1000) / 499;
    if (nans != 0 && number(10) == 0) x = kNan;
    if (number(50) == 0) x = std::nextafter(x, number(2) == 0 ? -10 : 10);
    if (number(200) == 0) x = number(2) == 0 ? INFINITY : -INFINITY;
  }
  size_t outputs = s.outputs;
  auto forest = Forest::make(std::move(s));
  ASSERT_TRUE(forest.ok());
  inference::Workspace work;
  std::vector<double> plain(n * outputs), got(n * outputs);
  forest->predict(rows.data(), n, plain.data(), work, Forest::Path::kScalar);
  for (auto path : {Forest::Path::kPacked, Forest::Path::kBest}) {
    forest->predict(rows.data(), n, got.data(), work, path);
    ASSERT_EQ(plain, got);
  }
}

TEST(Forest, GivesTheSameBitsOnEveryPath) {
  for (uint32_t seed = 1; seed <= 150; ++seed) compare_paths(seed);
}

}  // namespace
}  // namespace proa::trees
