// What the Knative controllers share: reading and writing objects, fingerprints that save needless
// applies, conditions. Used inside platform/knative, on the controllers' loop.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "client/client.h"
#include "foundation/base/clock.h"

namespace proa::knative {

using client::Object;

const std::string& name_of(const json::Value& object);
const std::string& namespace_of(const json::Value& object);
int64_t generation_of(const json::Value& object);
int64_t generation_label(const json::Value& revision);  // which generation of its Configuration

// {apiVersion, kind, metadata: {name, namespace}}.
json::Value shell_of(const client::Kind& kind, std::string_view ns, std::string_view name);

// Null if it is not there.
Result<Object> find(const client::Client& client, const client::Kind& kind, std::string_view ns,
                    std::string_view name);

// Applies `status` unless the object has exactly that.
Status write_status(client::Client& client, const client::Kind& kind, const json::Value& object,
                    json::Value status, std::string_view manager);

// Writes what a controller wants, once: an apply of the same fields onto an object that has not
// changed since is left out. Not thread-safe.
class Applier {
 public:
  Applier(client::Client& client, std::string manager)
      : client_(client), manager_(std::move(manager)) {}

  // `current`: the object as it is now, or null. *created: there was none.
  Result<Object> ensure(const client::Kind& kind, json::Value fields, const Object& current,
                        bool* created = nullptr);
  void forget(const client::Kind& kind, const client::Key& key) { seen_.erase(id(kind, key)); }

 private:
  struct Seen {
    std::string uid, fields;
    int64_t generation = 0;
  };
  static std::string id(const client::Kind& kind, const client::Key& key) {
    return std::string(kind.kind) + "/" + key.ns + "/" + key.name;
  }
  client::Client& client_;
  const std::string manager_;
  std::map<std::string, Seen> seen_;
};

// True, False or Unknown with what the condition says; missing counts as Unknown.
client::Condition read_condition(const json::Value& object, std::string_view type);

// The conditions of a PodAutoscaler: Active as given, and what follows from its Deployment.
json::Value scale_conditions(json::Value conditions, client::Condition active, bool initialized,
                             const std::string& at);

// Ready from the conditions it depends on: the first False, else the first Unknown, else True.
client::Condition happy(const json::Value& conditions,
                        std::initializer_list<std::string_view> types);

// {a} ∪ {b}: members of `more` set into the object `into`.
void merge_into(json::Value& into, const json::Value& more);

}  // namespace proa::knative
