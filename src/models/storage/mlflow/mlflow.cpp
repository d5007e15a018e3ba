#include "models/storage/mlflow/mlflow.h"

#include <algorithm>
#include <deque>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

constexpr int kMostHops = 4;  // models:/m-… behind a version
constexpr size_t kMostFolders = 2000;
constexpr std::string_view kApi = "/api/2.0/mlflow/";
constexpr std::string_view kArtifacts = "/api/2.0/mlflow-artifacts/artifacts";

std::string encode_path(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) parts.push_back(percent_encode(part));
  return join(parts, "/");
}

bool is_loopback(std::string_view url) {
  const std::string host = host_of(url);
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

class Mlflow {
 public:
  Mlflow(const Uri& uri, const SourceOptions& options, const ResolveOther& other)
      : uri_(uri), options_(options), other_(other) {}

  Result<Resolved> resolve() {
    TRY(MlflowName name, parse_mlflow(uri_.text));
    TRY_STATUS(connect());
    TRY(std::string artifacts, artifacts_of(name));
    for (int hop = 0; artifacts.starts_with("models:/"); ++hop) {
      if (hop == kMostHops) return wrong("its artifacts are models:/ of each other");
      TRY(MlflowName next, parse_mlflow(artifacts));
      TRY(artifacts, artifacts_of(next));
    }
    if (name.kind != MlflowName::Kind::kRun) return open(artifacts);
    auto found = open(str(artifacts, artifacts.ends_with('/') ? "" : "/", name.which));
    bool none = found.ok() ? found->files.empty() : found.error().code == Code::kNotFound;
    if (!none) return found;
    // MLflow 3 keeps a run's models beside it, by the name that they were logged under.
    TRY(std::string logged, logged_model(name));
    return logged.empty() ? std::move(found) : open(logged);
  }

 private:
  Error wrong(std::string_view what) const {
    return error(Code::kInvalid, str(uri_.shown, ": ", what));
  }

  Status connect() {
    const Environment& env = options_.env;
    base_ = value_in(env, "MLFLOW_TRACKING_URI");
    while (base_.ends_with('/')) base_.pop_back();
    if (!base_.starts_with("http://") && !base_.starts_with("https://"))
      return wrong(base_.empty() ? "MLFLOW_TRACKING_URI is not set: the URL of MLflow's server"
                                 : "MLFLOW_TRACKING_URI is to be the URL of a server, http(s)://…");
    std::string user = value_in(env, "MLFLOW_TRACKING_USERNAME");
    std::string password = value_in(env, "MLFLOW_TRACKING_PASSWORD");
    size_t from = base_.find("://") + 3, at = base_.find('@', from);
    if (at != base_.npos && at < base_.find('/', from)) {
      auto both = percent_decode(std::string_view(base_).substr(from, at - from)).value_or("");
      user = both.substr(0, both.find(':'));
      password = both.substr(std::min(both.size(), user.size() + 1));
      base_.erase(from, at + 1 - from);
    }
    const std::string token = value_in(env, "MLFLOW_TRACKING_TOKEN");
    if (!user.empty())
      authorization_ = str("Authorization: Basic ", base64(str(user, ":", password)));
    else if (!token.empty())
      authorization_ = str("Authorization: Bearer ", token);
    if (authorization_.find_first_of("\r\n") != std::string::npos)
      return wrong("the credentials in MLFLOW_TRACKING_… hold a line break");
    http_ = options_.http;
    http_.configured.push_back(origin_of(base_));
    http_.verify = !truthy(value_in(env, "MLFLOW_TRACKING_INSECURE_TLS"));
    if (auto ca = value_in(env, "MLFLOW_TRACKING_SERVER_CERT_PATH"); !ca.empty())
      http_.ca_file = ca;
    if (auto cert = value_in(env, "MLFLOW_TRACKING_CLIENT_CERT_PATH"); !cert.empty())
      http_.cert = http_.key = cert;
    if (!authorization_.empty())
      sign_ = [line = authorization_](Http&, HttpRequest& r, bool) -> Status {
        r.headers.push_back(line);
        return {};
      };
    client_ = std::make_unique<Http>(http_);
    return {};
  }

  Result<json::Value> ask(std::string url, std::string body = {}) {
    return ask_as(sign_, std::move(url), std::move(body));
  }
  Result<json::Value> ask_as(const Sign& sign, std::string url, std::string body = {}) {
    HttpRequest r;
    r.url = std::move(url);
    if (!body.empty()) {
      r.method = "POST";
      r.headers.push_back("Content-Type: application/json");
      r.body = std::move(body);
    }
    TRY(auto answer, send_signed(*client_, sign, std::move(r), options_).context(uri_.shown));
    if (answer.status == 200) return json::parse(answer.body, {64 << 20, 50}).context(uri_.shown);
    auto said = json::parse(answer.body, {1 << 20, 20}).value_or(json::Value());
    const std::string why = shorten(said["message"].str(), 300);
    if (answer.status == 401 || answer.status == 403)
      return error(Code::kForbidden,
                   str("MLflow at ", base_, " answered ", answer.status, " for ", uri_.shown,
                       authorization_.empty()
                           ? ": set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
                             "MLFLOW_TRACKING_TOKEN"
                           : ": the given credentials are not accepted"));
    if (answer.status == 404 || said["error_code"].str() == "RESOURCE_DOES_NOT_EXIST" ||
        answer.status == 400)
      return error(answer.status == 400 ? Code::kInvalid : Code::kNotFound,
                   str("MLflow at ", base_, " has no ", uri_.shown, why.empty() ? "" : ": ", why));
    return error(Code::kUnavailable, str("MLflow at ", base_, " answered ", answer.status, " for ",
                                         uri_.shown, why.empty() ? "" : ": ", why));
  }

  Result<std::string> needed(const json::Value& uri) const {
    if (uri.str().empty()) return wrong("MLflow names no place of its artifacts");
    return uri.str();
  }

  Result<std::string> of_version(const std::string& name, const std::string& version) {
    TRY(auto answer, ask(str(base_, kApi, "model-versions/get-download-uri?name=",
                             percent_encode(name), "&version=", percent_encode(version))));
    return needed(answer["artifact_uri"]);
  }

  Result<std::string> of_stage(const MlflowName& name) {
    auto body = json::object({{"name", name.name}});
    if (!iequals(name.which, "latest")) body.set("stages", json::array({stage(name.which)}));
    TRY(auto answer,
        ask(str(base_, kApi, "registered-models/get-latest-versions"), json::dump(body)));
    int64_t newest = 0;
    for (const auto& v : answer["model_versions"].array())
      newest = std::max(newest, parse_int(v["version"].str()).value_or(0));
    if (newest == 0)
      return error(Code::kNotFound, str("MLflow at ", base_, " has no ", uri_.shown));
    return of_version(name.name, str(newest));
  }
  static std::string stage(std::string_view given) {
    std::string text = lower(given);
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  }

  Result<std::string> artifacts_of(const MlflowName& name) {
    const std::string id = percent_encode(name.name);
    switch (name.kind) {
      case MlflowName::Kind::kVersion:
        return of_version(name.name, name.which);
      case MlflowName::Kind::kStage:
        return of_stage(name);
      case MlflowName::Kind::kAlias: {
        TRY(auto answer, ask(str(base_, kApi, "registered-models/alias?name=", id,
                                 "&alias=", percent_encode(name.which))));
        return of_version(name.name, answer["model_version"]["version"].str());
      }
      case MlflowName::Kind::kLogged: {
        TRY(auto answer, ask(str(base_, kApi, "logged-models/", id)));
        return needed(answer["model"]["info"]["artifact_uri"]);
      }
      case MlflowName::Kind::kRun: {
        TRY(auto answer, ask(str(base_, kApi, "runs/get?run_id=", id)));
        experiment_ = answer["run"]["info"]["experiment_id"].str();
        return needed(answer["run"]["info"]["artifact_uri"]);
      }
    }
    return wrong("it names nothing");
  }

  // "" where the server knows of none.
  Result<std::string> logged_model(const MlflowName& run) {
    auto body = json::object({{"experiment_ids", json::array({experiment_})},
                              {"filter", str("source_run_id = '", run.name, "'")}});
    auto answer = ask(str(base_, kApi, "logged-models/search"), json::dump(body));
    if (!answer.ok()) return std::string();
    for (const auto& model : (*answer)["models"].array())
      if (model["info"]["name"].str() == run.which) return model["info"]["artifact_uri"].str();
    return std::string();
  }

  Result<Resolved> open(const std::string& artifacts) {
    constexpr std::string_view kScheme = "mlflow-artifacts:";
    if (artifacts.starts_with(kScheme)) {
      auto rest = std::string_view(artifacts).substr(kScheme.size());
      std::string server = base_;
      if (rest.starts_with("//")) {
        size_t slash = std::min(rest.find('/', 2), rest.size());
        if (slash > 2)
          server = str(base_.substr(0, base_.find("://") + 3), rest.substr(2, slash - 2));
        rest.remove_prefix(slash);
      }
      return proxied(str(server, kArtifacts), rest);
    }
    if (size_t at = artifacts.find(kArtifacts);
        artifacts.starts_with("http") && at != artifacts.npos)
      return proxied(artifacts.substr(0, at + kArtifacts.size()),
                     std::string_view(artifacts).substr(at + kArtifacts.size()));
    return elsewhere(artifacts);
  }

  Result<Resolved> elsewhere(const std::string& artifacts) {
    TRY(Uri uri, parse_uri(store_uri(artifacts)).context(str(uri_.shown, ": its artifacts")));
    if (uri.scheme == Scheme::kMlflow) return wrong("its artifacts are models:/ of each other");
    bool local = uri.scheme == Scheme::kLocal || uri.scheme == Scheme::kMounted ||
                 uri.scheme == Scheme::kClaim;
    if (local && !is_loopback(base_))
      return wrong(str("its artifacts are files of the server (", shorten(uri.shown, 200),
                       "): start it with --serve-artifacts, or with an object store"));
    TRY(auto out, other_(uri, options_).context(uri_.shown));
    out.unpack = Unpack::kNever;
    return out;
  }

  // The server lists a folder at a time.
  Result<Resolved> proxied(const std::string& root, std::string_view path) {
    TRY(std::string top,
        safe_relative(path.substr(std::min(path.find_first_not_of('/'), path.size())))
            .context(uri_.shown));
    Resolved out;
    out.http = http_;
    if (origin_of(root) == origin_of(base_)) out.sign = sign_;
    out.unpack = Unpack::kNever;
    std::deque<std::string> folders{""};
    for (size_t asked = 0; !folders.empty(); ++asked) {
      if (asked == kMostFolders) return wrong(str("it has more than ", kMostFolders, " folders"));
      const std::string below = std::move(folders.front());
      folders.pop_front();
      const std::string folder = below.empty() ? top : str(top, "/", below);
      TRY(auto answer, ask_as(out.sign, str(root, "?path=", percent_encode(folder))));
      for (const auto& item : answer["files"].array())
        TRY_STATUS(add(item, below, str(root, "/", encode_path(folder)), folders, out.files));
    }
    return out;
  }

  Status add(const json::Value& item, const std::string& below, const std::string& url,
             std::deque<std::string>& folders, std::vector<RemoteFile>& files) const {
    TRY(std::string name, safe_relative(item["path"].str()).context(uri_.shown));
    if (contains(name, "/")) return wrong("a listing names a file of another folder");
    std::string path = below.empty() ? name : str(below, "/", name);
    if (item["is_dir"].boolean()) {
      folders.push_back(std::move(path));
      return {};
    }
    if (files.size() >= kMostFiles)
      return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " files"));
    RemoteFile f;
    f.path = std::move(path);
    f.url = str(url, "/", percent_encode(name));
    f.size = item["file_size"].integer(-1);
    files.push_back(std::move(f));
    return {};
  }

  const Uri& uri_;
  const SourceOptions& options_;
  const ResolveOther& other_;
  std::string base_, authorization_, experiment_;
  HttpOptions http_;
  Sign sign_;
  std::unique_ptr<Http> client_;
};

}  // namespace

Result<Resolved> resolve_mlflow(const Uri& uri, const SourceOptions& options,
                                const ResolveOther& other) {
  return Mlflow(uri, options, other).resolve();
}

}  // namespace proa::storage
