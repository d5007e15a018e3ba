// Istio's objects as claims, listeners and status: Gateways, VirtualServices, ServiceEntries.
//
// Used by TableBuilder, one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/gateway/config/compile/gateway_api_table.h"
#include "platform/gateway/config/read/istio_gateway.h"
#include "platform/gateway/config/read/virtual_service.h"

namespace proa::gateway {

class IstioTable {
 public:
  using Key = client::Key;
  IstioTable(const BuilderOptions& options, Cluster& cluster, const Secrets& secrets)
      : options_(options), cluster_(cluster), secrets_(secrets) {}

  void put_gateway(const Key& key, const json::Value& object) {
    gateways_[key] = read_istio_gateway(object);
  }
  void drop_gateway(const Key& key) { gateways_.erase(key); }
  void put_virtual_service(const Key& key, const json::Value& object) {
    virtual_services_[key] = read_virtual_service(object);
  }
  void drop_virtual_service(const Key& key) { virtual_services_.erase(key); }
  // Returns the hosts that it has, had, or both.
  std::vector<std::string> put_entry(const Key& key, const json::Value& object);
  std::vector<std::string> drop_entry(const Key& key);

  Compiled compile_gateway(const Key& key) const;
  Compiled compile_virtual_service(const Key& key);
  Compiled compile_entry(const Key& key) const;

 private:
  struct Where {  // a scope in which a VirtualService's host is served
    uint16_t scope = 0;
    std::string name;
    const IstioGateway* gateway = nullptr;  // nullptr: everywhere
    const IstioServer* server = nullptr;
  };
  std::vector<Where> places(const VirtualService& vs, const std::string& host, bool& unmatched,
                            Uses& uses) const;
  bool applies(const std::vector<std::string>& gateways, const VirtualService& vs,
               const Where& where, bool local) const;
  bool narrow(Rule& rule, const VirtualService& vs, const Where& where, const std::string& host,
              bool local) const;
  std::vector<Destination> destinations(const std::vector<NamedDestination>& to,
                                        const std::string& authority, const std::string& ns,
                                        Uses& uses) const;
  Rule rule_for(const RuleSource& source, const VirtualService& vs, const std::string& host,
                Uses& uses) const;
  void add_host(const VirtualService& vs, const std::vector<RuleSource>& rules,
                const std::string& host, Compiled& out) const;
  void add_bytes(const VirtualService& vs, Compiled& out) const;

  const BuilderOptions& options_;
  Cluster& cluster_;
  const Secrets& secrets_;
  std::map<Key, IstioGateway> gateways_;
  std::map<Key, VirtualService> virtual_services_;
  struct Entry {
    std::vector<std::string> hosts, warnings;
  };
  std::map<Key, Entry> entries_;
};

// The status of an object of Istio's: null if there is nothing to say and nothing was said.
json::Value istio_status(const std::vector<std::string>& warnings, bool said_before);

}  // namespace proa::gateway
