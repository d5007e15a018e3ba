#include "platform/gateway/config/read/destination_rule.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/config/parts/names.h"

namespace proa::gateway {

using json::Value;

namespace {

constexpr const char* kGroups[] = {"connectionPool", "loadBalancer", "outlierDetection", "tls",
                                   "proxyProtocol",  "tunnel",       "retryBudget"};

class PolicyReader {
 public:
  PolicyReader(std::string ns, const Credentials& credentials, std::vector<std::string>& warnings)
      : ns_(std::move(ns)), credentials_(credentials), warnings_(warnings) {}

  std::shared_ptr<const Policy> read(const Value& v) {
    if (v.object().empty()) return nullptr;
    auto policy = std::make_shared<Policy>();
    balance(v["loadBalancer"], *policy);
    pool(v["connectionPool"], policy->pool);
    if (v.has("outlierDetection")) outlier(v["outlierDetection"], *policy);
    tls(v["tls"], *policy);
    const std::string& proxy = v["proxyProtocol"]["version"].str();
    if (v.has("proxyProtocol")) policy->proxy_protocol = proxy == "V2" ? 2 : 1;
    for (const char* field : {"tunnel", "retryBudget"})
      if (v.has(field)) warn(str("trafficPolicy.", field, " is not carried out"));
    return policy;
  }

 private:
  void warn(std::string text) {
    if (warnings_.size() < 20) warnings_.push_back(std::move(text));
  }

  Duration duration(const Value& v, const char* field) {
    if (!v.has(field)) return Duration(0);
    auto d = parse_duration(v[field].str());
    if (!d) warn(str(field, " \"", v[field].str(), "\" is no duration"));
    return d.value_or(Duration(0));
  }
  static uint32_t number(const Value& v, uint32_t otherwise = 0) {
    if (!v.is_number() && !v["value"].is_number()) return otherwise;
    const Value& n = v.is_number() ? v : v["value"];
    return static_cast<uint32_t>(std::clamp<int64_t>(n.integer(), 0, UINT32_MAX));
  }

  void balance(const Value& v, Policy& p) {
    if (!v.is_object()) return;
    const std::string& simple = v["simple"].str();
    if (simple == "ROUND_ROBIN")
      p.balance = Balance::kRoundRobin;
    else if (simple == "RANDOM")
      p.balance = Balance::kRandom;
    else if (simple == "LEAST_REQUEST" || simple == "LEAST_CONN")
      p.balance = Balance::kLeastRequest;
    else if (simple == "PASSTHROUGH")
      warn("loadBalancer.simple PASSTHROUGH is not carried out; endpoints are chosen as usual");
    if (v["consistentHash"].is_object()) hash(v["consistentHash"], p);
    if (v.has("localityLbSetting"))
      warn("loadBalancer.localityLbSetting has no effect: all endpoints are on one machine");
    p.warmup = duration(v, "warmupDurationSecs");
    if (v["warmup"].is_object()) {
      p.warmup = duration(v["warmup"], "duration");
      for (const char* field : {"minimumPercent", "aggression"})
        if (v["warmup"].has(field)) warn(str("loadBalancer.warmup.", field, " is not carried out"));
    }
  }

  void hash(const Value& v, Policy& p) {
    p.balance = Balance::kConsistentHash;
    HashPolicy& h = p.hash;
    if (v.has("httpHeaderName")) {
      h.kind = HashPolicy::kHeader, h.name = v["httpHeaderName"].str();
    } else if (v["httpCookie"].is_object()) {
      const Value& cookie = v["httpCookie"];
      h.kind = HashPolicy::kCookie, h.name = cookie["name"].str();
      h.cookie_path = cookie["path"].str();
      h.make_cookie = cookie.has("ttl");
      h.cookie_ttl = duration(cookie, "ttl");
      if (cookie.has("attributes"))
        warn("loadBalancer.consistentHash.httpCookie.attributes is not carried out");
    } else if (v.has("httpQueryParameterName")) {
      h.kind = HashPolicy::kQueryParameter, h.name = v["httpQueryParameterName"].str();
    } else if (!v["useSourceIp"].boolean()) {
      warn("loadBalancer.consistentHash names nothing to hash; the client's address is used");
    }
    h.maglev = v.has("maglev");
    h.table_size = h.maglev
                       ? number(v["maglev"]["tableSize"])
                       : number(v["ringHash"]["minimumRingSize"], number(v["minimumRingSize"]));
  }

