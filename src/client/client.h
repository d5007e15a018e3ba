// Client: how controllers, the node and the gateway read and write API objects. One interface, with
// the embedded API server or (later) a remote one behind it.
//
// Reads are cheap: the embedded one reads the store's memory, a remote one reads an informer's
// cache. Thread-safe. Objects are shared and immutable. Writes by this interface belong to the
// relaxed durability class (what the platform derived, it can derive again) unless `durable` says
// otherwise.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"

namespace proa::client {

// A resource type. `group` is "" for core. See api/kinds.h for the constants.
struct Kind {
  std::string_view group, version, kind, plural;
  bool namespaced = true;
  std::string api_version() const {
    return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
  }
  bool operator==(const Kind& other) const {
    return group == other.group && plural == other.plural;
  }
};

using Object = std::shared_ptr<const json::Value>;

struct Key {
  std::string ns, name;  // ns is "" for cluster-scoped kinds
  auto operator<=>(const Key&) const = default;
};

struct ListOptions {
  std::string ns;              // "" means all namespaces
  std::string label_selector;  // Kubernetes syntax: "a=b,c in (d,e),!f"
  std::string
      field_selector;  // metadata.name, metadata.namespace, spec.nodeName, involvedObject.*, …
};

struct ApplyOptions {
  std::string manager;      // field manager, e.g. "inferenceservice-controller"
  std::string subresource;  // "" or "status" or "scale"
  bool durable = false;
};

struct DeleteOptions {
  std::optional<int64_t> grace_period_seconds;
  std::string propagation;  // "" (the kind's default), Background, Foreground, Orphan
  std::string uid;          // precondition, if not empty
};

struct Event {
  enum Type { kAdded, kModified, kDeleted } type;
  Object object;  // for kDeleted the last state
  Object old;     // for kModified and kDeleted the state before, if known
};

// Ends the watch when destroyed. After the destructor returns, the callback is not called again.
class Watch {
 public:
  virtual ~Watch() = default;
};

class Client {
 public:
  virtual ~Client() = default;

  virtual Result<Object> get(const Kind& kind, std::string_view ns,
                             std::string_view name) const = 0;
  virtual Result<std::vector<Object>> list(const Kind& kind, const ListOptions& options) const = 0;

  // generateName is honoured. kAlreadyExists if it is there.
  virtual Result<Object> create(const Kind& kind, json::Value object) = 0;

  // Server-side apply, forced: `fields` is the whole set of fields this manager wants; fields it
  // applied before and leaves out now are removed. Creates the object if absent (not for
  // subresources). An apply that changes nothing writes nothing and makes no event.
  virtual Result<Object> apply(const Kind& kind, json::Value fields,
                               const ApplyOptions& options) = 0;

  // JSON merge patch (RFC 7396), for finalizers and scale.
  virtual Result<Object> patch(const Kind& kind, std::string_view ns, std::string_view name,
                               json::Value merge_patch, std::string_view subresource = "") = 0;

  virtual Status remove(const Kind& kind, std::string_view ns, std::string_view name,
                        const DeleteOptions& options = {}) = 0;

  // First a kAdded for each object there is, then every change, in order, none left out. The
  // callback may come on any thread, holds no lock of the caller's, and must return at once
  // (post to your loop). ns "" means all namespaces.
  virtual std::unique_ptr<Watch> watch(const Kind& kind, std::string_view ns,
                                       std::function<void(const Event&)> callback) = 0;
};

// Common reads.
Key key_of(const json::Value& object);
const std::string& uid_of(const json::Value& object);
bool deleting(const json::Value& object);  // deletionTimestamp is set
json::Value owner_reference(const json::Value& owner, bool controller = true);
const json::Value* controller_of(const json::Value& object);  // its controller ownerReference
std::string api_version_kind(const json::Value& object);      // "apps/v1/Deployment"

// A Kubernetes Event about `object`; the same event again raises its count (events are relaxed).
// type: "Normal" or "Warning".
void record_event(Client& client, const json::Value& object, std::string_view component,
                  std::string_view type, std::string_view reason, std::string_view message);

// Conditions, as metav1 and Knative write them: type, status, reason, message, lastTransitionTime.
// set_condition keeps lastTransitionTime while the status stays; conditions stay sorted by type.
struct Condition {
  std::string type, status, reason, message, severity;
};
void set_condition(json::Value& conditions, const Condition& condition, std::string_view now);
const json::Value& condition(const json::Value& object, std::string_view type);  // null if absent
bool condition_is(const json::Value& object, std::string_view type, std::string_view status);

}  // namespace proa::client
