#include "models/repository/layout.h"

#include <sys/stat.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "foundation/obs/log.h"
#include "models/repository/triton.h"

namespace proa::repository {
namespace {

constexpr size_t kMostSettings = 1 << 20;
constexpr size_t kMostVersions = 1000;
constexpr const char* kSettings = "model-settings.json";
constexpr const char* kTriton = "config.pbtxt";
// Where one of these is, the other files of the folder belong to it.
constexpr std::string_view kLeaders[] = {"/MLmodel", "/saved_model.pb"};

bool is_kind(const std::string& path, mode_t kind) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IFMT) == kind;
}
bool is_file(const std::string& path) { return is_kind(path, S_IFREG); }
bool is_folder(const std::string& path) { return is_kind(path, S_IFDIR); }

bool has_engine(std::string_view file, Engines engines) {
  if (file.ends_with("-settings.json") || file.ends_with("/settings.json")) return false;
  for (const inference::Engine* e : engines)
    for (std::string_view extension : e->extensions())
      if (file.ends_with(extension) && file.size() > extension.size()) return true;
  return false;
}

std::string extensions_text(Engines engines) {
  std::vector<std::string> all;
  for (const inference::Engine* e : engines)
    for (std::string_view extension : e->extensions())
      if (std::find(all.begin(), all.end(), extension) == all.end()) all.emplace_back(extension);
  return join(all, ", ");
}

std::vector<std::string> model_files(const std::string& folder, Engines engines) {
  std::vector<std::string> found;
  auto names = list_dir(folder);
  if (!names.ok()) return found;
  for (const std::string& name : *names)
    if (!name.starts_with('.') && name != "settings.json" && has_engine(str("/", name), engines) &&
        is_file(str(folder, "/", name)))
      found.push_back(str(folder, "/", name));
  for (std::string_view leader : kLeaders)
    for (const std::string& file : found)
      if (file.ends_with(leader)) return {file};
  std::string saved = str(folder, "/model.savedmodel/saved_model.pb");  // as Triton has it
  if (found.empty() && has_engine(saved, engines) && is_file(saved)) found.push_back(saved);
  return found;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<std::string> one_file(const std::string& folder, Engines engines) {
  auto found = model_files(folder, engines);
  if (found.size() == 1) return found[0];
  if (found.size() > 1)
    return error(Code::kInvalid,
                 str("More than one model file is detected, only one is allowed within "
                     "model_dir: ",
                     shorten(join(found, ", "), 500)));
  auto names = list_dir(folder);
  if (!names.ok()) return std::move(names).error().with_context("missing model file");
  std::string there =
      names->empty() ? "the folder is empty" : str("it holds ", shorten(join(*names, ", "), 200));
  return error(Code::kNotFound, str("missing model file: ", folder, " has no file with extension ",
                                    extensions_text(engines), "; ", there));
}

std::vector<std::string> numbered(const std::string& folder) {
  std::vector<std::string> found;
  for (std::string& name : folders_in(folder))
    if (is_number(name)) found.push_back(std::move(name));
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    return *parse_int(a) > *parse_int(b);
  });
  if (found.size() > kMostVersions) found.resize(kMostVersions);
  return found;
}

Result<std::vector<std::string>> chosen(std::vector<std::string> all, const VersionPolicy& policy,
                                        const std::string& folder) {
  if (policy.kind == VersionPolicy::Kind::kAll) return all;
  if (policy.kind == VersionPolicy::Kind::kLatest) {
    if (all.size() > policy.count) all.resize(policy.count);
    return all;
  }
  for (const std::string& v : policy.versions)
    if (std::find(all.begin(), all.end(), v) == all.end())
      return error(Code::kNotFound,
                   str(folder, " has no version ", v, "; it has ", shorten(join(all, ", "), 200)));
  std::erase_if(all, [&](const std::string& v) {
    return std::find(policy.versions.begin(), policy.versions.end(), v) == policy.versions.end();
  });
  return all;
}

