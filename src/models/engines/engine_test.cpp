#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <set>

#include "foundation/base/check.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/files.h"
#include "models/engines/sklearn/catalog.h"
#include "models/engines/sklearn_engine.h"

namespace proa::engines {
namespace {

using namespace std::string_literals;
using inference::DataType;
using inference::LoadOptions;
using inference::Method;
using inference::Model;
using inference::Output;
using inference::Table;
using inference::Workspace;

const inference::Engine* const kEngines[] = {&sklearn_engine()};

std::string iris() {
  auto bytes = read_file(PROA_IRIS_MODEL);
  CHECK(bytes.ok());
  return *bytes;
}

std::string predict(const Model& model, const std::vector<double>& values, size_t columns,
                    std::vector<std::string_view> names = {}) {
  Table table;
  table.columns = columns;
  table.rows = columns ? values.size() / columns : 0;
  table.dense = values.data();
  table.names = names;
  Workspace work;
  Output out;
  Status s = model.predict(table, Method::kDefault, work, out);
  if (!s.ok()) return s.error().message;
  std::vector<std::string> labels;
  for (size_t i = 0; i < out.first.count(); ++i) labels.push_back(str(out.first.integers[i]));
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
  const auto& info = (*model)->info();
  EXPECT_EQ(info.features, 4u);
  EXPECT_EQ(info.type, "sklearn.svm._classes.SVC");
  ASSERT_EQ(info.inputs.size(), 1u);
  EXPECT_EQ(info.inputs[0].name, "input-0");
  EXPECT_EQ(info.inputs[0].shape, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(info.outputs[0].type, DataType::kInt64);
  EXPECT_EQ(info.outputs[0].shape, (std::vector<int64_t>{-1}));
  EXPECT_EQ(predict(**model, {6.8, 2.8, 4.8, 1.4, 6.0, 3.4, 4.5, 1.6}, 4), "1 1");
}

TEST(Engine, RefusesRowsAsScikitLearnDoes) {
  auto model = read_sklearn(iris(), {});
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(predict(**model, {1, 2, 3}, 3),
            "X has 3 features, but SVC is expecting 4 features as input.");
  EXPECT_EQ(predict(**model, {1, NAN, 3, 4}, 4), "Input X contains NaN.");
  EXPECT_TRUE(predict(**model, {1, INFINITY, 3, 4}, 4).starts_with("Input X contains infinity"));
  EXPECT_TRUE(predict(**model, {}, 4).starts_with("Found array with 0 sample(s)"));
}

TEST(Engine, SaysWhichMethodsThereAre) {
  LoadOptions options;
  options.method = Method::kPredictProba;
  auto model = read_sklearn(iris(), options);
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "SVC has no predict_proba")) << model.error().message;
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
  EXPECT_TRUE(contains(two.error().message, "More than one model file is detected"));
}

TEST(Engine, RefusesAFileAboveTheMemoryLimit) {
  LoadOptions options;
  options.memory_limit = 100;
  auto model = load_folder(PROA_IRIS_MODEL, options, kEngines);
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "more than the memory limit of 100 bytes"));
}

TEST(Engine, NamesAClassThatIsNotCovered) {
  auto model = read_sklearn("csklearn.foo\nStrangeThing\n)\x81}V_sklearn_version\nV1.5.2\nsb.", {});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, Code::kUnimplemented);
  EXPECT_TRUE(model.error().message.starts_with(
      "sklearn.foo.StrangeThing (scikit-learn 1.5.2) is not supported; `proa serve"))
      << model.error().message;
}

TEST(Engine, RefusesAFileThatHoldsNoEstimator) {
  for (const char* file : {"I1\n.", "(lp0\n.", "cnumpy\nndarray\n.", "ccollections\ndeque\n)R."}) {
    auto model = read_sklearn(file, {});
    ASSERT_FALSE(model.ok());
    EXPECT_TRUE(contains(model.error().message, "is no estimator of scikit-learn"))
        << model.error().message;
  }
}

TEST(Engine, RefusesPipelinesInPipelinesWithoutEnd) {
  // steps = [("a", the pipeline itself)]
  auto model = read_sklearn(
      "csklearn.pipeline\nPipeline\n)\x81p0\n}S'steps'\n(lp1\nS'a'\ng0\n\x86"
      "asb.",
      {});
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().message, "nested too deeply")) << model.error().message;
}

TEST(Engine, AllowsExactlyWhatTheCatalogueHolds) {
  EXPECT_EQ(sklearn_allows("sklearn.svm._classes", "SVC"), pickle::Verdict::kAllowed);
  EXPECT_EQ(sklearn_allows("sklearn.svm._classes", "SVC.fit"), pickle::Verdict::kRefused);
  EXPECT_EQ(sklearn_allows("sklearn.svm._classes", "system"), pickle::Verdict::kRefused);
  EXPECT_EQ(sklearn_allows("sklearn.svm", "StrangeThing"), pickle::Verdict::kUnsupported);
  EXPECT_EQ(sklearn_allows("os", "system"), pickle::Verdict::kRefused);
  EXPECT_EQ(sklearn_allows("sklearn.externals.joblib", "load"), pickle::Verdict::kRefused);
}

TEST(Catalogue, NamesEveryClassOnceAndOnlyInModulesOfScikitLearn) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (auto family : catalog())
    for (const Entry& e : family)
      for (std::string_view module : split(e.modules, ' ')) {
        bool ours = module.starts_with("sklearn") || module == "_loss";
        std::string_view root = module.substr(0, module.find('.'));
        bool shared = !e.make && (root == "numpy" || root == "scipy" || root == "builtins" ||
                                  root == "__builtin__" || root == "exceptions");
        EXPECT_TRUE(ours || shared) << module << " " << e.name;
        if (e.make) {
          EXPECT_TRUE(seen.insert({module, e.name}).second) << module << " " << e.name;
        }
      }
}

TEST(Catalogue, HoldsNothingThatRunsCodeOrReadsFiles) {
  for (auto family : catalog())
    for (const Entry& e : family)
      for (std::string_view bad : {"system", "eval", "exec", "load", "open", "getattr", "import",
                                   "fetch", "parse_", "run", "call", "compile"})
        EXPECT_FALSE(e.name == bad || e.name.starts_with("load_") || e.name.starts_with("fetch_") ||
                     e.name.starts_with("__import") || e.name.find('.') != e.name.npos)
            << e.name;
}

TEST(Formats, ListEveryCoveredClass) {
  std::string text = formats_text(kEngines);
  EXPECT_TRUE(text.starts_with("sklearn (.joblib, .pkl, .pickle): ")) << text;
  EXPECT_TRUE(contains(text, "  sklearn.svm\n"));
  EXPECT_TRUE(contains(text, "StandardScaler"));
  for (std::string_view line : split(text, '\n')) EXPECT_LE(line.size(), 104u) << line;
}

TEST(Engine, SurvivesEveryCutAndManyMutations) {
  std::string whole = iris();
  for (size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(read_sklearn(whole.substr(0, n), {}).ok());
  unsigned seed = 11;
  std::mt19937 random(seed);
  std::vector<double> row(4, 1.5);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = whole;
    for (unsigned k = 0; k <= random() % 4; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto model = read_sklearn(bytes, {});
    if (model.ok() && (*model)->info().features == 4) (void)predict(**model, row, 4);
  }
}

}  // namespace
}  // namespace proa::engines
