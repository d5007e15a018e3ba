#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "models/engines/sklearn/tree/classes.h"
#include "models/engines/sklearn/tree/hist_reader.h"
#include "models/engines/sklearn/tree/initial.h"
#include "models/engines/sklearn/tree/links.h"
#include "models/engines/sklearn/tree/makers.h"
#include "models/engines/sklearn/tree/tree_reader.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

// Builds what a pickle of a fitted estimator says.
class Pickled {
 public:
  Node* text(std::string_view s) {
    Node* n = document_.make(Kind::kStr);
    n->text = document_.keep(std::string(s));
    return n;
  }
  Node* integer(int64_t v) {
    Node* n = document_.make(Kind::kInt);
    n->integer = v;
    return n;
  }
  Node* list(Kind kind, std::vector<Node*> items) {
    Node* n = document_.make(kind);
    n->items = std::move(items);
    return n;
  }
  Node* object(std::string_view type, std::vector<std::pair<std::string_view, Node*>> state) {
    Node* n = document_.make(Kind::kObject);
    n->type = document_.make(Kind::kGlobal);
    n->type->text = document_.keep(std::string(type));
    n->state = document_.make(Kind::kDict);
    for (auto& [key, value] : state) {
      n->state->items.push_back(text(key));
      n->state->items.push_back(value);
    }
    return n;
  }
  template <typename T>
  Node* array(char kind, std::vector<size_t> shape, const std::vector<T>& values) {
    Node* n = document_.make(Kind::kArray);
    n->array = std::make_unique<pickle::Array>();
    n->array->dtype.kind = kind;
    n->array->dtype.size = sizeof(T);
    n->array->shape = std::move(shape);
    std::string bytes(values.size() * sizeof(T), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    n->array->data = document_.keep(std::move(bytes));
    return n;
  }

  struct Record {
    int64_t left, right, feature;
    double threshold;
    int64_t samples;
    uint8_t missing_left;
  };
  Node* nodes(const std::vector<Record>& records) {
    Node* n = array('V', {records.size()}, records);
    for (auto [name, kind, offset] : {std::tuple{"left_child", 'i', 0},
                                      {"right_child", 'i', 8},
                                      {"feature", 'i', 16},
                                      {"threshold", 'f', 24},
                                      {"n_node_samples", 'i', 32}})
      n->array->dtype.fields.push_back({name, kind, 8, false, static_cast<size_t>(offset)});
    n->array->dtype.fields.push_back({"missing_go_to_left", 'u', 1, false, 40});
    return n;
  }
  // x[0] <= 0.5: node 1, otherwise node 2.
  Node* tree(const std::vector<double>& values, int64_t classes,
             std::vector<Record> records = {
                 {1, 2, 0, 0.5, 4}, {-1, -1, -2, -2, 3}, {-1, -1, -2, -2, 1}}) {
    Node* n = object("sklearn.tree._tree.Tree",
                     {{"nodes", nodes(records)},
                      {"values", array('f', {3, 1, static_cast<size_t>(classes)}, values)}});
    n->args = list(Kind::kTuple, {integer(2), array<int64_t>('i', {1}, {classes}), integer(1)});
    return n;
  }
  Node* classifier(Node* tree) {
    return object("sklearn.tree._classes.DecisionTreeClassifier",
                  {{"tree_", tree}, {"classes_", array<int64_t>('i', {2}, {7, 9})}});
  }

 private:
  pickle::Document document_;
};

class NoMaker final : public Maker {
 public:
  explicit NoMaker(Release release = {1, 7}) : release_(release) {}
  Result<std::unique_ptr<Estimator>> make(const Node*) override {
    return error(Code::kUnimplemented, "none");
  }
  Release release() const override { return release_; }

