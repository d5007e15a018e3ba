#include "models/storage/transfer/uri.h"

#include <fnmatch.h>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/transfer/http.h"

namespace proa::storage {
namespace {

std::string_view strip_slashes(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool printable(std::string_view text) {
  for (unsigned char c : text)
    if (c < 0x20 || c == 0x7f) return false;
  return true;
}

bool clean_segments(std::string_view path) {
  for (auto part : split(path, '/'))
    if (part == ".." || part == ".") return false;
  return true;
}

bool all_of(std::string_view text, std::string_view extra) {
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
          extra.find(c) != extra.npos))
      return false;
  return true;
}

Uri make(Scheme scheme, std::string_view text) {
  Uri u;
  u.scheme = scheme;
  u.text = u.shown = std::string(text);
  return u;
}

Error bad(std::string_view text, std::string_view why) {
  return error(Code::kInvalid, str("URI ", shown_url(text), " ", why));
}

// gs://, s3://, oss://: BUCKET/PREFIX.
Result<Uri> parse_bucket(Scheme scheme, std::string_view text) {
  const auto rest = text.substr(text.find("://") + 3);
  const auto slash = rest.find('/');
  Uri u = make(scheme, text);
  u.bucket = rest.substr(0, slash);
  if (slash != rest.npos) u.path = strip_slashes(rest.substr(slash));
  if (u.bucket.empty()) return bad(text, "names no bucket");
  if (lower(u.bucket) != u.bucket || !all_of(u.bucket, "-_.") || u.bucket.size() > 222 ||
      contains(u.bucket, "..") || u.bucket[0] == '.')
    return bad(text, ": no bucket can have this name");
  if (!clean_segments(u.path)) return bad(text, "climbs out of its bucket");
  return u;
}

struct Web {
  std::string host, path, query;
};

Result<Web> split_web(std::string_view text) {
  auto rest = text.substr(text.find("://") + 3);
  rest = rest.substr(0, rest.find('#'));
  if (rest.find('\\') != rest.npos) return bad(text, "has a backslash");
  const auto end = rest.find_first_of("/?");
  auto host = rest.substr(0, end);
  auto path = end == rest.npos ? std::string_view() : rest.substr(end);
  Web w;
  if (const auto mark = path.find('?'); mark != path.npos) {
    w.query = path.substr(mark + 1);
    path = path.substr(0, mark);
  }
  if (const auto at = host.rfind('@'); at != host.npos) host = host.substr(at + 1);
  if (host.empty() || host[0] == ':') return bad(text, "names no host");
  if (!all_of(host, "-._:[]") || host.size() > 260) return bad(text, "names no possible host");
  const auto decoded = percent_decode(path);
  if (!decoded || !printable(*decoded)) return bad(text, "has a bad escape");
  if (!clean_segments(*decoded)) return bad(text, "climbs out with ..");
  w.host = lower(host);
  w.path = strip_slashes(*decoded);
  return w;
}

Scheme web_scheme(const Web& w) {
  const std::string host = w.host.substr(0, w.host.find(':'));
  if (host.ends_with(".blob.core.windows.net") || host.ends_with(".blob.storage.azure.net"))
    return Scheme::kAzureBlob;
  if (host.ends_with(".file.core.windows.net") || host.ends_with(".file.storage.azure.net"))
    return Scheme::kAzureFile;
  return w.path.ends_with(".git") ? Scheme::kGit : Scheme::kWeb;
}

Result<Uri> parse_web(std::string_view text) {
  TRY(auto w, split_web(text));
  Uri u = make(web_scheme(w), text);
  u.shown = shown_url(text);
  u.path = w.path;
  u.query = w.query;
  u.bucket = w.host;
  if (u.scheme == Scheme::kAzureBlob || u.scheme == Scheme::kAzureFile) {
    u.bucket = w.host.substr(0, w.host.find('.'));
    if (u.path.empty()) return bad(text, "names no container");
  }
  if (u.scheme == Scheme::kGit) {
    const auto hash = text.find('#');
    if (hash != text.npos) u.rev = text.substr(hash + 1);
    for (auto pair : split(u.query, '&'))
      if (pair.starts_with("ref=")) u.rev = percent_decode(pair.substr(4)).value_or("");
    if (u.rev.starts_with('-') || !all_of(u.rev, "-._/+@")) return bad(text, "has a bad ref");
    if (!u.rev.empty()) u.shown += "#" + u.rev;
  }
  return u;
}

// hf://OWNER/MODEL[:REV], modelscope://, ms://
Result<Uri> parse_hub(Scheme scheme, std::string_view text) {
  const auto rest = strip_slashes(text.substr(text.find("://") + 3));
  Uri u = make(scheme, text);
  const auto colon = rest.find(':');
  const auto name = rest.substr(0, colon);
  if (colon != rest.npos) u.rev = rest.substr(colon + 1);
  const auto slash = name.find('/');
  if (slash == name.npos) return bad(text, "is not of the form SCHEME://OWNER/MODEL[:REVISION]");
  u.bucket = name.substr(0, slash);
  u.path = name.substr(slash + 1);
  if (u.bucket.empty() || u.path.empty() || !all_of(u.bucket, "-._") || !all_of(u.path, "-._") ||
      !clean_segments(name) || (colon != rest.npos && u.rev.empty()))
    return bad(text, "is not of the form SCHEME://OWNER/MODEL[:REVISION]");
  if (!all_of(u.rev, "-._/+") || !clean_segments(u.rev)) return bad(text, "has a bad revision");
  return u;
}

bool is_registry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != first.npos;
}

