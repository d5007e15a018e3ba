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

ZoneBuilder::ZoneBuilder(const std::string& domain) {
  zone_.domain = domain;
  zone_.parents = {{domain, 1}, {"svc." + domain, 1}};
}

void ZoneBuilder::put(const client::Kind& kind, const Value& object) {
  const client::Key key = client::key_of(object);
  if (kind == api::kService)
    put_service(key, object["spec"]);
  else if (kind == api::kEndpointSlice)
    put_slice(key, object);
}

void ZoneBuilder::put_service(const client::Key& key, const Value& spec) {
  Service& s = services_[key];
  take_out(key, s);
  s.known = true;
  s.external_name = spec["type"].str() == "ExternalName" ? lower(spec["externalName"].str()) : "";
  if (s.external_name.ends_with('.')) s.external_name.pop_back();
  s.headless = spec["clusterIP"].str() == "None";
  s.not_ready_too = spec["publishNotReadyAddresses"].boolean();
  s.addresses.clear();
  for (const Value& ip : spec["clusterIPs"].array())
    if (ip.str() != "None") s.addresses.push_back(ip.str());
  if (s.addresses.empty() && !s.headless && !spec["clusterIP"].str().empty())
    s.addresses.push_back(spec["clusterIP"].str());
  put_in(key, s);
}

void ZoneBuilder::put_slice(const client::Key& key, const Value& slice) {
  const std::string& name = slice["metadata"]["labels"]["kubernetes.io/service-name"].str();
  if (auto before = service_of_.find(key); before != service_of_.end() && before->second != name)
    drop_slice(key);
  service_of_[key] = name;
  const client::Key of{key.ns, name};
  Service& s = services_[of];
  take_out(of, s);
  std::vector<Endpoint>& endpoints = s.slices[key.name];
  endpoints.clear();
  for (const Value& e : slice["endpoints"].array())
    for (const Value& address : e["addresses"].array())
      endpoints.push_back(
          {address.str(), lower(e["hostname"].str()), e["conditions"]["ready"].boolean(true)});
  put_in(of, s);
}

void ZoneBuilder::drop(const client::Kind& kind, const client::Key& key) {
  if (kind == api::kEndpointSlice) return drop_slice(key);
  auto it = services_.find(key);
  if (kind != api::kService || it == services_.end()) return;
  take_out(key, it->second);
  it->second.known = false;
  if (it->second.slices.empty()) services_.erase(it);
}

void ZoneBuilder::drop_slice(const client::Key& key) {
  auto node = service_of_.extract(key);
  if (node.empty()) return;
  const client::Key of{key.ns, node.mapped()};
  auto it = services_.find(of);
  take_out(of, it->second);
  it->second.slices.erase(key.name);
  put_in(of, it->second);
  if (!it->second.known && it->second.slices.empty()) services_.erase(it);
}

Records& ZoneBuilder::records(Service& service, const std::string& name) {
  auto [it, added] = zone_.names.try_emplace(name);
  if (added) service.names.push_back(name);
  return it->second;
}

void ZoneBuilder::take_out(const client::Key& key, Service& service) {
  for (const std::string& name : service.names) zone_.names.erase(name);
  if (service.names.empty()) return;
  service.names.clear();
  auto parent = zone_.parents.find(lower(str(key.ns, ".svc.", zone_.domain)));
  if (--parent->second == 0) zone_.parents.erase(parent);
}

void ZoneBuilder::put_in(const client::Key& key, Service& service) {
  if (!service.known) return;
  const std::string parent = lower(str(key.ns, ".svc.", zone_.domain));
  const std::string name = str(lower(key.name), ".", parent);
  Records& own = records(service, name);
  ++zone_.parents[parent];
  own.cname = service.external_name;
  for (const std::string& address : service.addresses) add_address(own, address);
  if (!service.headless) return;
  for (const auto& [slice, endpoints] : service.slices) {
    for (const Endpoint& e : endpoints) {
      if (!e.ready && !service.not_ready_too) continue;
      add_address(own, e.address);
      if (!e.hostname.empty()) add_address(records(service, str(e.hostname, ".", name)), e.address);
    }
  }
}

}  // namespace proa::dns
