// What follows a write (addresses, a new namespace's furniture, custom resources' registration, old
// events), and what is there from the start.
#include <algorithm>

#include "api/kinds.h"
#include "api/schema/crd.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/apiserver/core/core_state.h"

namespace proa::apiserver {
namespace {

constexpr auto kEventLife = std::chrono::hours(1);
constexpr size_t kMostEvents = 5000;
constexpr std::string_view kFirstNamespaces[] = {
    "default", "kube-system",     "kube-public", "kube-node-lease",
    "kserve",  "knative-serving", "istio-system"};

json::Value named(std::string_view name) {
  return json::object({{"metadata", json::object({{"name", name}})}});
}

}  // namespace

// A user's CRD is read before it is stored, so that what is stored can be served.
Done Core::State::before_crd_write(const api::KindDef& kind, json::Value& object) const {
  if (!is_kind(kind, api::kCustomResourceDefinition)) return Ok{};
  TRY(auto kinds, api::from_crd(object));
  for (const api::KindDef& def : kinds) {
    api::KindRef there = catalog.find(def.kind);
    if (there && !there->own)
      return forbidden(kind, object["metadata"]["name"].str(), "this kind is built in");
  }
  api::accept_crd(object, now());
  return Ok{};
}

void Core::State::register_crd(const json::Value& crd) {
  auto kinds = api::from_crd(crd);
  if (!kinds.ok()) {
    log::warn("apiserver", "custom resource definition not served",
              {{"name", crd["metadata"]["name"].str()}, {"error", kinds.error().message}});
    return;
  }
  catalog.remove_crd(crd["spec"]["group"].str(), crd["spec"]["names"]["plural"].str());
  for (api::KindDef& def : *kinds) catalog.add(std::move(def));
}

void Core::State::after_create(const api::KindDef& kind, const Item& item) {
  if (is_kind(kind, api::kNamespace)) furnish_namespace(item->value["metadata"]["name"].str());
  if (is_kind(kind, api::kCustomResourceDefinition)) register_crd(item->value);
  if (is_kind(kind, api::kEvent) && ++events_made % 256 == 0) expire_events();
}

void Core::State::after_update(const api::KindDef& kind, const Item& item) {
  if (is_kind(kind, api::kCustomResourceDefinition)) register_crd(item->value);
}

// What every namespace has comes back, unless the namespace is going.
void Core::State::restore_furniture(const api::KindDef& kind, const client::Key& key) {
  const bool ours = (is_kind(kind, api::kServiceAccount) && key.name == "default") ||
                    (is_kind(kind, api::kConfigMap) && key.name == "kube-root-ca.crt");
  if (!ours) return;
  Item ns = store.get("namespaces", store_key("", key.ns));
  if (ns && !client::deleting(ns->value)) furnish_namespace(key.ns);
}

void Core::State::after_remove(const api::KindDef& kind, const Item& last) {
  if (is_kind(kind, api::kService)) addresses.release(last->value);
  restore_furniture(kind, client::key_of(last->value));
  if (!is_kind(kind, api::kCustomResourceDefinition)) return;
  // Without its definition nobody can see or delete a custom object: they go with it.
  const std::string table = last->value["metadata"]["name"].str();
  for (const Item& item : store.list(table, "").items) {
    const json::Value& meta = item->value["metadata"];
    auto removed =
        store.remove(table, store_key(meta["namespace"].str(), meta["name"].str()), item->revision);
    if (!removed.ok())
      log::warn("apiserver", "custom object not removed", {{"error", removed.error().message}});
  }
  catalog.remove_crd(last->value["spec"]["group"].str(),
                     last->value["spec"]["names"]["plural"].str());
}

void Core::State::put_if_absent(const client::Kind& kind, std::string_view ns, json::Value object) {
  api::KindRef def = catalog.find(kind);
  if (!def || store.get(resource_of(*def), store_key(ns, object["metadata"]["name"].str()))) return;
  WriteContext context;
  context.manager = "kube-apiserver";
  Done fit = check_envelope(*def, ns, "", object);
  auto done =
      fit.ok() ? insert(*def, ns, std::move(object), context, false) : Answer<Written>(fit.error());
  if (!done.ok() && done.error().reason() != "AlreadyExists")
    log::warn("apiserver", "first objects",
              {{"kind", kind.kind}, {"error", done.error().message()}});
}

void Core::State::furnish_namespace(const std::string& name) {
  put_if_absent(api::kServiceAccount, name, named("default"));
  json::Value ca = named("kube-root-ca.crt");
  ca.ref("data", "ca.crt") = options.root_ca;
  put_if_absent(api::kConfigMap, name, std::move(ca));
}

void Core::State::expire_events() {
  std::string limit = rfc3339(clock.wall() - kEventLife);
  std::vector<Item> all = store.list("events", "").items;
  size_t over = all.size() > kMostEvents ? all.size() - kMostEvents : 0;
  if (over > 0)  // the oldest first
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(over), all.end(),
                     [](const Item& a, const Item& b) { return a->revision < b->revision; });
  for (size_t i = 0; i < all.size(); ++i) {
    const json::Value& event = all[i]->value;
    const std::string& last = event["lastTimestamp"].str();
    const std::string& time = last.empty() ? event["metadata"]["creationTimestamp"].str() : last;
    if (i >= over && time >= limit) continue;
    const json::Value& meta = event["metadata"];
    auto removed = store.remove("events", store_key(meta["namespace"].str(), meta["name"].str()),
                                all[i]->revision);
    if (!removed.ok() && removed.error().code != Code::kConflict &&
        removed.error().code != Code::kNotFound)
      return;
  }
}

