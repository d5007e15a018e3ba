#include "models/storage/webhdfs/webhdfs.h"

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"

namespace proa::storage {
namespace {

constexpr size_t kMostFolders = 10'000;

std::string encode_path(std::string_view path) {
  std::vector<std::string> parts;
  for (auto part : split(path, '/')) parts.push_back(percent_encode(part));
  return join(parts, "/");
}

std::string secret_dir(const Environment& env) {
  const auto dir = value_in(env, "HDFS_SECRET_DIR");
  return dir.empty() ? "/var/secrets/kserve-hdfscreds" : dir;
}

// The variable, or the file of the secret's folder.
std::string setting(const Environment& env, const std::string& name) {
  if (auto v = value_in(env, name); !v.empty()) return v;
  return std::string(trim(read_file(str(secret_dir(env), "/", name), 1 << 20).value_or("")));
}

// The path of a file that the setting is: of the secret's folder, or as the variable names it.
std::string setting_file(const Environment& env, const std::string& name) {
  if (auto v = value_in(env, name); !v.empty()) return v;
  const auto path = str(secret_dir(env), "/", name);
  return exists(path) ? path : std::string();
}

class WebHdfs {
 public:
  WebHdfs(const Uri& uri, const SourceOptions& options) : uri_(uri), options_(options) {}

  Result<Resolved> resolve() {
    TRY_STATUS(configure());
    http_ = std::make_unique<Http>(out_.http);
    Error last = error(Code::kUnavailable, "no server");
    for (const auto& server : servers_) {
      base_ = server + "/webhdfs/v1";
      auto done = from_root();
      if (done.ok()) {
        out_.version = version_of_files(out_.files);
        return std::move(out_);
      }
      last = std::move(done).error();
      if (last.code != Code::kUnavailable) break;  // else a standby, perhaps: the next one
    }
    return last;
  }

 private:
  Status configure() {
    const auto& env = options_.env;
    out_.http = options_.http;
    auto servers = setting(env, "HDFS_NAMENODE");
    root_ = "/" + uri_.path;
    if (servers.empty()) {
      const auto slash = uri_.path.find('/');
      if (!uri_.text.starts_with("webhdfs://") || slash == uri_.path.npos ||
          !contains(uri_.path.substr(0, slash), ":"))
        return error(Code::kInvalid, str(uri_.shown, ": HDFS_NAMENODE is not set"));
      servers = "http://" + uri_.path.substr(0, slash);
      root_ = uri_.path.substr(slash);
    } else {
      out_.http.configured_all = true;  // its datanodes are where it says
      if (auto below = setting(env, "HDFS_ROOTPATH"); !below.empty()) {
        while (below.ends_with('/')) below.pop_back();
        root_ = str(below.starts_with('/') || below.empty() ? "" : "/", below, root_);
      }
    }
    for (auto s : split(servers, ';')) {
      s = trim(s);
      while (s.ends_with('/')) s.remove_suffix(1);
      if (!s.empty()) servers_.push_back(contains(s, "://") ? std::string(s) : str("http://", s));
    }
    for (auto name : {"KERBEROS_PRINCIPAL", "KERBEROS_KEYTAB"})
      if (!setting(env, name).empty())
        return error(Code::kUnimplemented,
                     str(uri_.shown, ": ", name,
                         " is set, but Kerberos is not supported; use a "
                         "gateway that takes HEADERS or a client certificate"));
    return secrets(env);
  }

  Status secrets(const Environment& env) {
    out_.http.cert = setting_file(env, "TLS_CERT");
    out_.http.key = setting_file(env, "TLS_KEY");
    if (const auto ca = setting_file(env, "TLS_CA"); !ca.empty()) out_.http.ca_file = ca;
    out_.http.verify = !truthy(setting(env, "TLS_SKIP_VERIFY"));
    if (const auto user = setting(env, "HDFS_USER"); !user.empty())
      user_ += "&user.name=" + percent_encode(user);
    if (const auto proxy = setting(env, "USER_PROXY"); !proxy.empty())
      user_ += "&doas=" + percent_encode(proxy);
    const auto text = setting(env, "HEADERS");
    if (text.empty()) return {};
    TRY(auto map, json::parse(text).context("HEADERS of the HDFS secret"));
    std::vector<std::string> lines;
    for (const auto& [key, value] : map.object())
      if (str(key, value.str()).find_first_of("\r\n") == std::string::npos)
        lines.push_back(str(key, ": ", value.str()));
    out_.sign = [lines](Http&, HttpRequest& r, bool) -> Status {
      r.headers.insert(r.headers.end(), lines.begin(), lines.end());
      return {};
    };
    return {};
  }

