#include <gtest/gtest.h>

#include <cmath>

#include "models/engines/sklearn/meta/common.h"
#include "models/engines/sklearn/meta/makers.h"
#include "models/engines/sklearn/meta/tables.h"
#include "models/engines/sklearn/test_nodes.h"

namespace proa::engines::meta {
namespace {

using Node = pickle::Node;

// Adds `offset` to every number; predicts the first column.
class Adder : public Estimator {
 public:
  double offset = 0;
  bool has(Method m) const override { return m == Method::kTransform || m == Method::kPredict; }
  bool has_inverse() const override { return true; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    auto v = work.take<double>(in.rows);
    for (size_t r = 0; r < in.rows; ++r) v[r] = in.row(r)[0] + offset;
    out.first = inference::vector_of(v);
    return {};
  }
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    return add(in, offset, work, out);
  }
  Status inverse_transform(const Table& in, Workspace& work, Table& out) const override {
    return add(in, -offset, work, out);
  }
  static Status add(const Table& in, double offset, Workspace& work, Table& out) {
    auto v = dense_output(in.rows, in.columns, work, out);
    for (size_t i = 0; i < v.size(); ++i) v[i] = in.dense[i] + offset;
    return {};
  }
};

// Makes an Adder of every number.
class Adders : public Maker {
 public:
  Result<std::unique_ptr<Estimator>> make(const Node* node) override {
    auto out = std::make_unique<Adder>();
    TRY(out->offset, pickle::as_double(*node));
    out->name = "Adder";
    return out;
  }
  Release release() const override { return {}; }
};

struct Meta : testing::Test {
  TestNodes n;
  Adders maker;
  Workspace work;
  std::vector<double> cells = {1, 2, 3, 4, 5, 6};
  Table rows;
  Meta() { rows.rows = 2, rows.columns = 3, rows.dense = cells.data(); }

  Node* step(const char* name, Node* what) { return n.tuple({n.text(name), what}); }
  static std::vector<double> all(const Table& t) { return {t.dense, t.dense + t.rows * t.columns}; }
  std::vector<double> transformed(const Estimator& e) {
    Table out;
    auto s = e.transform(rows, work, out);
    EXPECT_TRUE(s.ok()) << (s.ok() ? "" : s.error().message);
    return all(out);
  }
  Result<std::unique_ptr<Estimator>> columns(std::vector<Node*> members) {
    return make_column_transformer(
        Attributes(*n.object("sklearn.ColumnTransformer", {{"transformers_", n.list(members)},
                                                           {"n_features_in_", n.integer(3)}})),
        maker);
  }
};

TEST_F(Meta, APipelineRunsItsStepsInOrderAndBack) {
  auto p = make_pipeline(
      Attributes(*n.object("sklearn.Pipeline", {{"steps", n.list({step("a", n.number(10)),
                                                                  step("b", n.text("passthrough")),
                                                                  step("c", n.number(5))})}})),
      maker);
  ASSERT_TRUE(p.ok()) << p.error().message;
  EXPECT_EQ(transformed(**p), (std::vector<double>{16, 17, 18, 19, 20, 21}));
  Output out;
  ASSERT_TRUE((*p)->predict(Method::kPredict, rows, work, out).ok());
  EXPECT_EQ(out.first.numbers[1], 19);
  Table back;
  ASSERT_TRUE((*p)->inverse_transform(rows, work, back).ok());
  EXPECT_EQ(back.dense[0], -14);
}

TEST_F(Meta, APipelineOfNothingButPassthroughGivesItsRows) {
  auto p = make_pipeline(
      Attributes(*n.object("sklearn.Pipeline", {{"steps", n.list({step("a", n.none())})}})), maker);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE((*p)->has(Method::kPredict));
  EXPECT_EQ(transformed(**p), cells);
}

TEST_F(Meta, AUnionWeighsItsParts) {
  auto u = make_feature_union(
      Attributes(
          *n.object("sklearn.FeatureUnion",
                    {{"transformer_list", n.list({step("a", n.number(1)), step("d", n.text("drop")),
                                                  step("b", n.text("passthrough"))})},
                     {"transformer_weights", n.dict({{"a", n.number(2)}})}})),
      maker);
  ASSERT_TRUE(u.ok());
  EXPECT_EQ(transformed(**u), (std::vector<double>{4, 6, 8, 1, 2, 3, 10, 12, 14, 4, 5, 6}));
}

TEST_F(Meta, ColumnsAreChosenByPlaceSliceAndMask) {
  Node* slice = n.object("builtins.slice", {});
  slice->args = n.tuple({n.integer(1), n.none(), n.none()});
  auto c = columns(
      {n.tuple({n.text("a"), n.number(100), n.list({n.integer(-1), n.integer(0)})}),
       n.tuple({n.text("b"), n.text("passthrough"), slice}),
       n.tuple({n.text("m"), n.number(7), n.list({n.flag(false), n.flag(true), n.flag(false)})}),
       n.tuple({n.text("d"), n.text("drop"), n.list({n.integer(0)})})});
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(transformed(**c), (std::vector<double>{103, 101, 2, 3, 9, 106, 104, 5, 6, 12}));
}

TEST_F(Meta, ColumnsThatAreNotThereAreRefused) {
  EXPECT_FALSE(columns({n.tuple({n.text("a"), n.number(1), n.list({n.integer(3)})})}).ok());
  EXPECT_FALSE(columns({n.tuple({n.text("a"), n.number(1), n.list({n.text("age")})})}).ok());
  Node* slice = n.object("builtins.slice", {});
  slice->args = n.tuple({n.none(), n.none(), n.integer(0)});
  EXPECT_FALSE(columns({n.tuple({n.text("a"), n.number(1), slice})}).ok());
  auto c = columns({n.tuple({n.text("a"), n.number(1), n.list({n.integer(0)})})});
  ASSERT_TRUE(c.ok());
  Table narrow = rows, out;
  narrow.rows = 3, narrow.columns = 2;
  EXPECT_EQ((*c)->transform(narrow, work, out).error().code, Code::kInvalid);
}

TEST_F(Meta, ColumnsAreFoundByTheNamesOfTheRequest) {
  auto made = make_column_transformer(
      Attributes(*n.object(
          "sklearn.ColumnTransformer",
          {{"transformers_",
            n.list({n.tuple({n.text("a"), n.number(0), n.list({n.text("y"), n.text("x")})})})},
           {"feature_names_in_", n.list({n.text("x"), n.text("y"), n.text("z")})}})),
      maker);
  ASSERT_TRUE(made.ok()) << made.error().message;
  std::vector<std::string_view> names = {"z", "x", "y"};
  rows.names = names;
  EXPECT_EQ(transformed(**made), (std::vector<double>{3, 2, 6, 5}));
  names[1] = "other";
  Table out;
  auto s = (*made)->transform(rows, work, out);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().message, "columns are missing: {'x'}");
}

