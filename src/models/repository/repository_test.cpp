#include "models/repository/repository.h"

#include <gtest/gtest.h>

#include <future>

#include "models/repository/fake_engine.h"

namespace proa::repository {
namespace {

struct RepositoryTest : testing::Test {
  Folder folder;
  FakeEngine engine;
  const inference::Engine* engines[1] = {&engine};
  metrics::Registry registry;
  Options options;
  std::unique_ptr<Repository> repository;

  Status open() {
    if (options.path.empty()) options.path = folder.path();
    repository = std::make_unique<Repository>(options, engines, registry);
    return repository->load_all();
  }
  std::string names() {
    std::string all;
    for (const auto& e : repository->snapshot()->entries) {
      all += e->name + ":";
      for (const auto& v : e->versions) all += v->version + ",";
    }
    return all;
  }
};

TEST_F(RepositoryTest, LoadsAFile) {
  options.path = folder.put("model.fake", "1");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "model:,");
}

TEST_F(RepositoryTest, LoadsTheOneModelOfAFolder) {
  folder.put("x.fake", "1");
  folder.put("readme.txt", "");
  options.model_name = "iris";
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "iris:,");
  EXPECT_TRUE(repository->all_loaded());
}

TEST_F(RepositoryTest, RefusesTwoModelsInAFolderAsKServeDoes) {
  folder.put("x.fake", "1");
  folder.put("y.fake", "1");
  Status s = open();
  ASSERT_FALSE(s.ok());
  EXPECT_TRUE(contains(s.error().message, "More than one model file is detected"))
      << s.error().message;
}

TEST_F(RepositoryTest, SaysWhatAFolderHoldsInsteadOfAModel) {
  folder.put("x.txt", "1");
  Status s = open();
  ASSERT_FALSE(s.ok());
  EXPECT_TRUE(contains(s.error().message, ".fake; it holds x.txt")) << s.error().message;
}

TEST_F(RepositoryTest, LoadsTheLatestVersion) {
  folder.put("1/x.fake", "1");
  folder.put("9/x.fake", "1");
  folder.put("10/x.fake", "1");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "model:10,");
}

TEST_F(RepositoryTest, LoadsTheVersionsOfThePolicy) {
  for (const char* v : {"1/x.fake", "2/x.fake", "3/x.fake"}) folder.put(v, "1");
  options.policy = *parse_policy("latest:2");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "model:3,2,");
  options.policy = *parse_policy("all");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "model:3,2,1,");
  options.policy = *parse_policy("specific:1,3");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "model:3,1,");
  options.policy = *parse_policy("4");
  EXPECT_FALSE(open().ok());
}

TEST_F(RepositoryTest, LoadsARepositoryAndGoesOnWhereOneModelIsBad) {
  folder.put("iris/x.fake", "1");
  folder.put("wine/1/x.fake", "1");
  folder.put("broken/x.fake", "bad");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "iris:,wine:1,");
  EXPECT_FALSE(repository->all_loaded());
  auto index = repository->index();
  ASSERT_EQ(index.size(), 3u);
  EXPECT_EQ(index[0].state, "UNAVAILABLE");
  EXPECT_TRUE(contains(index[0].reason, "no number"));
  EXPECT_EQ(index[2].version, "1");
}

TEST_F(RepositoryTest, ReadsModelSettings) {
  folder.put("model-settings.json", R"({"name":"m","implementation":"mlserver_sklearn.SKLearnModel",
      "parameters":{"uri":"./files/x.fake","version":"v1"},"max_batch_size":8,"max_batch_time":0.5,
      "inputs":[{"name":"a","datatype":"FP32","shape":[-1,2]}]})");
  folder.put("files/x.fake", "1");
  options.engine = "fake";
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "m:v1,");
  const auto& entry = *repository->snapshot()->entries[0];
  EXPECT_TRUE(entry.mlserver);
  EXPECT_EQ(entry.settings.max_batch_size, 8u);
  EXPECT_EQ(entry.settings.inputs[0].type, inference::DataType::kFp32);
}