  std::string url(const std::string& path, const char* op) const {
    return str(base_, encode_path(path), "?op=", op, user_);
  }

  Result<json::Value> ask(const std::string& path, const char* op) {
    HttpRequest r;
    r.url = url(path, op);
    TRY(auto answer, send_signed(*http_, out_.sign, std::move(r), options_).context(uri_.shown));
    auto body = json::parse(answer.body);
    const json::Value said = body.ok() ? *body : json::Value();
    const auto& exception = said["RemoteException"]["exception"].str();
    if (answer.status == 404) return no_model(uri_);
    if (answer.status == 200 && body.ok()) return said;
    const auto tail = str(answer.status, " ", exception, " ",
                          shorten(said["RemoteException"]["message"].str(), 200));
    if (answer.status == 401 || (answer.status == 403 && exception != "StandbyException"))
      return error(Code::kForbidden,
                   str("HDFS authentication failed for ", uri_.shown, ": ", tail));
    return error(Code::kUnavailable, str("server ", origin_of(base_), " answered ", tail));
  }

  Status from_root() {
    out_.files.clear();
    TRY(auto root, ask(root_, "GETFILESTATUS"));
    const auto& status = root["FileStatus"];
    if (status["type"].str() == "FILE")
      return add(status, root_, root_.substr(root_.rfind('/') + 1));
    std::vector<std::string> folders{""};
    for (size_t i = 0; i < folders.size(); ++i) {
      if (folders.size() > kMostFolders)
        return error(Code::kTooLarge, str(uri_.shown, " has too many folders"));
      const std::string below = folders[i];
      TRY(auto list, ask(below.empty() ? root_ : str(root_, "/", below), "LISTSTATUS"));
      for (const auto& item : list["FileStatuses"]["FileStatus"].array()) {
        TRY(const auto name, safe_relative(item["pathSuffix"].str()).context(uri_.shown));
        const auto relative = below.empty() ? name : str(below, "/", name);
        if (item["type"].str() == "DIRECTORY")
          folders.push_back(relative);
        else if (item["type"].str() == "FILE")
          TRY_STATUS(add(item, str(root_, "/", relative), relative));
      }
    }
    return {};
  }

  Status add(const json::Value& item, const std::string& full, std::string_view relative) {
    if (out_.files.size() >= kMostFiles)
      return error(Code::kTooLarge, str(uri_.shown, " holds more than ", kMostFiles, " files"));
    RemoteFile f;
    TRY(f.path, safe_relative(relative).context(uri_.shown));
    f.url = url(full, "OPEN");
    f.size = item["length"].integer(-1);
    f.ranges = f.offset_query = f.size > 0;
    f.version = str(item["fileId"].integer(), ".", f.size, ".", item["modificationTime"].integer());
    out_.files.push_back(std::move(f));
    return {};
  }

  const Uri& uri_;
  const SourceOptions& options_;
  std::vector<std::string> servers_;
  std::string base_, root_, user_;
  std::unique_ptr<Http> http_;
  Resolved out_;
};

}  // namespace

Result<Resolved> resolve_webhdfs(const Uri& uri, const SourceOptions& options) {
  return WebHdfs(uri, options).resolve();
}

std::string webhdfs_place(const Environment& env) {
  return str(setting(env, "HDFS_NAMENODE"), "\n", setting(env, "HDFS_ROOTPATH"), "\n",
             setting(env, "HDFS_USER"), "\n", setting(env, "USER_PROXY"), "\n");
}

}  // namespace proa::storage
