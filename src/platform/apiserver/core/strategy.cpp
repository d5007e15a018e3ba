#include "platform/apiserver/core/strategy.h"

#include <algorithm>
#include <cstdio>
#include <random>

#include "api/kinds.h"
#include "foundation/base/clock.h"
#include "foundation/base/strings.h"

namespace proa::apiserver {
namespace {

bool is(const api::KindDef& kind, const client::Kind& other) { return kind.kind == other; }

std::mt19937_64& random_engine() {
  thread_local std::mt19937_64 engine{[] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }()};
  return engine;
}

void create_namespace(json::Value& object) {
  std::string name = object["metadata"]["name"].str();
  object.ref("metadata", "labels", "kubernetes.io/metadata.name") = std::move(name);
  object.ref("spec", "finalizers") = json::array({"kubernetes"});
  object.set("status", json::object({{"phase", "Active"}}));
}

// Guaranteed: every container's limits equal its requests, for cpu and memory; BestEffort: none
// set.
std::string_view qos_class(const json::Value& spec) {
  bool any = false, guaranteed = true;
  for (const char* list : {"containers", "initContainers"}) {
    for (const json::Value& container : spec[list].array()) {
      const json::Value& limits = container["resources"]["limits"];
      const json::Value& requests = container["resources"]["requests"];
      for (const char* resource : {"cpu", "memory"}) {
        bool limited = limits.has(resource), requested = requests.has(resource);
        any = any || limited || requested;
        if (!limited || (requested && !(limits[resource] == requests[resource])))
          guaranteed = false;
      }
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

void create_pod(json::Value& object, std::string_view now) {
  json::Value& spec = object.ref("spec");
  if (spec["nodeName"].str().empty()) spec.set("nodeName", "proa");
  if (spec["serviceAccountName"].str().empty()) spec.set("serviceAccountName", "default");
  spec.set("serviceAccount", spec["serviceAccountName"]);
  if (!spec.has("priority")) spec.set("priority", 0);
  if (!spec.has("preemptionPolicy")) spec.set("preemptionPolicy", "PreemptLowerPriority");
  object.set("status", json::object({{"phase", "Pending"},
                                     {"qosClass", qos_class(spec)},
                                     {"conditions", json::array({json::object({
                                                        {"type", "PodScheduled"},
                                                        {"status", "True"},
                                                        {"lastProbeTime", nullptr},
                                                        {"lastTransitionTime", now},
                                                    })})}}));
}

void create_job(json::Value& object) {
  json::Value& spec = object.ref("spec");
  if (!spec.has("backoffLimit")) spec.set("backoffLimit", 6);
  if (!spec.has("completions") && !spec.has("parallelism")) spec.set("completions", 1);
  if (!spec.has("parallelism")) spec.set("parallelism", 1);
  if (spec["manualSelector"].boolean()) return;
  const std::string uid = object["metadata"]["uid"].str(), name = object["metadata"]["name"].str();
  spec.ref("selector", "matchLabels", "batch.kubernetes.io/controller-uid") = uid;
  json::Value& labels = spec.ref("template", "metadata", "labels");
  labels.set("batch.kubernetes.io/controller-uid", uid);
  labels.set("controller-uid", uid);
  labels.set("batch.kubernetes.io/job-name", name);
  labels.set("job-name", name);
}

void encode_secret(json::Value& object) {
  for (const auto& [key, text] : object["stringData"].object())
    object.ref("data", key) = base64(text.str());
  object.erase("stringData");
}

void keep(json::Value& meta, const json::Value& old, const char* key) {
  if (old.has(key))
    meta.set(key, old[key]);
  else
    meta.erase(key);
}

api::FieldError immutable(std::string field, const json::Value& value) {
  std::string text = value.is_string() ? str("\"", value.str(), "\"") : json::dump(value);
  return {"FieldValueInvalid", std::move(field),
          str("Invalid value: ", text, ": field is immutable")};
}

// A pod's spec without what may be changed.
json::Value fixed_part(const json::Value& spec) {
  json::Value out = spec;
  for (const char* list : {"containers", "initContainers"})
    if (out.has(list))
      for (json::Value& container : out.ref(list).make_array()) container.erase("image");
  for (const char* key : {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds",
                          "schedulingGates", "ephemeralContainers"})
    out.erase(key);
  return out;
}

void pod_changes(const json::Value& object, const json::Value& old, Errors& errors) {
  if (object["spec"] == old["spec"] || fixed_part(object["spec"]) == fixed_part(old["spec"]))
    return;
  errors.push_back(
      {"FieldValueForbidden", "spec",
       "Forbidden: pod updates may not change fields other than "
       "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
       "`spec.tolerations` (only additions to existing tolerations),"
       "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
       "negative)"});
}

void frozen_changes(const json::Value& object, const json::Value& old, Errors& errors) {
  if (!old["immutable"].boolean()) return;
  for (const char* key : {"data", "binaryData"})
    if (!(object[key] == old[key]))
      errors.push_back(
          {"FieldValueForbidden", key, "Forbidden: field is immutable when `immutable` is set"});
  if (!object["immutable"].boolean())
    errors.push_back({"FieldValueForbidden", "immutable",
                      "Forbidden: field is immutable when `immutable` is set"});
}

bool wants(const json::Value& list, std::string_view name) {
  for (const json::Value& item : list.array())
    if (item.str() == name) return true;
  return false;
}

void set_finalizer(json::Value& meta, std::string_view name, bool present) {
  bool there = wants(meta["finalizers"], name);
  if (there == present) return;
  json::Array& list = meta.ref("finalizers").make_array();
  if (present)
    list.push_back(name);
  else
    list.erase(std::remove_if(list.begin(), list.end(),
                              [&](const json::Value& v) { return v.str() == name; }),
               list.end());
  if (list.empty()) meta.erase("finalizers");
}

int64_t grace_of(const api::KindDef& kind, const json::Value& object,
                 std::optional<int64_t> asked) {
  if (!is(kind, api::kPod)) return 0;
  const std::string& phase = object["status"]["phase"].str();
  if (object["spec"]["nodeName"].str().empty() || phase == "Succeeded" || phase == "Failed")
    return 0;
  if (asked) return std::max<int64_t>(*asked, *asked < 0 ? 1 : 0);
  return object["spec"]["terminationGracePeriodSeconds"].integer(30);
}

}  // namespace

std::string random_suffix() {
  static constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < 5; ++i) out += kLetters[random_engine()() % (sizeof kLetters - 1)];
  return out;
}

std::string new_uid() {
  uint64_t high = random_engine()(), low = random_engine()();
  high = (high & ~uint64_t{0xf000}) | 0x4000;                // version 4
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // RFC 4122's variant
  char text[37];
  snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
           static_cast<unsigned>((high >> 16) & 0xffff), static_cast<unsigned>(high & 0xffff),
           static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xffffffffffff));
  return text;
}

