// Google Cloud Storage's JSON API: objects.list with a prefix and pages, objects.get, alt=media.
#include "models/storage/gs/gs.h"

#include <mutex>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

constexpr const char* kFields = "name,size,generation,md5Hash,crc32c,contentEncoding";

class Gcs {
 public:
  Gcs(const Uri& uri, const SourceOptions& options)
      : uri_(uri), options_(options), http_(http_options(options)) {
    if (const auto other = emulator(options.env); !other.empty()) base_ = other;
    key_file_ = value_in(options.env, "GOOGLE_APPLICATION_CREDENTIALS");
    sign_ = google_credentials(key_file_);
  }

  Result<Resolved> resolve() {
    Resolved out;
    out.sign = sign_;
    out.http = http_.options();
    TRY_STATUS(list(uri_.path.empty() ? "" : uri_.path + "/", out.files));
    if (out.files.empty() && !uri_.path.empty()) TRY_STATUS(one(out.files));
    out.version = version_of_files(out.files);
    return out;
  }

 private:
  static std::string emulator(const Environment& env) {
    auto base = value_in(env, "STORAGE_EMULATOR_HOST");
    if (!base.empty() && !contains(base, "://")) base = "http://" + base;
    while (base.ends_with('/')) base.pop_back();
    return base;
  }
  static HttpOptions http_options(const SourceOptions& options) {
    HttpOptions http = options.http;
    if (const auto other = emulator(options.env); !other.empty())
      http.configured.push_back(origin_of(other));
    return http;
  }

  std::string objects() const {
    return str(base_, "/storage/v1/b/", percent_encode(uri_.bucket), "/o");
  }

  Result<HttpResponse> get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return send_signed(http_, sign_, std::move(request), options_).context(uri_.shown);
  }

  // The line for an answer that is none of ours.
  Error refusal(const HttpResponse& r) const {
    std::string said;
    if (auto v = json::parse(r.body); v.ok()) said = shorten((*v)["error"]["message"].str(), 200);
    const std::string tail = said.empty() ? "" : ": " + said;
    if (r.status == 404)
      return error(Code::kNotFound, str("bucket ", uri_.bucket, " not found (", uri_.shown, ")"));
    if (r.status == 401 || r.status == 403)
      return error(
          Code::kForbidden,
          str(r.status, " reading ", uri_.shown,
              key_file_.empty()
                  ? ": no credentials were given; add a service account key as a Secret to "
                    "the pod's ServiceAccount"
                  : ": the given credentials may not read it",
              tail));
    return error(Code::kUnavailable,
                 str("server ", base_, " answered ", r.status, " for ", uri_.shown, tail));
  }

  Status add(const json::Value& item, std::string_view relative, std::vector<RemoteFile>& files) {
    TRY(auto path, safe_relative(relative).context(uri_.shown));
    if (files.size() >= kMostFiles)
      return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " objects"));
    RemoteFile f;
    f.path = std::move(path);
    f.version =
        item["generation"].is_int() ? str(item["generation"].integer()) : item["generation"].str();
    f.url = str(objects(), "/", percent_encode(item["name"].str()), "?alt=media");
    if (!f.version.empty()) f.url += str("&generation=", f.version);
    // Objects stored compressed are sent unpacked: neither size nor checksums are of those bytes.
    if (item["contentEncoding"].str() != "gzip") {
      const auto size = item["size"].is_int() ? std::optional(item["size"].integer())
                                              : parse_int(item["size"].str());
      f.size = size.value_or(-1);
      f.checks.crc32c = item["crc32c"].str();
      f.checks.md5 = item["md5Hash"].str();
      f.ranges = true;
    }
    files.push_back(std::move(f));
    return {};
  }

  Status list(const std::string& prefix, std::vector<RemoteFile>& files) {
    std::string page;
    for (int pages = 0; pages < 1000; ++pages) {
      std::string url = str(objects(), "?maxResults=1000&fields=",
                            percent_encode(str("nextPageToken,items(", kFields, ")")));
      if (!prefix.empty()) url += "&prefix=" + percent_encode(prefix);
      if (!page.empty()) url += "&pageToken=" + percent_encode(page);
      TRY(auto answer, get(url));
      if (answer.status != 200) return refusal(answer);
      TRY(auto body, json::parse(answer.body).context(str("listing of ", uri_.shown)));
      for (const auto& item : body["items"].array()) {
        const std::string& name = item["name"].str();
        if (!name.starts_with(prefix) || name.ends_with('/')) continue;
        TRY_STATUS(add(item, std::string_view(name).substr(prefix.size()), files));
      }
      page = body["nextPageToken"].str();
      if (page.empty()) return {};
    }
    return error(Code::kTooLarge, str(uri_.shown, " has more than 1000 pages of objects"));
  }

  Status one(std::vector<RemoteFile>& files) {
    TRY(auto answer,
        get(str(objects(), "/", percent_encode(uri_.path), "?fields=", percent_encode(kFields))));
    if (answer.status == 404) return no_model(uri_);
    if (answer.status != 200) return refusal(answer);
    TRY(auto item, json::parse(answer.body).context(uri_.shown));
    return add(item, uri_.path.substr(uri_.path.rfind('/') + 1), files);
  }

  const Uri& uri_;
  const SourceOptions& options_;
  Http http_;
  std::string base_ = "https://storage.googleapis.com";
  std::string key_file_;
  Sign sign_;
};

}  // namespace

Result<Resolved> resolve_gcs(const Uri& uri, const SourceOptions& options) {
  return Gcs(uri, options).resolve();
}

}  // namespace proa::storage