 private:
  Release release_;
};

Table table(const std::vector<double>& values) {
  Table t;
  t.columns = 2;
  t.rows = values.size() / 2;
  t.dense = values.data();
  return t;
}

TEST(Trees, AnswerLabelsSharesAndLeaves) {
  Pickled p;
  NoMaker maker;
  auto made = make_tree(Attributes(*p.classifier(p.tree({3, 1, 3, 0, 1, 3}, 2))), maker);
  ASSERT_TRUE(made.ok()) << made.error().message;
  (*made)->name = "DecisionTreeClassifier";
  // The second is above 0.5 as a double, and 0.5 as a float32.
  std::vector<double> rows{0.5, 0, 0.5 + 1e-12, 0, 0.6, 0};
  Workspace work;
  Output out;
  ASSERT_TRUE((*made)->predict(Method::kPredict, table(rows), work, out).ok());
  EXPECT_EQ(std::vector<int64_t>(out.first.integers, out.first.integers + 3),
            (std::vector<int64_t>{7, 7, 9}));
  ASSERT_TRUE((*made)->predict(Method::kPredictProba, table(rows), work, out).ok());
  EXPECT_EQ(std::vector<double>(out.first.numbers, out.first.numbers + 6),
            (std::vector<double>{1, 0, 1, 0, 0.25, 0.75}));
  ASSERT_TRUE((*made)->predict(Method::kApply, table(rows), work, out).ok());
  EXPECT_EQ(std::vector<int64_t>(out.first.integers, out.first.integers + 3),
            (std::vector<int64_t>{1, 1, 2}));
}

TEST(Trees, RefuseWhatContradictsItself) {
  NoMaker maker;
  using R = Pickled::Record;
  R root{1, 2, 0, 0.5, 4}, leaf{-1, -1, -2, -2, 1};
  for (const auto& records : std::vector<std::vector<R>>{{{1, 5, 0, 0.5, 4}, leaf, leaf},
                                                         {{1, 2, 9, 0.5, 4}, leaf, leaf},
                                                         {{1, 2, -1, 0.5, 4}, leaf, leaf},
                                                         {{1, 1, 0, 0.5, 4}, leaf, leaf},
                                                         {{0, 1, 0, 0.5, 4}, leaf, leaf},
                                                         {{1, 2, 0, NAN, 4}, leaf, leaf},
                                                         {root, {2, 0, 0, 0, 1}, leaf},
                                                         {root, leaf}}) {
    Pickled p;
    auto made = make_tree(Attributes(*p.classifier(p.tree({3, 1, 3, 0, 1, 3}, 2, records))), maker);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::kDataLoss) << made.error().message;
  }
  Pickled p;  // three classes in the tree, two in classes_
  EXPECT_FALSE(make_tree(Attributes(*p.classifier(p.tree(std::vector<double>(9), 3))), maker).ok());
  EXPECT_FALSE(make_tree(Attributes(*p.classifier(p.integer(3))), maker).ok());
}

TEST(Trees, TakeMissingValuesFromTheReleaseOnThatDoes) {
  auto takes = [](Maker::Release release, bool monotonic) {
    Pickled p;
    NoMaker maker(release);
    Node* tree =
        p.tree({0, 3, 4}, 1, {{1, 2, 0, 0.5, 4}, {-1, -1, -2, -2, 3}, {-1, -1, -2, -2, 1}});
    std::vector<std::pair<std::string_view, Node*>> state = {{"tree_", tree}};
    if (monotonic) state.push_back({"monotonic_cst", p.array<int64_t>('i', {2}, {1, 0})});
    Node* regressor = p.object("sklearn.tree._classes.DecisionTreeRegressor", std::move(state));
    auto made = make_tree(Attributes(*regressor), maker);
    EXPECT_TRUE(made.ok()) << made.error().message;
    std::vector<double> rows{NAN, 0};
    Workspace work;
    Output out;
    if (!(*made)->predict(Method::kPredict, table(rows), work, out).ok()) return false;
    EXPECT_EQ(out.first.numbers[0], 4);  // missing_go_to_left is 0
    return true;
  };
  EXPECT_FALSE(takes({1, 2}, false));
  EXPECT_TRUE(takes({1, 3}, false));
  EXPECT_FALSE(takes({1, 8}, true));
  EXPECT_TRUE(takes({1, 9}, true));
  EXPECT_TRUE(takes({}, true));
}

TEST(Trees, RefuseNumbersThatAreTooLargeForFloat32) {
  Pickled p;
  NoMaker maker;
  auto made = make_tree(Attributes(*p.classifier(p.tree({3, 1, 3, 0, 1, 3}, 2))), maker);
  ASSERT_TRUE(made.ok()) << made.error().message;
  std::vector<double> rows{1e300, 0};
  Workspace work;
  Output out;
  Status done = (*made)->predict(Method::kPredict, table(rows), work, out);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kInvalid);
}

