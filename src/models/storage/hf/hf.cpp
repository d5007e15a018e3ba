#include "models/storage/hf/hf.h"

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

constexpr int kMostPages = 1000;

std::string encode_path(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) parts.push_back(percent_encode(part));
  return join(parts, "/");
}

class HuggingFace {
 public:
  HuggingFace(const Uri& uri, const SourceOptions& options) : uri_(uri), options_(options) {
    out_.http = options.http;
    out_.unpack = Unpack::kNever;
    if (auto other = value_in(options.env, "HF_ENDPOINT"); !other.empty()) {
      while (other.ends_with('/')) other.pop_back();
      base_ = other;
      out_.http.configured.push_back(origin_of(other));
    }
    token_ = first_in(options.env, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"});
    if (!token_.empty())
      out_.sign = [token = token_](Http&, HttpRequest& r, bool) -> Status {
        r.headers.push_back("Authorization: Bearer " + token);
        return {};
      };
    name_ = str(uri.bucket, "/", uri.path);
  }

  Result<Resolved> resolve() {
    Http http(out_.http);
    const std::string rev = uri_.rev.empty() ? "main" : uri_.rev;
    TRY(auto info, ask(http, str(base_, "/api/models/", name_, "/revision/", percent_encode(rev))));
    TRY(auto body, json::parse(info.body).context(uri_.shown));
    const std::string commit = body["sha"].str();
    if (commit.empty())
      return error(Code::kUnavailable, str(uri_.shown, ": the hub names no commit"));
    std::string url =
        str(base_, "/api/models/", name_, "/tree/", percent_encode(commit), "?recursive=true");
    for (int pages = 0; !url.empty(); ++pages) {
      if (pages >= kMostPages)
        return error(Code::kTooLarge, str(uri_.shown, " has too many files"));
      TRY(auto page, ask(http, url));
      TRY(auto items, json::parse(page.body).context(uri_.shown));
      for (const auto& item : items.array()) TRY_STATUS(add(item, commit));
      const auto next = next_link(page.header("link"));
      if (!next.empty() && origin_of(next) != origin_of(base_))
        return error(Code::kInvalid, str(uri_.shown, ": the hub's next page is on another server"));
      url = next;
    }
    out_.version = commit;
    return std::move(out_);
  }

 private:
  Result<HttpResponse> ask(Http& http, const std::string& url) {
    HttpRequest r;
    r.url = url;
    TRY(auto answer, send_signed(http, out_.sign, std::move(r), options_).context(uri_.shown));
    if (answer.status == 200) return answer;
    return refusal(answer);
  }

  Error refusal(const HttpResponse& r) const {
    const auto& code = r.header("x-error-code");
    if (code == "GatedRepo" || (r.status == 403 && code.empty()))
      return error(Code::kForbidden,
                   str("HuggingFace model '", name_, "' is gated: ",
                       token_.empty() ? "accept its terms on the hub and set HF_TOKEN"
                                      : "HF_TOKEN's user has not been granted access"));
    if (code == "RevisionNotFound")
      return error(Code::kNotFound,
                   str("HuggingFace revision '", uri_.rev, "' of '", name_, "' not found."));
    if (r.status == 404 || r.status == 401)
      return error(r.status == 404 ? Code::kNotFound : Code::kForbidden,
                   str("HuggingFace resource '", name_, "' not found.",
                       token_.empty() ? " If it is private, set HF_TOKEN."
                                      : " HF_TOKEN may not be allowed to see it."));
    return error(Code::kUnavailable,
                 str("server ", base_, " answered ", r.status, " for ", uri_.shown));
  }

  Status add(const json::Value& item, const std::string& commit) {
    if (item["type"].str() != "file") return {};
    if (out_.files.size() >= kMostFiles)
      return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " files"));
    RemoteFile f;
    TRY(f.path, safe_relative(item["path"].str()).context(uri_.shown));
    f.url = str(base_, "/", name_, "/resolve/", percent_encode(commit), "/",
                encode_path(item["path"].str()));
    f.size = item["size"].integer(-1);
    f.ranges = f.size > 0;
    if (const auto& lfs = item["lfs"]; lfs.is_object()) {
      f.checks.sha256 = lfs["oid"].str();
      f.size = lfs["size"].integer(f.size);
    } else {
      f.checks.git_sha1 = item["oid"].str();
    }
    f.version = item["oid"].str();
    out_.files.push_back(std::move(f));
    return {};
  }

  const Uri& uri_;
  const SourceOptions& options_;
  std::string base_ = "https://huggingface.co", token_, name_;
  Resolved out_;
};

}  // namespace

std::string next_link(std::string_view header) {
  for (size_t at = 0; (at = header.find('<', at)) != header.npos;) {
    const auto end = header.find('>', at);
    if (end == header.npos) return {};
    const auto url = header.substr(at + 1, end - at - 1);
    auto rest = header.substr(end + 1);
    rest = rest.substr(0, rest.find('<'));
    if (contains(rest, "rel=\"next\"") || contains(rest, "rel=next")) return std::string(url);
    at = end;
  }
  return {};
}

Result<Resolved> resolve_hugging_face(const Uri& uri, const SourceOptions& options) {
  return HuggingFace(uri, options).resolve();
}

}  // namespace proa::storage
