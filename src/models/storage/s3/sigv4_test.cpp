// The examples that AWS and Alibaba publish.
#include "models/storage/s3/sigv4.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

const AccessKey kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const AccessKey kS3Example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

std::string signature_of(const std::string& line) {
  return line.substr(line.find("Signature=") + 10);
}

TEST(SigV4, TheTestSuitesPlainRequest) {
  ToSign w{"GET", "https://example.amazonaws.com/"};
  w.headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}};
  w.payload_hash = sha256_hex("");
  w.region = "us-east-1";
  w.service = "service";
  w.epoch_s = 1440938160;
  EXPECT_EQ(aws_authorization(w, kExample),
            "Authorization: AWS4-HMAC-SHA256 "
            "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4, TheGuidesListUsersRequest) {
  ToSign w{"GET", "https://iam.amazonaws.com/?Version=2010-05-08&Action=ListUsers"};
  w.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
               {"host", "iam.amazonaws.com"},
               {"x-amz-date", "20150830T123600Z"}};
  w.payload_hash = sha256_hex("");
  w.region = "us-east-1";
  w.service = "iam";
  w.epoch_s = 1440938160;
  EXPECT_EQ(signature_of(aws_authorization(w, kExample)),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

ToSign s3(const std::string& url) {
  ToSign w{"GET", url};
  w.payload_hash = sha256_hex("");
  w.region = "us-east-1";
  w.service = "s3";
  w.epoch_s = 1369353600;
  return w;
}

TEST(SigV4, S3sExamples) {
  auto get = s3("https://examplebucket.s3.amazonaws.com/test.txt");
  get.headers = {{"Range", "bytes=0-9"}};
  EXPECT_EQ(signature_of(aws_headers(get, kS3Example)[0]),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const auto lifecycle = s3("https://examplebucket.s3.amazonaws.com/?lifecycle");
  EXPECT_EQ(signature_of(aws_headers(lifecycle, kS3Example)[0]),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  const auto list = s3("https://examplebucket.s3.amazonaws.com/?prefix=J&max-keys=2");
  EXPECT_EQ(signature_of(aws_headers(list, kS3Example)[0]),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, ATemporaryKeysTokenIsSignedAndSent) {
  auto key = kS3Example;
  key.session = "TOKEN";
  const auto lines = aws_headers(s3("http://127.0.0.1:9000/b/k"), key);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_TRUE(contains(lines[0],
                       "SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                       "x-amz-security-token,"));
  EXPECT_EQ(lines[3], "x-amz-security-token: TOKEN");
}

TEST(OssV4, AnUploadWithOddParameters) {
  ToSign w{"PUT",
           "http://bucket.oss-cn-hangzhou.aliyuncs.com/1234%2B-/123/1.txt"
           "?param1=value1&%2Bparam1=value3&%7Cparam1=value4&%2Bparam2&%7Cparam2&param2"};
  w.headers = {{"x-oss-head1", "value"},
               {"abc", "value"},
               {"ZAbc", "value"},
               {"XYZ", "value"},
               {"content-type", "text/plain"}};
  w.region = "cn-hangzhou";
  w.epoch_s = 1702743657;
  const auto lines = oss_headers(w, {"ak", "sk", ""}, "bucket");
  EXPECT_EQ(lines[0],
            "Authorization: OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/"
            "aliyun_v4_request,Signature="
            "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe");
}

}  // namespace
}  // namespace proa::storage
