// TableBuilder, first half: objects in, and what they make necessary.
#include "foundation/base/strings.h"
#include "platform/gateway/config/table_builder.h"
#include "platform/gateway/config/watched.h"

namespace proa::gateway {

using json::Value;

TableBuilder::TableBuilder(BuilderOptions options, Clock& clock)
    : options_(std::move(options)),
      cluster_(options_, clock, [this](const Key& key) { return secrets_.find(key); }),
      istio_(options_, cluster_, secrets_),
      api_(options_, cluster_, secrets_, grants_, doors_),
      ingresses_(options_, cluster_, secrets_) {}

void TableBuilder::changed(const std::string& used) {
  auto it = used_by_.find(used);
  if (it != used_by_.end()) dirty_.insert(it->second.begin(), it->second.end());
}

// A DestinationRule's host changed: backends have the new policy; who names a subset is compiled
// again, and with a wildcard that may be anyone.
void TableBuilder::changed_host(const std::string& host) {
  if (host.empty()) return;
  cluster_.policies_changed(host);
  if (!host.starts_with('*')) {
    if (auto key = service_key(host, "")) changed(use('s', *key));
    return;
  }
  for (const auto& [used, sources] : used_by_)
    if (used.starts_with("s:")) dirty_.insert(sources.begin(), sources.end());
}

void TableBuilder::note_said(char letter, const Key& key, const Value* object) {
  if (object && (*object)["status"]["conditions"].size() > 0)
    said_.insert({letter, key});
  else if (!object)
    said_.erase({letter, key});
}

bool TableBuilder::put(const client::Kind& kind, const Value& object) {
  const Key key = client::key_of(object);
  if (kind == api::kPod) return cluster_.put_pod(object), false;
  if (kind == api::kEndpointSlice) return cluster_.put_slice(key, object), false;
  return apply_core(kind, key, &object) || apply_istio(kind, key, &object) ||
         apply_gateway_api(kind, key, &object);
}

bool TableBuilder::drop(const client::Kind& kind, const Value& object) {
  if (kind == api::kPod) return cluster_.drop_pod(object), false;
  return drop(kind, client::key_of(object));
}

bool TableBuilder::drop(const client::Kind& kind, const Key& key) {
  if (kind == api::kEndpointSlice) return cluster_.drop_slice(key), false;
  return apply_core(kind, key, nullptr) || apply_istio(kind, key, nullptr) ||
         apply_gateway_api(kind, key, nullptr);
}

// Kubernetes' and Knative's kinds. object nullptr: it is gone.
bool TableBuilder::apply_core(const client::Kind& kind, const Key& key, const Value* object) {
  auto host_changed = [&](char letter, bool now) {
    if (!now) return false;
    touch(letter, key);
    touch('S', key);
    changed(use('s', key));
    return true;
  };
  if (kind == api::kService)
    return host_changed('S',
                        object ? cluster_.put_service(key, *object) : cluster_.drop_service(key));
  if (kind == api::kRoute)
    return host_changed('R', object ? cluster_.put_route(key, *object) : cluster_.drop_route(key));
  if (kind == api::kRevision)
    return host_changed('S',
                        object ? cluster_.put_revision(key, *object) : cluster_.drop_revision(key));
  if (kind == api::kSecret) {
    if (object ? !secrets_.put(key, *object) : !secrets_.drop(key)) return false;
    changed(use('t', key));
    return !dirty_.empty();
  }
  if (kind == api::kNamespace) {
    object ? api_.put_namespace(key.name, *object) : api_.drop_namespace(key.name);
    changed(use('n', key.name));
    return !dirty_.empty();
  }
  if (kind == kIngress) {
    object ? ingresses_.put(key, *object) : ingresses_.drop(key);
    touch('I', key);
    return true;
  }
  if (kind == kIngressClass) {
    object ? ingresses_.put_class(key.name, *object) : ingresses_.drop_class(key.name);
    changed("i:");
    return !dirty_.empty();
  }
  return false;
}

bool TableBuilder::apply_istio(const client::Kind& kind, const Key& key, const Value* object) {
  if (kind == api::kVirtualService) {
    note_said('V', key, object);
    object ? istio_.put_virtual_service(key, *object) : istio_.drop_virtual_service(key);
    touch('V', key);
    changed(use('v', key));
    return true;
  }
  if (kind == api::kGateway) {
    note_said('C', key, object);
    object ? istio_.put_gateway(key, *object) : istio_.drop_gateway(key);
    touch('C', key);
    changed(use('g', key));
    return true;
  }
  if (kind == kDestinationRule) {
    note_said('E', key, object);
    changed_host(cluster_.rules.drop(key));
    if (object) changed_host(cluster_.rules.put(key, *object));
    touch('E', key);
    return true;
  }
  if (kind == kServiceEntry) {
    note_said('D', key, object);
    for (const std::string& host : object ? istio_.put_entry(key, *object) : istio_.drop_entry(key))
      changed(use('e', host));
    touch('D', key);
    return true;
  }
  return false;
}

bool TableBuilder::apply_gateway_api(const client::Kind& kind, const Key& key,
                                     const Value* object) {
  if (kind == kGatewayClass) {
    object ? api_.put_class(key.name, *object) : api_.drop_class(key.name);
    touch('A', key);
    changed(use('c', key.name));
  } else if (kind == kApiGateway) {
    object ? api_.put_gateway(key, read_api_gateway(*object)) : api_.drop_gateway(key);
    touch('B', key);
    changed(use('a', key));
  } else if (kind == kHttpRoute || kind == kGrpcRoute) {
    const Source source{kind == kHttpRoute ? 'H' : 'J', key};
    const char rivals = kind == kHttpRoute ? 'h' : 'j';  // routes of the other kind
    for (const Key& g : api_.gateways_of(source.text())) changed(use(rivals, g));
    if (object)
      api_.put_route(source.text(),
                     kind == kHttpRoute ? read_http_route(*object) : read_grpc_route(*object));
    else
      api_.drop_route(source.text());
    for (const Key& g : api_.gateways_of(source.text())) changed(use(rivals, g));
    dirty_.insert(source);
  } else if (kind == kReferenceGrant) {
    object ? grants_.put(key, *object) : (void)grants_.drop(key);
    changed(use('r', key.ns));
  } else {
    return false;
  }
  return true;
}

bool TableBuilder::opened(const std::vector<ListenerState>& states) {
  bool any = false;
  for (const ListenerState& s : states) {
    if (!s.address.empty()) continue;
    auto [it, fresh] = ports_.try_emplace(s.port, s);
    if (!fresh && it->second == s) continue;
    it->second = s;
    any = true;
  }
  if (any) api_.touch_all();
  return any;
}

}  // namespace proa::gateway