inference::TensorInfo tensor_info(const json::Value& v) {
  inference::TensorInfo t;
  t.name = v["name"].str();
  t.type = inference::data_type(v["datatype"].str()).value_or(inference::DataType::kFp64);
  for (const json::Value& d : v["shape"].array()) t.shape.push_back(d.integer(-1));
  return t;
}

Result<TritonConfig> read_triton(const std::string& folder) {
  TRY(std::string text, read_file(str(folder, "/", kTriton), kMostSettings));
  return parse_triton(text).context(str(folder, "/", kTriton));
}

void add_triton(const TritonConfig& triton, Found& found) {
  for (const std::string& warning : triton.warnings)
    log::warn("serve", str(found.folder, "/", kTriton, ": ", warning));
  found.settings.triton = true;
  found.settings.max_batch_size = triton.max_batch_size;
  found.settings.dynamic_batching = triton.batches;
  found.settings.preferred_batch_size = triton.preferred;
  found.settings.max_batch_seconds = triton.delay_seconds;
  found.ensemble = triton.ensemble;
}

// The model file that settings name, or the one in the folder.
Result<std::string> settings_file(const std::string& folder, const Settings& s, Engines engines) {
  std::string uri = s.uri.starts_with("file://") ? s.uri.substr(7) : s.uri;
  if (uri.empty()) return one_file(folder, engines);
  std::string path = uri.starts_with('/') ? uri : str(folder, "/", uri);
  return is_folder(path) ? one_file(path, engines) : path;
}

Status add_settings(const std::string& folder, Found& found, Engines engines) {
  TRY(Settings s, read_settings(folder));
  if (!s.implementation.empty() && engine_of(s.implementation).empty())
    return error(Code::kUnimplemented,
                 str(folder, "/", kSettings, ": implementation ", shorten(s.implementation, 100),
                     " is not served here; mlserver_sklearn, mlserver_xgboost, mlserver_lightgbm, "
                     "mlserver_catboost and mlserver_mlflow are. A runtime of your own is Python "
                     "code, which is run if it is there when the server starts, in the interpreter "
                     "that PROA_PYTHON names"));
  TRY(std::string file, settings_file(folder, s, engines));
  found.versions.push_back({s.version, file});
  found.settings = std::move(s);
  found.mlserver = true;
  return {};
}

}  // namespace

bool has_settings(const std::string& folder) { return exists(str(folder, "/", kSettings)); }

Result<Settings> read_settings(const std::string& folder) {
  TRY(std::string text, read_file(str(folder, "/", kSettings), kMostSettings));
  return parse_settings(text).context(str(folder, "/", kSettings));
}

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> found;
  auto names = list_dir(path);
  if (!names.ok()) return found;
  for (std::string& name : *names)
    if (!name.starts_with('.') && name != "lost+found" && is_folder(str(path, "/", name)))
      found.push_back(std::move(name));
  return found;
}

Result<VersionPolicy> parse_policy(std::string_view text) {
  VersionPolicy policy;
  if (text == "all") {
    policy.kind = VersionPolicy::Kind::kAll;
    return policy;
  }
  if (text == "latest" || text.starts_with("latest:")) {
    auto n = text == "latest" ? std::optional<int64_t>(1) : parse_int(text.substr(7));
    if (n && *n >= 1 && *n <= static_cast<int64_t>(kMostVersions)) {
      policy.count = static_cast<size_t>(*n);
      return policy;
    }
  } else {
    if (text.starts_with("specific:")) text.remove_prefix(9);
    policy.kind = VersionPolicy::Kind::kSpecific;
    for (std::string_view v : split(text, ',')) policy.versions.emplace_back(trim(v));
    if (std::all_of(policy.versions.begin(), policy.versions.end(), is_number)) return policy;
  }
  return error(Code::kInvalid, str("version policy '", shorten(text, 60),
                                   "': give latest, latest:N, all or specific:1,3"));
}

