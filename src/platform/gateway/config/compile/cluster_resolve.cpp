// Cluster, second half: from a destination's name to backends.
#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/config/compile/cluster.h"

namespace proa::gateway {

namespace {

constexpr int kMostDepth = 8;

std::vector<Destination> one(Destination d) {
  d.weight = 100;
  std::vector<Destination> out;
  out.push_back(std::move(d));
  return out;
}

std::vector<Destination> failed(std::string why) {
  Destination d;
  d.why = std::move(why);
  return one(std::move(d));
}

}  // namespace

const Cluster::Service* Cluster::service(const Key& key) const {
  auto it = services_.find(key);
  return it == services_.end() ? nullptr : &it->second;
}

const Cluster::Route* Cluster::route(const Key& key) const {
  auto it = routes_.find(key);
  return it == routes_.end() ? nullptr : &it->second;
}

// The revisions of a Route by percent, or those of a tag.
std::vector<Destination> Cluster::traffic(const Key& key, const std::string& tag) {
  std::vector<Destination> out;
  for (const Target& t : routes_.at(key).traffic) {
    if (tag.empty() ? t.percent == 0 : t.tag != tag) continue;
    Destination d;
    d.weight = tag.empty() ? t.percent : 100;
    d.backend = revision_backend({key.ns, t.revision});
    out.push_back(std::move(d));
  }
  if (!out.empty()) return out;
  return failed(str("Route ", key.ns, "/", key.name,
                    " has no revision to send requests to yet; see kubectl describe"));
}

std::vector<Destination> Cluster::resolve(const std::string& host, uint16_t port,
                                          const std::string& subset, const std::string& authority,
                                          const std::string& ns, Uses& uses, int depth) {
  if (depth > kMostDepth) return failed(str("destination ", host, " leads in a circle"));
  const auto& gateways = options_.local_gateways;
  if (std::find(gateways.begin(), gateways.end(), host) != gateways.end()) {
    if (authority.empty() || authority == host)
      return failed(str("destination ", host, ": no Host to go by"));
    return resolve(authority, port, subset, "", ns, uses, depth + 1);
  }
  uses.insert(use('e', host));
  if (auto entry = entries_.find(host); entry != entries_.end()) {
    const Port* chosen = &entry->second.ports[0];
    for (const Port& p : entry->second.ports)
      if (p.port == port) chosen = &p;
    Destination d;
    d.backend = entry->second.backends.at(chosen->name);
    return one(std::move(d));
  }
  auto key = service_key(host, ns);
  if (!key)
    return failed(str("destination ", host,
                      " is outside the cluster, and no ServiceEntry has endpoints for it"));
  uses.insert(use('s', *key));
  if (routes_.contains(*key)) return traffic(*key, "");
  if (revisions_.contains(*key)) {
    Destination d;
    d.backend = revision_backend(*key);
    return one(std::move(d));
  }
  auto service = services_.find(*key);
  if (service == services_.end())
    return failed(str("destination ", host, ": there is no Service ", key->ns, "/", key->name));
  const Service& s = service->second;
  if (!s.external_name.empty())
    return resolve(s.external_name, port, subset, authority, ns, uses, depth + 1);
  return resolve_service(*key, s, port, subset);
}

std::vector<Destination> Cluster::resolve_service(const Key& key, const Service& s, uint16_t port,
                                                  const std::string& subset) {
  const Port* chosen = s.ports.empty() ? nullptr : &s.ports[0];
  for (const Port& p : s.ports)
    if (p.port == (port ? port : 80)) chosen = &p;
  if (!chosen) return failed(str("Service ", key.ns, "/", key.name, " has no port"));
  if (!subset.empty() && !rules.find(service_host(key), key.ns, chosen->port, subset).known)
    return failed(
        str("destination ", service_host(key), ": no DestinationRule has a subset ", subset));
  Destination d;
  d.backend = service_backend(key, *chosen, subset);
  return one(std::move(d));
}

std::vector<std::shared_ptr<Backend>> Cluster::backends() const {
  std::vector<std::shared_ptr<Backend>> out;
  for (const auto& [key, backend] : revision_backends_) out.push_back(backend);
  for (const auto& [key, ports] : service_backends_)
    for (const auto& [port, made] : ports) out.push_back(made.backend);
  return out;
}

std::shared_ptr<Backend> Cluster::revision(const Key& key) const {
  auto it = revision_backends_.find(key);
  return it == revision_backends_.end() ? nullptr : it->second;
}

void Cluster::forget_unused() {
  std::erase_if(lingering_, [&](const Key& key) {
    auto it = revision_backends_.find(key);
    if (it == revision_backends_.end()) return true;
    if (it->second.use_count() > 1) return false;
    revision_backends_.erase(it);
    return true;
  });
}

}  // namespace proa::gateway
