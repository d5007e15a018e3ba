#include "serving/standard/routes.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "serving/spec/metadata.h"
#include "serving/standard/plan.h"

namespace proa::serving::standard {
namespace {

struct Names {
  std::vector<std::string> service;    // hosts of the InferenceService
  std::vector<std::string> component;  // hosts of its predictor
  std::string path;                    // below the domain, "" for none
};

std::string route_name(const json::Value& isvc) { return name_of(isvc) + "-predictor"; }

Result<Names> names_of(const json::Value& isvc, const Config& config) {
  Names out;
  TRY(out.path, url_path(isvc, config));
  std::vector<std::string> domains = config.additional_domains;
  domains.insert(domains.begin(), config.domain);
  for (const auto& domain : domains) {
    Config other = config;
    other.domain = domain;
    TRY(auto service, domain_name(isvc, name_of(isvc), other));
    TRY(auto component, domain_name(isvc, route_name(isvc), other));
    out.service.push_back(std::move(service));
    out.component.push_back(std::move(component));
  }
  return out;
}

json::Value metadata_of(const json::Value& isvc, std::string name,
                        const std::vector<std::string>& disallowed, const Config& config) {
  auto metadata = metadata_for(isvc, std::move(name));
  auto annotations = without(isvc["metadata"]["annotations"], disallowed);
  annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
  if (annotations.size() > 0) metadata.set("annotations", std::move(annotations));
  auto labels = without(isvc["metadata"]["labels"], config.labels_disallowed);
  if (labels.size() > 0) metadata.set("labels", std::move(labels));
  return metadata;
}

// Ingress

json::Value ingress_rule(const std::string& host, const std::string& service) {
  json::Value backend = json::object(
      {{"service", json::object({{"name", service}, {"port", json::object({{"number", 80}})}})}});
  json::Value path =
      json::object({{"backend", std::move(backend)}, {"path", "/"}, {"pathType", "Prefix"}});
  return json::object(
      {{"host", host}, {"http", json::object({{"paths", json::array({std::move(path)})}})}});
}

PlannedRoute plan_ingress(const json::Value& isvc, const Names& names, const Share& share,
                          const Config& config) {
  json::Value rules{json::Array{}};
  for (const auto* hosts : {&names.service, &names.component})
    for (const auto& host : *hosts) rules.push(ingress_rule(host, share.service));
  return {kIngressKind,
          json::object({{"apiVersion", "networking.k8s.io/v1"},
                        {"kind", "Ingress"},
                        {"metadata", metadata_of(isvc, name_of(isvc), {}, config)},
                        {"spec", json::object({{"ingressClassName", config.ingress_class},
                                               {"rules", std::move(rules)}})}})};
}

// VirtualService

std::string regex_for(std::string_view host) {
  return str("^", replace_all(host, ".", "\\."), "(?::\\d{1,5})?$");
}

json::Value match_host(std::string_view host, const json::Value& gateways) {
  return json::object(
      {{"authority", json::object({{"regex", regex_for(host)}})}, {"gateways", gateways}});
}

json::Value istio_rule(const json::Value& isvc, json::Value match, const std::vector<Share>& shares,
                       const Config& config) {
  const auto& ns = namespace_of(isvc);
  json::Value set =
      json::object({{"KServe-Isvc-Name", name_of(isvc)}, {"KServe-Isvc-Namespace", ns}});
  json::Value route{json::Array{}};
  for (const auto& s : shares)
    route.push(json::object(
        {{"destination",
          json::object({{"host", str(s.service, ".", ns, ".svc.", config.cluster_domain)},
                        {"port", json::object({{"number", 80}})}})},
         {"weight", s.percent}}));
  return json::object(
      {{"headers", json::object({{"request", json::object({{"set", std::move(set)}})}})},
       {"match", std::move(match)},
       {"route", std::move(route)}});
}

json::Value istio_path_rule(const json::Value& isvc, const std::string& path,
                            const std::vector<Share>& shares, const Config& config) {
  json::Value match{json::Array{}};
  for (const auto& [kind, uri] : {std::pair{"prefix", path + "/"}, std::pair{"exact", path}}) {
    auto one = match_host(config.domain, json::array({config.ingress_gateway}));
    one.ref("uri", kind) = uri;
    match.push(std::move(one));
  }
  auto rule = istio_rule(isvc, std::move(match), shares, config);
  rule.ref("rewrite", "uri") = "/";
  return rule;
}

PlannedRoute plan_virtual(const json::Value& isvc, const Names& names, bool external,
                          const std::vector<Share>& shares, const Config& config) {
  const auto local =
      str(shares[0].service, ".", namespace_of(isvc), ".svc.", config.cluster_domain);
  json::Value gateways = json::array({config.local_gateway, "mesh"});
  json::Value match = json::array({match_host(local, gateways)});
  json::Value hosts = json::array({local});
  json::Value http{json::Array{}};
  if (external) {
    gateways.push(config.ingress_gateway);
    for (const auto* list : {&names.service, &names.component})
      for (const auto& host : *list) {
        hosts.push(host);
        match.push(match_host(host, json::array({config.ingress_gateway})));
      }
  }
  http.push(istio_rule(isvc, std::move(match), shares, config));
  if (external && !names.path.empty()) {
    hosts.push(config.domain);
    http.push(istio_path_rule(isvc, names.path, shares, config));
  }
  return {api::kVirtualService,
          json::object({{"apiVersion", "networking.istio.io/v1beta1"},
                        {"kind", "VirtualService"},
                        {"metadata",
                         metadata_of(isvc, name_of(isvc), config.annotations_disallowed, config)},
                        {"spec", json::object({{"gateways", std::move(gateways)},
                                               {"hosts", std::move(hosts)},
                                               {"http", std::move(http)}})}})};
}

// HTTPRoute

json::Value header(const char* name, const std::string& value) {
  return json::object({{"name", name}, {"value", value}});
}

json::Value backends_of(const json::Value& isvc, const std::vector<Share>& shares) {
  json::Value out{json::Array{}};
  for (const auto& s : shares)
    out.push(json::object({{"group", ""},
                           {"kind", "Service"},
                           {"name", s.service},
                           {"namespace", namespace_of(isvc)},
                           {"port", 80},
                           {"weight", shares.size() == 1 ? int64_t{1} : s.percent}}));
  return out;
}

json::Value parent_of(const Config& config) {
  const auto slash = config.gateway.find('/');
  const bool both = slash != std::string::npos;
  json::Value out =
      json::object({{"group", "gateway.networking.k8s.io"},
                    {"kind", "Gateway"},
                    {"name", both ? config.gateway.substr(slash + 1) : config.gateway}});
  if (both) out.set("namespace", config.gateway.substr(0, slash));
  return out;
}

PlannedRoute http_route(const json::Value& isvc, std::string name,
                        const std::vector<std::string>& hosts, const std::string& path,
                        const std::vector<Share>& shares, const Config& config) {
  json::Value headers =
      json::object({{"set", json::array({header("KServe-Isvc-Name", name_of(isvc)),
                                         header("KServe-Isvc-Namespace", namespace_of(isvc))})}});
  json::Value filters = json::array({json::object(
      {{"type", "RequestHeaderModifier"}, {"requestHeaderModifier", std::move(headers)}})});
  json::Value match = json::object({{"type", "RegularExpression"}, {"value", "^/.*$"}});
  if (!path.empty()) {
    match = json::object({{"type", "PathPrefix"}, {"value", path}});
    json::Value rewrite =
        json::object({{"type", "ReplacePrefixMatch"}, {"replacePrefixMatch", "/"}});
    filters.push(json::object(
        {{"type", "URLRewrite"}, {"urlRewrite", json::object({{"path", std::move(rewrite)}})}}));
  }
  json::Value rule =
      json::object({{"backendRefs", backends_of(isvc, shares)},
                    {"filters", std::move(filters)},
                    {"matches", json::array({json::object({{"path", std::move(match)}})})}});
  if (!config.no_route_timeout)
    rule.ref("timeouts", "request") = str(isvc["spec"]["predictor"]["timeout"].integer(60), "s");
  json::Value names{json::Array{}};
  for (const auto& host : hosts) names.push(host);
  return {kHttpRouteKind,
          json::object({{"apiVersion", "gateway.networking.k8s.io/v1"},
                        {"kind", "HTTPRoute"},
                        {"metadata",
                         metadata_of(isvc, std::move(name), config.annotations_disallowed, config)},
                        {"spec", json::object({{"hostnames", std::move(names)},
                                               {"parentRefs", json::array({parent_of(config)})},
                                               {"rules", json::array({std::move(rule)})}})}})};
}

}  // namespace

Result<std::vector<PlannedRoute>> plan_routes(const json::Value& isvc,
                                              const std::vector<Share>& shares,
                                              const Config& config) {
  TRY(const auto names, names_of(isvc, config));
  std::vector<PlannedRoute> out;
  const bool external = !cluster_local(isvc, config) && !config.no_ingress;
  const bool split = shares.size() > 1;
  if (external && config.gateway_api) {
    out.push_back(http_route(isvc, name_of(isvc), names.service, "", shares, config));
    out.push_back(http_route(isvc, route_name(isvc), names.component, "", shares, config));
    if (!names.path.empty())
      out.push_back(
          http_route(isvc, name_of(isvc) + "-path", {config.domain}, names.path, shares, config));
    if (split) out.push_back(plan_virtual(isvc, names, false, shares, config));
  } else if (split || (external && !names.path.empty())) {
    out.push_back(plan_virtual(isvc, names, external, shares, config));
  } else if (external) {
    out.push_back(plan_ingress(isvc, names, shares[0], config));
  }
  return out;
}

std::vector<std::pair<client::Kind, std::string>> route_names(const json::Value& isvc) {
  const auto& name = name_of(isvc);
  return {{kIngressKind, name},
          {api::kVirtualService, name},
          {kHttpRouteKind, name},
          {kHttpRouteKind, route_name(isvc)},
          {kHttpRouteKind, name + "-path"}};
}

client::Condition routes_ready(const std::vector<client::Object>& live) {
  for (const auto& route : live) {
    if ((*route)["kind"].str() != "HTTPRoute") continue;
    const auto& name = name_of(*route);
    const auto& parents = (*route)["status"]["parents"];
    if (parents.size() == 0)
      return {"IngressReady", "False", "HTTPRoute not accepted",
              str("no gateway has accepted HTTPRoute ", name, " yet"), ""};
    for (const auto& parent : parents.array())
      for (const auto& c : parent["conditions"].array())
        if (c["type"].str() == "Accepted" && c["status"].str() != "True")
          return {"IngressReady", "False", c["reason"].str_or("HTTPRoute not accepted"),
                  str("HTTPRoute ", name, ": ", c["message"].str()), ""};
  }
  return {"IngressReady", "True", "", "", ""};
}

Result<RouteUrls> route_urls(const json::Value& isvc, const Config& config) {
  RouteUrls out;
  const auto own = variant_name(isvc, isvc["spec"]["predictor"]);
  if (cluster_local(isvc, config)) {
    out.url = out.component = service_url(isvc, own, config);
    return out;
  }
  TRY(const auto names, names_of(isvc, config));
  out.component = str(config.url_scheme, "://", names.component[0]);
  out.url = names.path.empty() ? str(config.url_scheme, "://", names.service[0])
                               : str(config.url_scheme, "://", config.domain, names.path);
  return out;
}

}  // namespace proa::serving::standard
