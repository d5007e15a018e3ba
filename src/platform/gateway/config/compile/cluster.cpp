// Cluster, first half: reading objects, endpoints and backends.
#include "platform/gateway/config/compile/cluster.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

using json::Value;

namespace {

constexpr std::string_view kPrivate = "-private";
constexpr size_t kMostPods = 200'000;  // whose labels are kept

// By appProtocol (Kubernetes' standard names), else by the port's name, as Istio and Knative do.
bool speaks_http2(const Value& port) {
  const std::string &protocol = port["appProtocol"].str(), &name = port["name"].str();
  if (!protocol.empty()) return protocol == "kubernetes.io/h2c" || protocol == "grpc";
  return name == "h2c" || name == "grpc" || name.starts_with("h2c-") || name.starts_with("grpc-");
}

}  // namespace

Cluster::Cluster(const BuilderOptions& options, Clock& clock, Credentials credentials)
    : options_(options), clock_(clock), credentials_(std::move(credentials)) {}

bool Cluster::put_route(const Key& key, const Value& object) {
  auto host_of = [](std::string_view url) {
    if (size_t at = url.find("://"); at != std::string_view::npos) url.remove_prefix(at + 3);
    return lower(url.substr(0, url.find_first_of(":/")));
  };
  Route route;
  for (const Value& t : object["status"]["traffic"].array()) {
    if (t["revisionName"].str().empty()) continue;
    route.traffic.push_back(
        {t["revisionName"].str(), t["tag"].str(),
         static_cast<uint32_t>(std::clamp<int64_t>(t["percent"].integer(), 0, 100)),
         host_of(t["url"].str())});
  }
  route.external = host_of(object["status"]["url"].str());
  route.tag_headers =
      object["status"]["annotations"]["serving.knative.dev/tag-header-based-routing"].str() ==
      "enabled";
  const bool hidden =
      object["metadata"]["labels"]["networking.knative.dev/visibility"].str() == "cluster-local";
  if (route.external.empty()) route.external = str(key.name, ".", key.ns, ".", options_.domain);
  if (hidden || is_local_name(route.external)) route.external.clear();
  routes_[key] = std::move(route);
  return true;
}

bool Cluster::put_service(const Key& key, const Value& object) {
  const Value& spec = object["spec"];
  Service s;
  if (spec["type"].str() == "ExternalName") s.external_name = lower(spec["externalName"].str());
  s.cluster_ip = spec["clusterIP"].str();
  if (s.cluster_ip == "None") s.cluster_ip.clear();
  s.selects = !spec["selector"].object().empty();
  s.autoscaler = object["metadata"]["annotations"]["autoscaling.proa.dev/pod-autoscaler"].str();
  for (const Value& p : spec["ports"].array()) {
    if (p["protocol"].str_or("TCP") == "UDP") continue;
    s.ports.push_back({p["name"].str(), static_cast<uint16_t>(p["port"].integer()), false});
  }
  Service& old = services_[key];
  if (old == s && service_backends_.contains(key)) return false;
  const bool other_demand = old.autoscaler != s.autoscaler;
  old = std::move(s);
  auto made = service_backends_.find(key);
  if (made != service_backends_.end()) {
    std::erase_if(made->second, [&](const auto& entry) {
      const auto& ports = services_.at(key).ports;
      return other_demand ||
             std::find(ports.begin(), ports.end(), entry.second.port) == ports.end();
    });
  }
  return true;
}

bool Cluster::drop_service(const Key& key) {
  service_backends_.erase(key);
  return services_.erase(key) > 0;
}

bool Cluster::put_revision(const Key& key, const Value& object) {
  const Value& spec = object["spec"];
  const Value& labels = object["metadata"]["labels"];
  Revision r;
  r.options.container_concurrency =
      static_cast<int>(std::clamp<int64_t>(spec["containerConcurrency"].integer(), 0, 1000));
  r.options.timeout =
      std::chrono::seconds(std::clamp<int64_t>(spec["timeoutSeconds"].integer(300), 1, 86400));
  r.options.most_waiting = options_.most_waiting;
  r.configuration = labels["serving.knative.dev/configuration"].str();
  r.service = labels["serving.knative.dev/service"].str();
  lingering_.erase(key);
  const bool fresh = revisions_.insert_or_assign(key, std::move(r)).second;
  set_up_revision(key);
  return fresh;
}

