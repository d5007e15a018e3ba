// URIs and archives that want out: each is refused, or all that it makes lies below its folder and
// no server of this machine is asked.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/archive/archive.h"
#include "models/storage/archive/test_archive.h"
#include "models/storage/fetch.h"
#include "models/storage/transfer/test_server.h"

namespace proa::storage {
namespace {

std::string new_dir() {
  char name[] = "/tmp/hostile-test-XXXXXX";
  return mkdtemp(name);
}

// Ways to write 127.0.0.1 and what is like it.
std::vector<std::string> private_hosts(const std::string& port) {
  std::vector<std::string> out;
  for (auto host : {"127.0.0.1",
                    "127.1",
                    "127.0.1",
                    "2130706433",
                    "0x7f000001",
                    "0x7f.0.0.1",
                    "0177.0.0.1",
                    "017700000001",
                    "127.255.255.254",
                    "localhost",
                    "LOCALHOST",
                    "localhost.",
                    "[::1]",
                    "[::ffff:127.0.0.1]",
                    "[::ffff:7f00:1]",
                    "[0:0:0:0:0:0:0:1]",
                    "[::127.0.0.1]",
                    "0.0.0.0",
                    "0",
                    "[::]",
                    "169.254.169.254",
                    "0xa9fea9fe",
                    "2852039166",
                    "[::ffff:169.254.169.254]",
                    "[fd00:ec2::254]",
                    "100.100.100.200",
                    "[64:ff9b::7f00:1]",
                    "[2002:7f00:1::]",
                    "10.0.0.1",
                    "192.168.1.1",
                    "172.16.0.1",
                    "100.64.0.1",
                    "[fe80::1]",
                    "[fc00::1]",
                    "224.0.0.1",
                    "255.255.255.255",
                    "127.0.0.1.",
                    "%31%32%37.0.0.1",
                    "127。0。0。1",
                    "①②⑦.0.0.1"})
    out.push_back(str(host, ":", port));
  return out;
}

std::vector<std::string> hostile_uris(const std::string& port) {
  std::vector<std::string> out;
  for (const auto& host : private_hosts(port))
    for (auto form : {"http://HOST/m.bin", "http://user:pw@HOST/m.bin", "http://8.8.8.8@HOST/m.bin",
                      "http://HOST/m.git"})
      out.push_back(replace_all(form, "HOST", host));
  const std::vector<std::string> climbs = {"../../etc/passwd",
                                           "a/../../etc/passwd",
                                           "%2e%2e/%2e%2e/etc/passwd",
                                           "..%2f..%2fetc/passwd",
                                           "..\\..\\etc",
                                           "a/..",
                                           "..",
                                           "./..",
                                           "%2e%2e%2f",
                                           "....//",
                                           "a/%2e%2e/b",
                                           "a/.%2e/b",
                                           std::string("a\0b", 3),
                                           "a\nb",
                                           "a\rb",
                                           "%00",
                                           "%0a",
                                           "%zz",
                                           "%",
                                           "a\x7f"};
  for (const auto& climb : climbs)
    for (auto scheme : {"gs://b/", "s3://b/", "oss://b/", "hf://o/", "ms://o/",
                        "oci://127.0.0.1:1/", "hdfs://", "webhdfs://127.0.0.1:1/"})
      out.push_back(scheme + climb);
  for (auto odd : {"gs://",
                   "s3:///x",
                   "s3://../x",
                   "s3://b..c/x",
                   "s3://B/x",
                   "s3://-",
                   "hf://a",
                   "hf://a/b/c",
                   "hf://a/b:",
                   "hf://../x",
                   "hf://a/..",
                   "oci://",
                   "oci://r.io",
                   "oci://r.io/A",
                   "oci://r.io/a@sha256:x",
                   "oci://r.io/a@md5:x",
                   "oci://r.io/../x",
                   "oci://r.io//x",
                   "hdfs://",
                   "http://",
                   "https://",
                   "http://:80/x",
                   "http:///x",
                   "https://?x",
                   "http://#@127.0.0.1/x",
                   "file://x",
                   "file:",
                   "javascript://x",
                   "ftp://127.0.0.1/x",
                   "gopher://127.0.0.1:6379/_x",
                   "dict://127.0.0.1/x",
                   "scp://127.0.0.1/x",
                   "ldap://127.0.0.1/x",
                   "file://localhost/etc/passwd",
                   "http://a\\@127.0.0.1/x",
                   "https://h/a.git#-x",
                   "https://h/a.git#--upload-pack=x",
                   "https://h/a.git?ref=-x",
                   " http://x",
                   "HTTP://127.0.0.1/x",
                   "gs://b\t/x"})
    out.emplace_back(odd);
  return out;
}

TEST(Hostile, ThreeHundredUrisReachNoPrivateServerAndWriteNothingOutside) {
  TestServer inside([](const Asked&) { return Answer{200, {{"ETag", "\"1\""}}, "inside"}; });
  const auto port = inside.url().substr(inside.url().rfind(':') + 1);
  const auto uris = hostile_uris(port);
  ASSERT_GE(uris.size(), 300u);
  const auto dir = new_dir();
  FetchOptions o;
  o.source.attempts = 1;
  o.source.http.connect_ms = 50;
  o.source.env["PATH"] = "/usr/bin:/bin";
  // Names that need the network's help must not wait for it.
  for (auto name : {"STORAGE_EMULATOR_HOST", "AWS_ENDPOINT_URL", "OSS_ENDPOINT", "HF_ENDPOINT",
                    "MODELSCOPE_ENDPOINT"})
    o.source.env[name] = "http://127.0.0.1:1";
  for (const auto& uri : uris) {
    SCOPED_TRACE(uri);
    const auto done = fetch(uri, dir + "/root/dst", o);
    EXPECT_FALSE(done.ok());
    EXPECT_FALSE(!done.ok() && contains(done.error().message, "user:pw"));
  }
  EXPECT_EQ(inside.requests(), 0);
  RecordProperty("uris", static_cast<int>(uris.size()));
  EXPECT_LE(list_dir(dir).value_or({}).size(), 1u);
  EXPECT_TRUE(list_dir(dir + "/root/dst").value_or({}).empty());
  (void)remove_tree(dir).ok();
}

TEST(Hostile, ARedirectToAPrivateServerIsNotFollowed) {
  TestServer inside([](const Asked&) { return Answer{200, {}, "inside"}; });
  std::string target;
  TestServer outside([&](const Asked&) { return Answer{302, {{"Location", target}}, ""}; });
  const auto dir = new_dir();
  FetchOptions o;
  o.source.attempts = 1;
  o.source.env["AWS_ENDPOINT_URL"] = outside.url();  // configured, so it may be asked
  for (const auto& host : private_hosts(inside.url().substr(inside.url().rfind(':') + 1))) {
    SCOPED_TRACE(host);
    target = str("http://", host, "/x");
    EXPECT_FALSE(fetch("s3://bucket/m", dir + "/dst", o).ok());
  }
  EXPECT_EQ(inside.requests(), 0);
  EXPECT_GT(outside.requests(), 10);
  (void)remove_tree(dir).ok();
}

constexpr unsigned kEveryBit = 07777;  // of permissions: set-user-id and sticky too

std::vector<std::vector<Item>> hostile_archives(const std::string& outside) {
  std::vector<std::vector<Item>> out;
  const std::vector<std::string> names = {"../evil",
                                          "a/../../evil",
                                          "/evil",
                                          "//evil",
                                          outside + "/evil",
                                          "./../evil",
                                          "a/b/../../../evil",
                                          "..",
                                          "../",
                                          "...",
                                          "a/..",
                                          "models/../../evil",
                                          "..\\evil",
                                          "C:\\evil",
                                          "a\nb",
                                          "a\x01"
                                          "b",
                                          "./evil",
                                          "evil/",
                                          ".",
                                          "~/evil",
                                          "-rf",
                                          "models/x",
                                          ".wh.x",
                                          ".wh..wh..opq",
                                          "models/.wh...",
                                          "models/.wh..",
                                          std::string(300, 'x'),
                                          std::string(2000, 'y'),
                                          "a/" + std::string(1100, 'z'),
                                          "e\xcc\x81vil",
                                          "\xff\xfe"};
  for (const auto& name : names) out.push_back({{name, "x"}});
  const std::vector<std::string> targets = {"/etc/passwd",
                                            "../../etc/passwd",
                                            outside + "/secret",
                                            "..",
                                            ".",
                                            "/",
                                            "missing",
                                            "link",
                                            "../" + outside.substr(1) + "/secret",
                                            "a/../../secret",
                                            "./../secret",
                                            "/proc/self/environ",
                                            "/dev/zero",
                                            "",
                                            "a",
                                            "../models/a"};
  for (const auto& target : targets) {
    for (bool hard : {false, true}) {
      const Item link{"link", "", target.empty() ? "?" : target,
                      static_cast<int>(hard ? AE_IFREG : AE_IFLNK), hard};
      out.push_back({link});
      out.push_back({link, {"link", "through"}});
      out.push_back({link, {"link/evil", "through"}});
      out.push_back({{"a", "1"}, link, {"link", "through"}});
      out.push_back({{"d/", "", "", AE_IFDIR}, link, {"d/link", "", target + "x", AE_IFLNK}});
    }
  }
  for (int type : {AE_IFIFO, AE_IFCHR, AE_IFBLK, AE_IFSOCK})
    out.push_back({{"node", "", "", type}});
  out.push_back({{"a", "1"}, {"a", "2"}, {"a", "3"}});
  out.push_back({{"a", "1"}, {"a/b", "2"}});
  out.push_back({{"a/b", "1"}, {"a", "2"}});
  out.push_back({{"a/", "", "", AE_IFDIR}, {"a", "2"}});
  return out;
}

void expect_plain_below(const std::string& folder) {
  const auto names = list_dir(folder).value_or({});
  for (const auto& name : names) {
    struct stat st {};
    const auto path = str(folder, "/", name);
    ASSERT_EQ(lstat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) << path;
    EXPECT_EQ(st.st_mode & 07000, 0u) << path;
    if (S_ISDIR(st.st_mode)) expect_plain_below(path);
  }
}

TEST(Hostile, TwoHundredArchivesStayBelowTheirFolder) {
  const auto dir = new_dir();
  ASSERT_TRUE(make_dirs(dir + "/outside").ok());
  ASSERT_TRUE(write_file(dir + "/outside/secret", "secret").ok());
  const auto archives = hostile_archives(dir + "/outside");
  size_t cases = 0;
  for (const auto& items : archives) {
    for (auto name : {"a.tar", "a.zip", "layer.tar.gz"}) {
      SCOPED_TRACE(str(name, " ", items[0].name, " -> ", items[0].link));
      ASSERT_TRUE(remove_tree(dir + "/root").ok());
      ASSERT_TRUE(make_dirs(dir + "/root/out").ok());
      write_archive(str(dir, "/", name), items, kEveryBit);
      const auto into = Folder::open(dir + "/root/out");
      ArchiveLimits limits{1 << 20, 100};
      const bool layer = std::string_view(name).starts_with("layer");
      (void)(layer ? unpack_layer(str(dir, "/", name), *into, limits)
                   : unpack(str(dir, "/", name), *into, limits))
          .ok();
      ++cases;
      EXPECT_EQ(list_dir(dir + "/root").value_or({}), std::vector<std::string>{"out"});
      EXPECT_EQ(read_file(dir + "/outside/secret").value_or(""), "secret");
      EXPECT_EQ(list_dir(dir + "/outside").value_or({}).size(), 1u);
      EXPECT_FALSE(exists("/evil") || exists("/tmp/evil"));
      expect_plain_below(dir + "/root/out");
    }
  }
  EXPECT_GE(cases, 200u);
  RecordProperty("archives", static_cast<int>(cases));
  (void)remove_tree(dir).ok();
}

TEST(Hostile, BombsAreErrorsNotTruncatedModels) {
  const auto dir = new_dir();
  ASSERT_TRUE(make_dirs(dir + "/out").ok());
  const auto into = Folder::open(dir + "/out");
  write_archive(dir + "/bomb.tgz", {{"zeros", std::string(64 << 20, '\0')}}, kEveryBit);
  const auto big = unpack(dir + "/bomb.tgz", *into, {32 << 20, 100});
  ASSERT_FALSE(big.ok());
  EXPECT_EQ(big.error().code, Code::kTooLarge);
  std::vector<Item> many;
  for (int i = 0; i < 2000; ++i) many.push_back({str("f", i), ""});
  write_archive(dir + "/many.zip", many, kEveryBit);
  const auto files = unpack(dir + "/many.zip", *into, {1 << 20, 1000});
  ASSERT_FALSE(files.ok());
  EXPECT_EQ(files.error().code, Code::kTooLarge);
  (void)remove_tree(dir).ok();
}

// A member's head as tar writes it, with a size that need not be true.
std::string tar_head(const std::string& name, uint64_t size) {
  std::string h(512, '\0');
  name.copy(h.data(), 100);
  str("0000644").copy(h.data() + 100, 7);
  h[124] = static_cast<char>(0x80);  // the size as a number of twelve bytes
  for (int i = 0; i < 8; ++i) h[135 - static_cast<size_t>(i)] = static_cast<char>(size >> (8 * i));
  h[156] = '0';
  str("ustar").copy(h.data() + 257, 5);
  str("00").copy(h.data() + 263, 2);
  h.replace(148, 8, "        ");
  unsigned sum = 0;
  for (unsigned char c : h) sum += c;
  char text[9];
  std::snprintf(text, sizeof text, "%06o", sum);
  h.replace(148, 7, text, 7);
  return h;
}

TEST(Hostile, AMemberLargerThanAllowedOrThanTheArchiveIsAnError) {
  const auto dir = new_dir();
  struct Case {
    uint64_t said;
    int64_t allowed;
  };
  // More than 1 GiB and 10 GB where less is allowed; then allowed, but not there.
  for (const auto& c : {Case{(1ull << 30) + 1, 1ll << 30}, Case{10'000'000'000, 1ll << 30},
                        Case{10'000'000'000, 1ll << 40}, Case{1ull << 62, 1ll << 40},
                        Case{~0ull, 1ll << 40}, Case{4096, 1ll << 30}}) {
    SCOPED_TRACE(c.said);
    const auto archive = tar_head("model.bin", c.said) + std::string(4096, 'x');
    ASSERT_TRUE(write_file(dir + "/a.tar", archive).ok());
    ASSERT_TRUE(make_dirs(dir + "/out").ok());
    const auto done = unpack(dir + "/a.tar", *Folder::open(dir + "/out"), {c.allowed, 100});
    EXPECT_EQ(done.ok(), c.said == 4096);
    ASSERT_TRUE(remove_tree(dir + "/out").ok());
  }
  (void)remove_tree(dir).ok();
}

}  // namespace
}  // namespace proa::storage
