#include "platform/node/zygote/rootfs.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "foundation/base/strings.h"
#include "platform/node/zygote/sandbox.h"

namespace proa::node {
namespace {

// A folder with the host's system in it, as debootstrap makes one: a root that is no mount.
bool furnish_chroot(const std::string& root) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return false;
  for (const char* name : {"usr", "etc", "dev", "proc", "bin", "sbin", "lib", "lib64"}) {
    std::string host = str("/", name), here = root + host;
    struct stat info {};
    if (::lstat(host.c_str(), &info) != 0) continue;
    if (S_ISLNK(info.st_mode)) {
      if (::symlink(str("usr/", name).c_str(), here.c_str()) != 0) return false;
    } else if (::mkdir(here.c_str(), 0755) != 0 ||
               ::mount(host.c_str(), here.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
      return false;
    }
  }
  return ::mkdir((root + "/mnt").c_str(), 0755) == 0 && ::chroot(root.c_str()) == 0 &&
         ::chdir("/") == 0;
}

TEST(Sandbox, HasItsOwnMountsInABareChrootToo) {
  if (::geteuid() != 0 || !can_isolate(false)) GTEST_SKIP() << "needs root and namespaces";
  char folder[] = "/tmp/proa-chroot-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  pid_t child = ::fork();
  if (child == 0) {
    if (!furnish_chroot(folder)) ::_exit(2);
    ::_exit(can_isolate(false) ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no mounts to be had here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::string clean = str("find ", folder, " -xdev -depth -delete");
  EXPECT_EQ(std::system(clean.c_str()), 0);
}

}  // namespace
}  // namespace proa::node
