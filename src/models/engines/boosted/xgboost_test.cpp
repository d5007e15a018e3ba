#include "models/engines/boosted/xgboost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "foundation/base/strings.h"
#include "models/engines/boosted/documents/document.h"

namespace proa::engines {
namespace {

using boosted::Document;
using inference::Method;
constexpr double kNan = __builtin_nan("");

// x0 < 0.5: -1, else by category x1 in {1, 33}: 2, else 1.
constexpr std::string_view kTree =
    R"({"left_children":[1,-1,3,-1,-1],"right_children":[2,-1,4,-1,-1],"split_indices":[0,0,1,0,0],)"
    R"("split_conditions":[0.5,-1,0,1,2],"default_left":[1,0,0,0,0],"split_type":[0,0,1,0,0],)"
    R"("categories":[1,33],"categories_nodes":[2],"categories_segments":[0],"categories_sizes":[2],)"
    R"("tree_param":{"num_nodes":"5","size_leaf_vector":"0"}})";

std::string model_text(std::string_view objective = "reg:squarederror",
                       std::string_view base = "5E-1", std::string_view booster = "") {
  std::string trees =
      str(R"({"gbtree_model_param":{"num_trees":"1"},"tree_info":[0],"trees":[)", kTree, "]}");
  std::string boosted =
      booster.empty() ? str(R"({"name":"gbtree","model":)", trees, "}") : std::string(booster);
  return str(R"({"learner":{"attributes":{},"feature_names":[],"feature_types":[],)",
             R"("gradient_booster":)", boosted, R"(,"learner_model_param":{"base_score":")", base,
             R"(","num_class":"0","num_feature":"2","num_target":"1"},"objective":{"name":")",
             objective, R"("}},"version":[2,1,0]})");
}

void put_ubj(const Document& d, std::string& out);

void put_length(size_t n, std::string& out) {
  out += 'L';
  for (int i = 7; i >= 0; --i) out += static_cast<char>(n >> (8 * i));
}

void put_float(double v, std::string& out) {
  auto f = static_cast<float>(v);
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  for (int i = 3; i >= 0; --i) out += static_cast<char>(bits >> (8 * i));
}

void put_ubj(const Document& d, std::string& out) {
  switch (d.kind) {
    case Document::Kind::kObject:
      out += '{';
      for (const auto& [key, v] : d.members) {
        put_length(key.size(), out);
        out += key;
        put_ubj(v, out);
      }
      out += '}';
      break;
    case Document::Kind::kNumbers:
      out += "[$d#";
      put_length(d.numbers.size(), out);
      for (double v : d.numbers) put_float(v, out);
      break;
    case Document::Kind::kArray:
      out += '[';
      for (const Document& item : d.items) put_ubj(item, out);
      out += ']';
      break;
    case Document::Kind::kText:
      out += 'S';
      put_length(d.text.size(), out);
      out += d.text;
      break;
    default:
      out += 'd';
      put_float(d.number, out);
  }
}

template <typename T>
void put(std::string& out, T v, size_t times = 1) {
  for (size_t i = 0; i < times; ++i) out.append(reinterpret_cast<const char*>(&v), sizeof(v));
}

void put_text(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out += text;
}

// The same tree less its second split: x0 < 0.5: -1, else 1.
std::string binary_model(std::string_view objective, float base, uint32_t major) {
  std::string out;
  put<float>(out, base);
  put<uint32_t>(out, 2);
  put<int32_t>(out, 0, 3);
  put<uint32_t>(out, major);
  put<int32_t>(out, 0, 28);
  put_text(out, objective);
  put_text(out, "gbtree");
  put<int32_t>(out, 1);
  put<int32_t>(out, 0, 39);
  put<int32_t>(out, 1);
  put<int32_t>(out, 3);
  put<int32_t>(out, 0, 35);
  auto node = [&](int32_t left, int32_t right, uint32_t split, float value) {
    put<int32_t>(out, -1), put(out, left), put(out, right), put(out, split), put(out, value);
  };
  node(1, 2, 0x80000000u, 0.5f);
  node(-1, -1, 0, -1);
  node(-1, -1, 0, 1);
  put<int32_t>(out, 0, 12);
  put<int32_t>(out, 0);
  return out;
}

std::vector<double> ask(std::string_view bytes, std::vector<double> row,
                        Method method = Method::kDefault) {
  auto model = read_xgboost(bytes, {});
  EXPECT_TRUE(model.ok()) << model.error().message;
  if (!model.ok()) return {};
  inference::Table table;
  table.rows = 1, table.columns = row.size(), table.dense = row.data();
  inference::Workspace work;
  inference::Output out;
  auto status = (*model)->predict(table, method, work, out);
  EXPECT_TRUE(status.ok()) << status.error().message;
  if (!status.ok()) return {};
  std::vector<double> got;
  for (size_t i = 0; i < out.first.count(); ++i)
    got.push_back(out.first.numbers ? out.first.numbers[i]
                                    : static_cast<double>(out.first.integers[i]));
  return got;
}

