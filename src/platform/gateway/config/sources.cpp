// TableBuilder, first half: reading objects, endpoints and backends.
#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/gateway/config/table_builder.h"

namespace proa::gateway {

using json::Value;

namespace {
constexpr std::string_view kPrivate = "-private";
}

TableBuilder::TableBuilder(BuilderOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

bool TableBuilder::put(const client::Kind& kind, const Value& object) {
  const Key key = client::key_of(object);
  if (kind == api::kEndpointSlice) return read_slice(key, object), false;
  if (kind == api::kVirtualService)
    virtual_services_[key] = read_virtual_service(object);
  else if (kind == api::kGateway)
    gateways_.insert(key);
  else if (kind == api::kRoute)
    read_route(key, object);
  else if (kind == api::kService)
    read_service(key, object);
  else if (kind == api::kRevision)
    read_revision(key, object);
  else
    return false;
  return true;
}

bool TableBuilder::drop(const client::Kind& kind, const Key& key) {
  if (kind == api::kEndpointSlice) {
    auto it = slices_.find(key);
    if (it == slices_.end()) return false;
    Key service{key.ns, it->second.service};
    slices_.erase(it);
    slices_of_[service].erase(key);
    announce(service);
    if (slices_of_[service].empty()) slices_of_.erase(service);
    return false;
  }
  if (kind == api::kVirtualService) return virtual_services_.erase(key) > 0;
  if (kind == api::kGateway) return gateways_.erase(key) > 0;
  if (kind == api::kRoute) return routes_.erase(key) > 0;
  if (kind == api::kService) return services_.erase(key) > 0;
  if (kind == api::kRevision) return revisions_.erase(key) > 0;
  return false;
}

void TableBuilder::read_route(const Key& key, const Value& object) {
  Route route;
  for (const Value& t : object["status"]["traffic"].array()) {
    if (t["revisionName"].str().empty()) continue;
    route.traffic.push_back(
        {t["revisionName"].str(), t["tag"].str(),
         static_cast<uint32_t>(std::clamp<int64_t>(t["percent"].integer(), 0, 100))});
  }
  std::string_view url = object["status"]["url"].str();
  if (size_t at = url.find("://"); at != std::string_view::npos) url.remove_prefix(at + 3);
  route.external = lower(url.substr(0, url.find_first_of(":/")));
  const bool hidden =
      object["metadata"]["labels"]["networking.knative.dev/visibility"].str() == "cluster-local";
  if (route.external.empty()) route.external = str(key.name, ".", key.ns, ".", options_.domain);
  if (hidden || is_local_name(route.external)) route.external.clear();
  routes_[key] = std::move(route);
}

void TableBuilder::read_service(const Key& key, const Value& object) {
  const Value& spec = object["spec"];
  Service s;
  if (spec["type"].str() == "ExternalName") s.external_name = lower(spec["externalName"].str());
  s.cluster_ip = spec["clusterIP"].str();
  s.headless = s.cluster_ip == "None";
  if (s.headless) s.cluster_ip.clear();
  s.selects = !spec["selector"].object().empty();
  for (const Value& p : spec["ports"].array()) {
    if (p["protocol"].str_or("TCP") == "UDP") continue;
    s.ports.push_back({p["name"].str(), static_cast<uint16_t>(p["port"].integer()), false});
  }
  services_[key] = std::move(s);
}

void TableBuilder::read_revision(const Key& key, const Value& object) {
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
  auto backend = revision_backends_.find(key);
  if (backend != revision_backends_.end()) backend->second->configure(r.options, clock_.mono());
  revisions_[key] = std::move(r);
}

namespace {
// By appProtocol (Kubernetes' standard names), else by the port's name, as Istio and Knative do.
bool speaks_http2(const Value& port) {
  const std::string &protocol = port["appProtocol"].str(), &name = port["name"].str();
  if (!protocol.empty()) return protocol == "kubernetes.io/h2c" || protocol == "grpc";
  return name == "h2c" || name == "grpc" || name.starts_with("h2c-") || name.starts_with("grpc-");
}
}  // namespace

bool TableBuilder::read_slice(const Key& key, const Value& object) {
  Slice slice;
  slice.service = object["metadata"]["labels"]["kubernetes.io/service-name"].str();
  if (slice.service.empty()) return drop(api::kEndpointSlice, key);
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
  if (old != slices_.end() && old->second.service != slice.service) drop(api::kEndpointSlice, key);
  slices_[key] = std::move(slice);
  slices_of_[service].insert(key);
  announce(service);
  return false;
}

// any: a revision, which has one port that serves, whatever its name; else the port of that name.
std::vector<EndpointAddress> TableBuilder::addresses(const Key& service, std::string_view port_name,
                                                     bool any) const {
  std::vector<EndpointAddress> out;
  auto keys = slices_of_.find(service);
  if (keys == slices_of_.end()) return out;
  for (const Key& key : keys->second) {
    const Slice& slice = slices_.at(key);
    const ServicePort* port = nullptr;
    for (const ServicePort& p : slice.ports) {
      if (p.name == port_name) port = &p;
      if (any && (p.name == "http" || p.name == "http1" || p.name == "h2c")) port = &p;
    }
    if (!port && !slice.ports.empty() && (any || slice.ports.size() == 1)) port = &slice.ports[0];
    if (!port || port->port == 0) continue;
    auto add = [&](EndpointAddress a) {
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

void TableBuilder::pod_ready(const std::string& uid, bool ready) {
  constexpr size_t kMostEarly = 10000;  // of pods without a Service, which no slice ever names
  if (early_.size() >= kMostEarly) early_.clear();
  if (ready ? !early_.insert(uid).second : early_.erase(uid) == 0) return;
  for (const auto& [key, slice] : slices_)
    for (const EndpointAddress& a : slice.starting)
      if (a.pod_uid == uid) return announce({key.ns, slice.service});
}

// O(endpoints of this service).
void TableBuilder::announce(const Key& service) {
  const MonoTime now = clock_.mono();
  if (service.name.ends_with(kPrivate)) {
    Key revision{service.ns, service.name.substr(0, service.name.size() - kPrivate.size())};
    auto it = revision_backends_.find(revision);
    if (it != revision_backends_.end()) it->second->announce(addresses(service, "", true), now);
  }
  auto it = service_backends_.find(service);
  if (it == service_backends_.end()) return;
  for (auto& [port, backend] : it->second) backend->announce(addresses(service, port, false), now);
}

std::shared_ptr<Backend> TableBuilder::revision_backend(const Key& key) {
  std::shared_ptr<Backend>& backend = revision_backends_[key];
  if (backend) return backend;
  backend = std::make_shared<Backend>(key, true, str("revision ", key.ns, "/", key.name));
  auto revision = revisions_.find(key);
  if (revision != revisions_.end()) {
    backend->configure(revision->second.options, clock_.mono());
    backend->service_name = revision->second.service;
    backend->configuration_name = revision->second.configuration;
  }
  backend->announce(addresses({key.ns, str(key.name, kPrivate)}, "", true), clock_.mono());
  return backend;
}

std::shared_ptr<Backend> TableBuilder::service_backend(const Key& key, const ServicePort& port) {
  std::shared_ptr<Backend>& backend = service_backends_[key][port.name];
  if (backend) return backend;
  backend =
      std::make_shared<Backend>(key, false, str("service ", key.ns, "/", key.name, ":", port.port));
  BackendOptions options;
  options.timeout = options_.service_timeout;
  options.most_waiting = options_.most_waiting;
  backend->configure(options, clock_.mono());
  backend->announce(addresses(key, port.name, false), clock_.mono());
  return backend;
}

}  // namespace proa::gateway
