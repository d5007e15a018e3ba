// Alibaba Cloud's object store: S3's listing, its own signature, CRC-64 for each object.
#include "foundation/base/strings.h"
#include "models/storage/s3/bucket.h"
#include "models/storage/s3/s3.h"
#include "models/storage/s3/settings.h"

namespace proa::storage {
namespace {

Sign oss_signer(const OssSettings& s, const std::string& bucket) {
  if (s.key.id.empty()) return nullptr;
  // The signed path has the bucket, which the URL has itself unless it is in the host's name.
  return [s, in_host = s.virtual_host ? bucket : ""](Http&, HttpRequest& request, bool) -> Status {
    ToSign what;
    what.method = request.method;
    what.url = request.url;
    what.region = s.region;
    what.epoch_s = now_seconds();
    for (auto& line : oss_headers(std::move(what), s.key, in_host))
      request.headers.push_back(std::move(line));
    return {};
  };
}

}  // namespace

Result<Resolved> resolve_oss(const Uri& uri, const SourceOptions& options) {
  TRY(const auto s, oss_settings(options.env));
  const auto at = s.endpoint.find("://") + 3;
  const auto base = s.virtual_host
                        ? str(s.endpoint.substr(0, at), uri.bucket, ".", s.endpoint.substr(at))
                        : str(s.endpoint, "/", uri.bucket);
  Resolved out;
  out.http = options.http;
  if (!value_in(options.env, "OSS_ENDPOINT").empty())
    out.http.configured.push_back(origin_of(base));
  out.sign = oss_signer(s, uri.bucket);
  Http http(out.http);
  const auto refusal = [&](const HttpResponse& r) {
    const auto why = parse_bucket_error(r.body);
    const std::string tail =
        why.code.empty() ? "" : str(" (", why.code, ": ", shorten(why.message, 200), ")");
    if (r.status == 404)
      return error(Code::kNotFound, str("OSS bucket ", uri.bucket, " not found (", uri.shown, ")"));
    if (r.status == 401 || r.status == 403)
      return error(Code::kForbidden,
                   str("OSS authentication failed for ", uri.shown,
                       s.key.id.empty() ? ": no credentials were given; set OSS_ACCESS_KEY_ID and "
                                          "OSS_ACCESS_KEY_SECRET"
                                        : ": the given key may not read it",
                       tail));
    return error(Code::kUnavailable,
                 str("server ", origin_of(base), " answered ", r.status, " for ", uri.shown, tail));
  };
  TRY(out.files, Bucket(uri, options, http).list(base, out.sign, refusal));
  for (auto& f : out.files) f.checks.md5.clear();  // an upload may replace it; CRC-64 is there
  out.version = version_of_files(out.files);
  return out;
}

}  // namespace proa::storage
