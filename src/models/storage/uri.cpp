#include "models/storage/uri.h"

#include <fnmatch.h>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

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

Result<Uri> parse_gcs(std::string_view text) {
  const auto rest = text.substr(5);
  const auto slash = rest.find('/');
  Uri u{Scheme::kGcs, std::string(text), std::string(rest.substr(0, slash)),
        std::string(slash == rest.npos ? "" : strip_slashes(rest.substr(slash)))};
  if (u.bucket.empty()) return error(Code::kInvalid, str("URI ", text, " names no bucket"));
  for (char c : u.bucket)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
      return error(Code::kInvalid, str("URI ", text, ": no bucket can be called ", u.bucket));
  return u;
}

Result<Uri> parse_web(std::string_view text) {
  auto rest = text.substr(text.find("://") + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto end = rest.find_first_of("/?");
  auto host = rest.substr(0, end);
  auto path = end == rest.npos ? std::string_view() : rest.substr(end);
  path = path.substr(0, path.find('?'));
  if (const auto at = host.rfind('@'); at != host.npos) host = host.substr(at + 1);
  if (host.empty()) return error(Code::kInvalid, str("URI ", text, " names no host"));
  const auto decoded = percent_decode(path);
  if (!decoded || !printable(*decoded))
    return error(Code::kInvalid, str("URI ", text, " has a bad escape"));
  return Uri{Scheme::kWeb, std::string(text), std::string(host),
             std::string(strip_slashes(*decoded))};
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  if (text.empty()) return error(Code::kInvalid, "the storage URI is empty");
  if (text.size() > 4096 || !printable(text))
    return error(Code::kInvalid, "the storage URI is too long or has control characters");
  if (text.starts_with("gs://")) return parse_gcs(text);
  if (text.starts_with("http://") || text.starts_with("https://")) return parse_web(text);
  if (text.starts_with("pvc://")) return Uri{Scheme::kClaim, std::string(text), "", ""};
  if (text.starts_with("file://")) {
    const auto path = text.substr(7);
    if (!path.starts_with('/'))
      return error(Code::kInvalid,
                   str("URI ", text, " needs an absolute path, as in file:///path"));
    return Uri{Scheme::kLocal, std::string(text), "", std::string(path)};
  }
  if (const auto at = text.find("://"); at != text.npos)
    return error(Code::kInvalid, str(text.substr(0, at + 3),
                                     " is not supported by this version; there are gs://, "
                                     "https://, http://, pvc://, file:// and paths"));
  return Uri{Scheme::kLocal, std::string(text), "", std::string(text)};
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
