#include "platform/node/interpreter.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "foundation/base/file.h"

namespace proa::node {
namespace {

using Folders = std::vector<std::string>;

class Interpreter : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/proa-interpreter-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(folder_).ok()); }
  std::string put(const std::string& name, const std::string& text = "") {
    std::string path = folder_ + "/" + name;
    EXPECT_TRUE(make_dirs(path.substr(0, path.find_last_of('/'))).ok());
    EXPECT_TRUE(write_file(path, text).ok());
    return path;
  }
  std::string folder_;
};

TEST_F(Interpreter, NeedsItsEnvironmentAndTheInstallationThatThisWasMadeFrom) {
  put("base/bin/python3");
  put("base/lib/python3.12/os.py");
  put("venv/pyvenv.cfg", "version = 3.12\nhome = " + folder_ + "/base/bin\n");
  EXPECT_EQ(interpreter_folders(put("venv/bin/python")),
            (Folders{folder_ + "/base", folder_ + "/venv"}));
}

TEST_F(Interpreter, OfTheSystemNeedsNoFolderBesides) {
  put("venv/pyvenv.cfg", "home = /usr/bin\n");
  EXPECT_EQ(interpreter_folders(put("venv/bin/python")), (Folders{folder_ + "/venv"}));
  EXPECT_EQ(interpreter_folders("/usr/bin/env"), Folders{});
  EXPECT_EQ(interpreter_folders("python3"), Folders{});
  EXPECT_EQ(interpreter_folders(folder_ + "/nothing/bin/python"), Folders{});
}

TEST_F(Interpreter, NeverShowsAFolderThatIsNoInstallation) {
  EXPECT_EQ(interpreter_folders(put("home/bin/python")), (Folders{folder_ + "/home/bin"}));
}

TEST_F(Interpreter, ShowsNoFolderTwice) {
  put("base/lib/python3.12/os.py");
  put("base/bin/python3");
  put("base/venv/pyvenv.cfg", "home = " + folder_ + "/base/bin\n");
  EXPECT_EQ(interpreter_folders(put("base/venv/bin/python")), (Folders{folder_ + "/base"}));
}

}  // namespace
}  // namespace proa::node
