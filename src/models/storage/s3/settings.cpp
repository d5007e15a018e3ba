#include "models/storage/s3/settings.h"

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

constexpr size_t kMostFile = 1 << 20;

std::string with_scheme(std::string text, bool https) {
  if (!text.empty() && !contains(text, "://")) text = str(https ? "https://" : "http://", text);
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// "0", "false", "False": off. Anything else, and nothing: on.
bool on_unless_off(const std::string& text) { return text.empty() || truthy(text); }

int seconds(const Environment& env, const char* name) {
  const auto v = parse_double(value_in(env, name));
  return v && *v > 0 && *v < 86400 ? static_cast<int>(*v + 0.999) : 0;
}

Result<std::string> ca_file(const Environment& env) {
  auto own = value_in(env, "AWS_CA_BUNDLE");
  if (own.empty() && !value_in(env, "CA_BUNDLE_CONFIGMAP_NAME").empty())
    own = value_in(env, "CA_BUNDLE_VOLUME_MOUNT_POINT") + "/cabundle.crt";
  if (!own.empty() && !exists(own))
    return error(Code::kNotFound, str("Failed to find ca bundle file(", own, ")."));
  return own;
}

// Keys of the environment, else of the shared credentials file.
AccessKey aws_key(const Environment& env) {
  AccessKey key{value_in(env, "AWS_ACCESS_KEY_ID"), value_in(env, "AWS_SECRET_ACCESS_KEY"),
                value_in(env, "AWS_SESSION_TOKEN")};
  if (!key.id.empty() && !key.secret.empty()) return key;
  auto path = value_in(env, "AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty() && !value_in(env, "HOME").empty())
    path = value_in(env, "HOME") + "/.aws/credentials";
  const auto text = read_file(path, kMostFile);
  if (path.empty() || !text.ok()) return {};
  const auto profile = first_in(env, {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"});
  const auto values = ini_section(*text, profile.empty() ? "default" : profile);
  return {value_in(values, "aws_access_key_id"), value_in(values, "aws_secret_access_key"),
          value_in(values, "aws_session_token")};
}

bool dns_name(const std::string& bucket) { return !contains(bucket, ".") && bucket.size() <= 63; }

}  // namespace

Environment ini_section(std::string_view text, std::string_view section) {
  Environment out;
  bool inside = false;
  for (auto line : split(text, '\n')) {
    line = trim(line);
    if (line.starts_with('[')) {
      inside = line == str("[", section, "]");
    } else if (const auto equals = line.find('='); inside && equals != line.npos) {
      out[std::string(trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
    }
  }
  return out;
}

Result<S3Settings> s3_settings(const Environment& env) {
  S3Settings s;
  s.endpoint = first_in(env, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT"});
  s.endpoint = with_scheme(s.endpoint, on_unless_off(value_in(env, "S3_USE_HTTPS")));
  const auto host = host_of(s.endpoint);
  if (host == "s3.amazonaws.com" || host == "s3.dualstack.amazonaws.com") s.endpoint.clear();
  if (const auto r = first_in(env, {"AWS_REGION", "AWS_DEFAULT_REGION"}); !r.empty()) s.region = r;
  s.virtual_host = s.endpoint.empty() || host.ends_with(".amazonaws.com");
  if (const auto v = value_in(env, "S3_USER_VIRTUAL_BUCKET"); !v.empty())
    s.virtual_host = truthy(v) || s.endpoint.empty();
  s.accelerate = truthy(value_in(env, "S3_USE_ACCELERATE"));
  s.anonymous = truthy(value_in(env, "awsAnonymousCredential"));
  s.verify = on_unless_off(value_in(env, "S3_VERIFY_SSL"));
  if (s.verify) {
    TRY(s.ca_file, ca_file(env));
  }
  s.key = aws_key(env);
  s.role = value_in(env, "AWS_ROLE_ARN");
  s.identity_file = value_in(env, "AWS_WEB_IDENTITY_TOKEN_FILE");
  s.role_session = value_in(env, "AWS_ROLE_SESSION_NAME");
  s.sts = with_scheme(value_in(env, "AWS_ENDPOINT_URL_STS"), true);
  if (s.sts.empty()) s.sts = str("https://sts.", s.region, ".amazonaws.com");
  s.connect_s = seconds(env, "S3_CONNECT_TIMEOUT");
  s.read_s = seconds(env, "S3_READ_TIMEOUT");
  s.attempts = static_cast<int>(parse_int(value_in(env, "S3_MAX_ATTEMPTS")).value_or(0));
  if (s.attempts < 0 || s.attempts > 100) s.attempts = 0;
  for (char c : s.region)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
      return error(Code::kInvalid, "AWS_DEFAULT_REGION is no name of a region");
  return s;
}

std::string s3_base(const S3Settings& s, const std::string& bucket) {
  if (s.accelerate && s.endpoint.empty() && dns_name(bucket))
    return str("https://", bucket, ".s3-accelerate.amazonaws.com");
  const std::string china = s.region.starts_with("cn-") ? ".cn" : "";
  const auto base =
      s.endpoint.empty() ? str("https://s3.", s.region, ".amazonaws.com", china) : s.endpoint;
  if (!s.virtual_host || !dns_name(bucket)) return str(base, "/", bucket);
  const auto at = base.find("://") + 3;
  return str(base.substr(0, at), bucket, ".", base.substr(at));
}

Result<OssSettings> oss_settings(const Environment& env) {
  OssSettings s;
  s.key = {first_in(env, {"OSS_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_ID"}),
           first_in(env, {"OSS_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"}),
           first_in(env, {"OSS_SESSION_TOKEN", "ALIBABA_CLOUD_SECURITY_TOKEN"})};
  s.endpoint = with_scheme(value_in(env, "OSS_ENDPOINT"), true);
  s.region = value_in(env, "OSS_REGION");
  if (s.region.starts_with("oss-")) s.region = s.region.substr(4);
  const auto host = host_of(s.endpoint);
  if (s.region.empty() && host.starts_with("oss-") && host.ends_with(".aliyuncs.com")) {
    s.region = host.substr(4, host.find('.') - 4);
    if (s.region.ends_with("-internal")) s.region.resize(s.region.size() - 9);
  }
  if (s.region.empty()) s.region = "cn-hangzhou";
  if (s.endpoint.empty()) s.endpoint = str("https://oss-", s.region, ".aliyuncs.com");
  s.virtual_host = !parse_address(host) && host != "localhost";
  return s;
}

}  // namespace proa::storage
