// What the environment says about S3 and OSS: the names that KServe's credentials, AWS's and
// Alibaba's tools use. Pure, but for files that it names.
#pragma once

#include "models/storage/s3/sigv4.h"
#include "models/storage/transfer/source.h"

namespace proa::storage {

struct S3Settings {
  std::string endpoint;  // "https://host"; "" means AWS's
  std::string region = "us-east-1";
  bool virtual_host = true;
  bool accelerate = false;
  bool anonymous = false;
  bool verify = true;
  std::string ca_file;
  AccessKey key;                                // empty if there is none
  std::string role, identity_file;              // AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE
  std::string role_session, sts;                // STS's URL
  int connect_s = 0, read_s = 0, attempts = 0;  // 0: as usual
};

Result<S3Settings> s3_settings(const Environment& env);

// "https://bucket.s3.eu-west-1.amazonaws.com" and the like: what a key's path is put behind.
std::string s3_base(const S3Settings& s, const std::string& bucket);

struct OssSettings {
  std::string endpoint, region;  // "https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"
  bool virtual_host = true;
  AccessKey key;
};
Result<OssSettings> oss_settings(const Environment& env);

// "[profile] name = value" files: the section's values.
Environment ini_section(std::string_view text, std::string_view section);

}  // namespace proa::storage
