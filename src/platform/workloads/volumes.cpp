#include "platform/workloads/volumes.h"

#include <algorithm>
#include <array>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

constexpr std::string_view kManager = "persistentvolume-binder";
constexpr const char* kProvisioner = "pv.kubernetes.io/provisioned-by";
constexpr std::string_view kOurs = "proa.io/hostpath";
constexpr std::string_view kDefaultClass = "standard";

bool free_for(const json::Value& volume, const json::Value& claim) {
  const json::Value& ref = volume["spec"]["claimRef"];
  if (ref.is_null()) return true;
  return ref["namespace"].str() == namespace_of(claim) && ref["name"].str() == name_of(claim) &&
         (ref["uid"].str().empty() || ref["uid"].str() == client::uid_of(claim));
}

bool fits(const json::Value& volume, const json::Value& claim) {
  if (!free_for(volume, claim)) return false;
  if (volume["spec"]["storageClassName"].str() != claim["spec"]["storageClassName"].str())
    return false;
  auto have = quantity(volume["spec"]["capacity"]["storage"].str());
  auto want = quantity(claim["spec"]["resources"]["requests"]["storage"].str());
  if (want && (!have || *have < *want)) return false;
  for (const auto& mode : claim["spec"]["accessModes"].array()) {
    const json::Array& modes = volume["spec"]["accessModes"].array();
    if (std::find(modes.begin(), modes.end(), mode) == modes.end()) return false;
  }
  return true;
}

json::Value claim_ref(const json::Value& claim) {
  return json::object({{"apiVersion", "v1"},
                       {"kind", "PersistentVolumeClaim"},
                       {"namespace", namespace_of(claim)},
                       {"name", name_of(claim)},
                       {"uid", client::uid_of(claim)}});
}

json::Value new_volume(const json::Value& claim, std::string_view root) {
  const std::string name = "pvc-" + client::uid_of(claim);
  json::Value pv = shell_of(api::kPersistentVolume, "", name);
  pv.ref("metadata", "annotations", kProvisioner) = kOurs;
  json::Value& spec = pv.ref("spec");
  spec.set("accessModes", claim["spec"]["accessModes"]);
  spec.ref("capacity", "storage") = claim["spec"]["resources"]["requests"]["storage"].str_or("1Gi");
  spec.set("claimRef", claim_ref(claim));
  spec.ref("hostPath", "path") = str(root, "/", name);
  spec.ref("hostPath", "type") = "DirectoryOrCreate";
  spec.set("persistentVolumeReclaimPolicy", "Delete");
  spec.set("storageClassName", claim["spec"]["storageClassName"].str_or(kDefaultClass));
  spec.set("volumeMode", claim["spec"]["volumeMode"].str_or("Filesystem"));
  return pv;
}

Status bind(client::Client& client, const json::Value& claim, const json::Value& volume) {
  if (volume["spec"]["claimRef"]["uid"].str() != client::uid_of(claim)) {
    json::Value patch;
    patch.ref("spec", "claimRef") = claim_ref(claim);
    auto done = client.patch(api::kPersistentVolume, "", name_of(volume), std::move(patch));
    if (!done.ok()) return std::move(done).error().with_context("claim volume " + name_of(volume));
  }
  TRY_STATUS(write_status(client, api::kPersistentVolume, volume,
                          json::object({{"phase", "Bound"}}), kManager));
  json::Value patch;
  patch.ref("spec", "volumeName") = name_of(volume);
  if (!claim["spec"].has("storageClassName"))
    patch.ref("spec", "storageClassName") = volume["spec"]["storageClassName"];
  patch.ref("metadata", "annotations", "pv.kubernetes.io/bind-completed") = "yes";
  auto done = client.patch(api::kPersistentVolumeClaim, namespace_of(claim), name_of(claim),
                           std::move(patch));
  if (!done.ok()) return std::move(done).error().with_context("bind claim");
  json::Value status = json::object({{"phase", "Bound"},
                                     {"accessModes", volume["spec"]["accessModes"]},
                                     {"capacity", volume["spec"]["capacity"]}});
  return write_status(client, api::kPersistentVolumeClaim, claim, std::move(status), kManager);
}

