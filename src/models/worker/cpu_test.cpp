#include "models/worker/cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::models {
namespace {

TEST(CpuLimit, QuantitiesAreRoundedUpToWholeProcessors) {
  EXPECT_EQ(parse_cpus("2"), 2u);
  EXPECT_EQ(parse_cpus("0.5"), 1u);
  EXPECT_EQ(parse_cpus("1500m"), 2u);
  EXPECT_EQ(parse_cpus(""), 0u);
  EXPECT_EQ(parse_cpus("-1"), 0u);
  EXPECT_EQ(parse_cpus("many"), 0u);
}

TEST(CpuLimit, IsTheLeastQuotaOfTheControlGroupAndItsParents) {
  std::string mount = str("/tmp/proa-cpu-test-", ::getpid());
  ASSERT_TRUE(make_dirs(mount + "/a/b").ok());
  ASSERT_TRUE(write_file(mount + "/a/cpu.max", "150000 100000\n").ok());
  ASSERT_TRUE(write_file(mount + "/a/b/cpu.max", "max 100000\n").ok());
  EXPECT_EQ(cgroup_cpu_limit("0::/a/b\n", mount), 2u);
  EXPECT_EQ(cgroup_cpu_limit("0::/\n", mount), 0u);
  ASSERT_TRUE(remove_tree(mount).ok());
}

}  // namespace
}  // namespace proa::models
