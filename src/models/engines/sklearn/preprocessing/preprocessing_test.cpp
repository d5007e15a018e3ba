#include <gtest/gtest.h>

#include <cmath>

#include "models/engines/sklearn/preprocessing/makers.h"
#include "models/engines/sklearn/transform/testing.h"

namespace proa::engines {
namespace {

Table dense(const std::vector<double>& v, size_t columns) {
  Table t;
  t.rows = v.size() / columns;
  t.columns = columns;
  t.dense = v.data();
  return t;
}

Table cells(const std::vector<Cell>& v, size_t columns) {
  Table t;
  t.form = Table::Form::kCells;
  t.rows = v.size() / columns;
  t.columns = columns;
  t.cells = v.data();
  return t;
}

Cell word(std::string_view text) { return {Cell::Kind::kText, 0, text}; }

std::vector<double> filled(const Table& t) {
  std::vector<double> out(t.rows * t.columns, 0.0);
  for (size_t r = 0; r < t.rows; ++r)
    for (size_t c = 0; c < t.columns; ++c) {
      if (t.form == Table::Form::kDense) out[r * t.columns + c] = t.row(r)[c];
      if (t.form == Table::Form::kCells) out[r * t.columns + c] = t.cells[r * t.columns + c].number;
    }
  if (t.form == Table::Form::kSparse)
    for (size_t r = 0; r < t.rows; ++r)
      for (size_t i = t.starts[r]; i < t.starts[r + 1]; ++i)
        out[r * t.columns + t.indices[i]] = t.values[i];
  return out;
}

std::vector<double> transformed(const Estimator& e, const Table& in) {
  Workspace work;
  Table out;
  Status status = e.transform(in, work, out);
  EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
  return status.ok() ? filled(out) : std::vector<double>{};
}

std::string refusal(const Estimator& e, const Table& in) {
  Workspace work;
  Table out;
  Status status = e.transform(in, work, out);
  return status.ok() ? "" : status.error().message;
}

TEST(StandardScaler, SubtractsMeansAndDividesByScales) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._data.StandardScaler",
                        {{"mean_", n.floats({1, 2})}, {"scale_", n.floats({2, 4})}});
  auto scaler = make_standard_scaler(Attributes(*node), maker);
  ASSERT_TRUE(scaler.ok());
  EXPECT_EQ(transformed(**scaler, dense({3, 6, 1, 2}, 2)), (std::vector<double>{1, 1, 0, 0}));
  EXPECT_TRUE((*scaler)->has_inverse());
}

TEST(StandardScaler, RefusesMeansAndScalesOfDifferentSize) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._data.StandardScaler",
                        {{"mean_", n.floats({1, 2})}, {"scale_", n.floats({2, 4, 5})}});
  auto scaler = make_standard_scaler(Attributes(*node), maker);
  ASSERT_FALSE(scaler.ok());
  EXPECT_EQ(scaler.error().code, Code::kDataLoss);
}

TEST(StandardScaler, RefusesRowsOfAnotherWidth) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._data.StandardScaler",
                        {{"mean_", n.floats({1, 2})}, {"scale_", n.floats({2, 4})}});
  auto scaler = make_standard_scaler(Attributes(*node), maker);
  ASSERT_TRUE(scaler.ok());
  EXPECT_NE(refusal(**scaler, dense({1, 2, 3}, 3)).find("3 features"), std::string::npos);
}

pickle::Node* one_hot(Nodes& n, const char* unknown, pickle::Node* dropped) {
  return n.object(
      "sklearn.preprocessing._encoders.OneHotEncoder",
      {{"categories_", n.list({n.objects({n.text("a"), n.text("b")}), n.floats({1, 2, 3})})},
       {"handle_unknown", n.text(unknown)},
       {"sparse_output", n.flag(true)},
       {"drop_idx_", dropped}});
}

TEST(OneHotEncoder, PutsAOneAtEachCategory) {
  Nodes n;
  NoMaker maker;
  auto encoder = make_one_hot_encoder(Attributes(*one_hot(n, "error", n.none())), maker);
  ASSERT_TRUE(encoder.ok());
  EXPECT_EQ(transformed(**encoder, cells({word("b"), {Cell::Kind::kNumber, 3, {}}}, 2)),
            (std::vector<double>{0, 1, 0, 0, 1}));
}

TEST(OneHotEncoder, NamesTheUnknownCategoryAndItsColumn) {
  Nodes n;
  NoMaker maker;
  auto encoder = make_one_hot_encoder(Attributes(*one_hot(n, "error", n.none())), maker);
  ASSERT_TRUE(encoder.ok());
  EXPECT_EQ(refusal(**encoder, cells({word("?"), {Cell::Kind::kNumber, 3, {}}}, 2)),
            "Found unknown categories ['?'] in column 0 during transform");
}

