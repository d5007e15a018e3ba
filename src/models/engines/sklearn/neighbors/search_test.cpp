#include "models/engines/sklearn/neighbors/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "models/engines/sklearn/test_nodes.h"

namespace proa::engines::neighbors {
namespace {

using Node = pickle::Node;

std::vector<double> random_rows(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> v(count);
  for (double& d : v) d = static_cast<double>(random() % 1000) / 100;
  return v;
}

struct Fitted {
  TestNodes nodes;
  std::vector<TestNodes::Attribute> attributes;

  Fitted(std::vector<double> rows, size_t width, const std::string& metric) {
    size_t n = rows.size() / width;
    attributes = {{"_fit_X", nodes.doubles(std::move(rows), {n, width})},
                  {"effective_metric_", nodes.text(metric)},
                  {"effective_metric_params_", nodes.dict({})},
                  {"_fit_method", nodes.text("brute")}};
  }
  void tree(const std::string& method, std::vector<int64_t> order, int64_t levels) {
    attributes.back().second = nodes.text(method);
    size_t n = order.size();
    Node* tree = nodes.object("sklearn.neighbors._kd_tree.newObj", {});
    Node* order_node = nodes.integers(std::move(order), {n});
    Node* nothing = nodes.none();
    tree->state = nodes.tuple({nothing, order_node, nothing, nothing, nodes.integer(2),
                               nodes.integer(levels), nodes.integer(0)});
    attributes.emplace_back("_tree", tree);
  }
  Result<Search> make() {
    return Search::make(Attributes(*nodes.object("sklearn.neighbors._x.KNN", attributes)));
  }
};

std::vector<uint32_t> places(const Search& s, const std::vector<double>& queries, size_t k) {
  Workspace work;
  auto found = s.nearest(queries.data(), queries.size() / s.width(), k, work);
  return {found.places.begin(), found.places.end()};
}

TEST(Search, FindsTheNearestRowsFirst) {
  Fitted f({0, 0, 3, 4, 1, 0}, 2, "euclidean");
  auto s = f.make();
  ASSERT_TRUE(s.ok()) << s.error().message;
  Workspace work;
  std::vector<double> q = {0, 0};
  auto found = s->nearest(q.data(), 1, 3, work);
  EXPECT_EQ(std::vector<uint32_t>(found.places.begin(), found.places.end()),
            (std::vector<uint32_t>{0, 2, 1}));
  EXPECT_EQ(found.distances[2], 5);
}

TEST(Search, OfEquallyNearRowsTakesTheEarliest) {
  Fitted f({1, 1, 1, 1, 1, 1}, 1, "manhattan");
  auto s = f.make();
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(places(*s, {0}, 3), (std::vector<uint32_t>{0, 1, 2}));
}

TEST(Search, FindsTheSameByTreeAsByScan) {
  constexpr size_t kRows = 500, kWidth = 3;
  for (const char* metric : {"euclidean", "manhattan", "chebyshev"}) {
    auto rows = random_rows(kRows * kWidth, 7), queries = random_rows(60 * kWidth, 8);
    Fitted scan(rows, kWidth, metric);
    auto plain = scan.make();
    ASSERT_TRUE(plain.ok());
    std::vector<int64_t> order(kRows);
    for (size_t i = 0; i < kRows; ++i) order[i] = static_cast<int64_t>(i);
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return rows[static_cast<size_t>(a) * kWidth] < rows[static_cast<size_t>(b) * kWidth];
    });
    for (const char* method : {"kd_tree", "ball_tree"}) {
      Fitted by_tree(rows, kWidth, metric);
      by_tree.tree(method, order, 7);
      auto s = by_tree.make();
      ASSERT_TRUE(s.ok()) << s.error().message;
      Workspace work;
      auto a = plain->nearest(queries.data(), 60, 5, work);
      auto b = s->nearest(queries.data(), 60, 5, work);
      EXPECT_TRUE(std::equal(a.distances.begin(), a.distances.end(), b.distances.begin()));
      std::vector<uint32_t> p(kRows);
      std::vector<double> d(kRows);
      for (size_t q = 0; q < 60; ++q) {
        size_t n = plain->within(&queries[q * kWidth], 1.5, p, d, work);
        EXPECT_EQ(s->within(&queries[q * kWidth], 1.5, p, d, work), n);
      }
    }
  }
}

TEST(Search, RefusesATreeThatDoesNotHoldEachRowOnce) {
  for (std::vector<int64_t> order :
       {std::vector<int64_t>{0, 1, 1, 3}, {0, 1, 2, 4}, {0, -1, 2, 3}, {0, 1, 2}}) {
    Fitted f({1, 2, 3, 4}, 1, "euclidean");
    f.tree("kd_tree", order, 2);
    auto s = f.make();
    ASSERT_FALSE(s.ok());
    EXPECT_EQ(s.error().code, Code::kDataLoss);
  }
}

TEST(Search, RefusesATreeOfMoreNodesThanRows) {
  for (int64_t levels : {0, 5, 40, 63, 1000}) {
    Fitted f({1, 2, 3, 4}, 1, "euclidean");
    f.tree("kd_tree", {0, 1, 2, 3}, levels);
    EXPECT_FALSE(f.make().ok());
  }
}

TEST(Search, RefusesAMetricThatItDoesNotKnow) {
  Fitted f({1, 2}, 1, "levenshtein");
  auto s = f.make();
  ASSERT_FALSE(s.ok());
  EXPECT_NE(s.error().message.find("levenshtein"), std::string::npos);
}

TEST(Metric, HasAReducedFormThatGoesBothWays) {
  TestNodes nodes;
  Attributes a(*nodes.object("sklearn.C", {}));
  std::vector<double> x = {0.1, 0.7}, y = {0.5, 0.2};
  for (const char* name : {"euclidean", "manhattan", "chebyshev", "haversine", "canberra",
                           "braycurtis", "hamming", "sqeuclidean", "jaccard"}) {
    auto m = Metric::make(a, name, nullptr, 2);
    ASSERT_TRUE(m.ok()) << name;
    double r = m->reduced(x.data(), y.data(), 2);
    EXPECT_NEAR(m->reduce(m->distance(r)), r, 1e-12) << name;
  }
  auto p = Metric::make(a, "minkowski", nodes.dict({{"p", nodes.number(3)}}), 2);
  ASSERT_TRUE(p.ok());
  EXPECT_NEAR(p->distance(p->reduced(x.data(), y.data(), 2)),
              std::pow(std::pow(.4, 3) + std::pow(.5, 3), 1 / 3.), 1e-12);
}

TEST(Metric, RefusesParametersOfAnotherWidth) {
  TestNodes nodes;
  Attributes a(*nodes.object("sklearn.C", {}));
  EXPECT_FALSE(
      Metric::make(a, "seuclidean", nodes.dict({{"V", nodes.doubles({1, 2, 3}, {3})}}), 2).ok());
  EXPECT_FALSE(
      Metric::make(a, "mahalanobis", nodes.dict({{"VI", nodes.doubles({1, 0, 0}, {1, 3})}}), 2)
          .ok());
  EXPECT_FALSE(Metric::make(a, "haversine", nullptr, 3).ok());
}

}  // namespace
}  // namespace proa::engines::neighbors