Result<Uri> parse_oci(std::string_view text) {
  auto rest = text.substr(text.find("://") + 3);
  Uri u = make(text.starts_with("oci+native://") ? Scheme::kMounted : Scheme::kOci, text);
  if (const auto at = rest.find('@'); at != rest.npos) {
    u.rev = rest.substr(at + 1);
    rest = rest.substr(0, at);
    if (!u.rev.starts_with("sha256:") || u.rev.size() != 71 || !all_of(u.rev, ":"))
      return bad(text, "has a digest that is no sha256");
  }
  auto name = rest;
  const auto slash = rest.find('/');
  u.bucket = "registry-1.docker.io";
  if (slash != rest.npos && is_registry(rest.substr(0, slash))) {
    u.bucket = rest.substr(0, slash);
    name = rest.substr(slash + 1);
  }
  if (u.bucket == "docker.io" || u.bucket == "index.docker.io") u.bucket = "registry-1.docker.io";
  if (const auto colon = name.find(':'); colon != name.npos) {
    if (u.rev.empty()) u.rev = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  if (u.rev.empty()) u.rev = "latest";
  u.path = name;
  if (u.bucket == "registry-1.docker.io" && !contains(name, "/")) u.path = str("library/", name);
  const bool named = !name.empty() && lower(name) == name && all_of(name, "-._/") &&
                     clean_segments(name) && !contains(name, "//") && name.front() != '/' &&
                     name.back() != '/';
  if (!named || !all_of(u.bucket, "-._:[]") || !all_of(u.rev, "-._:"))
    return bad(text, "is not of the form oci://REGISTRY/REPOSITORY[:TAG][@DIGEST]");
  return u;
}

Result<Uri> parse_hdfs(std::string_view text) {
  const auto rest = text.substr(text.find("://") + 3);
  Uri u = make(Scheme::kHdfs, text);
  u.shown = shown_url(text);
  if (rest.find_first_of("?#\\@") != rest.npos) return bad(text, "may have no ?, #, @ or \\");
  u.path = strip_slashes(rest);
  if (u.path.empty()) return bad(text, "names no path");
  if (!clean_segments(u.path)) return bad(text, "climbs out with ..");
  return u;
}

Result<Uri> parse_file(std::string_view text) {
  Uri u = make(Scheme::kLocal, text);
  u.path = text.starts_with("file://") ? text.substr(7) : text;
  if (text.starts_with("file://") && !u.path.starts_with('/'))
    return error(Code::kInvalid, str("URI ", text, " needs an absolute path, as in file:///path"));
  if (!clean_segments(u.path.starts_with("./") ? std::string_view(u.path).substr(2)
                                               : std::string_view(u.path)))
    return bad(text, "climbs out with ..");
  if (text == "/mnt/models" || text == "/mnt/models/") u.scheme = Scheme::kMounted;
  return u;
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  if (text.empty()) return error(Code::kInvalid, "the storage URI is empty");
  if (text.size() > 4096 || !printable(text))
    return error(Code::kInvalid, "the storage URI is too long or has control characters");
  if (text.starts_with("models:/") || text.starts_with("runs:/"))
    return make(Scheme::kMlflow, text);
  const auto at = text.find("://");
  if (at == text.npos) return parse_file(text);
  const auto scheme = text.substr(0, at);
  if (scheme == "gs") return parse_bucket(Scheme::kGcs, text);
  if (scheme == "s3") return parse_bucket(Scheme::kS3, text);
  if (scheme == "oss") return parse_bucket(Scheme::kOss, text);
  if (scheme == "http" || scheme == "https") return parse_web(text);
  if (scheme == "hf") return parse_hub(Scheme::kHuggingFace, text);
  if (scheme == "modelscope" || scheme == "ms") return parse_hub(Scheme::kModelScope, text);
  if (scheme == "oci" || scheme == "oci+fetch" || scheme == "oci+native") return parse_oci(text);
  if (scheme == "hdfs" || scheme == "webhdfs") return parse_hdfs(text);
  if (scheme == "pvc") return make(Scheme::kClaim, text);
  if (scheme == "file") return parse_file(text);
  return error(Code::kInvalid,
               str(shorten(scheme, 40),
                   ":// is not supported; there are gs://, s3://, oss://, "
                   "https://, http://, hf://, modelscope://, oci://, hdfs://, webhdfs://, pvc://, "
                   "models:/, runs:/, file:// and paths"));
}

Result<std::string> safe_relative(std::string_view path) {
  const auto bad = [&](std::string_view why) {
    return error(Code::kInvalid, str("file name \"", shorten(path, 100), "\" ", why));
  };
  if (path.size() > 1024) return bad("is too long");
  if (!printable(path)) return bad("has control characters");
  if (path.starts_with('/')) return bad("is absolute");
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") return bad("climbs out of its folder");
    if (part.size() > 255) return bad("is too long");
    parts.emplace_back(part);
  }
  if (parts.empty()) return bad("is empty");
  return join(parts, "/");
}