bool Cluster::drop_revision(const Key& key) {
  if (revisions_.erase(key) == 0) return false;
  lingering_.insert(key);
  return true;
}

void Cluster::put_slice(const Key& key, const Value& object) {
  Slice slice;
  slice.service = object["metadata"]["labels"]["kubernetes.io/service-name"].str();
  if (slice.service.empty()) return drop_slice(key);
  for (const Value& p : object["ports"].array())
    slice.ports.push_back(
        {p["name"].str(), static_cast<uint16_t>(p["port"].integer()), speaks_http2(p)});
  for (const Value& e : object["endpoints"].array()) {
    const Value& conditions = e["conditions"];
    const Value& pod = e["targetRef"];
    const bool ready = conditions["ready"].boolean(true);
    const bool ending = conditions["terminating"].boolean(false);
    if (ending) early_.erase(pod["uid"].str());
    if (ending) continue;
    for (const Value& address : e["addresses"].array())
      (ready ? slice.ready : slice.starting)
          .push_back({address.str(), 0, pod["namespace"].str_or(key.ns), pod["name"].str(),
                      pod["uid"].str()});
  }
  const Key service{key.ns, slice.service};
  auto old = slices_.find(key);
  if (old != slices_.end() && old->second.service != slice.service) {
    drop_slice(key);
  } else if (old != slices_.end()) {
    for (const EndpointAddress& a : old->second.starting) starting_[a.pod_uid].erase(key);
  }
  for (const EndpointAddress& a : slice.starting) starting_[a.pod_uid].insert(key);
  slices_[key] = std::move(slice);
  slices_of_[service].insert(key);
  announce(service);
}

void Cluster::drop_slice(const Key& key) {
  auto it = slices_.find(key);
  if (it == slices_.end()) return;
  const Key service{key.ns, it->second.service};
  for (const EndpointAddress& a : it->second.starting) {
    starting_[a.pod_uid].erase(key);
    if (starting_[a.pod_uid].empty()) starting_.erase(a.pod_uid);
  }
  slices_.erase(it);
  slices_of_[service].erase(key);
  announce(service);
  if (slices_of_[service].empty()) slices_of_.erase(service);
}

void Cluster::put_pod(const Value& object) {
  if (pod_labels_.size() >= kMostPods) return;
  auto& labels = pod_labels_[client::uid_of(object)];
  std::map<std::string, std::string> now;
  for (const auto& [name, value] : object["metadata"]["labels"].object()) now[name] = value.str();
  if (labels == now) return;
  labels = std::move(now);
  // Subsets of any Service of its namespace may have it now.
  const std::string& ns = object["metadata"]["namespace"].str();
  if (rules.empty()) return;
  for (auto& [key, made] : service_backends_)
    if (key.ns == ns)
      for (auto& [name, one] : made)
        if (!one.subset.empty()) announce_one(key, one);
}

void Cluster::drop_pod(const Value& object) { pod_labels_.erase(client::uid_of(object)); }

// any: a revision, which has one port that serves, whatever its name; else the port of that name.
std::vector<EndpointAddress> Cluster::addresses(
    const Key& service, std::string_view port_name, bool any,
    const std::map<std::string, std::string>* labels) const {
  std::vector<EndpointAddress> out;
  auto keys = slices_of_.find(service);
  if (keys == slices_of_.end()) return out;
  auto wanted = [&](const EndpointAddress& a) {
    if (!labels || labels->empty()) return true;
    auto pod = pod_labels_.find(a.pod_uid);
    if (pod == pod_labels_.end()) return false;
    return std::all_of(labels->begin(), labels->end(), [&](const auto& label) {
      auto it = pod->second.find(label.first);
      return it != pod->second.end() && it->second == label.second;
    });
  };
  for (const Key& key : keys->second) {
    const Slice& slice = slices_.at(key);
    const Port* port = nullptr;
    for (const Port& p : slice.ports) {
      if (p.name == port_name) port = &p;
      if (any && (p.name == "http" || p.name == "http1" || p.name == "h2c")) port = &p;
    }
    if (!port && !slice.ports.empty() && (any || slice.ports.size() == 1)) port = &slice.ports[0];
    if (!port || port->port == 0) continue;
    auto add = [&](EndpointAddress a) {
      if (!wanted(a)) return;
      a.port = port->port;
      a.http2 = port->http2;
      if (std::find(out.begin(), out.end(), a) == out.end()) out.push_back(std::move(a));
    };
    for (const EndpointAddress& a : slice.ready) add(a);
    for (const EndpointAddress& a : slice.starting)
      if (early_.count(a.pod_uid)) add(a);
  }
  return out;
}

