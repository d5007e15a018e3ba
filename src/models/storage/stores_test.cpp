// The pure parts of the stores by tables: settings, listings, manifests, headers, patterns.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/azure/listing.h"
#include "models/storage/azure/shared_key.h"
#include "models/storage/fetch.h"
#include "models/storage/git/git.h"
#include "models/storage/hf/hf.h"
#include "models/storage/oci/manifest.h"
#include "models/storage/resolve.h"
#include "models/storage/s3/listing.h"
#include "models/storage/s3/settings.h"
#include "models/storage/storage_config.h"

namespace proa::storage {
namespace {

TEST(S3Settings, TheEndpointsOfKServesNames) {
  struct Case {
    Environment env;
    std::string base;
  };
  const Case cases[] = {
      {{}, "https://b.s3.us-east-1.amazonaws.com"},
      {{{"AWS_DEFAULT_REGION", "eu-west-1"}}, "https://b.s3.eu-west-1.amazonaws.com"},
      {{{"AWS_REGION", "cn-north-1"}}, "https://b.s3.cn-north-1.amazonaws.com.cn"},
      {{{"S3_USE_ACCELERATE", "1"}}, "https://b.s3-accelerate.amazonaws.com"},
      {{{"S3_ENDPOINT", "minio:9000"}, {"S3_USE_HTTPS", "0"}}, "http://minio:9000/b"},
      {{{"S3_ENDPOINT", "minio:9000"}}, "https://minio:9000/b"},
      {{{"AWS_ENDPOINT_URL", "http://minio:9000/"}}, "http://minio:9000/b"},
      {{{"AWS_ENDPOINT_URL", "http://minio:9000"}, {"S3_USER_VIRTUAL_BUCKET", "true"}},
       "http://b.minio:9000"},
      {{{"S3_ENDPOINT", "s3.amazonaws.com"}, {"S3_USE_HTTPS", "1"}},
       "https://b.s3.us-east-1.amazonaws.com"},
  };
  for (const auto& c : cases) {
    const auto s = s3_settings(c.env);
    ASSERT_TRUE(s.ok());
    EXPECT_EQ(s3_base(*s, "b"), c.base);
  }
  EXPECT_EQ(s3_base(*s3_settings({}), "a.b"), "https://s3.us-east-1.amazonaws.com/a.b");
  EXPECT_FALSE(s3_settings({{"AWS_REGION", "x/../y"}}).ok());
  EXPECT_FALSE(s3_settings({{"S3_VERIFY_SSL", "0"}})->verify);
}

TEST(S3Settings, AProfilesKey) {
  const auto v = ini_section("[default]\naws_access_key_id = A\n[other]\n x=y\n", "default");
  EXPECT_EQ(value_in(v, "aws_access_key_id"), "A");
  EXPECT_EQ(v.size(), 1u);
}

TEST(OssSettings, TheRegionIsInTheHostsName) {
  const auto s = oss_settings({{"OSS_ENDPOINT", "oss-cn-beijing-internal.aliyuncs.com"}});
  EXPECT_EQ(s->region, "cn-beijing");
  EXPECT_EQ(s->endpoint, "https://oss-cn-beijing-internal.aliyuncs.com");
  EXPECT_EQ(oss_settings({{"OSS_REGION", "oss-cn-shanghai"}})->endpoint,
            "https://oss-cn-shanghai.aliyuncs.com");
}

TEST(BucketPage, IsRead) {
  const auto page = parse_bucket_page(
      "<ListBucketResult xmlns='x'><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t=</NextContinuationToken><Contents><Key>a%20b%2B/c+d</Key>"
      "<Size>7</Size><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_EQ(page->next, "t=");
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "a b+/c d");
  EXPECT_EQ(md5_of_etag(page->objects[0].etag), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(md5_of_etag("d41d8cd98f00b204e9800998ecf8427e-2"), "");
  for (auto bad :
       {"", "<x/>", "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"})
    EXPECT_FALSE(parse_bucket_page(bad).ok()) << bad;
  EXPECT_EQ(encode_key("a b/c+d/ü"), "a%20b/c%2Bd/%C3%BC");
}

TEST(AzureSignature, SignsTheDocumentedText) {
  AzureRequest r{"GET",
                 "https://myaccount.blob.core.windows.net/mycontainer?restype=container"
                 "&comp=metadata&timeout=20",
                 "",
                 {"x-ms-version: 2014-02-14", "x-ms-date: Fri, 26 Jun 2015 23:39:12 GMT"}};
  EXPECT_EQ(azure_string_to_sign(r, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
            "x-ms-version:2014-02-14\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\n"
            "timeout:20");
  EXPECT_FALSE(azure_authorization(r, "a", "no base64!").ok());
}

TEST(AzurePage, FoldersAreTold) {
  const auto page = parse_azure_page(
      "\xef\xbb\xbf<?xml version='1.0'?><EnumerationResults><Blobs>"
      "<Blob><Name>a</Name><Properties><Content-Length>3</Content-Length><Etag>0x1</Etag>"
      "<Content-MD5>m==</Content-MD5></Properties></Blob>"
      "<Blob><Name>d</Name><Properties><Content-Length>0</Content-Length></Properties>"
      "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>"
      "</Blobs><NextMarker>n</NextMarker></EnumerationResults>");
  ASSERT_TRUE(page.ok()) << page.error().message;
  ASSERT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->items[0].md5, "m==");
  EXPECT_TRUE(page->items[1].folder);
  EXPECT_EQ(page->next, "n");
}

TEST(Oci, ManifestsAndChallenges) {
  const std::string a = "sha256:" + std::string(64, 'a'), b = "sha256:" + std::string(64, 'b');
  const auto index = parse_manifest(
      str(R"({"manifests":[{"digest":")", a,
          R"(","platform":{"architecture":"arm64","os":"linux"}},)", R"({"digest":")", b,
          R"(","platform":{"architecture":"amd64","os":"linux"}}]})"),
      "amd64");
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->child, b);
  for (auto bad : {R"({"layers":[{"digest":"sha256:../x","size":1}]})", R"({"schemaVersion":1})",
                   R"({"layers":[{"digest":"md5:x","size":1}]})", "[]", ""})
    EXPECT_FALSE(parse_manifest(bad, "amd64").ok()) << bad;
  const auto c = parse_challenge(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a,b:pull")");
  EXPECT_EQ(c.scheme, "bearer");
  EXPECT_EQ(c.realm, "https://auth.docker.io/token");
  EXPECT_EQ(c.service, "registry.docker.io");
  EXPECT_EQ(c.scope, "a,b:pull");
  EXPECT_EQ(parse_challenge("Basic realm=\"x\"").scheme, "basic");
  EXPECT_EQ(docker_login(R"({"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cHc="}}})",
                         "registry-1.docker.io"),
            "me:pw");
  EXPECT_EQ(docker_login(R"({"auths":{"r.io":{"username":"u","password":"p"}}})", "r.io"), "u:p");
  EXPECT_EQ(docker_login(R"({"auths":{"r.io":{"auth":"bWU6cHc="}}})", "evil.io"), "");
}

