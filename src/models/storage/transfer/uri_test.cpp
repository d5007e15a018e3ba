#include "models/storage/transfer/uri.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

TEST(Uri, IsParsed) {
  const auto gcs = parse_uri("gs://bucket/a/b/");
  ASSERT_TRUE(gcs.ok());
  EXPECT_EQ(gcs->bucket, "bucket");
  EXPECT_EQ(gcs->path, "a/b");
  const auto web = parse_uri("https://user@host:8443/a%20b/m.pkl?x=1#y");
  ASSERT_TRUE(web.ok());
  EXPECT_EQ(web->bucket, "host:8443");
  EXPECT_EQ(web->path, "a b/m.pkl");
  for (auto bad : {"", "gs://", "gs:///x", "https:///x", "hf://a", "file://relative", "gs://B/x",
                   "gs://b/a\nb"})
    EXPECT_FALSE(parse_uri(bad).ok()) << bad;
}

TEST(Uri, MirrorsGoByTheLongestWholePrefix) {
  const auto mirrors = parse_mirrors("gs://b=/m; gs://b/sub=/n;gs://=/all");
  ASSERT_TRUE(mirrors.ok());
  EXPECT_EQ(mirrored("gs://b/x/y", *mirrors).value_or("?"), "/m/x/y");
  EXPECT_EQ(mirrored("gs://b/sub/y", *mirrors).value_or("?"), "/n/y");
  EXPECT_EQ(mirrored("gs://b", *mirrors).value_or("?"), "/m");
  EXPECT_EQ(mirrored("gs://bc/x", *mirrors).value_or("?"), "/all/bc/x");
  EXPECT_EQ(mirrored("https://b/x", *mirrors).value_or("?"), "");
  EXPECT_FALSE(mirrored("gs://b/../x", *mirrors).ok());
  EXPECT_FALSE(parse_mirrors("gs://b").ok());
}

struct Parsed {
  const char* text;
  Scheme scheme;
  const char *bucket, *path, *rev;
};

TEST(Uri, EverySchemeHasItsParts) {
  const Parsed cases[] = {
      {"s3://b/a/b/", Scheme::kS3, "b", "a/b", ""},
      {"oss://b", Scheme::kOss, "b", "", ""},
      {"hf://owner/model", Scheme::kHuggingFace, "owner", "model", ""},
      {"hf://owner/model:v1.0", Scheme::kHuggingFace, "owner", "model", "v1.0"},
      {"modelscope://o/m:master", Scheme::kModelScope, "o", "m", "master"},
      {"ms://o/m", Scheme::kModelScope, "o", "m", ""},
      {"oci://ghcr.io/o/m:1", Scheme::kOci, "ghcr.io", "o/m", "1"},
      {"oci://localhost:5000/m", Scheme::kOci, "localhost:5000", "m", "latest"},
      {"oci://alpine", Scheme::kOci, "registry-1.docker.io", "library/alpine", "latest"},
      {"oci+fetch://docker.io/o/m", Scheme::kOci, "registry-1.docker.io", "o/m", "latest"},
      {"oci+native://r.io/m", Scheme::kMounted, "r.io", "m", "latest"},
      {"hdfs://a/b", Scheme::kHdfs, "", "a/b", ""},
      {"webhdfs://h:9870/a", Scheme::kHdfs, "", "h:9870/a", ""},
      {"https://h/a.git", Scheme::kGit, "h", "a.git", ""},
      {"https://h/a.git#v1", Scheme::kGit, "h", "a.git", "v1"},
      {"https://h/a.git?ref=x%2Fy", Scheme::kGit, "h", "a.git", "x/y"},
      {"https://acc.blob.core.windows.net/c/p", Scheme::kAzureBlob, "acc", "c/p", ""},
      {"https://acc.z1.blob.storage.azure.net/c", Scheme::kAzureBlob, "acc", "c", ""},
      {"https://acc.file.core.windows.net/s/p", Scheme::kAzureFile, "acc", "s/p", ""},
      {"/mnt/models", Scheme::kMounted, "", "/mnt/models", ""},
      {"pvc://c/p", Scheme::kClaim, "", "", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const auto u = parse_uri(c.text);
    ASSERT_TRUE(u.ok()) << u.error().message;
    EXPECT_EQ(u->scheme, c.scheme);
    EXPECT_EQ(u->bucket, c.bucket);
    EXPECT_EQ(u->path, c.path);
    EXPECT_EQ(u->rev, c.rev);
  }
}

TEST(Uri, WhatIsShownHasNoSecret) {
  const auto u = parse_uri("https://me:secret@h/m.zip?X-Amz-Signature=secret#secret");
  ASSERT_TRUE(u.ok());
  EXPECT_EQ(u->shown, "https://h/m.zip?…");
}

}  // namespace
}  // namespace proa::storage
