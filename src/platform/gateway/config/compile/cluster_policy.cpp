// Cluster, the part of DestinationRules: which policy a backend has.
//
// A revision goes by the rule for its own host, else for its private Service's, else for that of
// its Knative Service; wildcards come last. What Knative itself decides stays: containerConcurrency
// and the timeout.
#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/config/compile/cluster.h"

namespace proa::gateway {

namespace {
constexpr std::string_view kPrivate = "-private";
constexpr uint16_t kRevisionPort = 80;
}  // namespace

std::shared_ptr<const Policy> Cluster::policy(const Subset& found, const std::string& host) const {
  std::vector<std::string> warnings;
  auto out = policy_of(found.policy, found.ns, credentials_, warnings);
  if (!out || !out->tls || !out->tls->server_name.empty()) return out;
  auto tls = std::make_shared<UpstreamTls>(*out->tls);
  tls->server_name = host;
  auto named = std::make_shared<Policy>(*out);
  named->tls = std::move(tls);
  return named;
}

// Policy and labels from the DestinationRules, and endpoints.
void Cluster::set_up(const Key& key, Made& made) {
  const Subset found = rules.find(service_host(key), key.ns, made.port.port, made.subset);
  BackendOptions options;
  options.timeout = options_.service_timeout;
  options.most_waiting = options_.most_waiting;
  options.policy = policy(found, service_host(key));
  made.labels = found.labels;
  made.backend->configure(options, clock_.mono());
  announce_one(key, made);
}

std::string Cluster::rule_host(const Key& key, const Revision& r) const {
  const std::string own = service_host(key);
  const std::string hosts[] = {own, service_host({key.ns, str(key.name, kPrivate)}),
                               r.service.empty() ? own : service_host({key.ns, r.service})};
  for (const std::string& host : hosts)
    if (rules.has(host)) return host;
  return own;
}

void Cluster::set_up_revision(const Key& key) {
  auto revision = revisions_.find(key);
  auto backend = revision_backends_.find(key);
  if (revision == revisions_.end() || backend == revision_backends_.end()) return;
  BackendOptions options = revision->second.options;
  if (!rules.empty())
    options.policy = policy(rules.find(rule_host(key, revision->second), key.ns, kRevisionPort, ""),
                            service_host(key));
  if (backend->second) backend->second->configure(options, clock_.mono());
}

void Cluster::policies_changed(const std::string& host) {
  auto key = host.starts_with('*') ? std::nullopt : service_key(host, "");
  for (auto& [service, made] : service_backends_) {
    if (key ? service != *key : !host_covers(host, service_host(service))) continue;
    for (auto& [name, one] : made) set_up(service, one);
  }
  for (const auto& [revision, backend] : revision_backends_)
    if (!key || revision.ns == key->ns) set_up_revision(revision);
}

std::vector<std::string> Cluster::without_effect(const Key& rule) const {
  std::vector<std::string> out;
  const std::string host = rules.host(rule);
  auto key = host.empty() || host.starts_with('*') ? std::nullopt : service_key(host, "");
  if (!key || !rules.has_subsets(rule)) return out;
  Key revision = *key;
  if (revision.name.ends_with(kPrivate))
    revision.name.resize(revision.name.size() - kPrivate.size());
  if (revisions_.contains(revision) || routes_.contains(*key))
    out.push_back(
        "subsets have no effect on a Knative Service's host: its traffic block chooses revisions; "
        "trafficPolicy is carried out");
  return out;
}

}  // namespace proa::gateway
