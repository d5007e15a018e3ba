#include "models/storage/s3/bucket.h"

#include "foundation/base/strings.h"

namespace proa::storage {

constexpr int kMostPages = 1000;

Result<BucketPage> Bucket::page(const std::string& base, const std::string& prefix,
                                const std::string& token, int most) {
  HttpRequest request;
  request.url = str(base, base.find('/', base.find("://") + 3) == base.npos ? "/" : "", "?");
  if (!token.empty()) request.url += str("continuation-token=", percent_encode(token), "&");
  request.url +=
      str("encoding-type=url&list-type=2&max-keys=", most, "&prefix=", percent_encode(prefix));
  TRY(auto answer, send_signed(http_, *sign_, request, options_).context(uri_.shown));
  if (answer.status != 200) return (*refusal_)(answer);
  return parse_bucket_page(answer.body).context(str("listing of ", uri_.shown));
}

Status Bucket::add(const std::string& base, const BucketPage::Object& o,
                   std::string_view relative) {
  TRY(auto path, safe_relative(relative).context(uri_.shown));
  if (files_.size() >= kMostFiles)
    return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " objects"));
  RemoteFile f;
  f.path = std::move(path);
  f.url = str(base, "/", encode_key(o.key));
  f.size = o.size;
  f.ranges = true;
  if (!o.etag.empty()) {
    f.version = str(o.etag, ".", o.size);
    f.etag = str("\"", o.etag, "\"");
    f.checks.md5 = md5_of_etag(o.etag);
  }
  files_.push_back(std::move(f));
  return {};
}

Status Bucket::below(const std::string& base, const std::string& prefix) {
  std::string token;
  for (int pages = 0; pages < kMostPages; ++pages) {
    TRY(auto got, page(base, prefix, token, 1000));
    for (const auto& o : got.objects) {
      if (!o.key.starts_with(prefix) || o.key.ends_with('/')) continue;
      TRY_STATUS(add(base, o, std::string_view(o.key).substr(prefix.size())));
    }
    token = got.next;
    if (token.empty()) return {};
  }
  return error(Code::kTooLarge, str(uri_.shown, " has more than 1000 pages of objects"));
}

Result<std::vector<RemoteFile>> Bucket::list(const std::string& base, const Sign& sign,
                                             const Refusal& refusal) {
  sign_ = &sign;
  refusal_ = &refusal;
  files_.clear();
  TRY_STATUS(below(base, uri_.path.empty() ? "" : uri_.path + "/"));
  if (!files_.empty() || uri_.path.empty()) return std::move(files_);
  TRY(auto got, page(base, uri_.path, "", 1));  // a key itself is first among those it begins
  for (const auto& o : got.objects)
    if (o.key == uri_.path) TRY_STATUS(add(base, o, o.key.substr(o.key.rfind('/') + 1)));
  return std::move(files_);
}

}  // namespace proa::storage