TEST_F(RepositoryTest, KnowsModelsByTheNamesOfTheirSettings) {
  folder.put("a/model-settings.json", R"({"name":"mushroom"})");
  folder.put("a/x.fake", "1");
  folder.put("b/x.fake", "1");
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "b:,mushroom:,");
  ASSERT_TRUE(repository->unload("mushroom").ok());
  ASSERT_TRUE(repository->load("mushroom").ok());
  folder.put("c/model-settings.json", R"({"name":"late"})");
  folder.put("c/x.fake", "1");
  ASSERT_TRUE(repository->load("late").ok());
  EXPECT_EQ(names(), "b:,late:,mushroom:,");
  EXPECT_EQ(repository->index().size(), 3u);
}

TEST_F(RepositoryTest, NamesAnImplementationThatItDoesNotServe) {
  folder.put("model-settings.json", R"({"name":"m","implementation":"my.Own"})");
  Status s = open();
  ASSERT_FALSE(s.ok());
  EXPECT_TRUE(contains(s.error().message, "my.Own")) << s.error().message;
}

TEST_F(RepositoryTest, UnloadsAndLoadsAgainWhileOldSnapshotsLive) {
  folder.put("iris/x.fake", "1");
  ASSERT_TRUE(open().ok());
  auto old = repository->snapshot();
  uint64_t before = repository->generation();
  folder.put("iris/x.fake", "2");
  ASSERT_TRUE(repository->load("iris").ok());
  EXPECT_GT(repository->generation(), before);
  EXPECT_EQ(engine.alive, 2);
  old.reset();
  EXPECT_EQ(engine.alive, 1);
  ASSERT_TRUE(repository->unload("iris").ok());
  EXPECT_EQ(engine.alive, 0);
  EXPECT_EQ(repository->unload("iris").error().code, Code::kNotFound);
  EXPECT_EQ(repository->index()[0].state, "UNAVAILABLE");
  ASSERT_TRUE(repository->load("iris").ok());
}

TEST_F(RepositoryTest, KeepsTheOldModelWhereTheNewOneIsBad) {
  folder.put("iris/x.fake", "1");
  ASSERT_TRUE(open().ok());
  folder.put("iris/x.fake", "bad");
  EXPECT_FALSE(repository->load("iris").ok());
  EXPECT_EQ(names(), "iris:,");
  EXPECT_EQ(repository->index()[0].state, "READY");
}

TEST_F(RepositoryTest, TakesNoNameThatLeavesItsFolder) {
  folder.put("iris/x.fake", "1");
  ASSERT_TRUE(open().ok());
  for (const char* name : {"../iris", ".", "", "a/b", ".hidden", "none"})
    EXPECT_EQ(repository->load(name).error().code, Code::kNotFound) << name;
}

TEST_F(RepositoryTest, StartsEmptyWhereItIsToldTo) {
  folder.put("readme.txt", "");
  options.load_at_start = false;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "");
  EXPECT_TRUE(repository->all_loaded());
  folder.put("iris/x.fake", "1");
  ASSERT_TRUE(repository->load("iris").ok());
  EXPECT_EQ(names(), "iris:,");
}

TEST_F(RepositoryTest, LoadsOnItsOwnThread) {
  folder.put("iris/x.fake", "1");
  ASSERT_TRUE(open().ok());
  std::promise<Status> done;
  repository->load_later("iris", [&](Status s) { done.set_value(std::move(s)); });
  EXPECT_TRUE(done.get_future().get().ok());
}

TEST_F(RepositoryTest, RefusesAFileAboveTheMemoryLimit) {
  folder.put("x.fake", "1 and much more");
  options.load.memory_limit = 4;
  EXPECT_EQ(open().error().code, Code::kTooLarge);
}

TEST(VersionPolicy, NamesWhatItTakes) {
  EXPECT_FALSE(parse_policy("newest").ok());
  EXPECT_FALSE(parse_policy("latest:0").ok());
  EXPECT_FALSE(parse_policy("specific:").ok());
  EXPECT_EQ(parse_policy("latest:3")->count, 3u);
}

}  // namespace
}  // namespace proa::repository