bool has_generation(const api::KindDef& kind) {
  if (kind.crd) return true;
  std::string_view group = kind.kind.group;
  return group == "apps" || group == "batch" || group == "networking.k8s.io" || group == "policy" ||
         group == "apiextensions.k8s.io" || group == "discovery.k8s.io" ||
         group == "admissionregistration.k8s.io";
}

void prepare_create(const api::KindDef& kind, json::Value& object, std::string_view ns,
                    std::string_view now) {
  object.set("apiVersion", kind.kind.api_version());
  object.set("kind", kind.kind.kind);
  json::Value& meta = object.ref("metadata");
  for (const char* key : {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds",
                          "resourceVersion", "generation"})
    meta.erase(key);
  if (kind.kind.namespaced)
    meta.set("namespace", ns);
  else
    meta.erase("namespace");
  meta.set("uid", new_uid());
  meta.set("creationTimestamp", now);
  if (has_generation(kind)) meta.set("generation", 1);
  if (kind.has_status) object.erase("status");
  if (is(kind, api::kNamespace)) create_namespace(object);
  if (is(kind, api::kSecret)) encode_secret(object);
}

void complete_create(const api::KindDef& kind, json::Value& object, std::string_view now) {
  if (is(kind, api::kPod)) create_pod(object, now);
  if (is(kind, api::kJob)) create_job(object);
  if (is(kind, api::kService))
    object.set("status", json::object({{"loadBalancer", json::Object{}}}));
  if (is(kind, api::kPersistentVolumeClaim) || is(kind, api::kPersistentVolume))
    object.set("status", json::object({{"phase", "Pending"}}));
  if (!kind.crd && kind.has_status && !object.has("status")) object.set("status", json::Object{});
}

