// GatewayApi: GatewayClasses, Gateways and the routes attached to them, as claims, listeners and
// status.
//
// Used by TableBuilder, one thread. Gateways are compiled before the routes that attach to them;
// their status is asked for last, when attachments are counted.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "platform/gateway/config/compile/cluster.h"
#include "platform/gateway/config/parts/compiled.h"
#include "platform/gateway/config/parts/secrets.h"
#include "platform/gateway/config/read/gateway_api.h"

namespace proa::gateway {

using PortStates = std::map<uint16_t, ListenerState>;  // of the gateway's own address

class GatewayApi {
 public:
  using Key = client::Key;
  GatewayApi(const BuilderOptions& options, Cluster& cluster, const Secrets& secrets,
             const Grants& grants, const Doors& doors)
      : options_(options), cluster_(cluster), secrets_(secrets), grants_(grants), doors_(doors) {}

  void put_class(const std::string& name, const json::Value& object);
  void drop_class(const std::string& name) { classes_.erase(name); }
  void put_gateway(const Key& key, ApiGateway gateway) { gateways_[key].spec = std::move(gateway); }
  void drop_gateway(const Key& key) { gateways_.erase(key); }
  void put_route(const std::string& source, ApiRoute route);
  void drop_route(const std::string& source);
  std::vector<Key> gateways_of(const std::string& route) const;  // that it names
  void put_namespace(const std::string& name, const json::Value& object);
  void drop_namespace(const std::string& name) { namespaces_.erase(name); }

  Compiled compile_class(const std::string& name) const;
  Compiled compile_gateway(const Key& key);
  Compiled compile_route(const std::string& source);
  json::Value gateway_status(const Key& key, const PortStates& ports) const;
  void touch_all() {  // ports changed
    for (const auto& [key, gateway] : gateways_) changed_.insert(key);
  }
  std::set<Key> take_changed() { return std::exchange(changed_, {}); }  // whose status may change

 private:
  struct Checked {  // a listener
    bool accepted = true, resolved = true, conflicted = false;
    std::string accepted_reason = "Accepted", resolved_reason = "ResolvedRefs",
                conflict_reason = "NoConflicts";
    std::string accepted_message, resolved_message, conflict_message;
    std::vector<std::string> kinds;  // of routes that it takes
    bool usable() const { return accepted && resolved && !conflicted; }
  };
  struct Gateway {
    ApiGateway spec;
    bool ours = false;
    std::string controller;
    std::vector<Checked> checked;
  };
  struct ParentResult {
    bool attached = false;
    std::string reason = "NoMatchingParent", message;
  };

  void check_kinds(const ApiListener& l, Checked& c) const;
  void check_certificates(const Gateway& g, const ApiListener& l, Checked& c, Uses& uses,
                          std::vector<TlsChain>& chains) const;
  void check_conflicts(Gateway& g) const;
  bool may_attach(const ApiRoute& route, const Gateway& g, size_t listener, Uses& uses) const;
  const ApiRoute* rival(const ApiRoute& route, const Gateway& g, size_t listener,
                        const std::set<std::string>& names, Uses& uses, int depth = 0) const;
  ParentResult attach(const std::string& source, const ApiRoute& route, const ApiParent& parent,
                      const std::vector<Rule>& rules, const std::vector<Order>& order,
                      Compiled& out);
  void claim(const ApiRoute& route, const Gateway& g, const ApiListener& l, const std::string& host,
             const std::vector<Rule>& rules, const std::vector<Order>& order, Compiled& out) const;
  std::string resolve_backend(const ApiRoute& route, const ApiBackend& b, const Rule& rule,
                              std::vector<Destination>& to, Compiled& out);
  void resolve_rules(const ApiRoute& route, std::vector<Rule>& rules, std::vector<Order>& order,
                     std::pair<std::string, std::string>& refs, Compiled& out);
  json::Value listener_status(const Key& key, const Gateway& g, size_t i,
                              const PortStates& ports) const;

  const BuilderOptions& options_;
  Cluster& cluster_;
  const Secrets& secrets_;
  const Grants& grants_;
  const Doors& doors_;
  std::map<std::string, std::string> classes_;  // name → controller
  std::map<std::string, int64_t> class_generations_;
  std::map<Key, Gateway> gateways_;
  std::map<std::string, ApiRoute> routes_;
  std::map<std::string, json::Value> namespaces_;  // labels
  // gateway → listener → routes, and back
  std::map<Key, std::map<std::string, std::set<std::string>>> attached_;
  std::map<std::string, std::set<Key>> attached_to_;
  std::set<Key> changed_;
};

// The names by which a listener has a route; empty if their hostnames have nothing in common.
std::set<std::string> names_at(const ApiListener& listener, const ApiRoute& route);

json::Value condition_of(std::string_view type, bool status, std::string_view reason,
                         std::string_view message, int64_t generation);

}  // namespace proa::gateway
