// Cluster: Services, Knative's Routes and Revisions, and the endpoints behind them, as backends.
//
// Used by TableBuilder, one thread. Backends live as long as something names them; endpoint changes
// go to them at once, without a new table.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/client.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/config/parts/names.h"
#include "platform/gateway/config/read/destination_rule.h"
#include "platform/gateway/route.h"

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
  // Whose GatewayClasses and IngressClasses are carried out here. There is no other gateway on this
  // machine, so the classes of well-known ones are taken too.
  std::vector<std::string> controllers = {
      "proa.dev/gateway-controller", "gateway.envoyproxy.io/gatewayclass-controller",
      "istio.io/gateway-controller", "istio.io/ingress-controller", "k8s.io/ingress-nginx"};
  std::vector<std::string> ingress_classes = {"", "proa", "istio", "nginx"};
  std::string address = "127.0.0.1";  // what status says Gateways and Ingresses are reached by
  std::string gateway_ns = "istio-system";  // where Istio's Gateways may have their Secrets as well
};

class Cluster {
 public:
  using Key = client::Key;
  struct Target {
    std::string revision, tag;
    uint32_t percent = 0;
    std::string host;  // of its own URL; "" for one without tag
  };
  struct Route {
    std::vector<Target> traffic;
    std::string external;      // "name.ns.example.com", "" if cluster-local
    bool tag_headers = false;  // Knative-Serving-Tag chooses a target too
  };
  struct Port {
    std::string name;
    uint16_t port = 0;
    bool http2 = false;
    bool operator==(const Port&) const = default;
  };
  struct Service {
    std::string external_name, cluster_ip;
    std::string autoscaler;  // a PodAutoscaler stands behind: requests wait, and are reported
    bool selects = false;
    std::vector<Port> ports;
    bool operator==(const Service&) const = default;
  };

  Cluster(const BuilderOptions& options, Clock& clock, Credentials credentials);

  // true if what depends on use('s', key) must be made anew.
  bool put_service(const Key& key, const json::Value& object);
  bool put_route(const Key& key, const json::Value& object);
  bool put_revision(const Key& key, const json::Value& object);
  bool drop_service(const Key& key);
  bool drop_route(const Key& key) { return routes_.erase(key) > 0; }
  bool drop_revision(const Key& key);
  void put_slice(const Key& key, const json::Value& object);
  void drop_slice(const Key& key);
  void put_pod(const json::Value& object);
  void drop_pod(const json::Value& object);
  void pod_ready(const std::string& uid, bool ready);
  // DestinationRules changed for this host (or wildcard): what is concerned is set up anew.
  void policies_changed(const std::string& host);
  // A host outside, by STATIC endpoints. Empty endpoints: it is gone.
  void set_entry(const std::string& host, std::vector<Port> ports,
                 std::map<std::string, std::vector<EndpointAddress>> by_port);

  DestinationRules rules;
  // Of a rule for this host: what of it has no effect on what is behind it.
  std::vector<std::string> without_effect(const Key& rule) const;

  const Service* service(const Key& key) const;
  const Route* route(const Key& key) const;
  bool has_revision(const Key& key) const { return revisions_.contains(key); }

  // Where a destination leads, in parts of its sum; a Destination without a backend says why.
  std::vector<Destination> resolve(const std::string& host, uint16_t port,
                                   const std::string& subset, const std::string& authority,
                                   const std::string& ns, Uses& uses, int depth = 0);
  std::vector<Destination> traffic(const Key& route, const std::string& tag);  // of a Route
  std::shared_ptr<Backend> service_backend(const Key& key, const Port& port,
                                           const std::string& subset = "");

  std::vector<std::shared_ptr<Backend>> backends() const;   // all there are
  std::shared_ptr<Backend> revision(const Key& key) const;  // nullptr if unknown
  void forget_unused();                                     // what no table names any more

 private:
  struct Revision {
    BackendOptions options;
    std::string configuration, service;
  };
  struct Slice {
    std::string service;
    std::vector<Port> ports;
    std::vector<EndpointAddress> ready, starting;  // port 0
  };
  struct Made {  // of a Service's port
    std::shared_ptr<Backend> backend;
    Port port;
    std::string subset;
    std::map<std::string, std::string> labels;  // of the subset
  };
  struct Entry {
    std::vector<Port> ports;
    std::map<std::string, std::shared_ptr<Backend>> backends;  // by port name
  };

  void announce(const Key& service);
  void announce_one(const Key& service, const Made& made);
  std::vector<EndpointAddress> addresses(const Key& service, std::string_view port_name, bool any,
                                         const std::map<std::string, std::string>* labels) const;
  std::shared_ptr<Backend> revision_backend(const Key& key);
  void set_up(const Key& key, Made& made);
  void set_up_revision(const Key& key);
  std::string rule_host(const Key& revision, const Revision& r) const;
  std::shared_ptr<const Policy> policy(const Subset& found, const std::string& host) const;
  std::vector<Destination> resolve_service(const Key& key, const Service& s, uint16_t port,
                                           const std::string& subset);

  const BuilderOptions& options_;
  Clock& clock_;
  const Credentials credentials_;
  std::map<Key, Route> routes_;
  std::map<Key, Service> services_;
  std::map<Key, Revision> revisions_;
  std::map<Key, Slice> slices_;
  std::map<Key, std::set<Key>> slices_of_;         // service → its slices
  std::set<std::string> early_;                    // uids of pods that are ready by the node's word
  std::map<std::string, std::set<Key>> starting_;  // uid → slices in which it starts
  std::unordered_map<std::string, std::map<std::string, std::string>> pod_labels_;  // by uid
  std::map<Key, std::shared_ptr<Backend>> revision_backends_;
  std::map<Key, std::map<std::string, Made>> service_backends_;  // → "port|subset"
  std::map<std::string, Entry> entries_;
  std::set<Key> lingering_;  // revisions that are gone and whose backend may still be in a table
};

}  // namespace proa::gateway