  void pool(const Value& v, ConnectionPool& p) {
    const Value &tcp = v["tcp"], &http = v["http"];
    p.most_connections = number(tcp["maxConnections"]);
    p.connect_timeout = duration(tcp, "connectTimeout");
    p.most_connection_age = duration(tcp, "maxConnectionDuration");
    p.idle_timeout = duration(http, "idleTimeout");
    if (!p.idle_timeout.count()) p.idle_timeout = duration(tcp, "idleTimeout");
    if (const Value& keep = tcp["tcpKeepalive"]; keep.is_object()) {
      p.keepalive = true;
      p.keepalive_probes = number(keep["probes"]);
      p.keepalive_time = duration(keep, "time");
      p.keepalive_interval = duration(keep, "interval");
    }
    p.most_pending = number(http["http1MaxPendingRequests"]);
    p.most_requests = number(http["http2MaxRequests"]);
    p.most_requests_per_connection = number(http["maxRequestsPerConnection"]);
    p.most_retries = number(http["maxRetries"]);
    p.most_streams = number(http["maxConcurrentStreams"]);
    p.as_client = http["useClientProtocol"].boolean();
    const std::string& upgrade = http["h2UpgradePolicy"].str();
    if (upgrade == "UPGRADE") p.http2 = ConnectionPool::kAlways;
    if (upgrade == "DO_NOT_UPGRADE") p.http2 = ConnectionPool::kNever;
  }

  void outlier(const Value& v, Policy& p) {
    p.has_outlier = true;
    OutlierDetection& o = p.outlier;
    o.consecutive_5xx =
        number(v["consecutive5xxErrors"],
               v.has("consecutiveGatewayErrors") ? 0 : number(v["consecutiveErrors"], 5));
    o.consecutive_gateway_errors = number(v["consecutiveGatewayErrors"]);
    o.consecutive_local_failures = number(v["consecutiveLocalOriginFailures"], 5);
    o.split_local = v["splitExternalLocalOriginErrors"].boolean();
    if (auto d = duration(v, "interval"); d.count()) o.interval = d;
    if (auto d = duration(v, "baseEjectionTime"); d.count()) o.base_ejection = d;
    o.most_ejected_percent = std::min(100u, number(v["maxEjectionPercent"], 10));
    o.least_healthy_percent = std::min(100u, number(v["minHealthPercent"], 0));
  }

  void tls(const Value& v, Policy& p) {
    const std::string& mode = v["mode"].str();
    if (!v.is_object() || mode == "DISABLE" || mode.empty()) return;
    if (mode == "ISTIO_MUTUAL")
      return warn("tls.mode ISTIO_MUTUAL has no effect: there is no mesh; connections are plain");
    auto tls = std::make_shared<UpstreamTls>();
    tls->server_name = v["sni"].str();
    for (const Value& name : v["subjectAltNames"].array())
      tls->alternative_names.push_back(name.str());
    tls->verify = !v["insecureSkipVerify"].boolean();
    for (const char* field : {"clientCertificate", "privateKey", "caCertificates", "caCrl"})
      if (v.has(field))
        warn(str("tls.", field, " names a file of a proxy's; use credentialName instead"));
    if (const std::string& name = v["credentialName"].str(); !name.empty()) {
      auto secret = credentials_ ? credentials_({ns_, name}) : nullptr;
      if (!secret) return warn(str("tls.credentialName: there is no Secret ", ns_, "/", name));
      tls->ca = secret->client_ca;
      if (mode == "MUTUAL") tls->certificate = secret->certificate, tls->key = secret->key;
    } else if (mode == "MUTUAL") {
      warn("tls.mode MUTUAL needs tls.credentialName");
    }
    p.tls = std::move(tls);
  }

