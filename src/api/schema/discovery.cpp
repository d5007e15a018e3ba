#include "api/schema/discovery.h"

#include <algorithm>
#include <map>

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

Value texts(const std::vector<std::string_view>& list) {
  Value out = json::array({});
  for (std::string_view t : list) out.push(t);
  return out;
}

Value verbs() {
  return texts({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"});
}

// "v1" before "v1beta1" before "v1alpha1"; then by number, larger first.
std::tuple<int, int64_t, int64_t> rank(std::string_view version) {
  auto number = [](std::string_view s) { return parse_int(s).value_or(0); };
  size_t beta = version.find("beta"), alpha = version.find("alpha");
  std::string_view v = version.substr(std::min<size_t>(1, version.size()));
  if (beta != version.npos)
    return {1, -number(v.substr(0, beta - 1)), -number(version.substr(beta + 4))};
  if (alpha != version.npos)
    return {2, -number(v.substr(0, alpha - 1)), -number(version.substr(alpha + 5))};
  return {0, -number(v), 0};
}

// group → versions, preferred first.
std::map<std::string, std::vector<std::string>> groups_of(const Catalog& catalog) {
  std::map<std::string, std::vector<std::string>> out;
  for (const KindRef& def : catalog.all()) {
    auto& versions = out[std::string(def->kind.group)];
    std::string version(def->kind.version);
    if (std::find(versions.begin(), versions.end(), version) == versions.end())
      versions.push_back(version);
  }
  for (auto& [group, versions] : out)
    std::sort(versions.begin(), versions.end(),
              [](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return out;
}

// The same in Kubernetes' order: its own groups before those of custom resources. kubectl takes the
// first group that knows a short name, so that `ingress` is not one of Knative's.
std::vector<std::pair<std::string, std::vector<std::string>>> ordered_groups(
    const Catalog& catalog) {
  std::map<std::string, bool> own;
  for (const KindRef& def : catalog.all()) own[std::string(def->kind.group)] |= !def->crd;
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  for (const bool pass : {true, false})
    for (auto& [group, versions] : groups_of(catalog))
      if (own[group] == pass) out.emplace_back(group, versions);
  // `gateway` is Istio's here, as in the tutorials: Gateway API's group goes behind it.
  auto istio = std::find_if(out.begin(), out.end(),
                            [](const auto& g) { return g.first == "networking.istio.io"; });
  auto api = std::find_if(out.begin(), out.end(),
                          [](const auto& g) { return g.first == "gateway.networking.k8s.io"; });
  if (istio != out.end() && api < istio) std::rotate(api, api + 1, istio + 1);
  return out;
}

Value group_version(const std::string& group, const std::string& version) {
  return json::object({{"groupVersion", str(group, "/", version)}, {"version", version}});
}

Value group_document(const std::string& group, const std::vector<std::string>& versions) {
  Value list = json::array({});
  for (const std::string& v : versions) list.push(group_version(group, v));
  return json::object({{"name", group},
                       {"versions", std::move(list)},
                       {"preferredVersion", group_version(group, versions[0])}});
}

Value resource(const KindDef& def) {
  Value out = json::object({{"name", def.kind.plural},
                            {"singularName", def.singular},
                            {"namespaced", def.kind.namespaced},
                            {"kind", def.kind.kind},
                            {"verbs", verbs()}});
  if (!def.short_names.empty()) out.set("shortNames", texts(def.short_names));
  if (!def.categories.empty()) out.set("categories", texts(def.categories));
  std::string hash;
  for (char c : str(def.kind.group, def.kind.kind)) hash += c;
  out.set("storageVersionHash", base64(hash.substr(0, 6)));
  return out;
}

struct Sub {
  std::string name, kind, group, version;
  std::vector<std::string_view> verbs;
};

std::vector<Sub> subresources(const KindDef& def) {
  std::vector<Sub> out;
  std::string kind(def.kind.kind);
  if (def.has_status) out.push_back({"status", kind, "", "", {"get", "patch", "update"}});
  if (!def.scale.status.empty())
    out.push_back({"scale", "Scale", "autoscaling", "v1", {"get", "patch", "update"}});
  if (!def.kind.group.empty()) return out;
  if (kind == "Pod") {
    out.push_back({"log", "Pod", "", "", {"get"}});
    out.push_back({"eviction", "Eviction", "policy", "v1", {"create"}});
    out.push_back({"binding", "Binding", "", "", {"create"}});
  }
  if (kind == "Namespace") out.push_back({"finalize", "Namespace", "", "", {"update"}});
  if (kind == "ServiceAccount")
    out.push_back({"token", "TokenRequest", "authentication.k8s.io", "v1", {"create"}});
  return out;
}

Value aggregated_resource(const KindDef& def) {
  auto kind = [&](std::string_view group, std::string_view version, std::string_view name) {
    return json::object({{"group", group}, {"version", version}, {"kind", name}});
  };
  Value out = json::object({{"resource", def.kind.plural},
                            {"responseKind", kind(def.kind.group, def.kind.version, def.kind.kind)},
                            {"scope", def.kind.namespaced ? "Namespaced" : "Cluster"},
                            {"singularResource", def.singular},
                            {"verbs", verbs()}});
  if (!def.short_names.empty()) out.set("shortNames", texts(def.short_names));
  if (!def.categories.empty()) out.set("categories", texts(def.categories));
  Value subs = json::array({});
  for (const Sub& sub : subresources(def))
    subs.push(json::object(
        {{"subresource", sub.name},
         {"responseKind", sub.version.empty() ? kind(def.kind.group, def.kind.version, sub.kind)
                                              : kind(sub.group, sub.version, sub.kind)},
         {"verbs", texts(sub.verbs)}}));
  if (subs.size()) out.set("subresources", std::move(subs));
  return out;
}

}  // namespace

json::Value api_versions(std::string_view server_address) {
  return json::object({{"kind", "APIVersions"},
                       {"versions", json::array({"v1"})},
                       {"serverAddressByClientCIDRs",
                        json::array({json::object(
                            {{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", server_address}})})}});
}

json::Value api_group_list(const Catalog& catalog) {
  Value groups = json::array({});
  for (const auto& [group, versions] : ordered_groups(catalog))
    if (!group.empty()) groups.push(group_document(group, versions));
  return json::object(
      {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}});
}

Result<json::Value> api_group(const Catalog& catalog, std::string_view group) {
  auto groups = groups_of(catalog);
  auto it = groups.find(std::string(group));
  if (group.empty() || it == groups.end())
    return error(Code::kNotFound, str("no API group ", shorten(group, 100)));
  Value out = group_document(it->first, it->second);
  out.set("kind", "APIGroup");
  out.set("apiVersion", "v1");
  return out;
}

Result<json::Value> api_resource_list(const Catalog& catalog, std::string_view group,
                                      std::string_view version) {
  Value list = json::array({});
  for (const KindRef& def : catalog.all()) {
    if (def->kind.group != group || def->kind.version != version) continue;
    list.push(resource(*def));
    for (const Sub& sub : subresources(*def)) {
      Value entry = json::object({{"name", str(def->kind.plural, "/", sub.name)},
                                  {"singularName", ""},
                                  {"namespaced", def->kind.namespaced},
                                  {"kind", sub.kind},
                                  {"verbs", texts(sub.verbs)}});
      if (!sub.version.empty()) {
        entry.set("group", sub.group);
        entry.set("version", sub.version);
      }
      list.push(std::move(entry));
    }
  }
  if (list.size() == 0)
    return error(Code::kNotFound,
                 str("no API version ", shorten(group, 100), "/", shorten(version, 100)));
  return json::object(
      {{"kind", "APIResourceList"},
       {"apiVersion", "v1"},
       {"groupVersion", group.empty() ? std::string(version) : str(group, "/", version)},
       {"resources", std::move(list)}});
}

json::Value aggregated_discovery(const Catalog& catalog, bool core) {
  Value items = json::array({});
  auto kinds = catalog.all();
  for (const auto& [group, versions] : ordered_groups(catalog)) {
    if (group.empty() != core) continue;
    Value list = json::array({});
    for (const std::string& version : versions) {
      Value resources = json::array({});
      for (const KindRef& def : kinds)
        if (def->kind.group == group && def->kind.version == version)
          resources.push(aggregated_resource(*def));
      list.push(json::object(
          {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}}));
    }
    Value metadata = core ? json::object({{"creationTimestamp", Value()}})
                          : json::object({{"name", group}, {"creationTimestamp", Value()}});
    items.push(json::object({{"metadata", std::move(metadata)}, {"versions", std::move(list)}}));
  }
  return json::object({{"kind", "APIGroupDiscoveryList"},
                       {"apiVersion", "apidiscovery.k8s.io/v2"},
                       {"metadata", json::object({})},
                       {"items", std::move(items)}});
}

}  // namespace proa::api
