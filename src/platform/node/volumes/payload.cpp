#include "platform/node/volumes/payload.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <set>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
bool safe_path(std::string_view path) {
  if (path.empty() || path[0] == '/') return false;
  for (auto part : split(path, '/'))
    if (part.empty() || part == ".." || part == ".") return false;
  return !path.starts_with("..");
}

unsigned mode_of(const json::Value& item, unsigned otherwise) {
  return item.is_number() ? static_cast<unsigned>(item.integer()) & 0777 : otherwise;
}

Status put(Payload& out, const std::string& path, std::string content, unsigned mode) {
  if (!safe_path(path)) return error(Code::kInvalid, str("path \"", path, "\" leaves the volume"));
  out[path] = {std::move(content), mode};
  return {};
}

// The keys of a ConfigMap or Secret, or those that `items` name.
Status put_keys(Payload& out, const std::map<std::string, std::string>& data,
                const json::Value& source, const std::string& what, unsigned mode) {
  if (!source["items"].is_array()) {
    for (const auto& [key, content] : data) TRY_STATUS(put(out, key, content, mode));
    return {};
  }
  for (const auto& item : source["items"].array()) {
    auto it = data.find(item["key"].str());
    if (it == data.end()) {
      if (source["optional"].boolean()) continue;
      return error(Code::kNotFound,
                   str(what, " references non-existent config key: ", item["key"].str()));
    }
    TRY_STATUS(put(out, item["path"].str(), it->second, mode_of(item["mode"], mode)));
  }
  return {};
}

Status put_object(const PayloadContext& context, const client::Kind& kind, const std::string& name,
                  const json::Value& source, unsigned mode, Payload& out) {
  auto found = context.lookup(kind, name);
  if (!found.ok()) {
    if (found.error().code == Code::kNotFound && source["optional"].boolean()) return {};
    return found.error();
  }
  std::map<std::string, std::string> data;
  bool secret = kind == api::kSecret;
  for (const auto& [key, value] : (**found)["data"].object()) {
    if (!secret)
      data[key] = value.str();
    else if (auto bytes = unbase64(value.str()))
      data[key] = *bytes;
  }
  for (const auto& [key, value] : (**found)["binaryData"].object())
    if (auto bytes = unbase64(value.str())) data[key] = *bytes;
  return put_keys(out, data, source, secret ? str("secret ", name) : str("configmap ", name), mode);
}

Status put_downward(const PayloadContext& context, const json::Value& source, unsigned mode,
                    Payload& out) {
  for (const auto& item : source["items"].array()) {
    std::string content;
    if (item.has("fieldRef")) {
      TRY(content, pod_field(context.pod, context.facts, item["fieldRef"]["fieldPath"].str()));
    } else {
      const json::Value& ref = item["resourceFieldRef"];
      for (const auto& c : context.pod["spec"]["containers"].array())
        if (c["name"].str() == ref["containerName"].str()) {
          TRY(content, resource_field(c, context.facts, ref));
        }
    }
    TRY_STATUS(put(out, item["path"].str(), std::move(content), mode_of(item["mode"], mode)));
  }
  return {};
}

Status put_projected(const PayloadContext& context, const json::Value& volume, unsigned mode,
                     Payload& out) {
  for (const auto& source : volume["sources"].array()) {
    if (source.has("configMap"))
      TRY_STATUS(put_object(context, api::kConfigMap, source["configMap"]["name"].str(),
                            source["configMap"], mode, out));
    if (source.has("secret"))
      TRY_STATUS(put_object(context, api::kSecret, source["secret"]["name"].str(), source["secret"],
                            mode, out));
    if (source.has("downwardAPI"))
      TRY_STATUS(put_downward(context, source["downwardAPI"], mode, out));
    if (source.has("serviceAccountToken"))
      context.warn(
          "serviceAccountToken is left out of the projected volume: this platform issues no "
          "tokens");
    if (source.has("clusterTrustBundle"))
      return error(Code::kUnimplemented, "clusterTrustBundle sources are not supported");
  }
  return {};
}