TEST(Hub, FindsTheNextPage) {
  EXPECT_EQ(next_link("<https://h/a?c=1>; rel=\"prev\", <https://h/a?c=3>; rel=\"next\""),
            "https://h/a?c=3");
  EXPECT_EQ(next_link("<https://h/a>; rel=\"prev\""), "");
  EXPECT_EQ(next_link("garbage <"), "");
}

TEST(Git, FindsARefsCommit) {
  const std::string a(40, 'a'), b(40, 'b'), c(40, 'c');
  const auto text =
      str(a, "\tHEAD\n", a, "\trefs/heads/main\n", b, "\trefs/tags/v1\n", c, "\trefs/tags/v1^{}\n");
  EXPECT_EQ(commit_of(text, ""), a);
  EXPECT_EQ(commit_of(text, "main"), a);
  EXPECT_EQ(commit_of(text, "v1"), c);
  EXPECT_EQ(commit_of(text, "refs/tags/v1"), b);
  EXPECT_EQ(commit_of(text, b), b);
  EXPECT_EQ(commit_of(text, "none"), "");
}

TEST(StorageConfig, BecomesTheVariablesOfItsType) {
  const auto env = with_storage_config(
      {{"STORAGE_CONFIG", R"({"type":"s3","access_key_id":"A","secret_access_key":"S",
        "endpoint_url":"http://m:9000","region":"r","anonymous":false,"verify_ssl":"0"})"},
       {"STORAGE_OVERRIDE_CONFIG", R"({"region":"other"})"}},
      "/nonexistent");
  ASSERT_TRUE(env.ok());
  EXPECT_EQ(value_in(*env, "AWS_ACCESS_KEY_ID"), "A");
  EXPECT_EQ(value_in(*env, "AWS_DEFAULT_REGION"), "other");
  EXPECT_EQ(value_in(*env, "S3_VERIFY_SSL"), "0");
  EXPECT_EQ(value_in(*env, "awsAnonymousCredential"), "false");
  const auto bad = with_storage_config({{"STORAGE_CONFIG", "{secret"}}, "/nonexistent");
  ASSERT_FALSE(bad.ok());
  EXPECT_FALSE(contains(bad.error().message, "secret"));
}