TEST(OneHotEncoder, LeavesOutDroppedAndIgnoredCategories) {
  Nodes n;
  NoMaker maker;
  auto* dropped = n.objects({n.integer(0), n.integer(1)});
  auto encoder = make_one_hot_encoder(Attributes(*one_hot(n, "ignore", dropped)), maker);
  ASSERT_TRUE(encoder.ok());
  EXPECT_EQ(
      transformed(
          **encoder,
          cells({word("b"), {Cell::Kind::kNumber, 3, {}}, word("?"), {Cell::Kind::kNumber, 2, {}}},
                2)),
      (std::vector<double>{1, 0, 1, 0, 0, 0}));
}

TEST(OneHotEncoder, RefusesADroppedCategoryThatIsNotThere) {
  Nodes n;
  NoMaker maker;
  auto* dropped = n.objects({n.integer(0), n.integer(7)});
  EXPECT_FALSE(make_one_hot_encoder(Attributes(*one_hot(n, "ignore", dropped)), maker).ok());
}

TEST(SimpleImputer, FillsInWhatIsNull) {
  Nodes n;
  NoMaker maker;
  auto* node =
      n.object("sklearn.impute._base.SimpleImputer", {{"missing_values", n.number(NAN)},
                                                      {"strategy", n.text("mean")},
                                                      {"statistics_", n.floats({5, NAN, 7})}});
  auto imputer = make_simple_imputer(Attributes(*node), maker);
  ASSERT_TRUE(imputer.ok());
  EXPECT_EQ(transformed(**imputer, dense({NAN, 1, 2, 3, 4, NAN}, 3)),
            (std::vector<double>{5, 2, 3, 7}));
}

TEST(KnnImputer, TakesTheNearestRows) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.impute._knn.KNNImputer",
                        {{"missing_values", n.number(NAN)},
                         {"weights", n.text("uniform")},
                         {"n_neighbors", n.integer(2)},
                         {"_fit_X", n.floats({0, 1, 1, 3, 9, 100}, {3, 2})}});
  auto imputer = make_knn_imputer(Attributes(*node), maker);
  ASSERT_TRUE(imputer.ok());
  EXPECT_EQ(transformed(**imputer, dense({0.4, NAN}, 2)), (std::vector<double>{0.4, 2}));
}

TEST(PolynomialFeatures, OrdersProductsAsScikitLearn) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._polynomial.PolynomialFeatures",
                        {{"degree", n.integer(2)}, {"n_features_in_", n.integer(2)}});
  auto p = make_polynomial_features(Attributes(*node), maker);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(transformed(**p, dense({2, 3}, 2)), (std::vector<double>{1, 2, 3, 4, 6, 9}));
}

TEST(PolynomialFeatures, RefusesMoreColumnsThanFitInMemory) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._polynomial.PolynomialFeatures",
                        {{"degree", n.integer(900)}, {"n_features_in_", n.integer(900)}});
  EXPECT_FALSE(make_polynomial_features(Attributes(*node), maker).ok());
}

TEST(FunctionTransformer, KnowsNumpysFunctionsByName) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._function_transformer.FunctionTransformer",
                        {{"func", n.global("numpy.log1p")}});
  auto f = make_function_transformer(Attributes(*node), maker);
  ASSERT_TRUE(f.ok());
  EXPECT_DOUBLE_EQ(transformed(**f, dense({1}, 1))[0], std::log(2.0));
}

TEST(FunctionTransformer, RefusesAnyOtherFunction) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._function_transformer.FunctionTransformer",
                        {{"func", n.global("os.system")}});
  auto f = make_function_transformer(Attributes(*node), maker);
  ASSERT_FALSE(f.ok());
  EXPECT_EQ(f.error().code, Code::kUnimplemented);
  EXPECT_NE(f.error().message.find("os.system"), std::string::npos);
}

TEST(KBinsDiscretizer, PutsAnEdgeIntoTheUpperBin) {
  Nodes n;
  NoMaker maker;
  auto* node = n.object("sklearn.preprocessing._discretization.KBinsDiscretizer",
                        {{"encode", n.text("ordinal")},
                         {"n_bins_", n.integers({3})},
                         {"bin_edges_", n.objects({n.floats({0, 1, 2, 3})})}});
  auto k = make_k_bins_discretizer(Attributes(*node), maker);
  ASSERT_TRUE(k.ok());
  EXPECT_EQ(transformed(**k, dense({-1, 1, 1 - 1e-7, 3, 9}, 1)),
            (std::vector<double>{0, 1, 0, 2, 2}));
  NoMaker old({1, 0});
  auto nudged = make_k_bins_discretizer(Attributes(*node), old);
  ASSERT_TRUE(nudged.ok());
  EXPECT_EQ(transformed(**nudged, dense({1 - 1e-7}, 1)), (std::vector<double>{1}));
}

}  // namespace
}  // namespace proa::engines
