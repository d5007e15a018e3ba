#include "platform/workloads/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/workloads/objects/selector_index.h"

namespace proa::workloads {
namespace {

constexpr std::string_view kManager = "endpointslice-controller";
constexpr const char* kServiceName = "kubernetes.io/service-name";
constexpr const char* kManagedBy = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view kManagedByUs = "endpointslice-controller.k8s.io";

// The number that a port's targetPort means for this pod; 0 if the pod has no port of that name.
int64_t target_port(const json::Value& port, const json::Value& pod) {
  const json::Value& target = port["targetPort"];
  if (target.is_number()) return target.integer();
  if (target.str().empty()) return port["port"].integer();
  if (auto number = parse_int(target.str())) return *number;
  for (const auto& c : pod["spec"]["containers"].array())
    for (const auto& p : c["ports"].array())
      if (p["name"].str() == target.str() &&
          p["protocol"].str_or("TCP") == port["protocol"].str_or("TCP"))
        return p["containerPort"].integer();
  return 0;
}

json::Value ports_for(const json::Value& service, const json::Value& pod) {
  json::Value ports = json::Array();
  for (const auto& port : service["spec"]["ports"].array()) {
    const int64_t number = target_port(port, pod);
    if (number == 0) continue;
    json::Value p = json::object({{"name", port["name"].str()},
                                  {"port", number},
                                  {"protocol", port["protocol"].str_or("TCP")}});
    if (port.has("appProtocol")) p.set("appProtocol", port["appProtocol"]);
    ports.push(std::move(p));
  }
  return ports;
}

json::Value endpoint_of(const json::Value& service, const json::Value& pod) {
  const bool serving = pod_ready(pod);
  const bool terminating = client::deleting(pod);
  const bool regardless = service["spec"]["publishNotReadyAddresses"].boolean();
  json::Value e;
  e.set("addresses", json::array({pod["status"]["podIP"]}));
  e.set("conditions", json::object({{"ready", regardless || (serving && !terminating)},
                                    {"serving", serving},
                                    {"terminating", terminating}}));
  if (!pod["spec"]["nodeName"].str().empty()) e.set("nodeName", pod["spec"]["nodeName"]);
  if (!pod["spec"]["hostname"].str().empty() && pod["spec"]["subdomain"].str() == name_of(service))
    e.set("hostname", pod["spec"]["hostname"]);
  e.set("targetRef", json::object({{"kind", "Pod"},
                                   {"namespace", namespace_of(pod)},
                                   {"name", name_of(pod)},
                                   {"uid", client::uid_of(pod)}}));
  return e;
}

json::Value slice_of(const json::Value& service, const json::Value& ports, json::Array endpoints,
                     size_t part) {
  const std::string seed =
      str(client::uid_of(service), name_of(service), "/", json::dump(ports), part);
  json::Value slice = shell_of(api::kEndpointSlice, namespace_of(service),
                               name_of(service) + "-" + name_hash(seed, 5));
  json::Value& meta = slice.ref("metadata");
  for (const auto& [key, value] : service["metadata"]["labels"].object())
    if (key != "service.kubernetes.io/headless") meta.ref("labels", key) = value;
  meta.ref("labels", kServiceName) = name_of(service);
  meta.ref("labels", kManagedBy) = kManagedByUs;
  if (service["spec"]["clusterIP"].str() == "None")
    meta.ref("labels", "service.kubernetes.io/headless") = "";
  meta.set("ownerReferences", json::array({client::owner_reference(service)}));
  slice.set("addressType", "IPv4");
  slice.set("ports", ports);
  slice.set("endpoints", std::move(endpoints));
  return slice;
}

Status remove_others(client::Client& client, const client::Key& service,
                     const std::set<std::string>& keep) {
  TRY(auto all,
      client.list(api::kEndpointSlice,
                  {service.ns,
                   str(kServiceName, "=", service.name, ",", kManagedBy, "=", kManagedByUs), ""}));
  for (const auto& slice : all)
    if (!keep.count(name_of(*slice)) && !client::deleting(*slice))
      TRY_STATUS(ignore_not_found(client.remove(api::kEndpointSlice, service.ns, name_of(*slice))));
  return {};
}

bool same_slice(const json::Value& have, const json::Value& want) {
  return have["endpoints"].array() == want["endpoints"].array() && have["ports"] == want["ports"] &&
         have["metadata"]["labels"] == want["metadata"]["labels"] &&
         have["metadata"]["ownerReferences"][0]["uid"] ==
             want["metadata"]["ownerReferences"][0]["uid"];
}

Result<client::Outcome> reconcile(client::Client& client, const client::Key& key) {
  auto service = client.get(api::kService, key.ns, key.name);
  if (!service.ok() && service.error().code != Code::kNotFound) return std::move(service).error();
  if (!service.ok() || client::deleting(**service)) {
    TRY_STATUS(remove_others(client, key, {}));
    return client::Outcome{};
  }
  const json::Value& spec = (**service)["spec"];
  // Without a selector the slices are somebody else's business.
  if (spec["type"].str() == "ExternalName" || spec["selector"].size() == 0) {
    TRY_STATUS(remove_others(client, key, {}));
    return client::Outcome{};
  }
  TRY(auto pods, list_pods(client, key.ns, labels_text(spec["selector"])));
  std::set<std::string> keep;
  for (json::Value& slice : plan_slices(**service, pods)) {
    keep.insert(name_of(slice));
    auto have = client.get(api::kEndpointSlice, key.ns, name_of(slice));
    if (have.ok() && same_slice(**have, slice)) continue;
    auto done = client.apply(api::kEndpointSlice, std::move(slice), {std::string(kManager), ""});
    if (!done.ok()) return std::move(done).error().with_context("apply EndpointSlice");
  }
  TRY_STATUS(remove_others(client, key, keep));
  return client::Outcome{};
}

std::vector<client::Key> keys_of_slice(const client::Event& event) {
  const json::Value& meta = (*event.object)["metadata"];
  const std::string& service = meta["labels"][kServiceName].str();
  if (service.empty() || event.type == client::Event::kAdded) return {};
  return {{meta["namespace"].str(), service}};
}

std::vector<client::Key> keys_of_pod(const SelectorIndex& services, const client::Event& event) {
  const json::Value& pod = *event.object;
  auto keys = services.selecting(namespace_of(pod), pod["metadata"]["labels"]);
  if (event.old && (*event.old)["metadata"]["labels"] != pod["metadata"]["labels"])
    for (auto& key : services.selecting(namespace_of(pod), (*event.old)["metadata"]["labels"]))
      keys.push_back(std::move(key));
  return keys;
}

}  // namespace

std::vector<json::Value> plan_slices(const json::Value& service, const std::vector<Object>& pods) {
  std::map<std::string, std::pair<json::Value, json::Array>> groups;  // by ports
  for (const auto& pod : pods) {
    if (pod_finished(*pod) || (*pod)["status"]["podIP"].str().empty()) continue;
    json::Value ports = ports_for(service, *pod);
    auto& group = groups[json::dump(ports)];
    group.first = std::move(ports);
    group.second.push_back(endpoint_of(service, *pod));
  }
  if (groups.empty()) {
    json::Value ports = ports_for(service, json::Value());
    groups[""] = {std::move(ports), {}};
  }
  std::vector<json::Value> slices;
  for (auto& [text, group] : groups) {
    auto& [ports, endpoints] = group;
    std::sort(endpoints.begin(), endpoints.end(), [](const json::Value& a, const json::Value& b) {
      return a["targetRef"]["name"].str() < b["targetRef"]["name"].str();
    });
    size_t part = 0;
    do {
      const size_t first = part * kMostEndpoints;
      const size_t last = std::min(endpoints.size(), first + kMostEndpoints);
      slices.push_back(slice_of(service, ports,
                                json::Array(endpoints.begin() + static_cast<long>(first),
                                            endpoints.begin() + static_cast<long>(last)),
                                part));
      ++part;
    } while (part * kMostEndpoints < endpoints.size());
  }
  return slices;
}

client::ControllerSpec endpoints_controller(client::Client& client) {
  client::ControllerSpec spec;
  spec.name = "endpointslice";
  auto services = std::make_shared<SelectorIndex>(map_selects);
  spec.watches.push_back({api::kService, [services](const client::Event& e) {
                            services->note(e);
                            return std::vector<client::Key>{client::key_of(*e.object)};
                          }});
  spec.watches.push_back(
      {api::kPod, [services](const client::Event& e) { return keys_of_pod(*services, e); }});
  spec.watches.push_back({api::kEndpointSlice, keys_of_slice});
  spec.reconcile = [&client](const client::Key& key) { return reconcile(client, key); };
  spec.at_once = true;  // requests go where it says
  return spec;
}

}  // namespace proa::workloads
