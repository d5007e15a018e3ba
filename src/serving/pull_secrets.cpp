#include "serving/pull_secrets.h"

#include <algorithm>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

constexpr size_t kMostSecrets = 16;
constexpr const char* kFolder = "/var/secrets/docker";

void collect(const json::Value& list, std::vector<std::string>& out) {
  for (const auto& item : list.array()) {
    const auto& name = item["name"].str();
    if (!name.empty() && out.size() < kMostSecrets &&
        std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(name);
  }
}

// The key of the Secret that holds docker's configuration; "" if it has none.
std::string key_of(const json::Value& data) {
  for (const char* key : {".dockerconfigjson", ".dockercfg"})
    if (data.has(key)) return key;
  return "";
}

}  // namespace

void add_pull_secrets(json::Value& pod, json::Value& init, const client::Client& client) {
  const std::string ns = pod["metadata"]["namespace"].str();
  std::vector<std::string> names;
  collect(pod["spec"]["imagePullSecrets"], names);
  const std::string account = pod["spec"]["serviceAccountName"].str_or("default");
  if (const auto sa = client.get(api::kServiceAccount, ns, account); sa.ok())
    collect((**sa)["imagePullSecrets"], names);
  std::string folders;
  for (const auto& name : names) {
    const auto secret = client.get(api::kSecret, ns, name);
    const auto key = secret.ok() ? key_of((**secret)["data"]) : "";
    if (key.empty()) continue;
    const std::string volume = str("kserve-pull-secret-", split(folders, ':').size() - 1);
    const std::string folder = str(kFolder, "/", name);
    json::Value source = json::object({{"secretName", name}, {"optional", true}});
    source.set("items", json::array({json::object({{"key", key}, {"path", "config.json"}})}));
    pod.ref("spec", "volumes")
        .push(json::object({{"name", volume}, {"secret", std::move(source)}}));
    init.ref("volumeMounts")
        .push(json::object({{"mountPath", folder}, {"name", volume}, {"readOnly", true}}));
    folders += folder + ":";
  }
  if (folders.empty()) return;
  folders.pop_back();
  init.ref("env").push(json::object({{"name", "DOCKER_CONFIG"}, {"value", folders}}));
}

}  // namespace proa::serving