std::string_view engine_of(std::string_view implementation) {
  static constexpr std::pair<std::string_view, std::string_view> kAll[] = {
      {"mlserver_sklearn.", "sklearn"},   {"mlserver.sklearn.", "sklearn"},
      {"mlserver_xgboost.", "xgboost"},   {"mlserver_lightgbm.", "lightgbm"},
      {"mlserver_catboost.", "catboost"}, {"mlserver_mlflow.", "mlflow"},
  };
  for (auto [prefix, engine] : kAll)
    if (implementation.starts_with(prefix)) return engine;
  return {};
}

Result<Settings> parse_settings(std::string_view text) {
  TRY(json::Value v, json::parse(text, {kMostSettings, 50}));
  if (!v.is_object()) return error(Code::kInvalid, "the settings are no JSON object");
  Settings s;
  const json::Value& p = v["parameters"];
  s.name = v["name"].str();
  s.implementation = v["implementation"].str();
  s.platform = v["platform"].str();
  s.uri = p["uri"].str();
  s.version = p["version"].str();
  s.content_type = p["content_type"].str();
  for (const json::Value& item : v["versions"].array()) s.versions.push_back(item.str());
  for (const json::Value& item : v["inputs"].array()) s.inputs.push_back(tensor_info(item));
  for (const json::Value& item : v["outputs"].array()) s.outputs.push_back(tensor_info(item));
  s.max_batch_size = static_cast<size_t>(std::max<int64_t>(0, v["max_batch_size"].integer()));
  s.max_batch_seconds = std::max(0.0, v["max_batch_time"].number());
  return s;
}

bool is_model(const std::string& path, Engines engines) {
  if (!is_folder(path) || has_settings(path) || !model_files(path, engines).empty()) return true;
  for (const std::string& version : numbered(path)) {
    std::string folder = str(path, "/", version);
    if (has_settings(folder) || !model_files(folder, engines).empty()) return true;
  }
  return false;
}

Result<Found> find_model(const std::string& path, const std::string& name,
                         const VersionPolicy& wanted, Engines engines) {
  Found found;
  VersionPolicy policy = wanted;
  TritonConfig triton;
  found.name = name;
  found.folder = path;
  if (is_file(path)) {
    if (!has_engine(path, engines))
      return error(Code::kInvalid, str(path, " is no model file: its extension is none of ",
                                       extensions_text(engines)));
    found.versions.push_back({"", path});
    return found;
  }
  if (has_settings(path)) {
    TRY_STATUS(add_settings(path, found, engines));
    return found;
  }
  if (is_file(str(path, "/", kTriton))) {
    TRY(triton, read_triton(path));
    if (triton.policy) policy = *triton.policy;
    add_triton(triton, found);
  }
  auto versions = numbered(path);
  if (found.ensemble) {  // its folders of versions are empty
    found.versions.push_back({versions.empty() ? "1" : versions[0], ""});
    return found;
  }
  if (!model_files(path, engines).empty() || versions.empty()) {
    TRY(std::string file, one_file(path, engines));
    found.versions.push_back({"", std::move(file)});
    return found;
  }
  TRY(versions, chosen(std::move(versions), policy, path));
  for (const std::string& version : versions) {
    std::string folder = str(path, "/", version);
    if (exists(str(folder, "/", kSettings))) {
      TRY_STATUS(add_settings(folder, found, engines));
      if (found.versions.back().version.empty()) found.versions.back().version = version;
      continue;
    }
    std::string file = triton.file.empty() ? "" : str(folder, "/", triton.file);
    if (file.empty() || is_folder(file)) {
      TRY(file, one_file(file.empty() ? folder : file, engines));
    }
    found.versions.push_back({version, std::move(file)});
  }
  return found;
}

}  // namespace proa::repository
