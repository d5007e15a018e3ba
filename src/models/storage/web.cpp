// Plain HTTP(S): one file. Headers for a host come from the environment: "HOST-headers" is a JSON
// map.
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/resolve.h"

namespace proa::storage {
namespace {

std::vector<std::string> headers_for(const Uri& uri, const Environment& env) {
  std::vector<std::string> out;
  const std::string host = uri.bucket.substr(0, uri.bucket.find(':'));
  for (const auto& name : {uri.bucket, host}) {
    const auto it = env.find(name + "-headers");
    if (it == env.end()) continue;
    auto map = json::parse(it->second);
    if (!map.ok()) continue;
    for (const auto& [key, value] : map->object())
      if (value.str().find_first_of("\r\n") == std::string::npos)
        out.push_back(str(key, ": ", value.str()));
    break;
  }
  return out;
}

Status check(const HttpResponse& r, const Uri& uri, bool with_headers) {
  if (r.status >= 200 && r.status < 300) return {};
  if (r.status == 404 || r.status == 410)
    return error(Code::kNotFound, str("HTTP resource not found at '", uri.shown, "'."));
  if (r.status == 401 || r.status == 403)
    return error(Code::kForbidden, str(r.status, " reading ", uri.shown,
                                       with_headers ? ": the given headers are not accepted"
                                                    : ": no credentials were given"));
  return error(Code::kUnavailable,
               str("server ", origin_of(uri.text), " answered ", r.status, " for ", uri.shown));
}

}  // namespace

Result<Resolved> resolve_web(const Uri& uri, const SourceOptions& options) {
  const auto headers = headers_for(uri, options.env);
  HttpOptions settings = options.http;
  if (!headers.empty()) settings.configured.push_back(origin_of(uri.text));  // a Secret names it
  Http http(settings);
  RemoteFile file;
  file.url = uri.text.substr(0, uri.text.find('#'));
  const std::string name = uri.path.substr(uri.path.rfind('/') + 1);
  TRY(file.path, safe_relative(name.empty() ? "model" : name));
  TRY(auto head, send_with_retries(http, {file.url, headers, "HEAD", {}, {}}, options));
  Resolved out;
  out.http = settings;
  out.sign = [headers](Http&, HttpRequest& r, bool) -> Status {
    r.headers.insert(r.headers.end(), headers.begin(), headers.end());
    return {};
  };
  const bool no_head = head.status == 405 || head.status == 501 || head.status == 403;
  if (!no_head) {
    TRY_STATUS(check(head, uri, !headers.empty()));
    if (head.header("content-type").starts_with("text/html"))
      return error(Code::kInvalid, str("URI ", uri.shown,
                                       " answered with a web page (Content-Type "
                                       "text/html), not with a model"));
    const auto& encoding = head.header("content-encoding");
    if (encoding.empty() || encoding == "identity") {
      file.size = parse_int(head.header("content-length")).value_or(-1);
      file.ranges = head.header("accept-ranges") == "bytes" && file.size > 0;
    }
    file.version = file.etag = head.header("etag");
    if (file.version.empty() && !head.header("last-modified").empty() && file.size >= 0)
      file.version = str(head.header("last-modified"), " ", file.size);
    for (auto part : split(head.header("digest"), ','))
      if (trim(part).starts_with("md5=")) file.checks.md5 = trim(part).substr(4);
    if (file.checks.md5.empty()) file.checks.md5 = head.header("content-md5");
    out.version = file.version;
  }
  out.files.push_back(std::move(file));
  return out;
}

}  // namespace proa::storage