TEST(StorageConfig, OnlyTheServiceItselfNamingTheServerIsNotTrusted) {
  const Environment secret = {
      {"STORAGE_CONFIG", R"({"type":"s3","endpoint_url":"http://10.0.0.1"})"}};
  const auto local = parse_address("10.0.0.1");
  EXPECT_TRUE(options_from(secret)->source.http.addresses.allows(*local, true));
  for (auto given : {R"({"region":"r"})", R"({"endpoint_url":"http://10.0.0.1"})"}) {
    auto env = secret;
    env["STORAGE_OVERRIDE_CONFIG"] = given;
    EXPECT_TRUE(options_from(env)->source.http.addresses.allows(*local, true)) << given;
  }
  for (auto given : {R"({"endpoint_url":"http://10.0.0.2"})", R"({"HDFS_NAMENODE":"http://n"})"}) {
    auto env = secret;
    env["STORAGE_OVERRIDE_CONFIG"] = given;
    EXPECT_FALSE(options_from(env)->source.http.addresses.allows(*local, true)) << given;
    env["PROA_FETCH_ALLOW"] = "10.0.0.1";
    EXPECT_TRUE(options_from(env)->source.http.addresses.allows(*local, true)) << given;
  }
}

TEST(CacheKey, HoldsNoSecretAndTellsServersApart) {
  SourceOptions a, b;
  const auto uri = parse_uri("https://u:secret@h/m?sig=secret");
  EXPECT_FALSE(contains(cache_key(*uri, a), "secret"));
  const auto s3 = parse_uri("s3://b/m");
  b.env["AWS_ENDPOINT_URL"] = "http://other";
  EXPECT_EQ(cache_key(*s3, a), "s3://b/m");
  EXPECT_NE(cache_key(*s3, a), cache_key(*s3, b));
  const auto hdfs = parse_uri("hdfs://m");
  char name[] = "/tmp/cache-key-XXXXXX";
  const std::string folder = mkdtemp(name);
  a.env["HDFS_SECRET_DIR"] = folder;
  ASSERT_TRUE(write_file(folder + "/HDFS_NAMENODE", "http://one").ok());
  const auto one = cache_key(*hdfs, a);
  ASSERT_TRUE(write_file(folder + "/HDFS_NAMENODE", "http://two").ok());
  EXPECT_NE(cache_key(*hdfs, a), one);  // at the same place in both pods
  (void)remove_tree(folder).ok();
}

TEST(Sizes, AreReadAsInKubernetes) {
  EXPECT_EQ(parse_size("x", "").value_or(-1), 0);
  EXPECT_EQ(parse_size("x", "5").value_or(-1), 5);
  EXPECT_EQ(parse_size("x", "2Gi").value_or(-1), int64_t{2} << 30);
  EXPECT_EQ(parse_size("x", "2G").value_or(-1), 2'000'000'000);
  for (auto bad : {"x", "-1", "1Zi", "99999999999999Ti", "1.5Gi"})
    EXPECT_FALSE(parse_size("x", bad).ok()) << bad;
}

}  // namespace
}  // namespace proa::storage
