// DestinationRules: which policy and which labels a host, a port of it and a subset of it have.
//
// Used by Cluster, one thread. policy_of() is pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/gateway/listener.h"
#include "platform/gateway/policy.h"

namespace proa::gateway {

// The Secret of that name, nullptr if there is none; TLS policies need it.
using Credentials = std::function<std::shared_ptr<const Credential>(const client::Key&)>;

// A trafficPolicy, already overlaid, as a Policy; what is not carried out goes to `warnings`.
std::shared_ptr<const Policy> policy_of(const json::Value& traffic_policy, const std::string& ns,
                                        const Credentials& credentials,
                                        std::vector<std::string>& warnings);

struct Subset {
  bool known = false;  // a rule has it
  std::map<std::string, std::string> labels;
  json::Value policy;  // trafficPolicy of host, subset and port, overlaid; null: none
  std::string ns;      // where credentials are
};

class DestinationRules {
 public:
  // Returns the host that is concerned: "name.ns.svc.cluster.local", or a wildcard.
  std::string put(const client::Key& key, const json::Value& object);
  std::string drop(const client::Key& key);
  // host: as put() returns it. subset "": the host itself.
  Subset find(const std::string& host, const std::string& service_ns, uint16_t port,
              const std::string& subset) const;
  bool empty() const { return rules_.empty(); }
  bool has(const std::string& host) const { return by_host_.contains(host); }  // exactly
  std::string host(const client::Key& key) const;  // "" if there is no such rule
  bool has_subsets(const client::Key& key) const;
  const std::vector<std::string>& warnings(const client::Key& key) const;

 private:
  struct Rule {
    std::string host, created;
    json::Value spec;
    std::vector<std::string> warnings;
  };
  std::map<client::Key, Rule> rules_;
  std::map<std::string, std::set<client::Key>> by_host_;
};

}  // namespace proa::gateway