void Cluster::pod_ready(const std::string& uid, bool ready) {
  constexpr size_t kMostEarly = 10000;  // of pods without a Service, which no slice ever names
  if (early_.size() >= kMostEarly) early_.clear();
  if (ready ? !early_.insert(uid).second : early_.erase(uid) == 0) return;
  auto slices = starting_.find(uid);
  if (slices == starting_.end()) return;
  for (const Key& key : slices->second) announce({key.ns, slices_.at(key).service});
}

// O(endpoints of this service).
void Cluster::announce(const Key& service) {
  if (service.name.ends_with(kPrivate)) {
    Key revision{service.ns, service.name.substr(0, service.name.size() - kPrivate.size())};
    auto it = revision_backends_.find(revision);
    if (it != revision_backends_.end())
      it->second->announce(addresses(service, "", true, nullptr), clock_.mono());
  }
  auto it = service_backends_.find(service);
  if (it == service_backends_.end()) return;
  for (auto& [port, made] : it->second) announce_one(service, made);
}

void Cluster::announce_one(const Key& service, const Made& made) {
  made.backend->announce(addresses(service, made.port.name, false, &made.labels), clock_.mono());
}

std::shared_ptr<Backend> Cluster::revision_backend(const Key& key) {
  std::shared_ptr<Backend>& backend = revision_backends_[key];
  if (backend) return backend;
  backend = std::make_shared<Backend>(key, true, str("revision ", key.ns, "/", key.name));
  auto revision = revisions_.find(key);
  if (revision != revisions_.end()) {
    set_up_revision(key);
    backend->service_name = revision->second.service;
    backend->configuration_name = revision->second.configuration;
  } else {
    lingering_.insert(key);
  }
  backend->announce(addresses({key.ns, str(key.name, kPrivate)}, "", true, nullptr), clock_.mono());
  return backend;
}

std::shared_ptr<Backend> Cluster::service_backend(const Key& key, const Port& port,
                                                  const std::string& subset) {
  Made& made = service_backends_[key][str(port.name, "|", subset)];
  if (made.backend && made.port == port) return made.backend;
  const auto& service = services_.at(key);
  const bool scaled = !service.autoscaler.empty();
  std::string name = str("service ", key.ns, "/", key.name, ":", port.port);
  if (!subset.empty()) name += " subset " + subset;
  made.port = port, made.subset = subset;
  made.backend = std::make_shared<Backend>(scaled ? Key{key.ns, service.autoscaler} : key, scaled,
                                           std::move(name));
  set_up(key, made);
  return made.backend;
}

void Cluster::set_entry(const std::string& host, std::vector<Port> ports,
                        std::map<std::string, std::vector<EndpointAddress>> by_port) {
  if (ports.empty()) {
    entries_.erase(host);
    return;
  }
  Entry& entry = entries_[host];
  std::map<std::string, std::shared_ptr<Backend>> old = std::move(entry.backends);
  entry.backends.clear();
  entry.ports = std::move(ports);
  for (const Port& p : entry.ports) {
    std::shared_ptr<Backend>& backend = entry.backends[p.name];
    if (auto it = old.find(p.name); it != old.end()) backend = it->second;
    if (!backend)
      backend = std::make_shared<Backend>(Key{"", host}, false, str("host ", host, ":", p.port));
    const Subset found = rules.find(host, "", p.port, "");
    BackendOptions options;
    options.timeout = options_.service_timeout;
    options.most_waiting = options_.most_waiting;
    std::vector<std::string> warnings;
    options.policy = policy_of(found.policy, found.ns, credentials_, warnings);
    backend->configure(options, clock_.mono());
    backend->announce(by_port[p.name], clock_.mono());
  }
}

}  // namespace proa::gateway
