#include "models/storage/oci/manifest.h"

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

constexpr size_t kMostLayers = 10'000;

Status check_digest(const std::string& digest) {
  const bool good = digest.size() == 71 && digest.starts_with("sha256:") &&
                    digest.find_first_not_of("0123456789abcdef", 7) == digest.npos;
  if (good) return {};
  return error(Code::kInvalid, str("digest \"", shorten(digest, 80), "\" is no sha256"));
}

Result<OciManifest> of_index(const json::Value& v, std::string_view architecture) {
  OciManifest out;
  for (const auto& m : v["manifests"].array()) {
    const auto& p = m["platform"];
    const bool any = !p.is_object() || p["architecture"].str().empty();
    const bool mine = p["architecture"].str() == architecture && p["os"].str_or("linux") == "linux";
    if (mine || (any && out.child.empty())) out.child = m["digest"].str();
    if (mine) break;
  }
  if (out.child.empty())
    return error(Code::kNotFound, str("the image has no variant for linux/", architecture));
  TRY_STATUS(check_digest(out.child));
  return out;
}

// "https://index.docker.io/v1/" and "registry-1.docker.io" are one.
std::string registry_name(std::string_view key) {
  if (const auto at = key.find("://"); at != key.npos) key = key.substr(at + 3);
  key = key.substr(0, key.find('/'));
  if (key == "docker.io" || key == "index.docker.io") return "registry-1.docker.io";
  return lower(key);
}

}  // namespace

Result<OciManifest> parse_manifest(std::string_view text, std::string_view architecture) {
  TRY(const auto v, json::parse(text).context("manifest"));
  if (v.has("manifests")) return of_index(v, architecture);
  if (!v["layers"].is_array())
    return error(Code::kInvalid, "the manifest has no layers (schema 1 is not supported)");
  OciManifest out;
  for (const auto& l : v["layers"].array()) {
    if (out.layers.size() >= kMostLayers) return error(Code::kTooLarge, "too many layers");
    OciLayer layer{l["digest"].str(), l["mediaType"].str(),
                   l["annotations"]["org.opencontainers.image.title"].str(), l["size"].integer(-1)};
    layer.unpack = l["annotations"]["io.deis.oras.content.unpack"].str() == "true";
    TRY_STATUS(check_digest(layer.digest));
    if (layer.size < 0) return error(Code::kInvalid, "a layer has no size");
    if (contains(layer.media, "foreign") || contains(layer.media, "nondistributable"))
      return error(Code::kUnimplemented, "the image has a layer that lies outside its registry");
    out.layers.push_back(std::move(layer));
  }
  return out;
}

Challenge parse_challenge(std::string_view text) {
  Challenge out;
  const auto space = text.find(' ');
  out.scheme = lower(text.substr(0, space));
  if (space == text.npos) return out;
  for (auto rest = text.substr(space + 1); !rest.empty();) {
    const auto equals = rest.find('=');
    if (equals == rest.npos) break;
    const auto name = lower(trim(rest.substr(0, equals)));
    rest = rest.substr(equals + 1);
    std::string value;
    if (rest.starts_with('"')) {
      const auto end = rest.find('"', 1);
      if (end == rest.npos) break;
      value = rest.substr(1, end - 1);
      rest = rest.substr(end + 1);
    } else {
      value = trim(rest.substr(0, rest.find(',')));
    }
    if (name == "realm") out.realm = value;
    if (name == "service") out.service = value;
    if (name == "scope") out.scope = value;
    const auto comma = rest.find(',');
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

std::string docker_login(std::string_view config, std::string_view registry) {
  const auto v = json::parse(config).value_or(json::Value());
  const auto& auths = v.has("auths") ? v["auths"] : v;
  for (const auto& [key, entry] : auths.object()) {
    if (registry_name(key) != registry_name(registry)) continue;
    if (const auto& user = entry["username"].str(); !user.empty())
      return str(user, ":", entry["password"].str());
    if (auto login = unbase64(entry["auth"].str()); login && contains(*login, ":")) return *login;
  }
  return {};
}

}  // namespace proa::storage
