// TableBuilder keeps what the API objects say in a parsed form and builds route tables from it.
//
// Used by the gateway's control thread, and by tests, alone: not synchronised. put() and drop()
// cost what the one object costs; build() is linear in the number of objects. Backends live as long
// as something names them, through any number of builds; endpoint changes go to them at once,
// without a new table.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "platform/gateway/config/status_writer.h"
#include "platform/gateway/listener.h"
#include "platform/gateway/route.h"
#include "platform/gateway/table.h"
#include "platform/gateway/config/virtual_service.h"

namespace proa::gateway {

struct BuilderOptions {
  std::string domain = "example.com";
  // Destinations and ExternalNames that mean "this gateway again, by the Host header".
  std::vector<std::string> local_gateways = {
      "knative-local-gateway.istio-system.svc.cluster.local",
      "cluster-local-gateway.istio-system.svc.cluster.local",
      "knative-local-gateway.knative-serving.svc.cluster.local"};
  Duration service_timeout = std::chrono::seconds(300);
  size_t most_waiting = 10000;
};

class TableBuilder {
 public:
  TableBuilder(BuilderOptions options, Clock& clock);

  // kind is one of api::kVirtualService, kGateway, kRoute, kRevision, kService, kEndpointSlice.
  // true if a new table is needed (endpoints alone never need one).
  bool put(const client::Kind& kind, const json::Value& object);
  bool drop(const client::Kind& kind, const client::Key& key);
  // What queue-proxy tells the activator on a cluster: this pod answers, or does so no more. Its
  // endpoints are used from now on, before their slice says that they are ready.
  void pod_ready(const std::string& uid, bool ready);

  std::shared_ptr<const Table> build();
  Listeners listeners() const;
  std::vector<std::string> take_new_warnings() { return {}; }
  std::vector<StatusUpdate> take_statuses() { return {}; }
  bool opened(const std::vector<ListenerState>&) { return false; }
  std::vector<std::shared_ptr<Backend>> backends() const;           // all there are
  std::shared_ptr<Backend> revision(const client::Key& key) const;  // nullptr if unknown

 private:
  struct Target {
    std::string revision, tag;
    uint32_t percent = 0;
  };
  struct Route {
    std::vector<Target> traffic;
    std::string external;  // "name.ns.example.com", "" if cluster-local
  };
  struct ServicePort {
    std::string name;
    uint16_t port = 0;
    bool http2 = false;
  };
  struct Service {
    std::string external_name, cluster_ip;
    bool headless = false, selects = false;
    std::vector<ServicePort> ports;
  };
  struct Revision {
    BackendOptions options;
    std::string configuration, service;
  };
  struct Slice {
    std::string service;
    std::vector<ServicePort> ports;
    std::vector<EndpointAddress> ready, starting;  // port 0
  };
  using Key = client::Key;
  using Hosts = std::map<std::string, std::shared_ptr<Host>>;

  void read_route(const Key& key, const json::Value& object);
  void read_service(const Key& key, const json::Value& object);
  void read_revision(const Key& key, const json::Value& object);
  bool read_slice(const Key& key, const json::Value& object);
  void announce(const Key& service);
  std::vector<EndpointAddress> addresses(const Key& service, std::string_view port_name,
                                         bool any) const;

  std::shared_ptr<Backend> revision_backend(const Key& key);
  std::shared_ptr<Backend> service_backend(const Key& key, const ServicePort& port);

  std::vector<Destination> traffic(const Key& route, const std::string& tag);
  std::vector<Destination> resolve(const std::string& host, uint16_t port,
                                   const std::string& authority, const std::string& ns, int depth);
  Rule rule_for(const RuleSource& source, const VirtualService& vs, const std::string& host,
                bool local);
  void add_virtual_services(TableEditor& table);
  void add_routes(TableEditor& table);
  void add_services(TableEditor& table);
  void forget_unused();

  const BuilderOptions options_;
  std::vector<std::string> warnings_;
  Clock& clock_;
  std::map<Key, VirtualService> virtual_services_;
  std::set<Key> gateways_;
  std::map<Key, Route> routes_;
  std::map<Key, Service> services_;
  std::map<Key, Revision> revisions_;
  std::map<Key, Slice> slices_;
  std::map<Key, std::set<Key>> slices_of_;  // service → its slices
  std::set<std::string> early_;             // uids of pods that are ready by the node's word
  std::map<Key, std::shared_ptr<Backend>> revision_backends_;
  std::map<Key, std::map<std::string, std::shared_ptr<Backend>>> service_backends_;  // → port name
};

// "name.ns.svc.cluster.local", "name.ns.svc", "name.ns", "name" (in `ns`) → key; nullopt for other
// names.
std::optional<client::Key> service_key(std::string_view host, std::string_view ns);
bool is_local_name(std::string_view host);  // ends in .svc.cluster.local

}  // namespace proa::gateway
