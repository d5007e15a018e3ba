#include "models/storage/oci/oci.h"

#include <sys/utsname.h>

#include <memory>
#include <mutex>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/oci/manifest.h"
#include "models/storage/transfer/crypto.h"

namespace proa::storage {
namespace {

constexpr const char* kAccept =
    "Accept: application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json";

std::string architecture() {
  utsname u{};
  uname(&u);
  const std::string_view machine = u.machine;
  if (machine == "aarch64") return "arm64";
  return machine == "x86_64" ? "amd64" : std::string(machine);
}

std::string login_for(const Environment& env, const std::string& registry) {
  std::vector<std::string> paths;
  const auto folders = value_in(env, "DOCKER_CONFIG");
  for (auto dir : split(folders, ':'))  // several imagePullSecrets
    if (!dir.empty()) paths.push_back(str(dir, "/config.json"));
  if (auto file = value_in(env, "REGISTRY_AUTH_FILE"); !file.empty()) paths.push_back(file);
  if (auto home = value_in(env, "HOME"); !home.empty())
    paths.push_back(home + "/.docker/config.json");
  for (const auto& path : paths)
    if (auto text = read_file(path, 1 << 20); text.ok())
      if (auto login = docker_login(*text, registry); !login.empty()) return login;
  return {};
}

bool insecure(const Environment& env, const std::string& registry) {
  const auto named = value_in(env, "PROA_INSECURE_REGISTRIES");
  for (auto item : split(named, ','))
    if (trim(item) == registry) return true;
  const auto host = host_of("http://" + registry);
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The registry's token, bought when its challenge says so.
struct Session {
  std::mutex mutex;
  Challenge challenge;
  std::string login, repository, token;
  SourceOptions options;
  int64_t good_until = 0;
};

Status buy_token(Session& s, Http& http) {
  HttpRequest r;
  r.url = str(s.challenge.realm, contains(s.challenge.realm, "?") ? "&" : "?",
              "service=", percent_encode(s.challenge.service),
              "&scope=", percent_encode(str("repository:", s.repository, ":pull")));
  if (!s.login.empty()) {
    if (!s.challenge.realm.starts_with("https://") &&
        !insecure(s.options.env, authority_of(s.challenge.realm)))
      return error(Code::kForbidden, str("the registry asks to send its password in the clear to ",
                                         origin_of(s.challenge.realm)));
    r.headers.push_back("Authorization: Basic " + base64(s.login));
  }
  TRY(auto answer, send_with_retries(http, r, s.options).context("registry token"));
  const auto said = json::parse(answer.body).value_or(json::Value());
  s.token = said["token"].str_or(said["access_token"].str());
  if (answer.status != 200 || s.token.empty())
    return error(
        Code::kForbidden,
        str("registry token: ", origin_of(r.url), " answered ", answer.status,
            s.login.empty() ? "; no credentials were given" : "; the login is not accepted"));
  s.good_until = now_seconds() + said["expires_in"].integer(60) - 10;
  return {};
}

Sign session_signer(std::shared_ptr<Session> s) {
  return [s](Http& http, HttpRequest& request, bool renew) -> Status {
    std::lock_guard lock(s->mutex);
    if (s->challenge.scheme == "basic" && !s->login.empty()) {
      request.headers.push_back("Authorization: Basic " + base64(s->login));
    } else if (s->challenge.scheme == "bearer") {
      if (renew || s->token.empty() || now_seconds() > s->good_until)
        TRY_STATUS(buy_token(*s, http));
      request.headers.push_back("Authorization: Bearer " + s->token);
    }
    return {};
  };
}

class Oci {
 public:
  Oci(const Uri& uri, const SourceOptions& options) : uri_(uri), options_(options) {
    const bool plain = insecure(options.env, uri.bucket);
    base_ = str(plain ? "http://" : "https://", uri.bucket, "/v2/");
    out_.http = options.http;
    // A registry that the administrator names as insecure is a configured server.
    const auto named = value_in(options.env, "PROA_INSECURE_REGISTRIES");
    for (auto item : split(named, ','))
      if (trim(item) == uri.bucket) out_.http.configured.push_back(origin_of(base_));
    session_ = std::make_shared<Session>();
    session_->repository = uri.path;
    session_->login = login_for(options.env, uri.bucket);
    if (!session_->login.empty()) out_.http.configured.push_back(origin_of(base_));  // a Secret's
    session_->options = options;
    out_.sign = session_signer(session_);
  }

  Result<Resolved> resolve() {
    http_ = std::make_unique<Http>(out_.http);
    TRY_STATUS(greet());
    TRY(auto manifest, fetch_manifest(uri_.rev));
    for (int depth = 0; !manifest.child.empty(); ++depth) {
      if (depth >= 3) return error(Code::kInvalid, str(uri_.shown, ": indexes nested too deep"));
      TRY(manifest, fetch_manifest(manifest.child));
    }
    TRY_STATUS(take_layers(manifest));
    return std::move(out_);
  }

 private:
  Status greet() {
    HttpRequest r;
    r.url = base_;
    TRY(auto answer, send_with_retries(*http_, r, options_).context(uri_.shown));
    if (answer.status == 401)
      session_->challenge = parse_challenge(answer.header("www-authenticate"));
    return {};
  }

  Result<OciManifest> fetch_manifest(const std::string& reference) {
    HttpRequest r;
    r.url = str(base_, uri_.path, "/manifests/", reference);
    r.headers = {kAccept};
    TRY(auto answer, send_signed(*http_, out_.sign, std::move(r), options_).context(uri_.shown));
    if (answer.status != 200) return refusal(answer);
    const auto digest = "sha256:" + sha256_hex(answer.body);
    if (reference.starts_with("sha256:") && digest != reference)
      return error(Code::kDataLoss, str(uri_.shown, ": the manifest has digest ", digest,
                                        " instead of ", reference));
    out_.version = digest;
    return parse_manifest(answer.body, architecture()).context(uri_.shown);
  }

  Error refusal(const HttpResponse& r) const {
    if (r.status == 404) return error(Code::kNotFound, str("image ", uri_.shown, " not found"));
    if (r.status == 401 || r.status == 403)
      return error(Code::kForbidden, str("registry authentication failed for ", uri_.shown,
                                         session_->login.empty()
                                             ? ": no credentials were given; add an imagePullSecret"
                                             : ": the given login may not read it"));
    return error(Code::kUnavailable,
                 str("server ", origin_of(base_), " answered ", r.status, " for ", uri_.shown));
  }

  Status take_layers(const OciManifest& manifest) {
    bool titled = false;
    for (const auto& l : manifest.layers) titled |= !l.title.empty();
    out_.unpack = titled ? Unpack::kNever : Unpack::kLayers;
    for (size_t i = 0; i < manifest.layers.size(); ++i) {
      const auto& l = manifest.layers[i];
      if (titled && l.title.empty()) continue;
      if (l.unpack)
        return error(Code::kUnimplemented, str(uri_.shown, ": ", l.title,
                                               " is a packed folder; push its files one by one, "
                                               "or an image with /models"));
      RemoteFile f;
      if (titled) {
        TRY(f.path, safe_relative(l.title).context(uri_.shown));
      } else {
        std::string number = str(i);
        f.path = str("layer-", std::string(5 - std::min<size_t>(5, number.size()), '0'), number);
      }
      f.url = str(base_, uri_.path, "/blobs/", l.digest);
      f.size = l.size;
      f.checks.sha256 = l.digest.substr(7);
      f.version = l.digest;
      f.ranges = l.size > 0;
      f.media = l.media;
      out_.files.push_back(std::move(f));
    }
    return {};
  }

  const Uri& uri_;
  const SourceOptions& options_;
  std::string base_;
  std::shared_ptr<Session> session_;
  std::unique_ptr<Http> http_;
  Resolved out_;
};

}  // namespace

Result<Resolved> resolve_oci(const Uri& uri, const SourceOptions& options) {
  return Oci(uri, options).resolve();
}

}  // namespace proa::storage
