// ModelScope: /api/v1/models/OWNER/MODEL/repo/files lists, …/repo?FilePath= reads.
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/hf/hf.h"

namespace proa::storage {
namespace {

Sign signer(const std::string& token) {
  if (token.empty()) return nullptr;
  return [token](Http&, HttpRequest& r, bool) -> Status {
    r.headers.push_back("Authorization: Bearer " + token);
    r.headers.push_back("Cookie: m_session_id=" + token);
    return {};
  };
}

Status add(const json::Value& item, const std::string& repo, const std::string& revision,
           const Uri& uri, std::vector<RemoteFile>& files) {
  if (item["Type"].str() != "blob") return {};
  if (files.size() >= kMostFiles)
    return error(Code::kTooLarge, str(uri.shown, " holds more than ", kMostFiles, " files"));
  RemoteFile f;
  TRY(f.path, safe_relative(item["Path"].str()).context(uri.shown));
  f.url = str(repo, "?Revision=", percent_encode(revision),
              "&FilePath=", percent_encode(item["Path"].str()));
  f.size = item["Size"].integer(-1);
  f.ranges = f.size > 0;
  f.checks.sha256 = lower(item["Sha256"].str());
  f.version = f.checks.sha256.empty() ? item["Revision"].str() : f.checks.sha256;
  files.push_back(std::move(f));
  return {};
}

}  // namespace

Result<Resolved> resolve_modelscope(const Uri& uri, const SourceOptions& options) {
  std::string base = value_in(options.env, "MODELSCOPE_ENDPOINT");
  Resolved out;
  out.http = options.http;
  out.unpack = Unpack::kNever;
  if (base.empty())
    base = "https://www.modelscope.cn";
  else
    out.http.configured.push_back(origin_of(base));
  while (base.ends_with('/')) base.pop_back();
  const auto token = value_in(options.env, "MODELSCOPE_API_TOKEN");
  out.sign = signer(token);
  const auto name = str(uri.bucket, "/", uri.path);
  const auto repo = str(base, "/api/v1/models/", name, "/repo");
  const std::string revision = uri.rev.empty() ? "master" : uri.rev;
  Http http(out.http);
  HttpRequest r;
  r.url = str(repo, "/files?Revision=", percent_encode(revision), "&Recursive=true");
  TRY(auto answer, send_signed(http, out.sign, std::move(r), options).context(uri.shown));
  const auto body = json::parse(answer.body).value_or(json::Value());
  if (answer.status == 404 || answer.status == 401 || answer.status == 403 ||
      body["Code"].integer(200) != 200)
    return error(answer.status == 404 ? Code::kNotFound : Code::kForbidden,
                 str("ModelScope resource '", name, "' not found.",
                     token.empty() ? " If it is private, set MODELSCOPE_API_TOKEN." : "", " ",
                     shorten(body["Message"].str(), 200)));
  if (answer.status != 200)
    return error(Code::kUnavailable,
                 str("server ", base, " answered ", answer.status, " for ", uri.shown));
  for (const auto& item : body["Data"]["Files"].array())
    TRY_STATUS(add(item, repo, revision, uri, out.files));
  out.version = version_of_files(out.files);
  return out;
}

}  // namespace proa::storage
