#include "platform/node/usage/usage_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {
namespace {

TEST(UsageTable, AddsUpAProcessAndItsChildren) {
  const std::string proc = testing::TempDir() + "/proc-usage";
  auto process = [&](int pid, std::string_view children, int ticks) {
    const std::string folder = str(proc, "/", pid);
    ASSERT_TRUE(make_dirs(str(folder, "/task/", pid)).ok());
    ASSERT_TRUE(
        write_file(folder + "/stat", str(pid, " (a (b) c) S 1 1 1 0 -1 0 0 0 0 0 ", ticks, " ",
                                         ticks, " 0 0 20 0 1 0 5 9999 10 18446744073709551615\n"))
            .ok());
    ASSERT_TRUE(write_file(str(folder, "/task/", pid, "/children"), std::string(children)).ok());
  };
  process(7, "8 9 ", 50);
  process(8, "", 25);
  UsageTable table(proc);
  table.started({"ns", "pod"}, "c", 7, 1);
  const auto uses = table.usage({"ns", "pod"});
  ASSERT_EQ(uses.size(), 1u);
  const double second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(uses[0].cpu_seconds, 150 / second) << "9 is gone by now";
  EXPECT_DOUBLE_EQ(uses[0].memory_bytes, 20.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  table.ended({"ns", "pod"}, "c");
  EXPECT_TRUE(table.usage({"ns", "pod"}).empty());
}

TEST(UsageTable, SeesThisProcess) {
  UsageTable table;
  table.started({"ns", "me"}, "c", ::getpid(), 1);
  ASSERT_EQ(table.usage({"ns", "me"}).size(), 1u);
  EXPECT_GT(table.usage({"ns", "me"})[0].memory_bytes, 1e5);
  EXPECT_TRUE(table.usage({"ns", "other"}).empty());
}

}  // namespace
}  // namespace proa::node
