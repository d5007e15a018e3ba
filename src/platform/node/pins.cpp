#include "platform/node/pins.h"

#include <unistd.h>

#include <map>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
constexpr size_t kLongName = 180, kKeptOfLong = 140;  // a longer one ends with a hash

std::string pin_of(const json::Value& object, const std::string& revision) {
  return str(object["metadata"]["namespace"].str(), "/", revision);
}

// What the storage initializer of a pod is told.
void add_pod(const json::Value& pod, std::set<std::string>& out) {
  const auto& revision = pod["metadata"]["labels"]["serving.knative.dev/revision"].str();
  if (!revision.empty()) out.insert(pin_of(pod, revision));
  for (const auto& c : pod["spec"]["initContainers"].array())
    for (const auto& e : c["env"].array())
      if (e["name"].str() == "PROA_MODEL_PIN" && !e["value"].str().empty())
        out.insert(e["value"].str());
}

int64_t revision_number(const json::Value& set) {
  const auto& text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].str();
  return parse_int(text).value_or(0);
}

void add_replica_sets(const std::vector<client::Object>& sets, std::set<std::string>& out) {
  std::map<std::string, int64_t> newest;  // by the owner's uid
  const auto owner = [](const json::Value& set) {
    return set["metadata"]["ownerReferences"][0]["uid"].str();
  };
  for (const auto& s : sets) {
    auto& n = newest[owner(*s)];
    n = std::max(n, revision_number(*s));
  }
  for (const auto& s : sets) {
    const auto& labels = (*s)["metadata"]["labels"];
    const auto& hash = labels["pod-template-hash"].str();
    const bool used = (*s)["spec"]["replicas"].integer(1) > 0 ||
                      (*s)["status"]["replicas"].integer() > 0 ||
                      revision_number(*s) == newest[owner(*s)];
    if (!hash.empty() && used) out.insert(pin_of(*s, str(labels["app"].str(), "-", hash)));
  }
}

struct Pin {
  std::string path, name;
};

std::vector<Pin> pins_below(const std::string& cache) {
  std::vector<Pin> out;
  for (const auto& uri : list_dir(cache).value_or({})) {
    const auto folder = str(cache, "/", uri, "/pins");
    for (auto& name : list_dir(folder).value_or({})) {
      auto path = str(folder, "/", name);
      out.push_back({std::move(path), std::move(name)});
    }
  }
  return out;
}

bool needed(const std::string& name, const std::set<std::string>& encoded) {
  if (!contains(name, "%2F")) return true;
  if (name.size() <= kKeptOfLong) return encoded.count(name) > 0;
  for (const auto& e : encoded)
    if (e == name ||
        (e.size() > kLongName && e.substr(0, kKeptOfLong) == name.substr(0, kKeptOfLong)))
      return true;
  return false;
}

// False if the API cannot say it now; a kind that it does not know has no objects.
bool list_all(client::Client& client, const client::Kind& kind, std::vector<client::Object>& out) {
  auto found = client.list(kind, {});
  if (found.ok()) out = std::move(*found);
  return found.ok() || found.error().code == Code::kNotFound;
}
}  // namespace

std::set<std::string> needed_pins(const PinUsers& users) {
  std::set<std::string> out;
  for (const auto& pod : users.pods) add_pod(*pod, out);
  for (const auto& r : users.revisions)
    if ((*r)["metadata"]["labels"]["serving.knative.dev/routingState"].str() != "reserve")
      out.insert(pin_of(*r, (*r)["metadata"]["name"].str()));
  add_replica_sets(users.replica_sets, out);
  return out;
}

int release_pins(const std::string& cache, client::Client& client) {
  // The pins first: one that is made after this belongs to a pod that is seen after this.
  const auto pins = pins_below(cache);
  if (pins.empty()) return 0;
  PinUsers users;
  if (!list_all(client, api::kPod, users.pods) ||
      !list_all(client, api::kRevision, users.revisions) ||
      !list_all(client, api::kReplicaSet, users.replica_sets))
    return 0;
  std::set<std::string> encoded;
  for (const auto& pin : needed_pins(users)) encoded.insert(percent_encode(pin));
  int released = 0;
  for (const auto& pin : pins)
    if (!needed(pin.name, encoded) && ::unlink(pin.path.c_str()) == 0) ++released;
  return released;
}

}  // namespace proa::node
