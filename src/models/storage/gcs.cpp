// Google Cloud Storage's JSON API: objects.list with a prefix and pages, objects.get, alt=media.
#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/source.h"

namespace proa::storage {
namespace {

constexpr size_t kMostObjects = 100'000;
constexpr const char* kFields = "name,size,generation,md5Hash,crc32c,contentEncoding";

class Gcs {
 public:
  Gcs(const Uri& uri, const SourceOptions& options)
      : uri_(uri), options_(options), http_(options.times) {
    if (const auto it = options.env.find("STORAGE_EMULATOR_HOST");
        it != options.env.end() && !it->second.empty()) {
      base_ = it->second;
      if (!contains(base_, "://")) base_ = "http://" + base_;
      while (base_.ends_with('/')) base_.pop_back();
    }
    if (const auto it = options.env.find("GOOGLE_APPLICATION_CREDENTIALS"); it != options.env.end())
      key_file_ = it->second;
    credentials_ = google_credentials(key_file_);
  }

  Result<Resolved> resolve() {
    Resolved out;
    out.credentials = credentials_;
    TRY_STATUS(list(uri_.path.empty() ? "" : uri_.path + "/", out.files));
    if (out.files.empty() && !uri_.path.empty()) TRY_STATUS(one(out.files));
    std::vector<std::string> versions;
    for (const auto& f : out.files) versions.push_back(str(f.path, "@", f.version));
    std::sort(versions.begin(), versions.end());
    out.version = join(versions, "\n");
    return out;
  }

 private:
  std::string objects() const {
    return str(base_, "/storage/v1/b/", percent_encode(uri_.bucket), "/o");
  }

  Result<HttpResponse> get(const std::string& url) {
    TRY(auto headers, credentials_(http_, false));
    return send_with_retries(http_, {url, headers}, options_).context(uri_.text);
  }

  // The line for an answer that is none of ours.
  Error refusal(const HttpResponse& r) const {
    std::string said;
    if (auto v = json::parse(r.body); v.ok()) said = shorten((*v)["error"]["message"].str(), 200);
    const std::string tail = said.empty() ? "" : ": " + said;
    if (r.status == 404)
      return error(Code::kNotFound, str("bucket ", uri_.bucket, " not found (", uri_.text, ")"));
    if (r.status == 401 || r.status == 403)
      return error(
          Code::kForbidden,
          str(r.status, " reading ", uri_.text,
              key_file_.empty()
                  ? ": no credentials were given; add a service account key as a Secret to "
                    "the pod's ServiceAccount"
                  : ": the given credentials may not read it",
              tail));
    return error(Code::kUnavailable,
                 str("server ", base_, " answered ", r.status, " for ", uri_.text, tail));
  }

  Status add(const json::Value& item, std::string_view relative, std::vector<RemoteFile>& files) {
    TRY(auto path, safe_relative(relative).context(uri_.text));
    if (files.size() >= kMostObjects)
      return error(Code::kTooLarge, str(uri_.text, " holds more than ", kMostObjects, " objects"));
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
      f.crc32c = item["crc32c"].str();
      f.md5 = item["md5Hash"].str();
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
      TRY(auto body, json::parse(answer.body).context(str("listing of ", uri_.text)));
      for (const auto& item : body["items"].array()) {
        const std::string& name = item["name"].str();
        if (!name.starts_with(prefix) || name.ends_with('/')) continue;
        TRY_STATUS(add(item, std::string_view(name).substr(prefix.size()), files));
      }
      page = body["nextPageToken"].str();
      if (page.empty()) return {};
    }
    return error(Code::kTooLarge, str(uri_.text, " has more than 1000 pages of objects"));
  }

  Status one(std::vector<RemoteFile>& files) {
    TRY(auto answer,
        get(str(objects(), "/", percent_encode(uri_.path), "?fields=", percent_encode(kFields))));
    if (answer.status == 404) return no_model(uri_);
    if (answer.status != 200) return refusal(answer);
    TRY(auto item, json::parse(answer.body).context(uri_.text));
    return add(item, uri_.path.substr(uri_.path.rfind('/') + 1), files);
  }

  const Uri& uri_;
  const SourceOptions& options_;
  Http http_;
  std::string base_ = "https://storage.googleapis.com";
  std::string key_file_;
  Credentials credentials_;
};

}  // namespace

Result<Resolved> resolve_gcs(const Uri& uri, const SourceOptions& options) {
  return Gcs(uri, options).resolve();
}

}  // namespace proa::storage
