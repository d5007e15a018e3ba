#include "models/storage/s3/s3.h"

#include <memory>
#include <mutex>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/s3/bucket.h"
#include "models/storage/s3/settings.h"
#include "models/storage/transfer/crypto.h"
#include "models/storage/transfer/xml.h"

namespace proa::storage {
namespace {

// The key, kept fresh where a role gives it.
struct Keys {
  explicit Keys(S3Settings s) : settings(std::move(s)), key(settings.key) {}
  const S3Settings settings;
  std::mutex mutex;
  AccessKey key;
};

bool has_role(const S3Settings& s) { return !s.role.empty() && !s.identity_file.empty(); }

// STS AssumeRoleWithWebIdentity: the pod's token buys a key.
Result<AccessKey> assume_role(const S3Settings& s, Http& http) {
  const std::string what = str("credentials of role ", s.role);
  TRY(auto token, read_file(s.identity_file, 1 << 16).context(what));
  HttpRequest r;
  r.url = s.sts + "/";
  r.method = "POST";
  r.headers = {"Content-Type: application/x-www-form-urlencoded"};
  r.body = str(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=", percent_encode(s.role),
      "&RoleSessionName=", percent_encode(s.role_session.empty() ? "proa-fetch" : s.role_session),
      "&WebIdentityToken=", percent_encode(trim(token)));
  TRY(auto answer, send_with_retries(http, r, SourceOptions{}).context(what));
  if (answer.status != 200) {
    const auto why = parse_bucket_error(answer.body);
    return error(Code::kForbidden, str(what, ": ", s.sts, " answered ", answer.status, " ",
                                       why.code, " ", shorten(why.message, 200)));
  }
  TRY(auto root, parse_xml(answer.body).context(what));
  const XmlNode* result = root.find("AssumeRoleWithWebIdentityResult");
  const XmlNode* c = result ? result->find("Credentials") : nullptr;
  if (!c) return error(Code::kUnavailable, str(what, ": ", s.sts, " gave none"));
  AccessKey key{(*c)["AccessKeyId"], (*c)["SecretAccessKey"], (*c)["SessionToken"]};
  key.good_until = parse_time((*c)["Expiration"]);
  return key;
}

Sign aws_signer(const S3Settings& s) {
  if (s.anonymous || (s.key.id.empty() && !has_role(s))) return nullptr;
  auto keys = std::make_shared<Keys>(s);
  return [keys](Http& http, HttpRequest& request, bool renew) -> Status {
    AccessKey key;
    {
      std::lock_guard lock(keys->mutex);
      const bool stale = keys->key.good_until && now_seconds() > keys->key.good_until - 60;
      if (keys->key.id.empty() || stale || (renew && has_role(keys->settings))) {
        TRY(keys->key, assume_role(keys->settings, http));
      }
      key = keys->key;
    }
    ToSign what;
    what.method = request.method;
    what.url = request.url;
    what.payload_hash = sha256_hex("");
    what.region = keys->settings.region;
    what.service = "s3";
    what.epoch_s = now_seconds();
    for (auto& line : aws_headers(std::move(what), key)) request.headers.push_back(std::move(line));
    if (request.range.empty()) request.headers.push_back("x-amz-checksum-mode: ENABLED");
    return {};
  };
}

HttpOptions http_options(const SourceOptions& options, const S3Settings& s) {
  HttpOptions http = options.http;
  http.verify = s.verify;
  if (!s.ca_file.empty()) http.ca_file = s.ca_file;
  if (s.connect_s) http.connect_ms = s.connect_s * 1000;
  if (s.read_s) http.stall_s = s.read_s;
  if (!value_in(options.env, "AWS_ENDPOINT_URL_STS").empty())
    http.configured.push_back(origin_of(s.sts));
  return http;
}

class S3 {
 public:
  S3(const Uri& uri, const SourceOptions& options, S3Settings settings)
      : uri_(uri), options_(options), settings_(std::move(settings)) {
    if (settings_.attempts) options_.attempts = settings_.attempts;
  }

  Result<Resolved> resolve() {
    for (int tries = 0;; ++tries) {
      const auto base = s3_base(settings_, uri_.bucket);
      Resolved out;
      out.http = http_options(options_, settings_);
      out.attempts = settings_.attempts;
      if (!settings_.endpoint.empty()) out.http.configured.push_back(origin_of(base));
      out.sign = aws_signer(settings_);
      Http http(out.http);
      auto files = Bucket(uri_, options_, http).list(base, out.sign, [this](const HttpResponse& r) {
        return refusal(r);
      });
      if (!files.ok()) {
        if (tries == 0 && !other_region_.empty()) {
          settings_.region = other_region_;
          continue;
        }
        return std::move(files).error();
      }
      out.files = std::move(*files);
      out.version = version_of_files(out.files);
      return out;
    }
  }

 private:
  std::string credentials_hint() const {
    if (settings_.anonymous) return "the request was anonymous, as awsAnonymousCredential says";
    if (has_role(settings_)) return str("role ", settings_.role, " may not read it");
    if (!settings_.key.id.empty()) return "the given key may not read it";
    return "no credentials were given; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by a "
           "Secret of the pod's ServiceAccount, or awsAnonymousCredential";
  }

  Error refusal(const HttpResponse& r) {
    const auto why = parse_bucket_error(r.body);
    auto region = r.header("x-amz-bucket-region");
    if (region.empty()) region = why.region;
    if (region != settings_.region && (r.status == 301 || r.status == 307 || r.status == 400))
      other_region_ = region;
    const std::string tail =
        why.code.empty() ? "" : str(" (", why.code, ": ", shorten(why.message, 200), ")");
    if (r.status == 404)
      return error(Code::kNotFound,
                   str("S3 bucket ", uri_.bucket, " not found (", uri_.shown, ")"));
    if (r.status == 401 || r.status == 403 || why.code.starts_with("InvalidAccessKey") ||
        why.code == "ExpiredToken")
      return error(Code::kForbidden, str("S3 authentication failed for ", uri_.shown, ": ",
                                         credentials_hint(), tail));
    const auto base = s3_base(settings_, uri_.bucket);
    return error(Code::kUnavailable, str("server ", origin_of(base), " answered ", r.status,
                                         " for ", uri_.shown, tail));
  }

  const Uri& uri_;
  SourceOptions options_;
  S3Settings settings_;
  std::string other_region_;
};

}  // namespace

Result<Resolved> resolve_s3(const Uri& uri, const SourceOptions& options) {
  TRY(auto settings, s3_settings(options.env));
  return S3(uri, options, std::move(settings)).resolve();
}

}  // namespace proa::storage
