// Ingress (networking.k8s.io/v1): rules by host and path, TLS, a default backend.
//
// A wildcard host takes names of any depth here, as everywhere in this gateway. Paths of type
// ImplementationSpecific are prefixes. Used by TableBuilder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "platform/gateway/config/compile/gateway_api_table.h"

namespace proa::gateway {

class Ingresses {
 public:
  using Key = client::Key;
  Ingresses(const BuilderOptions& options, Cluster& cluster, const Secrets& secrets)
      : options_(options), cluster_(cluster), secrets_(secrets) {}

  void put(const Key& key, const json::Value& object) { objects_[key] = object; }
  void drop(const Key& key) { objects_.erase(key); }
  void put_class(const std::string& name, const json::Value& object);
  void drop_class(const std::string& name) { classes_.erase(name); }
  Compiled compile(const Key& key);

 private:
  bool ours(const json::Value& object, Uses& uses) const;
  Rule rule(const Key& key, const json::Value& backend, const std::string& host, Compiled& out);
  void read_paths(const Key& key, const json::Value& rule, const std::string& host, Part& part,
                  Compiled& out);
  void read_tls(const Key& key, const json::Value& spec, Compiled& out);
  static void read_annotations(const json::Value& object, Compiled& out);
  json::Value status(const Compiled& out) const;

  const BuilderOptions& options_;
  Cluster& cluster_;
  const Secrets& secrets_;
  std::map<Key, json::Value> objects_;
  struct Class {
    std::string controller;
    bool by_default = false;
  };
  std::map<std::string, Class> classes_;
};

}  // namespace proa::gateway