TEST(Trees, CountTheDepthOfIsolationForests) {
  Pickled p;
  NoMaker maker;
  Node* member =
      p.object("sklearn.tree._classes.ExtraTreeRegressor", {{"tree_", p.tree({0, 0, 0}, 1)}});
  Node* forest =
      p.object("sklearn.ensemble._iforest.IsolationForest",
               {{"estimators_", p.list(Kind::kList, {member})},
                {"estimators_features_", p.list(Kind::kList, {p.array<int64_t>('i', {2}, {1, 0})})},
                {"n_features_in_", p.integer(2)},
                {"_max_samples", p.integer(2)},
                {"offset_", p.array<double>('f', {}, {-0.5})}});
  auto made = make_isolation_forest(Attributes(*forest), maker);
  ASSERT_TRUE(made.ok()) << made.error().message;
  std::vector<double> rows{9, 0, 0, 9};  // the tree's first column is the second of the rows
  Workspace work;
  Output out;
  ASSERT_TRUE((*made)->predict(Method::kScoreSamples, table(rows), work, out).ok());
  double three = 2 * (std::log(2.0) + 0.5772156649015329) - 4.0 / 3;
  EXPECT_DOUBLE_EQ(out.first.numbers[0], -std::exp2(-(1 + three)));
  EXPECT_DOUBLE_EQ(out.first.numbers[1], -0.5);
}

TEST(Boosting, DecidesTiesAsTheReleaseDoes) {
  BoostedClasses c;
  c.labels.integers = {0, 1};
  Workspace work;
  auto first = [&](Decision decision, double sum) {
    c.decision = decision;
    std::vector<double> sums{sum};
    return c.answer(Method::kPredict, sums, 1, work).integers[0];
  };
  EXPECT_EQ(first(Decision::kAboveZero, 0), 0);
  EXPECT_EQ(first(Decision::kFromZero, 0), 1);
  EXPECT_EQ(first(Decision::kProbability, 0), 0);
  EXPECT_EQ(first(Decision::kProbability, 1e-18), 0);  // both probabilities are 0.5
  EXPECT_EQ(first(Decision::kAboveZero, 1e-18), 1);
}

TEST(Boosting, BeginsWithTheLinkedPriorOfADummy) {
  Pickled p;
  NoMaker maker;
  Node* dummy = p.object(
      "sklearn.dummy.DummyClassifier",
      {{"strategy", p.text("prior")}, {"class_prior_", p.array<double>('f', {2}, {0.25, 0.75})}});
  Node* boosting = p.object("sklearn.ensemble._gb.GradientBoostingClassifier", {{"init_", dummy}});
  auto two = Initial::make(Attributes(*boosting), maker, InitialLink::kLogit, 1);
  ASSERT_TRUE(two.ok()) << two.error().message;
  ASSERT_EQ(two->constants().size(), 1u);
  EXPECT_DOUBLE_EQ(two->constants()[0], std::log(3.0));
  EXPECT_FALSE(Initial::make(Attributes(*boosting), maker, InitialLink::kLog, 3).ok());
  Node* zero =
      p.object("sklearn.ensemble._gb.GradientBoostingClassifier", {{"init_", p.text("zero")}});
  auto none = Initial::make(Attributes(*zero), maker, InitialLink::kLog, 3);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->constants().empty());
}

TEST(Boosting, KeepsCertainPriorsFromInfinityAsTheReleaseDoes) {
  auto begins = [](Maker::Release release) {
    Pickled p;
    NoMaker maker(release);
    Node* dummy = p.object(
        "sklearn.dummy.DummyClassifier",
        {{"strategy", p.text("prior")}, {"class_prior_", p.array<double>('f', {2}, {0, 1})}});
    Node* boosting =
        p.object("sklearn.ensemble._gb.GradientBoostingClassifier", {{"init_", dummy}});
    auto made = Initial::make(Attributes(*boosting), maker, InitialLink::kLogit, 1);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made->constants()[0];
  };
  EXPECT_NEAR(begins({1, 7}), 15.942385, 1e-6);  // float32's epsilon
  EXPECT_NEAR(begins({1, 8}), 36.043653, 1e-6);  // float64's
  EXPECT_NEAR(begins({}), 36.043653, 1e-6);
}

TEST(Boosting, GivesClassesOfManyOutputsOneType) {
  Labels numbers, truths;
  numbers.integers = {3, 4};
  truths.type = DataType::kBool;
  truths.integers = {0, 1};
  Workspace work;
  std::vector<uint32_t> picked{1, 0, 0, 1};
  Values v = pick_many({numbers, numbers}, picked, 2, work);
  EXPECT_EQ(std::vector<int64_t>(v.integers, v.integers + 4), (std::vector<int64_t>{4, 3, 3, 4}));
  EXPECT_EQ(pick_many({numbers, truths}, picked, 2, work).type, DataType::kFp64);
}

}  // namespace
}  // namespace proa::engines
