// Makers of the linear family on hand-made attributes. The numbers are compared with scikit-learn's
// own in tests/models.
#include <gtest/gtest.h>

#include <cmath>

#include "models/engines/sklearn/linear/coupling.h"
#include "models/engines/sklearn/linear/guesses.h"
#include "models/engines/sklearn/linear/makers.h"
#include "models/engines/sklearn/test_nodes.h"

namespace proa::engines::linear {
namespace {

using Node = pickle::Node;
using List = std::vector<std::pair<std::string, Node*>>;

class NoMaker : public Maker {
 public:
  Release of = {};
  Made make(const Node*) override { return error(Code::kInternal, "none"); }
  Release release() const override { return of; }
};

struct Linear : testing::Test {
  TestNodes n;
  NoMaker maker;
  Workspace work;
  std::vector<double> cells = {1, 2, 3, -1, -2, -3};
  Table rows;
  Linear() { rows.rows = 2, rows.columns = 3, rows.dense = cells.data(); }

  Node* numbers(std::vector<double> v, std::vector<size_t> shape) {
    return n.doubles(std::move(v), std::move(shape));
  }
  Node* labels(std::vector<int64_t> v) {
    size_t count = v.size();
    return n.integers(std::move(v), {count});
  }
  Made made(Made (*make)(const Attributes&, Maker&), const char* name, List attributes) {
    return make(Attributes(*n.object(std::string("sklearn.") + name, std::move(attributes))),
                maker);
  }
  static std::string message(const Made& m) { return m.ok() ? "" : m.error().message; }
  std::vector<double> numbers_of(const Made& m, Method method) {
    Output out;
    auto s = (*m)->predict(method, rows, work, out);
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().message);
    if (!s.ok()) return {};
    return {out.first.numbers, out.first.numbers + out.first.count()};
  }
  std::vector<int64_t> labels_of(const Made& m) {
    Output out;
    auto s = (*m)->predict(Method::kPredict, rows, work, out);
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().message);
    if (!s.ok()) return {};
    return {out.first.integers, out.first.integers + out.first.count()};
  }
};

TEST_F(Linear, ARegressorAddsTheIntercept) {
  auto m = made(make_regressor, "Ridge",
                {{"coef_", numbers({1, 0, 2}, {3})}, {"intercept_", n.number(0.5)}});
  ASSERT_TRUE(m.ok()) << message(m);
  EXPECT_EQ(numbers_of(m, Method::kPredict), (std::vector<double>{7.5, -6.5}));
}

TEST_F(Linear, ARegressorOfSeveralTargetsAnswersAMatrix) {
  auto m =
      made(make_regressor, "Ridge",
           {{"coef_", numbers({1, 0, 2, 0, 1, 0}, {2, 3})}, {"intercept_", numbers({0, 10}, {2})}});
  ASSERT_TRUE(m.ok()) << message(m);
  Output out;
  ASSERT_TRUE((*m)->predict(Method::kPredict, rows, work, out).ok());
  EXPECT_EQ(out.first.rank, 2);
  EXPECT_EQ(numbers_of(m, Method::kPredict), (std::vector<double>{7, 12, -7, 8}));
}

TEST_F(Linear, InterceptsThatDoNotFitAreRefused) {
  auto m = made(make_regressor, "Ridge",
                {{"coef_", numbers({1, 2, 3}, {3})}, {"intercept_", numbers({1, 2}, {2})}});
  EXPECT_EQ(message(m), "Ridge: intercept_ has 2 numbers, coef_ 1 rows");
}

TEST_F(Linear, AnotherNumberOfFeaturesThanTheFileSaysIsRefused) {
  auto m = made(make_regressor, "Ridge",
                {{"coef_", numbers({1, 2, 3}, {3})}, {"n_features_in_", n.integer(4)}});
  EXPECT_FALSE(m.ok());
}

TEST_F(Linear, LogisticRegressionOfTwoClassesTakesTheSign) {
  auto m = made(make_logistic, "LogisticRegression",
                {{"classes_", labels({5, 9})},
                 {"coef_", numbers({1, 0, 0}, {1, 3})},
                 {"intercept_", numbers({0}, {1})}});
  ASSERT_TRUE(m.ok()) << message(m);
  EXPECT_EQ(labels_of(m), (std::vector<int64_t>{9, 5}));
  auto p = numbers_of(m, Method::kPredictProba);
  EXPECT_DOUBLE_EQ(p[1], 1 / (1 + std::exp(-1.0)));
  EXPECT_DOUBLE_EQ(p[0], 1 - p[1]);
  EXPECT_EQ(numbers_of(m, Method::kDecisionFunction), (std::vector<double>{1, -1}));
}

