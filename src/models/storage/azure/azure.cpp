#include "models/storage/azure/azure.h"

#include <memory>

#include "foundation/base/strings.h"
#include "models/storage/azure/listing.h"

namespace proa::storage {
namespace {

constexpr int kMostPages = 1000, kMostFolders = 10'000;

std::string encode_path(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) parts.push_back(percent_encode(part));
  return join(parts, "/");
}

class Azure {
 public:
  Azure(const Uri& uri, const SourceOptions& options, const char* endpoint_name)
      : uri_(uri), options_(options), login_(azure_login(uri, options)) {
    const auto slash = uri.path.find('/');
    container_ = uri.path.substr(0, slash);
    if (slash != uri.path.npos) prefix_ = uri.path.substr(slash + 1);
    http_options_ = options.http;
    base_ = origin_of(uri.text);
    if (auto other = first_in(options.env, {endpoint_name, "AZURE_SERVICE_URL"}); !other.empty()) {
      while (other.ends_with('/')) other.pop_back();
      base_ = other;
      http_options_.configured.push_back(origin_of(other));
    }
    if (const auto a = value_in(options.env, "AZURE_AUTHORITY_HOST"); !a.empty())
      http_options_.configured.push_back(origin_of(a));
    http_ = std::make_unique<Http>(http_options_);
  }

  Result<Resolved> blobs() {
    TRY_STATUS(below(prefix_.empty() ? "" : prefix_ + "/"));
    if (files_.empty() && !prefix_.empty()) TRY_STATUS(one(prefix_));
    return result();
  }

  Result<Resolved> share() {
    if (login_.what.empty())
      return error(Code::kForbidden,
                   str("file share ", uri_.shown,
                       " needs credentials; set AZURE_STORAGE_ACCESS_KEY or a signed URI"));
    std::vector<std::string> folders{prefix_};
    for (size_t i = 0; i < folders.size(); ++i) {
      if (folders.size() > kMostFolders)
        return error(Code::kTooLarge, str(uri_.shown, " has too many folders"));
      const std::string folder = folders[i];
      TRY(const bool is_folder, list_folder(folder, folders));
      if (!is_folder && i == 0) TRY_STATUS(one(prefix_));
    }
    return result();
  }

 private:
  std::string url(std::string_view path, std::string_view query) const {
    std::string out = str(base_, "/", percent_encode(container_));
    if (!path.empty()) out += str("/", encode_path(path));
    std::string q(query);
    if (!login_.sas.empty()) q += str(q.empty() ? "" : "&", login_.sas);
    return q.empty() ? out : str(out, "?", q);
  }

  Result<Resolved> result() {
    Resolved out;
    out.files = std::move(files_);
    out.version = version_of_files(out.files);
    out.sign = login_.sign;
    out.http = http_options_;
    return out;
  }

  Result<HttpResponse> ask(const std::string& url, const char* method = "GET") {
    HttpRequest r;
    r.url = url;
    r.method = method;
    return send_signed(*http_, login_.sign, std::move(r), options_).context(uri_.shown);
  }

  Error refusal(const HttpResponse& r) const {
    std::string code = r.header("x-ms-error-code");
    const std::string tail = code.empty() ? "" : str(" (", shorten(code, 80), ")");
    if (r.status == 404)
      return error(Code::kNotFound, str("Azure container ", container_,
                                        " not found, or not public (", uri_.shown, ")", tail));
    if (r.status == 401 || r.status == 403 || r.status == 409)
      return error(
          Code::kForbidden,
          str("Azure authentication failed for ", uri_.shown,
              login_.what.empty() ? ": no credentials were given; set AZURE_STORAGE_ACCESS_KEY, or "
                                    "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET"
                                  : str(": ", login_.what, " may not read it"),
              tail));
    return error(Code::kUnavailable, str("server ", origin_of(base_), " answered ", r.status,
                                         " for ", uri_.shown, tail));
  }

