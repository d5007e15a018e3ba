#include "platform/apiserver/pki/pki.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/json/yaml.h"

namespace proa::apiserver {
namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/proa-pki-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { (void)remove_tree(path).ok(); }
  std::string path;
};

const WallTime kNow = *parse_rfc3339("2026-11-01T10:00:00Z");

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

TEST(Pki, UsesAgainWhatIsThere) {
  Folder folder;
  auto first = ensure_credentials(folder.path + "/pki", {"10.1.2.3"}, kNow);
  ASSERT_TRUE(first.ok()) << first.error().message;
  auto again = ensure_credentials(folder.path + "/pki", {"10.1.2.3"}, kNow);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first->ca, again->ca);
  EXPECT_EQ(first->server, again->server);
  EXPECT_EQ(first->admin_key, again->admin_key);
  struct stat info;
  ASSERT_EQ(stat((folder.path + "/pki/ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Pki, MakesAnotherServerCertificateForAnotherAddressAndKeepsTheCa) {
  Folder folder;
  auto first = ensure_credentials(folder.path, {}, kNow);
  auto second = ensure_credentials(folder.path, {"192.168.7.7", "box.lan"}, kNow);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->ca, second->ca);
  EXPECT_NE(first->server, second->server);
  EXPECT_EQ(first->admin, second->admin);
  auto names = names_of(second->server);
  for (const char* name :
       {"192.168.7.7", "box.lan", "localhost", "127.0.0.1", "kubernetes.default.svc"})
    EXPECT_TRUE(has(names, name)) << name;
}

TEST(Pki, RenewsACertificateCloseToItsEnd) {
  Folder folder;
  auto first = ensure_credentials(folder.path, {}, kNow);
  auto later = ensure_credentials(folder.path, {}, kNow + std::chrono::hours(24 * 340));
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(first->ca, later->ca);
  EXPECT_NE(first->server, later->server);
  EXPECT_NE(first->admin, later->admin);
  EXPECT_EQ(days_left(first->server, kNow), 365);
  EXPECT_LT(days_left(first->server, kNow + std::chrono::hours(24 * 366)), 0);
}

TEST(Pki, ReplacesDamagedFiles) {
  Folder folder;
  ASSERT_TRUE(ensure_credentials(folder.path, {}, kNow).ok());
  ASSERT_TRUE(write_file(folder.path + "/admin.key", "rubbish").ok());
  auto again = ensure_credentials(folder.path, {}, kNow);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*read_file(folder.path + "/admin.key"), again->admin_key);
}

TEST(Pki, WritesAKubeconfigThatHoldsEverything) {
  Folder folder;
  auto made = ensure_credentials(folder.path, {}, kNow);
  auto config = json::parse_yaml(make_kubeconfig(*made, "https://127.0.0.1:6443"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ((*config)["current-context"].str(), "proa");
  EXPECT_EQ((*config)["clusters"][0]["cluster"]["server"].str(), "https://127.0.0.1:6443");
}

}  // namespace
}  // namespace proa::apiserver
