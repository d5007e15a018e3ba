// Stores of files that a configuration names, and repositories of which only some are loaded.
#include <gtest/gtest.h>

#include "models/repository/fake_engine.h"
#include "models/repository/repository.h"

namespace proa::repository {
namespace {

struct NamedModels : testing::Test {
  Folder folder;
  FakeEngine engine;
  const inference::Engine* engines[1] = {&engine};
  metrics::Registry registry;
  Options options;
  std::unique_ptr<Repository> repository;

  Status open() {
    options.path = folder.path();
    repository = std::make_unique<Repository>(options, engines, registry);
    return repository->load_all();
  }
  std::string names() {
    std::string all;
    for (const auto& e : repository->snapshot()->entries) all += e->name + " ";
    return all;
  }
};

TEST_F(NamedModels, HaveTheNamesThatAreGivenToTheirFiles) {
  folder.put("a.fake", "1");
  folder.put("b.fake", "2");
  folder.put("c.fake", "3");
  options.named = {{"first", "a.fake"}, {"third", "c.fake"}};
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "first third ");
  EXPECT_TRUE(repository->unload("first").ok());
  EXPECT_EQ(names(), "third ");
  EXPECT_TRUE(repository->load("first").ok());
  EXPECT_EQ(repository->load("b").error().code, Code::kNotFound);
}

TEST_F(NamedModels, OneThatIsNotThereIsNamedInTheError) {
  options.named = {{"first", "missing.fake"}};
  folder.put("a.fake", "1");
  Status s = open();
  ASSERT_FALSE(s.ok());
  EXPECT_TRUE(contains(s.error().message, "first")) << s.error().message;
  EXPECT_TRUE(contains(s.error().message, "missing.fake")) << s.error().message;
}

TEST_F(NamedModels, OfARepositoryOnlyThoseAskedForAreLoadedAtTheStart) {
  folder.put("one/m.fake", "1");
  folder.put("two/m.fake", "2");
  options.load_at_start = false;
  options.load_models = {"two"};
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(names(), "two ");
  EXPECT_TRUE(repository->load("one").ok());
  EXPECT_EQ(names(), "one two ");
}

}  // namespace
}  // namespace proa::repository
