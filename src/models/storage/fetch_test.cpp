#include "models/storage/fetch.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "models/storage/fake_gcs.h"

namespace proa::storage {
namespace {

class FetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/fetch-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    dir_ = name;
    options_.cache = dir_ + "/cache";
    options_.source.env["STORAGE_EMULATOR_HOST"] = server_.url();
    options_.source.retry_base_ms = 1;
    options_.source.http.connect_ms = 2000;
    options_.log = [this](const std::string& line) { log_ += line + "\n"; };
  }
  void TearDown() override { ASSERT_TRUE(remove_tree(dir_).ok()); }

  std::string dst(const std::string& name = "dst") { return dir_ + "/" + name; }
  std::string content(const std::string& path, const std::string& in = "dst") {
    return read_file(dst(in) + "/" + path).value_or("(none)");
  }
  std::string failure(const std::string& uri) {
    const auto done = fetch(uri, dst(), options_);
    return done.ok() ? "(ok)" : done.error().message;
  }
  void good(const std::string& uri, const std::string& in = "dst") {
    const auto done = fetch(uri, dst(in), options_);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void put(const std::string& name, std::string content, int64_t generation = 1) {
    std::lock_guard lock(gcs_.mutex);
    gcs_.objects[name] = {std::move(content), generation};
  }

  FakeGcs gcs_;
  TestServer server_{[this](const Asked& a) { return gcs_.handle(a); }};
  std::string dir_, log_;
  FetchOptions options_;
};

TEST_F(FetchTest, TakesAWholePrefixOverSeveralPages) {
  for (int i = 0; i < 7; ++i) put(str("m/v1/part-", i), str("content ", i));
  put("m/v1/sub/model.joblib", "deep");
  put("m/v1/folder/", "");
  put("m/v1-other/x", "not this one");
  good("gs://b/m/v1");
  for (int i = 0; i < 7; ++i) EXPECT_EQ(content(str("part-", i)), str("content ", i));
  EXPECT_EQ(content("sub/model.joblib"), "deep");
  EXPECT_FALSE(exists(dst() + "/x"));
  EXPECT_TRUE(contains(log_, "8 files")) << log_;
}

TEST_F(FetchTest, TakesASingleObject) {
  put("m/model.joblib", "one");
  good("gs://b/m/model.joblib");
  EXPECT_EQ(content("model.joblib"), "one");
  struct stat st {};
  ASSERT_EQ(stat((dst() + "/model.joblib").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0444u);
}

TEST_F(FetchTest, ASecondPodOfARevisionAsksNobody) {
  put("m/model.joblib", "one");
  options_.pin = "ns/x-predictor-00001";
  good("gs://b/m", "first");
  const int before = server_.requests();
  put("m/model.joblib", "two", 2);
  good("gs://b/m", "second");
  EXPECT_EQ(server_.requests(), before);
  EXPECT_EQ(content("model.joblib", "second"), "one");
  options_.pin = "ns/x-predictor-00002";
  good("gs://b/m", "third");
  EXPECT_EQ(content("model.joblib", "third"), "two");
  options_.pin = "ns/x-predictor-00001";  // what it has stays
  good("gs://b/m", "fourth");
  EXPECT_EQ(content("model.joblib", "fourth"), "one");
}

TEST_F(FetchTest, AnUnchangedModelIsNotDownloadedAgain) {
  put("m/model.joblib", "one");
  good("gs://b/m", "first");
  const int before = server_.requests();
  good("gs://b/m", "second");
  EXPECT_EQ(server_.requests(), before + 1);  // the listing
  struct stat a {
  }, b{};
  stat((dst("first") + "/model.joblib").c_str(), &a);
  stat((dst("second") + "/model.joblib").c_str(), &b);
  EXPECT_EQ(a.st_ino, b.st_ino);
}

TEST_F(FetchTest, SaysWhatIsNotThere) {
  put("m/model.joblib", "one");
  EXPECT_EQ(failure("gs://nobucket/m"), "bucket nobucket not found (gs://nobucket/m)");
  EXPECT_EQ(failure("gs://b/none"), "Failed to fetch model. No model found in gs://b/none.");
  EXPECT_TRUE(contains(failure("ftp://b/none"), "ftp:// is not supported; there are gs://, s3://"));
  EXPECT_EQ(failure(dir_ + "/none"),
            str("Failed to fetch model. No model found in ", dir_, "/none."));
  EXPECT_FALSE(exists(dst() + "/model.joblib"));
}

TEST_F(FetchTest, SaysThatCredentialsAreMissing) {
  gcs_.token = "t0";
  put("m/model.joblib", "one");
  const auto line = failure("gs://b/m");
  EXPECT_TRUE(line.starts_with("403 reading gs://b/m: no credentials were given")) << line;
}

TEST_F(FetchTest, SaysThatTheServerDoesNotAnswer) {
  options_.source.env["STORAGE_EMULATOR_HOST"] = "http://127.0.0.1:1";
  const auto line = failure("gs://b/m");
  EXPECT_TRUE(contains(line, "server http://127.0.0.1:1 not answering")) << line;
}

TEST_F(FetchTest, SignsInWithAServiceAccountsKey) {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* pem = nullptr;
  const long size = BIO_get_mem_data(bio, &pem);
  const json::Value file =
      json::object({{"type", "service_account"},
                    {"client_email", "me@example.com"},
                    {"private_key_id", "k1"},
                    {"private_key", std::string(pem, static_cast<size_t>(size))},
                    {"token_uri", server_.url() + "/token"}});
  BIO_free(bio);
  EVP_PKEY_free(key);
  ASSERT_TRUE(write_file(dir_ + "/key.json", json::dump(file)).ok());
  gcs_.token = "t0";
  std::string asked;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (a.path == "/token") asked = a.body;
    return std::nullopt;
  };
  put("m/model.joblib", "one");
  options_.source.env["GOOGLE_APPLICATION_CREDENTIALS"] = dir_ + "/key.json";
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib"), "one");
  EXPECT_TRUE(asked.starts_with(
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="))
      << asked;
  EXPECT_EQ(split(asked, '.').size(), 3u);
}

TEST_F(FetchTest, TriesAgainAfterServerErrorsAndCutConnections) {
  put("m/model.joblib", std::string(200'000, 'x') + "end");
  int downloads = 0, listings = 0;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt"))
      return ++listings == 1 ? std::optional(Answer{503, {}, "busy"}) : std::nullopt;
    if (++downloads == 1) return Answer{500, {}, "oops"};
    if (downloads == 2) {
      Answer cut = ranged(a, gcs_.objects["m/model.joblib"].content);
      cut.cut = 100'000;
      return cut;
    }
    return std::nullopt;
  };
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib").size(), 200'003u);
  EXPECT_EQ(downloads, 3);
}

TEST_F(FetchTest, GivesUpAfterABoundedNumberOfTries) {
  put("m/model.joblib", "one");
  int downloads = 0;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt")) return std::nullopt;
    ++downloads;
    return Answer{503, {}, ""};
  };
  EXPECT_TRUE(contains(failure("gs://b/m"), "answered 503 for model.joblib"));
  EXPECT_LE(downloads, 5);
  EXPECT_FALSE(exists(dst() + "/model.joblib"));
}

TEST_F(FetchTest, NeverShowsAModelThatWasDamagedOnTheWay) {
  put("m/model.joblib", "right content");
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt")) return std::nullopt;
    return Answer{200, {}, "wrong content"};
  };
  EXPECT_TRUE(contains(failure("gs://b/m"), "was damaged on the way")) << failure("gs://b/m");
  EXPECT_FALSE(exists(dst() + "/model.joblib"));
}

TEST_F(FetchTest, DamageOnceIsRepaired) {
  put("m/model.joblib", "right content");
  int downloads = 0;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt") || ++downloads > 1) return std::nullopt;
    return Answer{200, {}, "wrong content"};
  };
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib"), "right content");
}

TEST_F(FetchTest, ABigFileComesInChunksAndIsResumed) {
  std::string big;
  for (int i = 0; i < 100'000; ++i) big += str(i, ",");
  put("m/big.bin", big);
  options_.download.chunk = 50'000;
  options_.download.workers = 1;
  int downloads = 0;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt")) return std::nullopt;
    return ++downloads > 3 ? std::optional(Answer{403, {}, ""}) : std::nullopt;
  };
  EXPECT_NE(failure("gs://b/m"), "(ok)");
  EXPECT_FALSE(exists(dst() + "/big.bin"));
  const int first = downloads;
  downloads = -1000;
  good("gs://b/m");
  EXPECT_EQ(content("big.bin"), big);
  EXPECT_TRUE(contains(log_, "resumed: ")) << log_;
  EXPECT_LT(downloads + 1000, static_cast<int>(big.size() / 50'000) + 1 - (first - 2));
}

TEST_F(FetchTest, AServerThatIgnoresRangesIsUnderstood) {
  std::string big(30'000, 'a');
  for (size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 26);
  put("m/big.bin", big);
  options_.download.chunk = 7'000;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt")) return std::nullopt;
    return Answer{200, {}, big};
  };
  good("gs://b/m");
  EXPECT_EQ(content("big.bin"), big);
}

TEST_F(FetchTest, AStalledServerIsLeft) {
  put("m/model.joblib", "0123456789");
  options_.source.http.stall_s = 1;
  options_.source.attempts = 2;
  int downloads = 0;
  gcs_.before = [&](const Asked& a) -> std::optional<Answer> {
    if (!a.query.contains("alt") || ++downloads > 1) return std::nullopt;
    Answer stalled{200, {}, "0123456789"};
    stalled.cut = 4;
    stalled.stall = true;
    return stalled;
  };
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib"), "0123456789");
}

TEST_F(FetchTest, RefusesObjectNamesThatClimbOut) {
  put("m/../../etc/passwd", "x");
  EXPECT_TRUE(contains(failure("gs://b/m"), "climbs out of its folder"));
}

// What an entry's manifest says of the boot it was made in.
std::string boot_of(const std::string& cache, const std::string& set_to = "") {
  const auto uris = list_dir(cache).value_or({});
  for (const auto& uri : uris) {
    const auto names = list_dir(str(cache, "/", uri)).value_or({});
    for (const auto& name : names) {
      if (!name.ends_with(".json")) continue;
      const auto path = str(cache, "/", uri, "/", name);
      auto manifest = json::parse(read_file(path).value_or("")).value_or(json::Value());
      if (set_to.empty()) return manifest["boot"].str_or("none");
      manifest.set("boot", set_to);
      EXPECT_TRUE(write_file(path, json::dump(manifest)).ok());
    }
  }
  return "";
}

TEST_F(FetchTest, AnEntryOfAnEarlierBootIsReadOnceAndTakenOnlyIfWhole) {
  put("m/model.joblib", "whole");
  options_.pin = "n/r";
  good("gs://b/m");
  boot_of(options_.cache, "an earlier one");
  const int before = server_.requests();
  good("gs://b/m", "second");
  EXPECT_EQ(server_.requests(), before);  // good, so the pin serves without a request
  EXPECT_EQ(boot_of(options_.cache), "none");

  boot_of(options_.cache, "an earlier one");
  const auto uris = list_dir(options_.cache).value_or({});
  ASSERT_EQ(uris.size(), 1u);
  const auto names = list_dir(str(options_.cache, "/", uris[0])).value_or({});
  for (const auto& name : names)
    if (name.starts_with("v-") && !name.ends_with(".json")) {
      const auto file = str(options_.cache, "/", uris[0], "/", name, "/model.joblib");
      ASSERT_EQ(unlink(file.c_str()), 0);  // the power went before it was on the disk
      ASSERT_TRUE(write_file(file, "").ok());
    }
  good("gs://b/m", "third");
  EXPECT_EQ(content("model.joblib", "third"), "whole");
  EXPECT_GT(server_.requests(), before);
}

TEST_F(FetchTest, TakesOnlyWhatThePatternsAllow) {
  put("m/model.joblib", "1");
  put("m/notes.txt", "2");
  put("m/big.ckpt", "3");
  options_.source.filter.allow = parse_patterns("*.joblib,*.ckpt");
  options_.source.filter.ignore = parse_patterns(R"(["big*"])");
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib"), "1");
  EXPECT_FALSE(exists(dst() + "/notes.txt"));
  EXPECT_FALSE(exists(dst() + "/big.ckpt"));
}

TEST_F(FetchTest, AMirrorServesAPrefixFromAFolder) {
  ASSERT_TRUE(make_dirs(dir_ + "/mirror/models/iris").ok());
  ASSERT_TRUE(write_file(dir_ + "/mirror/models/iris/model.joblib", "local").ok());
  options_.source.mirrors = {{"gs://far", "/nowhere"}, {"gs://far/away", dir_ + "/mirror"}};
  good("gs://far/away/models/iris");
  EXPECT_EQ(content("model.joblib"), "local");
  EXPECT_EQ(server_.requests(), 0);
  EXPECT_EQ(failure("gs://far/away/none"),
            "Failed to fetch model. No model found in gs://far/away/none.");
}

TEST_F(FetchTest, ALocalFileIsCopied) {
  ASSERT_TRUE(write_file(dir_ + "/model.pkl", "p").ok());
  good("file://" + dir_ + "/model.pkl");
  EXPECT_EQ(content("model.pkl"), "p");
}

TEST_F(FetchTest, WorksWithoutACache) {
  put("m/model.joblib", "one");
  options_.cache.clear();
  good("gs://b/m");
  EXPECT_EQ(content("model.joblib"), "one");
  EXPECT_EQ(list_dir(dst()).value_or({}).size(), 1u);
}

TEST(FetchWeb, TakesOneFileWithHeadersForItsHostOnly) {
  std::string other_got = "(none)";
  TestServer other([&](const Asked& a) {
    other_got = a.headers.contains("secret") ? "leaked" : "clean";
    return Answer{200, {{"ETag", "\"1\""}}, "model"};
  });
  TestServer server([&](const Asked& a) {
    if (!a.headers.contains("secret")) return Answer{401, {}, ""};
    if (a.path == "/hop/m.joblib")
      return Answer{302, {{"Location", other.url() + "/m.joblib"}}, ""};
    if (a.path == "/none") return Answer{404, {}, ""};
    return Answer{200, {{"ETag", "\"1\""}}, "model"};
  });
  char name[] = "/tmp/fetch-test-XXXXXX";
  const std::string dir = mkdtemp(name);
  FetchOptions o;
  o.source.retry_base_ms = 1;
  o.source.http.addresses = *AddressRules::parse("127.0.0.1");
  auto refused = fetch(server.url() + "/a/m.joblib", dir + "/d", o);
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(contains(refused.error().message, "no credentials were given"));
  o.source.env["127.0.0.1-headers"] = R"({"secret": "x"})";
  ASSERT_TRUE(fetch(server.url() + "/a/m.joblib?v=1", dir + "/d", o).ok());
  EXPECT_EQ(read_file(dir + "/d/m.joblib").value_or(""), "model");
  ASSERT_TRUE(fetch(server.url() + "/hop/m.joblib", dir + "/e", o).ok());
  EXPECT_EQ(read_file(dir + "/e/m.joblib").value_or(""), "model");
  EXPECT_EQ(other_got, "clean");
  auto none = fetch(server.url() + "/none", dir + "/f", o);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().message, str("HTTP resource not found at '", server.url(), "/none'."));
  (void)remove_tree(dir).ok();
}

TEST(FetchMain, EndsWithOneLineInTheTerminationLog) {
  char name[] = "/tmp/fetch-test-XXXXXX";
  const std::string dir = mkdtemp(name);
  ASSERT_TRUE(write_file(dir + "/log", "").ok());
  setenv("PROA_TERMINATION_LOG", (dir + "/log").c_str(), 1);
  const std::string missing = dir + "/none", target = dir + "/dst";
  const char* argv[] = {"proa-fetch", missing.c_str(), target.c_str()};
  EXPECT_EQ(fetch_main(3, const_cast<char**>(argv)), 1);
  EXPECT_EQ(read_file(dir + "/log").value_or(""),
            str("Failed to fetch model. No model found in ", missing, "."));
  unsetenv("PROA_TERMINATION_LOG");
  (void)remove_tree(dir).ok();
}

}  // namespace
}  // namespace proa::storage