  Status add(const AzurePage::Item& item, const std::string& full, std::string_view relative) {
    if (files_.size() >= kMostFiles)
      return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " files"));
    RemoteFile f;
    TRY(f.path, safe_relative(relative).context(uri_.shown));
    f.url = url(full, "");
    f.size = item.size;
    f.ranges = true;
    f.checks.md5 = item.md5;
    if (!item.etag.empty()) {
      f.version = str(item.etag, ".", item.size);
      f.etag = str("\"", item.etag, "\"");
    }
    files_.push_back(std::move(f));
    return {};
  }

  Status below(const std::string& prefix) {
    std::string marker;
    for (int pages = 0; pages < kMostPages; ++pages) {
      std::string query = "restype=container&comp=list&include=metadata";
      if (!prefix.empty()) query += "&prefix=" + percent_encode(prefix);
      if (!marker.empty()) query += "&marker=" + percent_encode(marker);
      TRY(auto answer, ask(url("", query)));
      if (answer.status != 200) return refusal(answer);
      TRY(auto page, parse_azure_page(answer.body).context(str("listing of ", uri_.shown)));
      for (const auto& item : page.items) {
        if (item.folder || !item.name.starts_with(prefix) || item.name.ends_with('/')) continue;
        TRY_STATUS(add(item, item.name, std::string_view(item.name).substr(prefix.size())));
      }
      marker = page.next;
      if (marker.empty()) return {};
    }
    return error(Code::kTooLarge, str(uri_.shown, " has more than 1000 pages of blobs"));
  }

  Status one(const std::string& full) {
    TRY(auto head, ask(url(full, ""), "HEAD"));
    if (head.status == 404) return {};
    if (head.status != 200) return refusal(head);
    AzurePage::Item item;
    item.size = parse_int(head.header("content-length")).value_or(-1);
    item.md5 = head.header("content-md5");
    item.etag = head.header("etag");
    if (item.etag.size() > 1 && item.etag.front() == '"')
      item.etag = item.etag.substr(1, item.etag.size() - 2);
    return add(item, full, full.substr(full.rfind('/') + 1));
  }

  // false if it is no folder.
  Result<bool> list_folder(const std::string& folder, std::vector<std::string>& folders) {
    std::string marker;
    for (int pages = 0; pages < kMostPages; ++pages) {
      std::string query = "restype=directory&comp=list&include=Etag";
      if (!marker.empty()) query += "&marker=" + percent_encode(marker);
      TRY(auto answer, ask(url(folder, query)));
      if (answer.status == 404 && !folder.empty()) return false;
      if (answer.status != 200) return refusal(answer);
      TRY(auto page, parse_azure_page(answer.body).context(str("listing of ", uri_.shown)));
      for (const auto& item : page.items) {
        TRY(const auto name, safe_relative(item.name).context(uri_.shown));
        const std::string full = folder.empty() ? name : str(folder, "/", name);
        if (item.folder) {
          folders.push_back(full);
          continue;
        }
        const auto skip = prefix_.empty() ? 0 : prefix_.size() + 1;
        TRY_STATUS(add(item, full, std::string_view(full).substr(skip)));
      }
      marker = page.next;
      if (marker.empty()) return true;
    }
    return error(Code::kTooLarge, str(uri_.shown, " has more than 1000 pages of files"));
  }

  const Uri& uri_;
  const SourceOptions& options_;
  AzureLogin login_;
  std::string base_, container_, prefix_;
  HttpOptions http_options_;
  std::unique_ptr<Http> http_;
  std::vector<RemoteFile> files_;
};

}  // namespace

Result<Resolved> resolve_azure_blob(const Uri& uri, const SourceOptions& options) {
  return Azure(uri, options, "AZURE_BLOB_ENDPOINT").blobs();
}

Result<Resolved> resolve_azure_file(const Uri& uri, const SourceOptions& options) {
  return Azure(uri, options, "AZURE_FILE_ENDPOINT").share();
}

}  // namespace proa::storage