Result<client::Outcome> reconcile_claim(client::Client& client, const std::string& root,
                                        const client::Key& key) {
  auto claim = client.get(api::kPersistentVolumeClaim, key.ns, key.name);
  if (!claim.ok()) {
    if (claim.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(claim).error();
  }
  if (client::deleting(**claim) || (**claim)["status"]["phase"].str() == "Bound")
    return client::Outcome{};
  TRY(auto volumes, client.list(api::kPersistentVolume, {}));
  VolumePlan plan = plan_volume(**claim, volumes, root);
  if (!plan.create.is_null()) {
    auto made = client.apply(api::kPersistentVolume, plan.create, {std::string(kManager), ""});
    if (!made.ok()) return std::move(made).error().with_context("provision volume");
    client::record_event(client, **claim, kManager, "Normal", "ProvisioningSucceeded",
                         "Successfully provisioned volume " + name_of(plan.create));
  }
  if (plan.bind.empty()) {
    client::record_event(client, **claim, kManager, "Normal", "FailedBinding", plan.waiting);
    TRY_STATUS(write_status(client, api::kPersistentVolumeClaim, **claim,
                            json::object({{"phase", "Pending"}}), kManager));
    return client::Outcome{std::chrono::seconds(15)};
  }
  TRY(auto volume, client.get(api::kPersistentVolume, "", plan.bind));
  TRY_STATUS(bind(client, **claim, *volume));
  return client::Outcome{};
}

// A volume whose claim is gone is removed with its data, or kept as Released.
Result<client::Outcome> reconcile_volume(client::Client& client, const std::string& root,
                                         const client::Key& key) {
  auto volume = client.get(api::kPersistentVolume, "", key.name);
  if (!volume.ok()) {
    if (volume.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(volume).error();
  }
  const json::Value& spec = (**volume)["spec"];
  const json::Value& ref = spec["claimRef"];
  if (ref["uid"].str().empty()) {
    TRY_STATUS(write_status(client, api::kPersistentVolume, **volume,
                            json::object({{"phase", "Available"}}), kManager));
    return client::Outcome{};
  }
  auto claim = client.get(api::kPersistentVolumeClaim, ref["namespace"].str(), ref["name"].str());
  if (!claim.ok() && claim.error().code != Code::kNotFound) return std::move(claim).error();
  if (claim.ok() && client::uid_of(**claim) == ref["uid"].str()) return client::Outcome{};
  if (spec["persistentVolumeReclaimPolicy"].str() != "Delete") {
    TRY_STATUS(write_status(client, api::kPersistentVolume, **volume,
                            json::object({{"phase", "Released"}}), kManager));
    return client::Outcome{};
  }
  const std::string& path = spec["hostPath"]["path"].str();
  if ((**volume)["metadata"]["annotations"][kProvisioner].str() == kOurs &&
      path == str(root, "/", key.name))
    TRY_STATUS(remove_tree(path));
  TRY_STATUS(ignore_not_found(client.remove(api::kPersistentVolume, "", key.name)));
  return client::Outcome{};
}

}  // namespace

std::optional<double> quantity(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    double factor;
  };
  static constexpr std::array<Unit, 13> units{{{"Ki", 1024.0},
                                               {"Mi", 1048576.0},
                                               {"Gi", 1073741824.0},
                                               {"Ti", 1099511627776.0},
                                               {"Pi", 1125899906842624.0},
                                               {"Ei", 1152921504606846976.0},
                                               {"m", 1e-3},
                                               {"k", 1e3},
                                               {"M", 1e6},
                                               {"G", 1e9},
                                               {"T", 1e12},
                                               {"P", 1e15},
                                               {"E", 1e18}}};
  double factor = 1;
  for (const auto& unit : units) {
    if (!text.ends_with(unit.suffix)) continue;
    factor = unit.factor;
    text.remove_suffix(unit.suffix.size());
    break;
  }
  auto number = parse_double(text);
  if (!number || text.empty()) return std::nullopt;
  return *number * factor;
}

VolumePlan plan_volume(const json::Value& claim, const std::vector<Object>& volumes,
                       std::string_view root) {
  VolumePlan plan;
  const std::string& named = claim["spec"]["volumeName"].str();
  if (!named.empty()) {
    for (const auto& v : volumes)
      if (name_of(*v) == named && free_for(*v, claim)) plan.bind = named;
    if (plan.bind.empty())
      plan.waiting = str("volume \"", named, "\" does not exist or is bound to another claim");
    return plan;
  }
  const Object* best = nullptr;
  for (const auto& v : volumes) {
    const bool mine = (*v)["spec"]["claimRef"]["uid"].str() == client::uid_of(claim) ||
                      ((*v)["spec"]["claimRef"].is_object() && free_for(*v, claim));
    if (mine) {
      plan.bind = name_of(*v);
      return plan;
    }
    if (!fits(*v, claim)) continue;
    auto size = [](const json::Value& pv) {
      return quantity(pv["spec"]["capacity"]["storage"].str()).value_or(0);
    };
    if (!best || size(*v) < size(**best)) best = &v;
  }
  if (best) {
    plan.bind = name_of(**best);
    return plan;
  }
  if (claim["spec"].has("storageClassName") && claim["spec"]["storageClassName"].str().empty()) {
    plan.waiting = "no persistent volumes available for this claim and no storage class is set";
    return plan;
  }
  plan.create = new_volume(claim, root);
  plan.bind = name_of(plan.create);
  return plan;
}

client::ControllerSpec claim_controller(client::Client& client, std::string root) {
  client::ControllerSpec spec;
  spec.name = "persistentvolumeclaim";
  spec.watches.push_back({api::kPersistentVolumeClaim, client::self()});
  spec.reconcile = [&client, root = std::move(root)](const client::Key& key) {
    return reconcile_claim(client, root, key);
  };
  return spec;
}

client::ControllerSpec volume_controller(client::Client& client, std::string root) {
  client::ControllerSpec spec;
  spec.name = "persistentvolume";
  spec.watches.push_back({api::kPersistentVolume, client::self()});
  spec.watches.push_back({api::kPersistentVolumeClaim, [](const client::Event& event) {
                            std::vector<client::Key> keys;
                            const std::string& volume = (*event.object)["spec"]["volumeName"].str();
                            if (event.type == client::Event::kDeleted && !volume.empty())
                              keys.push_back({"", volume});
                            return keys;
                          }});
  spec.reconcile = [&client, root = std::move(root)](const client::Key& key) {
    return reconcile_volume(client, root, key);
  };
  return spec;
}

}  // namespace proa::workloads