TEST_F(Meta, ATargetGoesTheWayBack) {
  auto t = make_transformed_target(Attributes(*n.object("sklearn.TransformedTargetRegressor",
                                                        {{"regressor_", n.number(1)},
                                                         {"transformer_", n.number(10)},
                                                         {"_training_dim", n.integer(1)}})),
                                   maker);
  ASSERT_TRUE(t.ok()) << t.error().message;
  Output out;
  ASSERT_TRUE((*t)->predict(Method::kPredict, rows, work, out).ok());
  EXPECT_EQ(out.first.rank, 1);
  EXPECT_EQ(out.first.numbers[0], -8);
}

TEST_F(Meta, AChainRefusesAnOrderThatIsNone) {
  for (std::vector<int64_t> order : {std::vector<int64_t>{0, 0}, {0, 2}, {-1, 0}, {0}}) {
    size_t k = order.size();
    auto c = make_regressor_chain(
        Attributes(*n.object("sklearn.RegressorChain",
                             {{"estimators_", n.list({n.number(1), n.number(2)})},
                              {"order_", n.integers(order, {k})}})),
        maker);
    ASSERT_FALSE(c.ok());
    EXPECT_EQ(c.error().code, Code::kDataLoss);
  }
}

TEST_F(Meta, BaggingRefusesColumnsOutsideOfItsRows) {
  auto b = make_bagging_regressor(
      Attributes(*n.object("sklearn.BaggingRegressor",
                           {{"estimators_", n.list({n.number(1)})},
                            {"n_features_in_", n.integer(3)},
                            {"estimators_features_", n.list({n.integers({0, 3}, {2})})}})),
      maker);
  ASSERT_FALSE(b.ok());
  EXPECT_NE(b.error().message.find("estimators_features_"), std::string::npos);
}

TEST_F(Meta, SparseColumnsKeepTheirOrderOrTakeANewOne) {
  std::vector<size_t> starts = {0, 2, 3};
  std::vector<uint32_t> indices = {0, 2, 1};
  std::vector<double> values = {1, 3, 5};
  Table sparse;
  sparse.form = Table::Form::kSparse;
  sparse.rows = 2, sparse.columns = 3;
  sparse.starts = starts.data(), sparse.indices = indices.data(), sparse.values = values.data();
  for (std::vector<uint32_t> chosen : {std::vector<uint32_t>{1, 2}, {2, 0, 2}}) {
    Table cut, out;
    select_columns(sparse, chosen, work, cut);
    ASSERT_TRUE(side_by_side({&cut, 1}, 2, false, work, out).ok());
    auto got = all(out);
    std::vector<double> full = {1, 0, 3, 0, 5, 0}, want;
    for (size_t r = 0; r < 2; ++r)
      for (uint32_t c : chosen) want.push_back(full[r * 3 + c]);
    EXPECT_EQ(got, want);
  }
}

TEST_F(Meta, TextsBesideNumbersAreCells) {
  Cell text{Cell::Kind::kText, 0, "ant"};
  std::vector<Cell> texts = {text, text};
  Table words, out;
  words.form = Table::Form::kCells;
  words.rows = 2, words.columns = 1, words.cells = texts.data();
  Table blocks[] = {rows, words};
  ASSERT_TRUE(side_by_side(blocks, 2, false, work, out).ok());
  EXPECT_EQ(out.form, Table::Form::kCells);
  EXPECT_EQ(out.cells[3].text, "ant");
  EXPECT_EQ(out.cells[4].number, 4);
  EXPECT_FALSE(side_by_side(blocks, 2, true, work, out).ok());
}

TEST(Argmax, TakesTheFirstOfTheLargestAndNanBeforeAll) {
  Workspace work;
  std::vector<double> v = {1, 3, 3, 5, NAN, 9};
  auto best = argmax_rows(v.data(), 2, 3, work);
  EXPECT_EQ(best[0], 1u);
  EXPECT_EQ(best[1], 1u);
}

}  // namespace
}  // namespace proa::engines::meta
