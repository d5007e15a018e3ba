// TableBuilder, second half: compiling what changed.
#include "platform/gateway/config/table_builder.h"

#include <algorithm>
#include <map>

#include "foundation/base/strings.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {

namespace {

constexpr size_t kMostWarnings = 1000;

void claim_local(Compiled& out, const std::string& host, Rank rank, const std::string& since,
                 const std::shared_ptr<const Part>& part) {
  out.claims.push_back({0, host, rank, since, part, nullptr});
  if (!is_local_name(host)) return;
  std::string stem = host.substr(0, host.size() - kLocalSuffix.size());
  out.claims.push_back({0, stem + ".svc", rank, since, part, nullptr});
  if (std::count(stem.begin(), stem.end(), '.') == 1)
    out.claims.push_back({0, stem, rank, since, part, nullptr});
}

std::shared_ptr<const Part> part_of(std::shared_ptr<Host> host) {
  auto part = std::make_shared<Part>();
  part->host = std::move(host);
  return part;
}

}  // namespace

Compiled TableBuilder::compile_route(const Key& key) {
  Compiled out;
  const auto* route = cluster_.route(key);
  if (!route) return out;
  std::map<std::string, std::string> tags = {{"", ""}};  // and the host of each one's URL
  for (const auto& t : route->traffic) tags[t.tag] = t.host;
  for (const auto& [tag, tag_host] : tags) {
    auto host = std::make_shared<Host>();
    std::string prefix = tag.empty() ? "" : tag + "-";
    host->name = str(prefix, key.name, ".", key.ns, kLocalSuffix);
    host->local = true;
    host->source = str("Route ", key.ns, "/", key.name);
    for (const auto& [other, unused] : tags) {
      if (!route->tag_headers || other.empty()) continue;
      Rule rule;
      Match match;
      match.headers.push_back({"knative-serving-tag", {TextMatch::kExact, other}});
      rule.matches.push_back(std::move(match));
      rule.destinations = cluster_.traffic(key, other);
      weigh(rule);
      host->rules.push_back(std::move(rule));
    }
    Rule rule;
    rule.destinations = cluster_.traffic(key, tag);
    weigh(rule);
    host->rules.push_back(std::move(rule));
    const std::string name = host->name;
    auto part = part_of(std::move(host));
    claim_local(out, name, Rank::kRoute, "", part);
    if (!route->external.empty())
      out.claims.push_back({0, tag_host.empty() ? prefix + route->external : tag_host, Rank::kRoute,
                            "", part, nullptr});
    out.claims.push_back(
        {0, str(prefix, key.name, ".", key.ns, ".localhost"), Rank::kRoute, "", part, nullptr});
  }
  return out;
}

// A rule for each port, and last, for any port: 80, else the first.
void TableBuilder::add_service_rules(const Key& key, const Cluster::Service& service, Host& host) {
  const auto& ports = service.ports;
  auto eighty =
      std::find_if(ports.begin(), ports.end(), [](const auto& p) { return p.port == 80; });
  const auto& fallback = eighty != ports.end() ? *eighty : ports[0];
  for (size_t i = ports.size() == 1 ? 1 : 0; i <= ports.size(); ++i) {
    const auto& p = i < ports.size() ? ports[i] : fallback;
    Rule rule;
    if (i < ports.size()) {
      Match match;
      match.port = p.port;
      rule.matches.push_back(std::move(match));
    }
    Destination d;
    d.weight = 100;
    d.backend = cluster_.service_backend(key, p);
    rule.destinations.push_back(std::move(d));
    weigh(rule);
    host.rules.push_back(std::move(rule));
  }
}

Compiled TableBuilder::compile_service(const Key& key) {
  Compiled out;
  const auto* service = cluster_.service(key);
  if (!service) return out;
  out.uses.insert(use('s', key));
  auto host = std::make_shared<Host>();
  host->name = service_host(key);
  host->local = true;
  host->source = str("Service ", key.ns, "/", key.name);
  if (!service->external_name.empty() || cluster_.has_revision(key)) {
    const std::string to = service->external_name.empty() ? host->name : service->external_name;
    Rule rule;
    rule.destinations = cluster_.resolve(to, 0, "", "", key.ns, out.uses);
    weigh(rule);
    // One that leads outside is a matter of DNS.
    if (!service->external_name.empty() && !rule.destinations[0].backend) return out;
    host->rules.push_back(std::move(rule));
  } else {
    if (service->ports.empty()) return out;
    add_service_rules(key, *service, *host);
  }
  const std::string name = host->name;
  auto part = part_of(std::move(host));
  claim_local(out, name, Rank::kService, "", part);
  out.claims.push_back(
      {0, str(key.name, ".", key.ns, ".localhost"), Rank::kService, "", part, nullptr});
  if (service->cluster_ip.empty()) return out;
  out.claims.push_back({0, service->cluster_ip, Rank::kService, "", part, nullptr});
  const auto& gateways = options_.local_gateways;
  const bool gateway = std::find(gateways.begin(), gateways.end(), name) != gateways.end();
  if (key.name.ends_with("-private")) return out;
  if (!gateway && !service->selects && !cluster_.has_revision(key)) return out;
  for (const auto& p : service->ports) {
    DoorPiece piece;
    piece.address = service->cluster_ip, piece.port = p.port, piece.cluster = true;
    out.doors.push_back(std::move(piece));
  }
  return out;
}