std::string as_ubj(std::string_view text) {
  auto d = boosted::parse_json_document(text);
  EXPECT_TRUE(d.ok());
  std::string out;
  put_ubj(*d, out);
  return out;
}

TEST(Xgboost, WalksNumbersCategoriesAndMissingValues) {
  std::string text = model_text();
  for (const std::string& bytes : {text, as_ubj(text)}) {
    EXPECT_EQ(ask(bytes, {0, 0})[0], -0.5);
    EXPECT_EQ(ask(bytes, {kNan, 0})[0], -0.5);
    EXPECT_EQ(ask(bytes, {0.5, 0})[0], 1.5);
    EXPECT_EQ(ask(bytes, {1, 33})[0], 2.5);
    EXPECT_EQ(ask(bytes, {1, kNan})[0], 2.5);
    EXPECT_EQ(ask(bytes, {1, -1})[0], 1.5);
    EXPECT_EQ(ask(bytes, {1, 33}, Method::kApply)[0], 4);
  }
}

TEST(Xgboost, TakesShorterRowsAsMissingAtTheEnd) {
  EXPECT_EQ(ask(model_text(), {1})[0], 2.5);
  auto model = read_xgboost(model_text(), {});
  ASSERT_TRUE(model.ok());
  std::vector<double> row = {1, 2, 3};
  inference::Table table;
  table.rows = 1, table.columns = 3, table.dense = row.data();
  inference::Workspace work;
  inference::Output out;
  auto status = (*model)->predict(table, Method::kDefault, work, out);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "a row has 3 values, the model takes 2");
  row[0] = INFINITY;
  table.columns = 2;
  EXPECT_FALSE((*model)->predict(table, Method::kDefault, work, out).ok());
}

TEST(Xgboost, GivesProbabilitiesForBinaryLogistic) {
  std::string text = model_text("binary:logistic");
  float p = 1 / (1 + std::exp(1.0f));
  EXPECT_FLOAT_EQ(static_cast<float>(ask(text, {0, 0})[0]), p);
  EXPECT_EQ(ask(text, {0, 0}, Method::kRaw)[0], -1);
  auto both = ask(text, {0, 0}, Method::kPredictProba);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_FLOAT_EQ(static_cast<float>(both[0]), 1 - p);
}

TEST(Xgboost, ReadsTheBaseScoreOfEveryRelease) {
  EXPECT_EQ(ask(model_text("reg:squarederror", "[2.5E-1]"), {0, 0})[0], -0.75);
  EXPECT_EQ(ask(binary_model("binary:logistic", 0.25f, 0), {0, 0}, Method::kRaw)[0], -0.75);
  EXPECT_FLOAT_EQ(
      static_cast<float>(ask(binary_model("binary:logistic", 0.25f, 1), {0, 0}, Method::kRaw)[0]),
      -1 - std::log(3.0f));
}

TEST(Xgboost, ReadsTheOldBinaryFormat) {
  std::string bytes = binary_model("reg:linear", 0.5f, 0);
  EXPECT_EQ(ask(bytes, {0, 0})[0], -0.5);
  EXPECT_EQ(ask("binf" + bytes, {0.5, 0})[0], 1.5);
  EXPECT_EQ(ask(bytes, {kNan, 0})[0], -0.5);
}

TEST(Xgboost, KnowsAFileThatAClassifierSaved) {
  std::string text = model_text("binary:logistic");
  auto plain = read_xgboost(text, {});
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ((*plain)->info().classes, inference::Classes::kNone);
  std::string none = R"("attributes":{})";
  text.replace(text.find(none), none.size(),
               R"("attributes":{"scikit_learn":"{\"_estimator_type\": \"classifier\"}"})");
  auto saved = read_xgboost(text, {});
  ASSERT_TRUE(saved.ok());
  EXPECT_EQ((*saved)->info().classes, inference::Classes::kAboveHalf);
  std::string one = R"("num_target":"1")";
  text.replace(text.find(one), one.size(), R"("num_target":"3")");
  auto several = read_xgboost(text, {});
  ASSERT_TRUE(several.ok()) << several.error().message;
  EXPECT_EQ((*several)->info().classes, inference::Classes::kEachAboveHalf);
}

TEST(Xgboost, ServesLinearBoosters) {
  std::string text = model_text("reg:squarederror", "5E-1",
                                R"({"name":"gblinear","model":{"weights":[2,3,0.25]}})");
  EXPECT_EQ(ask(text, {1, 10})[0], 32.75);
  EXPECT_EQ(ask(text, {kNan, 10})[0], 30.75);
}

void refuses(std::string_view bytes, Code code, std::string_view what) {
  auto model = read_xgboost(bytes, {});
  ASSERT_FALSE(model.ok()) << what;
  EXPECT_EQ(model.error().code, code) << model.error().message;
  EXPECT_NE(model.error().message.find(what), std::string::npos) << model.error().message;
}

