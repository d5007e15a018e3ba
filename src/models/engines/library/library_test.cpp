#include "models/engines/library/library.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

TEST(EngineLibrary, AVariableGoesBeforeWhatLiesBesideTheProgram) {
  auto folders = engine_folders_of("/opt/proa/bin/proa", "/engines");
  ASSERT_GE(folders.size(), 3u);
  EXPECT_EQ(folders[0], "/engines");
  EXPECT_EQ(folders[1], "/opt/proa/bin/engines");
  EXPECT_EQ(folders[2], "/opt/proa/lib/proa/engines");
}

TEST(EngineLibrary, ASourceTreeIsFoundFromItsBuildFolder) {
  auto folders = engine_folders_of("/home/me/proa/build/src/app/proa", nullptr);
  EXPECT_NE(std::find(folders.begin(), folders.end(), "/home/me/proa/.tools/engines"),
            folders.end());
}

TEST(EngineLibrary, OneThatIsNotInstalledSaysHowToInstallIt) {
  auto library = Library::open("no-such-engine", "libnone.so");
  ASSERT_FALSE(library.ok());
  EXPECT_EQ(library.error().code, Code::kUnimplemented);
  EXPECT_TRUE(contains(library.error().message, "tools/engines/install no-such-engine"));
}

}  // namespace
}  // namespace proa::engines