void prepare_update(const api::KindDef& kind, json::Value& object, const json::Value& old,
                    std::string_view subresource) {
  json::Value status = object["status"];
  bool has_status = object.has("status");
  if (subresource == "status") {
    json::Value managed = object["metadata"]["managedFields"];
    object = old;
    if (has_status)
      object.set("status", std::move(status));
    else
      object.erase("status");
    if (!managed.is_null()) object.ref("metadata").set("managedFields", std::move(managed));
    return;
  }
  if (subresource == "finalize") {
    json::Value finalizers = object["spec"]["finalizers"];
    object = old;
    object.ref("spec").set("finalizers", json::Value(finalizers.array()));
    return;
  }
  object.set("apiVersion", old["apiVersion"]);
  object.set("kind", old["kind"]);
  json::Value& meta = object.ref("metadata");
  for (const char* key : {"namespace", "name", "uid", "creationTimestamp", "deletionTimestamp",
                          "deletionGracePeriodSeconds", "generation", "generateName", "selfLink"})
    keep(meta, old["metadata"], key);
  if (kind.has_status) {
    if (old.has("status"))
      object.set("status", old["status"]);
    else
      object.erase("status");
  }
  if (is(kind, api::kNamespace)) object.set("spec", old["spec"]);
  if (is(kind, api::kSecret)) encode_secret(object);
  if (is(kind, api::kService))
    for (const char* key : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
      if (!object["spec"].has(key) && old["spec"].has(key))
        object.ref("spec").set(key, old["spec"][key]);
}

Errors forbidden_changes(const api::KindDef& kind, const json::Value& object,
                         const json::Value& old) {
  Errors errors;
  const json::Value& spec = object["spec"];
  const json::Value& before = old["spec"];
  auto fixed = [&](const char* key) {
    if (!(spec[key] == before[key])) errors.push_back(immutable(str("spec.", key), spec[key]));
  };
  if (is(kind, api::kPod)) pod_changes(object, old, errors);
  if (is(kind, api::kDeployment) || is(kind, api::kReplicaSet)) fixed("selector");
  if (is(kind, api::kJob)) {
    fixed("selector");
    fixed("template");
    fixed("completions");
  }
  if (is(kind, api::kService) && spec["type"] == before["type"] &&
      spec["type"].str() != "ExternalName")
    fixed("clusterIP");
  if (is(kind, api::kConfigMap) || is(kind, api::kSecret)) frozen_changes(object, old, errors);
  if (client::deleting(old)) {
    std::string added;
    for (const json::Value& name : object["metadata"]["finalizers"].array())
      if (!wants(old["metadata"]["finalizers"], name.str()))
        added += str(added.empty() ? "" : ", ", "\"", name.str(), "\"");
    if (!added.empty())
      errors.push_back(
          {"FieldValueForbidden", "metadata.finalizers",
           str("Forbidden: no new finalizers can be added if the object is being deleted, found "
               "new finalizers []string{",
               added, "}")});
  }
  return errors;
}

void bump_generation(const api::KindDef& kind, json::Value& object, const json::Value& old) {
  if (!has_generation(kind)) return;
  auto differs = [](const json::Value& a, const json::Value& b) {
    for (const auto& [key, value] : a.object())
      if (key != "metadata" && key != "status" && !(b[key] == value)) return true;
    return false;
  };
  if (differs(object, old) || differs(old, object))
    object.ref("metadata", "generation") = old["metadata"]["generation"].integer() + 1;
}

bool removable(const api::KindDef& kind, const json::Value& object) {
  const json::Value& meta = object["metadata"];
  if (meta["deletionTimestamp"].str().empty() || meta["finalizers"].size() > 0) return false;
  if (is(kind, api::kNamespace)) return object["spec"]["finalizers"].size() == 0;
  return meta["deletionGracePeriodSeconds"].integer() == 0;
}

std::optional<json::Value> mark_deleted(const api::KindDef& kind, const json::Value& object,
                                        std::optional<int64_t> grace, std::string_view propagation,
                                        int64_t now_seconds) {
  json::Value out = object;
  json::Value& meta = out.ref("metadata");
  if (!propagation.empty()) {
    set_finalizer(meta, "foregroundDeletion", propagation == "Foreground");
    set_finalizer(meta, "orphan", propagation == "Orphan");
  }
  int64_t seconds = grace_of(kind, object, grace);
  bool already = !meta["deletionTimestamp"].str().empty();
  if (already && meta["deletionGracePeriodSeconds"].integer() <= seconds && !removable(kind, out))
    return out;
  if (is(kind, api::kNamespace)) {
    out.ref("status", "phase") = "Terminating";
    seconds = 0;
  }
  bool held = meta["finalizers"].size() > 0 ||
              (is(kind, api::kNamespace) && out["spec"]["finalizers"].size() > 0);
  if (seconds == 0 && !held) return std::nullopt;
  if (already && is(kind, api::kNamespace)) return out;
  meta.set("deletionTimestamp", rfc3339(WallTime(std::chrono::seconds(now_seconds + seconds))));
  meta.set("deletionGracePeriodSeconds", seconds);
  if (has_generation(kind) && !already) meta.set("generation", meta["generation"].integer() + 1);
  return out;
}

// ---- addresses ----------------------------------------------------------------------------------

namespace {

bool has_address(const json::Value& service) {
  const std::string& ip = service["spec"]["clusterIP"].str();
  return !ip.empty() && ip != "None";
}

void set_addresses(json::Value& service, const std::string& ip) {
  json::Value& spec = service.ref("spec");
  spec.set("clusterIP", ip);
  spec.set("clusterIPs", json::array({ip}));
  if (!spec.has("ipFamilies")) spec.set("ipFamilies", json::array({"IPv4"}));
  if (!spec.has("ipFamilyPolicy")) spec.set("ipFamilyPolicy", "SingleStack");
}

}  // namespace

bool AddressBook::in_range(std::string_view address) const {
  if (!address.starts_with(network_ + ".")) return false;
  auto parts = split(address.substr(network_.size() + 1), '.');
  if (parts.size() != 2) return false;
  auto c = parse_int(parts[0]), d = parse_int(parts[1]);
  return c && d && *c >= 0 && *c <= 255 && *d >= 0 && *d <= 255 && (*c > 0 || *d > 0);
}

bool AddressBook::has(const json::Value& service) const {
  return !has_address(service) || in_range(service["spec"]["clusterIP"].str());
}

void AddressBook::take(const json::Value& service) {
  if (!has_address(service)) return;
  std::lock_guard lock(mutex_);
  ++taken_[service["spec"]["clusterIP"].str()];
}

void AddressBook::release(const json::Value& service) {
  if (!has_address(service)) return;
  std::lock_guard lock(mutex_);
  auto it = taken_.find(service["spec"]["clusterIP"].str());
  if (it != taken_.end() && --it->second <= 0) taken_.erase(it);
}

Errors AddressBook::assign(json::Value& service) {
  const json::Value& spec = service["spec"];
  if (spec["type"].str() == "ExternalName") return {};
  const std::string given = spec["clusterIP"].str();
  if (given == "None") {
    set_addresses(service, "None");
    return {};
  }
  std::lock_guard lock(mutex_);
  if (!given.empty()) {
    auto wrong = [&](std::string_view why) {
      return Errors{
          {"FieldValueInvalid", "spec.clusterIPs",
           str("Invalid value: [\"", given, "\"]: failed to allocate IP ", given, ": ", why)}};
    };
    if (!in_range(given)) return wrong(str("the provided IP is not in the valid range ", network_, ".0.0/16"));
    if (taken_.contains(given)) return wrong("provided IP is already allocated");
    ++taken_[given];
    set_addresses(service, given);
    return {};
  }
  for (uint32_t tries = 0; tries < 65000; ++tries) {
    uint32_t n = next_;
    next_ = next_ >= 65534 ? 16 : next_ + 1;
    std::string ip = str(network_, ".", n >> 8, ".", n & 255);
    if ((n & 255) == 0 || (n & 255) == 255 || taken_.contains(ip)) continue;
    ++taken_[ip];
    set_addresses(service, ip);
    return {};
  }
  return {{"FieldValueInternal", "spec.clusterIPs",
           str("Internal error: no address is left in ", network_, ".0.0/16")}};
}

}  // namespace proa::apiserver