Compiled TableBuilder::compile(const Source& source) {
  switch (source.letter) {
    case 'A':
      return api_.compile_class(source.key.name);
    case 'B':
      return api_.compile_gateway(source.key);
    case 'C':
      return istio_.compile_gateway(source.key);
    case 'D':
      return istio_.compile_entry(source.key);
    case 'E': {
      Compiled out;
      out.warnings = cluster_.rules.warnings(source.key);
      for (std::string& w : cluster_.without_effect(source.key)) out.warnings.push_back(w);
      const std::string host = cluster_.rules.host(source.key);
      if (auto key = host.starts_with('*') ? std::nullopt : service_key(host, ""))
        out.uses.insert(use('s', *key));
      return out;
    }
    case 'H':
    case 'J':
      return api_.compile_route(source.text());
    case 'I':
      return ingresses_.compile(source.key);
    case 'R':
      return compile_route(source.key);
    case 'S':
      return compile_service(source.key);
    case 'V':
      return istio_.compile_virtual_service(source.key);
    default:
      return {};
  }
}

void TableBuilder::set_warnings(const Source& source, std::vector<std::string> warnings) {
  auto it = warnings_.find(source);
  if (it == warnings_.end() ? warnings.empty() : it->second == warnings) return;
  warnings_changed_ = true;
  if (warnings.empty()) {
    warnings_.erase(it);
    return;
  }
  static constexpr std::pair<char, std::string_view> kNames[] = {
      {'B', "Gateway"},   {'C', "Gateway"},   {'D', "ServiceEntry"}, {'E', "DestinationRule"},
      {'H', "HTTPRoute"}, {'J', "GRPCRoute"}, {'I', "Ingress"},      {'V', "VirtualService"}};
  std::string_view kind;
  for (const auto& [letter, name] : kNames)
    if (letter == source.letter) kind = name;
  for (const std::string& w : warnings)
    if (new_warnings_.size() < kMostWarnings)
      new_warnings_.push_back(str(kind, " ", text_of(source.key), ": ", w));
  warnings_[source] = std::move(warnings);
}

void TableBuilder::settle_status(const Source& source, Compiled& compiled) {
  static const std::pair<char, const client::Kind*> kKinds[] = {
      {'A', &kGatewayClass},    {'C', &api::kGateway},       {'D', &kServiceEntry},
      {'E', &kDestinationRule}, {'H', &kHttpRoute},          {'J', &kGrpcRoute},
      {'I', &kIngress},         {'V', &api::kVirtualService}};
  const client::Kind* kind = nullptr;
  for (const auto& [letter, k] : kKinds)
    if (letter == source.letter) kind = k;
  if (!kind) return;
  const bool istio = std::string_view("CDEV").find(source.letter) != std::string_view::npos;
  if (istio) {
    compiled.status = istio_status(compiled.warnings, said_.contains(source));
    if (!compiled.warnings.empty()) said_.insert(source);
  }
  if (compiled.status.is_null()) return;
  std::string warning;
  if (source.letter == 'I' && !compiled.warnings.empty()) {
    auto said = warnings_.find(source);
    if (said == warnings_.end() || said->second != compiled.warnings)
      warning = shorten(join(compiled.warnings, "; "), 1000);
  }
  statuses_.push_back({kind, source.key, std::move(compiled.status), std::move(warning)});
}

void TableBuilder::settle(const Source& source, Compiled compiled) {
  const std::string text = source.text();
  Uses& old = uses_[source];
  if (old != compiled.uses) {
    for (const std::string& u : old) {
      auto it = used_by_.find(u);
      if (it == used_by_.end()) continue;
      it->second.erase(source);
      if (it->second.empty()) used_by_.erase(it);
    }
    for (const std::string& u : compiled.uses) used_by_[u].insert(source);
    old = std::move(compiled.uses);
  }
  if (old.empty()) uses_.erase(source);
  settle_status(source, compiled);
  claims_.set(text, std::move(compiled.claims));
  doors_.set(text, std::move(compiled.doors));
  set_warnings(source, std::move(compiled.warnings));
}

void TableBuilder::gateway_statuses() {
  for (const Key& key : api_.take_changed()) {
    json::Value status = api_.gateway_status(key, ports_);
    if (!status.is_null()) statuses_.push_back({&kApiGateway, key, std::move(status)});
  }
}

std::shared_ptr<const Table> TableBuilder::build() {
  // In the order of letters: Gateways before the routes that attach to them.
  for (const Source& source : std::exchange(dirty_, {})) settle(source, compile(source));
  gateway_statuses();
  if (claims_.dirty() || warnings_changed_) {
    TableEditor editor(table_.get());
    claims_.flush(editor);
    if (std::exchange(warnings_changed_, false)) {
      auto all = std::make_shared<std::vector<std::string>>();
      for (const auto& [source, list] : warnings_)
        for (const std::string& w : list)
          if (all->size() < kMostWarnings) all->push_back(str(text_of(source.key), ": ", w));
      editor.set_warnings(std::move(all));
    }
    table_ = editor.finish();
  }
  cluster_.forget_unused();
  return table_;
}

}  // namespace proa::gateway
