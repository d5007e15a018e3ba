#include "models/engines/engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <random>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/estimators.h"

namespace proa::engines {
namespace {

const Engine* const kEngines[] = {&sklearn_engine()};

std::string iris() {
  auto bytes = read_file(PROA_IRIS_MODEL);
  CHECK(bytes.ok());
  return *bytes;
}

std::string predict(const Model& model, std::vector<double> values, size_t columns) {
  Output out;
  size_t rows = columns ? values.size() / columns : 0;
  Status s = model.session()->predict({values, rows, columns}, out);
  if (!s.ok()) return s.error().message;
  std::vector<std::string> labels;
  for (uint32_t c : out.classes) labels.push_back(out.labels->json[c]);
  return join(labels, " ");
}

struct Folder {
  std::string path = testing::TempDir() + "/engine_test_" + std::to_string(::getpid());
  Folder() { CHECK(make_dirs(path).ok()); }
  ~Folder() { (void)remove_tree(path); }
  void put(const std::string& name, std::string_view content) {
    CHECK(write_file(path + "/" + name, content).ok());
  }
};

TEST(Engine, PredictsTheTutorialsFlowers) {
  auto model = load_folder(PROA_IRIS_MODEL, {}, kEngines);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ((*model)->info().features, 4u);
  EXPECT_EQ((*model)->info().type, "sklearn.svm._classes.SVC");
  EXPECT_EQ(predict(**model, {6.8, 2.8, 4.8, 1.4, 6.0, 3.4, 4.5, 1.6}, 4), "1 1");
}

TEST(Engine, NamesBothWidths) {
  auto model = read_sklearn(iris(), {});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(predict(**model, {1, 2, 3}, 3),
            "X has 3 features, but SVC is expecting 4 features as input");
}

TEST(Engine, RefusesNaNAndInfinity) {
  auto model = read_sklearn(iris(), {});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(predict(**model, {1, NAN, 3, 4}, 4), "Input X contains NaN.");
  EXPECT_TRUE(predict(**model, {1, INFINITY, 3, 4}, 4).starts_with("Input X contains infinity"));
}

TEST(Engine, SaysThatProbabilitiesWereNotFitted) {
  LoadOptions options;
  options.want = Want::kProbabilities;
  auto model = read_sklearn(iris(), options);
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "probability=False"));
}

TEST(Engine, TakesExactlyOneModelFile) {
  Folder f;
  auto none = load_folder(f.path, {}, kEngines);
  ASSERT_FALSE(none.ok());
  EXPECT_TRUE(none.error().message.starts_with("missing model file")) << none.error().message;
  f.put("a.joblib", iris());
  f.put("readme.txt", "x");
  EXPECT_TRUE(load_folder(f.path, {}, kEngines).ok());
  f.put("b.pkl", iris());
  auto two = load_folder(f.path, {}, kEngines);
  ASSERT_FALSE(two.ok());
  EXPECT_TRUE(two.error().message.starts_with("More than one model file is detected"));
  EXPECT_TRUE(
      load_folder("/nonexistent", {}, kEngines).error().message.starts_with("missing model file"));
}

TEST(Engine, RefusesAFileAboveTheMemoryLimitWithBothSizes) {
  LoadOptions options;
  options.memory_limit = 1000;
  auto model = load_folder(PROA_IRIS_MODEL, options, kEngines);
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "memory limit of 1000 bytes"))
      << model.error().message;
  EXPECT_TRUE(contains(model.error().message, str(iris().size(), " bytes")));
}

TEST(Engine, ChecksThatCountsAddUp) {
  std::string bytes = iris();
  size_t at = bytes.find("_n_support");
  ASSERT_NE(at, std::string::npos);
  size_t data = bytes.find(std::string(1, '\xff') + std::string(1, '\xff'), at);
  ASSERT_NE(data, std::string::npos);
  while (bytes[data] == '\xff') ++data;
  bytes[data + 1] = 1;  // the first count plus 256
  auto model = read_sklearn(bytes, {});
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "n_support_")) << model.error().message;
}

TEST(Engine, RefusesEveryTruncatedFile) {
  std::string bytes = iris();
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(read_sklearn(bytes.substr(0, n), {}).ok()) << n;
}

TEST(Engine, LoadsOrRefusesEveryMutatedFile) {
  std::string whole = iris();
  std::mt19937 random(20260101);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes = whole;
    for (unsigned k = 1 + random() % 4; k > 0; --k) {
      size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0:
          bytes.erase(at, random() % 8);
          break;
        case 1:
          bytes.insert(at, 1 + random() % 8, static_cast<char>(random()));
          break;
        default:
          bytes[at] = static_cast<char>(random());
      }
    }
    auto model = read_sklearn(std::move(bytes), {});
    if (model.ok() && (*model)->info().features == 4) (void)predict(**model, {5, 3, 2, 1}, 4);
  }
}

TEST(Engine, WritesFloatsAsPythonDoes) {
  auto text = [](double v) {
    std::string out;
    append_float(out, v);
    return out;
  };
  EXPECT_EQ(text(1), "1.0");
  EXPECT_EQ(text(0.1), "0.1");
  EXPECT_EQ(text(1e-7), "1e-07");
  EXPECT_EQ(text(0.0001), "0.0001");
  EXPECT_EQ(text(1e16), "1e+16");
  EXPECT_EQ(text(123456789012345.0), "123456789012345.0");
}

}  // namespace
}  // namespace proa::engines
