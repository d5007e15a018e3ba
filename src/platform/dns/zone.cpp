#include "platform/dns/zone.h"

#include <arpa/inet.h>

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::dns {

namespace {

using json::Value;

void add_address(Records& records, const std::string& text) {
  char raw[16];
  auto add = [](std::vector<std::string>& list, std::string bytes) {
    if (std::find(list.begin(), list.end(), bytes) == list.end()) list.push_back(std::move(bytes));
  };
  if (::inet_pton(AF_INET, text.c_str(), raw) == 1)
    add(records.v4, std::string(raw, 4));
  else if (::inet_pton(AF_INET6, text.c_str(), raw) == 1)
    add(records.v6, std::string(raw, 16));
}

}  // namespace

void ZoneBuilder::put(const client::Kind& kind, const Value& object) {
  const client::Key key = client::key_of(object);
  if (kind == api::kService) {
    const Value& spec = object["spec"];
    Service s;
    if (spec["type"].str() == "ExternalName") s.external_name = lower(spec["externalName"].str());
    if (s.external_name.ends_with('.')) s.external_name.pop_back();
    s.headless = spec["clusterIP"].str() == "None";
    s.not_ready_too = spec["publishNotReadyAddresses"].boolean();
    for (const Value& ip : spec["clusterIPs"].array())
      if (ip.str() != "None") s.addresses.push_back(ip.str());
    if (s.addresses.empty() && !s.headless && !spec["clusterIP"].str().empty())
      s.addresses.push_back(spec["clusterIP"].str());
    services_[key] = std::move(s);
  } else if (kind == api::kEndpointSlice) {
    Slice slice;
    slice.service = object["metadata"]["labels"]["kubernetes.io/service-name"].str();
    for (const Value& e : object["endpoints"].array())
      for (const Value& address : e["addresses"].array())
        slice.endpoints.push_back(
            {address.str(), lower(e["hostname"].str()), e["conditions"]["ready"].boolean(true)});
    slices_[key] = std::move(slice);
  }
}

void ZoneBuilder::drop(const client::Kind& kind, const client::Key& key) {
  if (kind == api::kService)
    services_.erase(key);
  else if (kind == api::kEndpointSlice)
    slices_.erase(key);
}

std::shared_ptr<const Zone> ZoneBuilder::build() const {
  auto zone = std::make_shared<Zone>();
  zone->domain = domain_;
  zone->parents = {domain_, "svc." + domain_};
  auto name_of = [&](const client::Key& key) {
    return lower(str(key.name, ".", key.ns, ".svc.", domain_));
  };
  for (const auto& [key, service] : services_) {
    Records& records = zone->names[name_of(key)];
    zone->parents.insert(lower(str(key.ns, ".svc.", domain_)));
    records.cname = service.external_name;
    for (const std::string& address : service.addresses) add_address(records, address);
  }
  for (const auto& [key, slice] : slices_) {
    const client::Key of{key.ns, slice.service};
    auto service = services_.find(of);
    if (service == services_.end() || !service->second.headless) continue;
    for (const Endpoint& e : slice.endpoints) {
      if (!e.ready && !service->second.not_ready_too) continue;
      add_address(zone->names[name_of(of)], e.address);
      if (!e.hostname.empty())
        add_address(zone->names[str(e.hostname, ".", name_of(of))], e.address);
    }
  }
  return zone;
}

}  // namespace proa::dns
