// Makers of the Bayesian family on hand-made attributes. The numbers are compared with
// scikit-learn's own in tests/models.
#include <gtest/gtest.h>

#include <cmath>

#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/bayes/special.h"
#include "models/engines/sklearn/test_nodes.h"

namespace proa::engines::bayes {
namespace {

using Node = pickle::Node;
using List = std::vector<std::pair<std::string, Node*>>;

class NoMaker : public Maker {
 public:
  Made make(const Node*) override { return error(Code::kInternal, "none"); }
  Release release() const override { return {}; }
};

struct Bayes : testing::Test {
  TestNodes n;
  NoMaker maker;
  Workspace work;
  std::vector<double> cells = {0, 1, 1, 0};
  Table rows;
  Bayes() { rows.rows = 2, rows.columns = 2, rows.dense = cells.data(); }

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
  std::string error_of(const Made& m) {
    Output out;
    auto s = (*m)->predict(Method::kPredict, rows, work, out);
    return s.ok() ? "" : s.error().message;
  }
  std::vector<double> numbers_of(const Made& m, Method method) {
    Output out;
    auto s = (*m)->predict(method, rows, work, out);
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().message);
    if (!s.ok()) return {};
    return {out.first.numbers, out.first.numbers + out.first.count()};
  }
};

TEST(Digamma, IsTheOneOfScipy) {
  EXPECT_NEAR(digamma(0.1), -10.423754940411076, 1e-13);
  EXPECT_NEAR(digamma(1), -0.5772156649015329, 1e-15);
  EXPECT_NEAR(digamma(2.5), 0.7031566406452432, 1e-15);
  EXPECT_NEAR(digamma(10), 2.251752589066721, 1e-15);
  EXPECT_NEAR(digamma(1e4), 9.21029037114285, 1e-14);
  EXPECT_NEAR(digamma(-0.5), 0.03648997397857651, 1e-14);
}

TEST_F(Bayes, CategoriesThatWereNotSeenAreRefused) {
  Node* logs = numbers({-1, -2, -3, -4}, {2, 2});
  auto m = made(make_categorical_nb, "CategoricalNB",
                {{"classes_", labels({0, 1})},
                 {"class_log_prior_", numbers({-1, -1}, {2})},
                 {"feature_log_prob_", n.list({logs, logs})}});
  ASSERT_TRUE(m.ok()) << message(m);
  EXPECT_EQ(error_of(m), "");
  cells[1] = 2;
  EXPECT_NE(error_of(m).find("out of bounds"), std::string::npos);
  cells[1] = -1;
  EXPECT_EQ(error_of(m), "Negative values in data passed to CategoricalNB (input X)");
}

TEST_F(Bayes, OldAndNewNamesOfTheVarianceAreRead) {
  for (const char* name : {"var_", "sigma_"}) {
    auto m = made(make_gaussian_nb, "GaussianNB",
                  {{"classes_", labels({0, 1})},
                   {"theta_", numbers({0, 1, 1, 0}, {2, 2})},
                   {name, numbers({1, 1, 1, 1}, {2, 2})},
                   {"class_prior_", numbers({0.5, 0.5}, {2})}});
    ASSERT_TRUE(m.ok()) << message(m);
    auto p = numbers_of(m, Method::kPredictProba);
    EXPECT_NEAR(p[0], 1 / (1 + std::exp(-1)), 1e-15);
  }
}

TEST_F(Bayes, LayersThatDoNotFitEachOtherAreRefused) {
  auto network = [&](std::vector<size_t> second) {
    std::vector<double> weights(second[0] * second[1], 1.0);
    size_t outputs = second[1];
    return made(make_mlp_regressor, "MLPRegressor",
                {{"coefs_", n.list({numbers({1, -1, 2, 1}, {2, 2}), numbers(weights, second)})},
                 {"intercepts_", n.list({numbers({0, 1}, {2}),
                                         numbers(std::vector<double>(outputs, 0.5), {outputs})})},
                 {"activation", n.text("relu")},
                 {"out_activation_", n.text("identity")}});
  };
  auto good = network({2, 1});
  ASSERT_TRUE(good.ok()) << message(good);
  EXPECT_EQ(numbers_of(good, Method::kPredict), (std::vector<double>{4.5, 1.5}));
  EXPECT_EQ(message(network({3, 1})),
            "MLPRegressor: layer 1 has weights of (3, 1) and 1 biases after 2 inputs");
}

TEST_F(Bayes, KernelsNestedInThemselvesAreRefused) {
  Node* sum = n.object("sklearn.gaussian_process.kernels.Sum", {});
  sum->state->items = {n.text("k1"), sum, n.text("k2"), sum};
  auto m = made(make_process_regressor, "GaussianProcessRegressor",
                {{"X_train_", numbers({1, 2, 3, 4}, {2, 2})},
                 {"alpha_", numbers({1, 2}, {2})},
                 {"kernel_", sum}});
  EXPECT_EQ(message(m), "GaussianProcessRegressor: its kernels are nested too deeply");
}

TEST_F(Bayes, ASumOfKernelsIsPredicted) {
  Node* dot = n.object("sklearn.gaussian_process.kernels.DotProduct", {{"sigma_0", n.number(1)}});
  Node* white =
      n.object("sklearn.gaussian_process.kernels.WhiteKernel", {{"noise_level", n.number(9)}});
  Node* sum = n.object("sklearn.gaussian_process.kernels.Sum", {{"k1", dot}, {"k2", white}});
  auto m = made(make_process_regressor, "GaussianProcessRegressor",
                {{"X_train_", numbers({1, 2, 3, 4}, {2, 2})},
                 {"alpha_", numbers({1, 2}, {2})},
                 {"_y_train_mean", numbers({10}, {1})},
                 {"kernel_", sum}});
  ASSERT_TRUE(m.ok()) << message(m);
  EXPECT_EQ(numbers_of(m, Method::kPredict), (std::vector<double>{23, 20}));
}

TEST_F(Bayes, AnEnvelopeWithoutPrecisionInvertsItsCovariance) {
  auto envelope = [&](std::vector<double> covariance) {
    return made(make_elliptic_envelope, "EllipticEnvelope",
                {{"location_", numbers({0, 0}, {2})},
                 {"covariance_", numbers(std::move(covariance), {2, 2})},
                 {"offset_", n.number(-1)}});
  };
  auto m = envelope({2, 0, 0, 4});
  ASSERT_TRUE(m.ok()) << message(m);
  auto scores = numbers_of(m, Method::kScoreSamples);
  EXPECT_NEAR(scores[0], -0.25, 1e-15);
  EXPECT_NEAR(scores[1], -0.5, 1e-15);
  EXPECT_FALSE(envelope({1, 1, 1, 1}).ok());
}

TEST_F(Bayes, MixturesRefusePrecisionsOfAnotherShape) {
  auto m = made(make_mixture, "GaussianMixture",
                {{"means_", numbers({0, 0, 1, 1}, {2, 2})},
                 {"weights_", numbers({0.5, 0.5}, {2})},
                 {"covariance_type", n.text("full")},
                 {"precisions_cholesky_", numbers({1, 1}, {2})}});
  EXPECT_NE(message(m).find("precisions_cholesky_ does not have the shape"), std::string::npos);
}

}  // namespace
}  // namespace proa::engines::bayes
