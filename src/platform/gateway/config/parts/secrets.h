// What gateway objects refer to besides routes: TLS Secrets, namespaces' labels, ReferenceGrants.
//
// Used by TableBuilder, one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/gateway/config/parts/names.h"
#include "platform/gateway/listener.h"

namespace proa::gateway {

class Secrets {
 public:
  // true if it is, or was, one with certificates.
  bool put(const client::Key& key, const json::Value& object);
  bool drop(const client::Key& key) { return secrets_.erase(key) > 0; }
  std::shared_ptr<const Credential> find(const client::Key& key) const;

 private:
  std::map<client::Key, std::shared_ptr<const Credential>> secrets_;
};

// A reference of one object to another that may be in another namespace.
struct Reference {
  std::string group, kind;
  client::Key key;
  uint16_t port = 0;
};

class Grants {
 public:
  void put(const client::Key& key, const json::Value& object);
  bool drop(const client::Key& key) { return grants_.erase(key) > 0; }
  // May an object of this kind in from_ns refer to `to`? Within a namespace always.
  bool allow(const std::string& from_group, const std::string& from_kind,
             const std::string& from_ns, const Reference& to, Uses& uses) const;

 private:
  struct From {
    std::string group, kind, ns;
  };
  struct To {
    std::string group, kind, name;
  };
  struct Grant {
    std::vector<From> from;
    std::vector<To> to;
  };
  std::map<client::Key, Grant> grants_;
};

// A metav1.LabelSelector on labels.
bool selects(const json::Value& selector, const json::Value& labels);

}  // namespace proa::gateway
