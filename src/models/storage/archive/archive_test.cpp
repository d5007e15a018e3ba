#include "models/storage/archive/archive.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foundation/base/strings.h"
#include "models/storage/archive/test_archive.h"

namespace proa::storage {
namespace {

class ArchiveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/archive-test-XXXXXX";
    dir_ = mkdtemp(name);
    ASSERT_TRUE(make_dirs(dir_ + "/out").ok());
  }
  void TearDown() override { (void)remove_tree(dir_).ok(); }

  std::string unpacked(const std::vector<Item>& items, const std::string& name = "a.tar",
                       ArchiveLimits limits = {}) {
    write_archive(dir_ + "/" + name, items);
    return open(name, limits);
  }
  std::string open(const std::string& name, ArchiveLimits limits = {}) {
    auto folder = Folder::open(dir_ + "/out");
    const auto done = unpack(dir_ + "/" + name, *folder, limits);
    return done.ok() ? "" : done.error().message;
  }
  std::string out(const std::string& path) {
    return read_file(dir_ + "/out/" + path).value_or("(none)");
  }
  std::string dir_;
};

TEST_F(ArchiveTest, UnpacksEveryFormat) {
  for (auto name : {"a.tar", "a.tgz", "a.tar.gz", "a.zip"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(unpacked({{"./d/", "", "", AE_IFDIR}, {"./d/model.joblib", "content"}}, name), "");
    EXPECT_EQ(out("d/model.joblib"), "content");
    ASSERT_TRUE(remove_tree(dir_ + "/out/d").ok());
  }
}

TEST_F(ArchiveTest, RefusesWhatLeadsOutOrIsNoFile) {
  const std::vector<std::pair<std::vector<Item>, const char*>> cases = {
      {{{"../evil", "x"}}, "climbs out"},
      {{{"a/../../evil", "x"}}, "climbs out"},
      {{{"/etc/evil", "x"}}, "is absolute"},
      {{{"fifo", "", "", AE_IFIFO}}, "neither a file nor a folder"},
      {{{"link", "", "/etc/passwd", AE_IFLNK}}, "leads out"},
      {{{"link", "", "../../etc/passwd", AE_IFLNK}}, "leads out"},
      {{{"link", "", "missing", AE_IFLNK}}, "no file that came before it"},
      {{{"dir", "", "/tmp", AE_IFLNK}, {"dir/file", "x"}}, "leads out"},
      {{{"hard", "", "../evil", AE_IFREG, true}}, "climbs out"},
  };
  for (const auto& [items, message] : cases) {
    SCOPED_TRACE(message);
    const auto line = unpacked(items);
    EXPECT_TRUE(contains(line, message)) << line;
    EXPECT_FALSE(exists(dir_ + "/evil"));
  }
}

TEST_F(ArchiveTest, ALinkToAFileInsideIsThatFile) {
  EXPECT_EQ(
      unpacked({{"d/a", "content"}, {"d/b", "", "a", AE_IFLNK}, {"c", "", "d/a", AE_IFREG, true}}),
      "");
  EXPECT_EQ(out("d/b"), "content");
  EXPECT_EQ(out("c"), "content");
  struct stat st {};
  ASSERT_EQ(lstat((dir_ + "/out/d/b").c_str(), &st), 0);
  EXPECT_TRUE(S_ISREG(st.st_mode));
}

TEST_F(ArchiveTest, TooMuchIsAnErrorNotATruncatedModel) {
  ArchiveLimits limits;
  limits.bytes = 100;
  EXPECT_TRUE(
      contains(unpacked({{"a", std::string(101, 'x')}}, "a.tgz", limits), "more than 100 bytes"));
  limits = {};
  limits.files = 2;
  EXPECT_TRUE(contains(unpacked({{"a", "1"}, {"b", "1"}, {"c", "1"}}, "b.tar", limits),
                       "more than 2 files"));
}

TEST_F(ArchiveTest, SaysThatItIsNoArchive) {
  ASSERT_TRUE(write_file(dir_ + "/a.tar.gz", "this is none").ok());
  EXPECT_TRUE(
      open("a.tar.gz").starts_with("Failed to unpack archive file. The file format is not valid."));
}

TEST_F(ArchiveTest, ATruncatedArchiveIsAnError) {
  write_archive(dir_ + "/a.tgz", {{"a", std::string(100'000, 'q') + "end"}});
  auto whole = read_file(dir_ + "/a.tgz");
  ASSERT_TRUE(write_file(dir_ + "/a.tgz", whole->substr(0, whole->size() / 2)).ok());
  EXPECT_NE(open("a.tgz"), "");
}

TEST(Folder, DoesNotFollowLinks) {
  char name[] = "/tmp/folder-test-XXXXXX";
  const std::string dir = mkdtemp(name);
  ASSERT_EQ(symlink("/etc", (dir + "/out").c_str()), 0);
  auto folder = Folder::open(dir);
  EXPECT_FALSE(folder->open_file("out/passwd", 0).ok());
  EXPECT_FALSE(folder->create("out/x").ok());
  (void)remove_tree(dir).ok();
}

}  // namespace
}  // namespace proa::storage