// The network of Services is another than when this one was stored.
Status Core::State::move_service(const Record& service) {
  json::Value moved = service.value;
  const std::string ns = moved["metadata"]["namespace"].str();
  const std::string name = moved["metadata"]["name"].str();
  json::Value& spec = moved.ref("spec");
  spec.erase("clusterIP");
  spec.erase("clusterIPs");
  if (ns == "default" && name == "kubernetes") spec.set("clusterIP", addresses.kubernetes());
  if (Errors errors = addresses.assign(moved); !errors.empty())
    return error(Code::kExhausted, str("service ", ns, "/", name, ": ", errors[0].detail));
  TRY_STATUS(store.put("services", store_key(ns, name), std::move(moved), service.revision));
  return {};
}

Status Core::bootstrap() {
  State& s = *state_;
  for (const Item& crd :
       s.store
           .list(s.catalog.find(api::kCustomResourceDefinition)
                     ? resource_of(*s.catalog.find(api::kCustomResourceDefinition))
                     : "",
                 "")
           .items)
    s.register_crd(crd->value);
  for (const Item& service : s.store.list("services", "").items)
    if (s.addresses.has(service->value)) s.addresses.take(service->value);
  for (const Item& service : s.store.list("services", "").items)
    if (!s.addresses.has(service->value)) TRY_STATUS(s.move_service(*service));
  for (std::string_view name : kFirstNamespaces) s.put_if_absent(api::kNamespace, "", named(name));
  for (const Item& ns : s.store.list("namespaces", "").items) {
    const std::string name = ns->value["metadata"]["name"].str();
    if (client::deleting(ns->value)) continue;
    s.furnish_namespace(name);
    Item ca = s.store.get("configmaps", store_key(name, "kube-root-ca.crt"));
    if (!ca || ca->value["data"]["ca.crt"].str() == s.options.root_ca) continue;
    WriteContext context;  // the CA was made anew
    context.manager = "kube-apiserver";
    json::Value patch = json::object({{"data", json::object({{"ca.crt", s.options.root_ca}})}});
    auto done = this->patch(*s.catalog.find(api::kConfigMap), name, "kube-root-ca.crt",
                            PatchType::kMerge, patch, context);
    if (!done.ok()) return done.error().to_error();
  }
  return announce(s.options.api_port);
}

Status Core::announce(uint16_t api_port) {
  State& s = *state_;
  auto apply_first = [&](const client::Kind& kind, json::Value object) -> Status {
    WriteContext context;
    context.manager = "kube-apiserver";
    context.force = true;
    auto done = apply(*s.catalog.find(kind), "default", "kubernetes", std::move(object), context);
    if (!done.ok()) return done.error().to_error();
    return {};
  };
  json::Value service = named("kubernetes");
  service.ref("metadata", "labels") =
      json::object({{"component", "apiserver"}, {"provider", "kubernetes"}});
  service.set(
      "spec",
      json::object({{"clusterIP", s.addresses.kubernetes()},
                    {"type", "ClusterIP"},
                    {"ports", json::array({json::object({{"name", "https"},
                                                         {"port", 443},
                                                         {"protocol", "TCP"},
                                                         {"targetPort", int64_t{api_port}}})})}}));
  TRY_STATUS(apply_first(api::kService, std::move(service)));
  json::Value slice = named("kubernetes");
  slice.ref("metadata", "labels", "kubernetes.io/service-name") = "kubernetes";
  slice.set("addressType", "IPv4");
  slice.set("endpoints",
            json::array({json::object({{"addresses", json::array({s.options.api_address})},
                                       {"conditions", json::object({{"ready", true}})}})}));
  slice.set("ports", json::array({json::object(
                         {{"name", "https"}, {"port", int64_t{api_port}}, {"protocol", "TCP"}})}));
  return apply_first(api::kEndpointSlice, std::move(slice));
}

}  // namespace proa::apiserver