  const std::string ns_;
  const Credentials& credentials_;
  std::vector<std::string>& warnings_;
};

void overlay(Value& base, const Value& over) {
  for (const char* group : kGroups)
    if (over.has(group)) base.set(group, over[group]);
}

void overlay_port(Value& base, const Value& policy, uint16_t port) {
  for (const Value& setting : policy["portLevelSettings"].array())
    if (setting["port"]["number"].integer() == port) overlay(base, setting);
}

}  // namespace

std::shared_ptr<const Policy> policy_of(const Value& traffic_policy, const std::string& ns,
                                        const Credentials& credentials,
                                        std::vector<std::string>& warnings) {
  return PolicyReader(ns, credentials, warnings).read(traffic_policy);
}

std::string DestinationRules::put(const client::Key& key, const Value& object) {
  drop(key);
  Rule rule;
  rule.spec = object["spec"];
  rule.created = object["metadata"]["creationTimestamp"].str();
  rule.host = lower(rule.spec["host"].str());
  if (!rule.host.starts_with('*'))
    if (auto service = service_key(rule.host, key.ns)) rule.host = service_host(*service);
  if (rule.spec.has("workloadSelector"))
    rule.warnings.push_back("workloadSelector is not carried out; the rule counts everywhere");
  policy_of(rule.spec["trafficPolicy"], key.ns, nullptr, rule.warnings);
  for (const Value& p : rule.spec["trafficPolicy"]["portLevelSettings"].array())
    policy_of(p, key.ns, nullptr, rule.warnings);
  for (const Value& s : rule.spec["subsets"].array())
    policy_of(s["trafficPolicy"], key.ns, nullptr, rule.warnings);
  // Whether a Secret is there is said where it is used.
  std::erase_if(rule.warnings,
                [](const std::string& w) { return w.starts_with("tls.credential"); });
  std::string host = rule.host;
  by_host_[host].insert(key);
  rules_[key] = std::move(rule);
  return host;
}

std::string DestinationRules::drop(const client::Key& key) {
  auto it = rules_.find(key);
  if (it == rules_.end()) return "";
  std::string host = it->second.host;
  by_host_[host].erase(key);
  if (by_host_[host].empty()) by_host_.erase(host);
  rules_.erase(it);
  return host;
}

std::string DestinationRules::host(const client::Key& key) const {
  auto it = rules_.find(key);
  return it == rules_.end() ? "" : it->second.host;
}

bool DestinationRules::has_subsets(const client::Key& key) const {
  auto it = rules_.find(key);
  return it != rules_.end() && it->second.spec["subsets"].size() > 0;
}

const std::vector<std::string>& DestinationRules::warnings(const client::Key& key) const {
  static const std::vector<std::string> kNone;
  auto it = rules_.find(key);
  return it == rules_.end() ? kNone : it->second.warnings;
}

// Exact hosts before wildcards, longer ones first; of several rules of a host those of the
// service's namespace first, then by age: the first has the policy, all have subsets.
Subset DestinationRules::find(const std::string& host, const std::string& service_ns, uint16_t port,
                              const std::string& subset) const {
  Subset out;
  const std::set<client::Key>* keys = nullptr;
  if (auto it = by_host_.find(host); it != by_host_.end()) keys = &it->second;
  for (size_t dot = host.find('.'); !keys && dot != std::string::npos;
       dot = host.find('.', dot + 1))
    if (auto it = by_host_.find("*" + host.substr(dot)); it != by_host_.end()) keys = &it->second;
  if (auto it = by_host_.find("*"); !keys && it != by_host_.end()) keys = &it->second;
  if (!keys) return out;
  std::vector<const std::pair<const client::Key, Rule>*> rules;
  for (const client::Key& key : *keys) rules.push_back(&*rules_.find(key));
  std::stable_sort(rules.begin(), rules.end(), [&](auto* a, auto* b) {
    const bool mine = a->first.ns == service_ns, theirs = b->first.ns == service_ns;
    return mine != theirs ? mine : a->second.created < b->second.created;
  });
  const Value& general = rules[0]->second.spec["trafficPolicy"];
  out.ns = rules[0]->first.ns;
  overlay(out.policy, general);
  overlay_port(out.policy, general, port);
  if (subset.empty()) return out;
  for (auto* rule : rules) {
    for (const Value& s : rule->second.spec["subsets"].array()) {
      if (s["name"].str() != subset) continue;
      out.known = true;
      for (const auto& [name, value] : s["labels"].object()) out.labels[name] = value.str();
      overlay(out.policy, s["trafficPolicy"]);
      overlay_port(out.policy, s["trafficPolicy"], port);
      return out;
    }
  }
  return out;
}

}  // namespace proa::gateway