TEST_F(Linear, LogisticRegressionOfOldReleasesIsOneAgainstTheRest) {
  List parts = {{"classes_", labels({0, 1, 2})},
                {"coef_", numbers({1, 0, 0, 0, 1, 0, 0, 0, 1}, {3, 3})},
                {"intercept_", numbers({0, 0, 0}, {3})}};
  auto softmax = made(make_logistic, "LogisticRegression", parts);
  parts.emplace_back("multi_class", n.text("warn"));
  auto rest = made(make_logistic, "LogisticRegression", parts);
  double all = std::exp(1) + std::exp(2) + std::exp(3);
  EXPECT_DOUBLE_EQ(numbers_of(softmax, Method::kPredictProba)[2], std::exp(3) / all);
  auto f = [](double v) { return 1 / (1 + std::exp(-v)); };
  EXPECT_DOUBLE_EQ(numbers_of(rest, Method::kPredictProba)[2], f(3) / (f(1) + f(2) + f(3)));
  EXPECT_EQ(labels_of(rest), (std::vector<int64_t>{2, 0}));
}

TEST_F(Linear, ClassesThatDoNotFitTheCoefficientsAreRefused) {
  auto m = made(make_classifier, "Perceptron",
                {{"classes_", labels({0, 1, 2})}, {"coef_", numbers({1, 2}, {2, 1})}});
  EXPECT_EQ(message(m), "Perceptron: coef_ has 2 rows for 3 classes");
}

TEST_F(Linear, SupportVectorMachinesRefuseCountsThatDoNotAddUp) {
  List parts = {{"classes_", labels({0, 1})},
                {"kernel", n.text("linear")},
                {"support_vectors_", numbers({1, 0, 0, 1}, {2, 2})},
                {"shape_fit_", n.tuple({n.integer(2), n.integer(2)})},
                {"coef0", n.number(0)},
                {"degree", n.integer(3)},
                {"_dual_coef_", numbers({1, -1}, {1, 2})},
                {"_intercept_", numbers({0}, {1})}};
  auto with = [&](std::vector<int64_t> counts) {
    List all = parts;
    all.emplace_back("_n_support", labels(std::move(counts)));
    return made(make_svc, "SVC", all);
  };
  EXPECT_TRUE(with({1, 1}).ok()) << message(with({1, 1}));
  EXPECT_EQ(message(with({1, 2})), "SVC: n_support_ does not add up to the 2 support vectors");
  EXPECT_EQ(message(with({1, -1})), "SVC: n_support_ does not add up to the 2 support vectors");
  EXPECT_EQ(message(with({1, 0})), "SVC: n_support_ adds up to 1, there are 2 support vectors");
  EXPECT_EQ(message(with({1})), "SVC: n_support_ has 1 counts for 2 classes");
}

TEST_F(Linear, IsotonicRegressionInterpolatesAndClips) {
  auto m = made(make_isotonic, "IsotonicRegression",
                {{"X_thresholds_", numbers({0, 1, 3}, {3})},
                 {"y_thresholds_", numbers({0, 2, 4}, {3})},
                 {"X_min_", n.number(0)},
                 {"X_max_", n.number(3)},
                 {"out_of_bounds", n.text("clip")}});
  ASSERT_TRUE(m.ok()) << message(m);
  cells = {-5, 0.5, 1, 2, 3, 99};
  rows.rows = 6, rows.columns = 1;
  EXPECT_EQ(numbers_of(m, Method::kPredict), (std::vector<double>{0, 1, 2, 3, 4, 4}));
}

TEST_F(Linear, PlsScalesBeforeReleaseOneDotFiveOnly) {
  List parts = {{"_x_mean", numbers({0, 0, 0}, {3})},
                {"_x_std", numbers({2, 2, 2}, {3})},
                {"x_rotations_", numbers({1, 0, 0}, {3, 1})},
                {"coef_", numbers({1, 1, 1}, {1, 3})},
                {"intercept_", numbers({1}, {1})}};
  maker.of = {1, 4};
  EXPECT_EQ(numbers_of(made(make_pls, "PLSRegression", parts), Method::kPredict)[0], 4);
  maker.of = {1, 5};
  EXPECT_EQ(numbers_of(made(make_pls, "PLSRegression", parts), Method::kPredict)[0], 7);
}

TEST(Guesses, AreThoseOfNumpy) {
  std::vector<uint32_t> got(12);
  Guesses(17).uniform(3, got);
  EXPECT_EQ(got, (std::vector<uint32_t>{1, 2, 2, 1, 0, 1, 2, 0, 0, 0, 1, 2}));
  auto draw = [&](uint32_t seed, std::vector<double> shares) {
    Guesses g(seed);
    for (uint32_t& v : got) v = g.multinomial(shares);
    return got;
  };
  EXPECT_EQ(draw(17, {0.2, 0.5, 0.3}), (std::vector<uint32_t>{1, 1, 2, 1, 1, 0, 2, 0, 2, 1, 1, 1}));
  EXPECT_EQ(draw(4, {0.7, 0.1, 0.2}), (std::vector<uint32_t>{2, 1, 0, 0, 2, 0, 0, 2, 1, 0, 0, 0}));
}

TEST(Coupling, GivesSharesThatAddUpToOne) {
  double decisions[] = {0.5, -1, 2}, a[] = {-1, -2, -1.5}, b[] = {0, 0.1, -0.1};
  double shares[9], scratch[12], p[3];
  pairwise_shares(decisions, a, b, 3, shares);
  couple(shares, 3, scratch, p);
  EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
  EXPECT_GT(p[1], p[2]);
}

}  // namespace
}  // namespace proa::engines::linear