TEST(Xgboost, RefusesWhatItCannotServe) {
  refuses(model_text("custom:mine"), Code::kUnimplemented, "custom:mine");
  refuses("\x80\x04\x95rest", Code::kUnimplemented, "save_model");
  refuses("{}", Code::kDataLoss, "learner");
  refuses("", Code::kDataLoss, "empty");
  refuses(model_text("reg:squarederror", "5E-1", R"({"name":"other"})"), Code::kUnimplemented,
          "booster");
}

TEST(Xgboost, RefusesVersionsThatAreNone) {
  for (std::string_view version : {"[1e300,0,0]", "[-1,0,0]", "[2,1,0,0]"}) {
    std::string text = model_text();
    std::string_view good = "[2,1,0]";
    text.replace(text.rfind(good), good.size(), version);
    refuses(text, Code::kDataLoss, "version");
  }
}

TEST(Xgboost, RefusesTreesThatContradictThemselves) {
  std::string good = model_text();
  auto with = [&](std::string_view from, std::string_view to) {
    EXPECT_NE(good.find(from), std::string::npos);
    return replace_all(good, from, to);
  };
  refuses(with("[1,-1,3,-1,-1]", "[1,-1,9,-1,-1]"), Code::kDataLoss, "child");
  refuses(with("[1,-1,3,-1,-1]", "[1,-1,0,-1,-1]"), Code::kDataLoss, "two parents");
  refuses(with("[0,0,1,0,0]", "[0,0,2,0,0]"), Code::kDataLoss, "feature");
  refuses(with("[1,33]", "[1,16777216]"), Code::kDataLoss, "category");
  refuses(with("\"categories_sizes\":[2]", "\"categories_sizes\":[3]"), Code::kDataLoss,
          "categories");
  refuses(with("\"categories_nodes\":[2]", "\"categories_nodes\":[7]"), Code::kDataLoss, "node");
  refuses(with("\"tree_info\":[0]", "\"tree_info\":[1]"), Code::kDataLoss, "tree_info");
  refuses(with("\"num_trees\":\"1\"", "\"num_trees\":\"2\""), Code::kDataLoss, "num_trees");
  refuses(with("[0.5,-1,0,1,2]", "[0.5,-1,0,1]"), Code::kDataLoss, "columns");
  refuses(with("[0.5,-1,0,1,2]", "[NaN,-1,0,1,2]"), Code::kDataLoss, "threshold");
}

TEST(Xgboost, RefusesEveryTruncation) {
  std::string text = model_text();
  for (const std::string& bytes : {text, as_ubj(text), binary_model("reg:linear", 0.5f, 0)})
    for (size_t n = 0; n < bytes.size(); ++n)
      EXPECT_FALSE(read_xgboost(std::string_view(bytes).substr(0, n), {}).ok()) << n;
}

TEST(Xgboost, SurvivesAnyChangeOfBytes) {
  std::mt19937 random(20240601);
  std::string text = model_text();
  for (const std::string& good : {text, as_ubj(text), binary_model("reg:linear", 0.5f, 0)}) {
    for (int i = 0; i < 3000; ++i) {
      std::string bytes = good;
      for (size_t k = 0; k <= random() % 3; ++k)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      auto model = read_xgboost(bytes, {});
      if (!model.ok() || (*model)->info().features > 1000) continue;
      std::vector<double> row((*model)->info().features, 1);
      inference::Table table;
      table.rows = 1, table.columns = row.size(), table.dense = row.data();
      inference::Workspace work;
      inference::Output out;
      (void)(*model)->predict(table, Method::kDefault, work, out);
    }
  }
}

TEST(Documents, AreTheSameInJsonAndUbjson) {
  auto d = boosted::parse_json_document(
      R"({"a": [1, 2.5, -3e2, true], "b": "x\u00e4\n", "c": {"d": []}, "e": [1, "x"]})");
  ASSERT_TRUE(d.ok());
  EXPECT_EQ((*d)["a"].numbers, (std::vector<double>{1, 2.5, -300, 1}));
  EXPECT_EQ((*d)["b"].text, "xä\n");
  EXPECT_EQ((*d)["e"].items.size(), 2u);
  std::string bytes;
  put_ubj(*d, bytes);
  auto again = boosted::parse_ubjson(bytes);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)["a"].numbers, (*d)["a"].numbers);
  EXPECT_EQ((*again)["b"].text, (*d)["b"].text);
  EXPECT_FALSE(boosted::parse_json_document(std::string(100, '[')).ok());
  EXPECT_FALSE(boosted::parse_ubjson(std::string(100, '[')).ok());
  EXPECT_FALSE(boosted::parse_json_document("[1] 2").ok());
}

}  // namespace
}  // namespace proa::engines