Result<std::vector<std::pair<std::string, std::string>>> parse_mirrors(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto item : split(text, ';')) {
    item = trim(item);
    if (item.empty()) continue;
    const auto equals = item.rfind("=/");
    if (equals == item.npos || equals == 0)
      return error(Code::kInvalid,
                   str("mirror \"", item, "\" is not of the form URI-PREFIX=/DIRECTORY"));
    out.emplace_back(item.substr(0, equals), item.substr(equals + 1));
  }
  return out;
}

Result<std::string> mirrored(std::string_view uri,
                             const std::vector<std::pair<std::string, std::string>>& mirrors) {
  size_t best = 0;
  std::string_view folder, rest;
  for (const auto& [given, dir] : mirrors) {
    std::string_view prefix = given;
    while (prefix.ends_with('/') && !prefix.ends_with("://")) prefix.remove_suffix(1);
    if (prefix.size() <= best || !uri.starts_with(prefix)) continue;
    const auto tail = uri.substr(prefix.size());
    if (!tail.empty() && tail[0] != '/' && !prefix.ends_with('/')) continue;
    best = prefix.size();
    folder = dir;
    rest = tail;
  }
  if (best == 0) return std::string();
  rest = strip_slashes(rest);
  if (rest.empty()) return std::string(folder);
  TRY(auto below, safe_relative(rest));
  return str(folder, "/", below);
}

bool Filter::takes(const std::string& path) const {
  const auto any = [&](const std::vector<std::string>& patterns) {
    for (const auto& p : patterns)
      if (fnmatch(p.c_str(), path.c_str(), 0) == 0) return true;
    return false;
  };
  if (!allow.empty() && !any(allow)) return false;
  return !any(ignore);
}

std::vector<std::string> parse_patterns(std::string_view text) {
  std::vector<std::string> out;
  if (trim(text).starts_with('['))
    if (auto list = json::parse(text); list.ok()) {
      for (const auto& item : list->array())
        if (!item.str().empty()) out.push_back(item.str());
      return out;
    }
  for (auto item : split(text, ','))
    if (!trim(item).empty()) out.emplace_back(trim(item));
  return out;
}

bool is_archive(std::string_view name) {
  const auto l = lower(name);
  for (auto end : {".tar", ".tgz", ".tar.gz", ".zip"})
    if (l.ends_with(end)) return true;
  return false;
}

std::string hash_name(std::string_view text) {
  uint64_t a = 0xcbf29ce484222325, b = 0x9e3779b97f4a7c15;
  for (unsigned char c : text) {
    a = (a ^ c) * 0x100000001b3;
    b = (b + c) * 0xff51afd7ed558ccd;
    b ^= b >> 33;
  }
  std::string bytes;
  for (uint64_t v : {a, b})
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(v >> shift);
  return hex(bytes);
}

std::string file_name_for(std::string_view text) {
  auto name = percent_encode(text);
  if (name.starts_with('.')) name = "%2E" + name.substr(1);
  if (name.size() <= 180) return name;
  return str(name.substr(0, 140), "-", hash_name(text));
}

}  // namespace proa::storage