std::string fresh_name() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return str("..", std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

Result<Payload> read_payload(const std::string& dir, const Payload& like) {
  Payload out;
  for (const auto& [path, file] : like) {
    std::string full = str(dir, "/..data/", path);
    TRY(std::string content, read_file(full));
    struct stat info {};
    if (::stat(full.c_str(), &info) != 0) return errno_error(full);
    out[path] = {std::move(content), info.st_mode & 0777};
  }
  return out;
}

std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }

// Links for what is new, and none for what is gone.
Status link_names(const std::string& dir, const Payload& payload) {
  std::set<std::string> names;
  for (const auto& [path, file] : payload) names.insert(first_part(path));
  TRY(auto present, list_dir(dir));
  for (const auto& name : present)
    if (!name.starts_with("..") && !names.count(name)) ::unlink(str(dir, "/", name).c_str());
  for (const auto& name : names)
    if (::symlink(str("..data/", name).c_str(), str(dir, "/", name).c_str()) != 0 &&
        errno != EEXIST)
      return errno_error(str("link ", dir, "/", name));
  return {};
}
}  // namespace

bool is_payload_volume(const json::Value& v) {
  return v.has("configMap") || v.has("secret") || v.has("downwardAPI") || v.has("projected");
}

Result<Payload> volume_payload(const PayloadContext& context, const json::Value& v) {
  Payload out;
  if (v.has("configMap")) {
    const json::Value& s = v["configMap"];
    TRY_STATUS(put_object(context, api::kConfigMap, s["name"].str(), s,
                          mode_of(s["defaultMode"], 0644), out));
  } else if (v.has("secret")) {
    const json::Value& s = v["secret"];
    TRY_STATUS(put_object(context, api::kSecret, s["secretName"].str(), s,
                          mode_of(s["defaultMode"], 0644), out));
  } else if (v.has("downwardAPI")) {
    TRY_STATUS(put_downward(context, v["downwardAPI"],
                            mode_of(v["downwardAPI"]["defaultMode"], 0644), out));
  } else {
    TRY_STATUS(
        put_projected(context, v["projected"], mode_of(v["projected"]["defaultMode"], 0644), out));
  }
  return out;
}

Result<bool> write_payload(const std::string& dir, const Payload& payload) {
  TRY_STATUS(make_dirs(dir));
  std::string data = dir + "/..data";
  char old[256];
  ssize_t n = ::readlink(data.c_str(), old, sizeof old - 1);
  std::string before(old, n > 0 ? static_cast<size_t>(n) : 0);
  if (n > 0) {
    auto present = read_payload(dir, payload);
    auto names = list_dir(dir);
    std::set<std::string> wanted;
    for (const auto& [path, file] : payload) wanted.insert(first_part(path));
    size_t links = 0;
    for (const auto& name : names.value_or({})) links += !name.starts_with("..");
    if (present.ok() && *present == payload && links == wanted.size()) return false;
  }
  std::string name = fresh_name(), folder = str(dir, "/", name);
  TRY_STATUS(make_dirs(folder));
  for (const auto& [path, file] : payload) {
    std::string full = str(folder, "/", path);
    TRY_STATUS(make_dirs(full.substr(0, full.find_last_of('/'))));
    TRY_STATUS(write_file(full, file.content, file.mode));
    if (::chmod(full.c_str(), file.mode) != 0) return errno_error(str("chmod ", full));
  }
  std::string temporary = dir + "/..data_tmp";
  ::unlink(temporary.c_str());
  if (::symlink(name.c_str(), temporary.c_str()) != 0 ||
      ::rename(temporary.c_str(), data.c_str()) != 0)
    return errno_error(str("link ", data));
  TRY_STATUS(link_names(dir, payload));
  if (!before.empty() && before != name) TRY_STATUS(remove_tree(str(dir, "/", before)));
  return true;
}

}  // namespace proa::node
