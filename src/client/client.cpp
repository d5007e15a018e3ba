#include "client/client.h"

#include <algorithm>

#include "foundation/base/clock.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::client {
namespace {

constexpr Kind kEvents{"", "v1", "Event", "events"};

const json::Value& null_value() {
  static const json::Value null;
  return null;
}

// FNV-1a, 64 bits: names an event after its content, so that a repetition finds the first one.
uint64_t fnv(uint64_t hash, std::string_view text) {
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  return (hash ^ 0xff) * 1099511628211u;
}

std::string event_name(const json::Value& object, std::string_view component, std::string_view type,
                       std::string_view reason, std::string_view message) {
  uint64_t hash = 14695981039346656037u;
  for (std::string_view part :
       {std::string_view(uid_of(object)), std::string_view(object["kind"].str()), component, type,
        reason, message})
    hash = fnv(hash, part);
  char digits[17];
  for (int i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15];
  std::string_view name = object["metadata"]["name"].str();
  return str(name.substr(0, 230), ".", std::string_view(digits, 16));
}

json::Value involved(const json::Value& object) {
  const json::Value& meta = object["metadata"];
  json::Value out = json::object(
      {{"apiVersion", object["apiVersion"]}, {"kind", object["kind"]}, {"name", meta["name"]}});
  for (const char* key : {"namespace", "uid", "resourceVersion"})
    if (meta.has(key)) out.set(key, meta[key]);
  return out;
}

json::Value new_event(const json::Value& object, const Key& key, std::string_view component,
                      std::string_view type, std::string_view reason, std::string_view message,
                      const std::string& now) {
  return json::object({{"apiVersion", "v1"},
                       {"kind", "Event"},
                       {"metadata", json::object({{"name", key.name}, {"namespace", key.ns}})},
                       {"involvedObject", involved(object)},
                       {"reason", reason},
                       {"message", shorten(message, 1024)},
                       {"type", type},
                       {"source", json::object({{"component", component}})},
                       {"reportingComponent", component},
                       {"reportingInstance", ""},
                       {"firstTimestamp", now},
                       {"lastTimestamp", now},
                       {"eventTime", nullptr},
                       {"count", 1}});
}

}  // namespace

Key key_of(const json::Value& object) {
  const json::Value& meta = object["metadata"];
  return Key{meta["namespace"].str(), meta["name"].str()};
}

const std::string& uid_of(const json::Value& object) { return object["metadata"]["uid"].str(); }

bool deleting(const json::Value& object) {
  return !object["metadata"]["deletionTimestamp"].str().empty();
}

json::Value owner_reference(const json::Value& owner, bool controller) {
  json::Value out = json::object({{"apiVersion", owner["apiVersion"]},
                                  {"kind", owner["kind"]},
                                  {"name", owner["metadata"]["name"]},
                                  {"uid", owner["metadata"]["uid"]}});
  if (controller) {
    out.set("controller", true);
    out.set("blockOwnerDeletion", true);
  }
  return out;
}

const json::Value* controller_of(const json::Value& object) {
  for (const json::Value& reference : object["metadata"]["ownerReferences"].array())
    if (reference["controller"].boolean()) return &reference;
  return nullptr;
}

std::string api_version_kind(const json::Value& object) {
  return str(object["apiVersion"].str(), "/", object["kind"].str());
}

void record_event(Client& client, const json::Value& object, std::string_view component,
                  std::string_view type, std::string_view reason, std::string_view message) {
  Key key = key_of(object);
  if (type == "Warning")
    log::warn(
        component, message,
        {{"object", str(object["kind"].str(), " ", key.ns, "/", key.name)}, {"reason", reason}});
  else
    log::debug(component, message, {{"reason", reason}});
  if (key.ns.empty()) key.ns = "default";  // where the events of cluster-scoped objects live
  key.name = event_name(object, component, type, reason, message);
  std::string now = rfc3339(real_clock().wall());
  Status done;
  if (auto before = client.get(kEvents, key.ns, key.name); before.ok()) {
    json::Value change =
        json::object({{"count", (**before)["count"].integer() + 1}, {"lastTimestamp", now}});
    auto patched = client.patch(kEvents, key.ns, key.name, std::move(change));
    if (!patched.ok()) done = patched.error();
  } else {
    auto created =
        client.create(kEvents, new_event(object, key, component, type, reason, message, now));
    if (!created.ok()) done = created.error();
  }
  // A namespace that is going away takes no events; nobody misses them.
  if (!done.ok())
    log::debug(component, "event not recorded",
               {{"reason", reason}, {"error", done.error().message}});
}

void set_condition(json::Value& conditions, const Condition& condition, std::string_view now) {
  json::Array& list = conditions.make_array();
  auto at = std::find_if(list.begin(), list.end(),
                         [&](const json::Value& c) { return c["type"].str() >= condition.type; });
  // The list may have been written unsorted by somebody else: look everywhere before inserting.
  auto same = std::find_if(list.begin(), list.end(),
                           [&](const json::Value& c) { return c["type"].str() == condition.type; });
  json::Value next = json::object({{"type", condition.type}, {"status", condition.status}});
  if (!condition.reason.empty()) next.set("reason", condition.reason);
  if (!condition.message.empty()) next.set("message", condition.message);
  if (!condition.severity.empty()) next.set("severity", condition.severity);
  bool keeps_time = same != list.end() && (*same)["status"].str() == condition.status &&
                    !(*same)["lastTransitionTime"].str().empty();
  next.set("lastTransitionTime", keeps_time ? (*same)["lastTransitionTime"] : json::Value(now));
  if (same != list.end())
    *same = std::move(next);
  else
    list.insert(at, std::move(next));
  std::stable_sort(list.begin(), list.end(), [](const json::Value& a, const json::Value& b) {
    return a["type"].str() < b["type"].str();
  });
}

const json::Value& condition(const json::Value& object, std::string_view type) {
  for (const json::Value& c : object["status"]["conditions"].array())
    if (c["type"].str() == type) return c;
  return null_value();
}

bool condition_is(const json::Value& object, std::string_view type, std::string_view status) {
  return condition(object, type)["status"].str() == status;
}

}  // namespace proa::client
