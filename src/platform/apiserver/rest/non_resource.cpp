// What is not about one kind's objects: discovery, OpenAPI, version, health, metrics, access
// reviews.
#include "api/schema/discovery.h"
#include "api/schema/openapi.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/rest/openapi_v2.h"
#include "platform/apiserver/rest/rest_call.h"

namespace proa::apiserver {
namespace {

std::string etag_of(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text) hash = (hash ^ c) * 1099511628211u;
  std::string digits = "\"";
  for (int i = 60; i >= 0; i -= 4) digits += "0123456789ABCDEF"[(hash >> i) & 15];
  return digits + "\"";
}

// 304 where the client has it already.
http::Response cached_response(const http::Request& request, const std::string& etag,
                               http::Response response) {
  response.headers.set("etag", etag);
  response.headers.set("vary", "Accept");
  if (contains(request.headers.get("if-none-match"), etag)) {
    response.status = 304;
    response.body.clear();
    response.headers.remove("content-type");
  }
  return response;
}

json::Value version_document(const std::string& product) {
  return json::object({{"major", "1"},
                       {"minor", "32"},
                       {"gitVersion", str("v1.32.0+proa-", product)},
                       {"gitCommit", ""},
                       {"gitTreeState", "clean"},
                       {"buildDate", "2026-11-01T00:00:00Z"},
                       {"goVersion", "none"},
                       {"compiler", "g++"},
                       {"platform", "linux/amd64"}});
}

http::Response plain(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers = {{"content-type", "text/plain; charset=utf-8"},
                      {"cache-control", "no-cache, private"}};
  response.body = std::move(body);
  return response;
}

json::Value user_info(std::string_view subject) {
  json::Value out = json::object({{"username", "system:anonymous"}});
  json::Value groups = json::array({});
  for (std::string_view part : split(subject, ',')) {
    part = trim(part);
    if (part.starts_with("CN=")) out.set("username", part.substr(3));
    if (part.starts_with("O=")) groups.push(part.substr(2));
  }
  groups.push("system:authenticated");
  out.set("groups", std::move(groups));
  return out;
}

}  // namespace

bool Rest::openapi(Call& call, std::string_view path) {
  const api::Catalog& catalog = core_.catalog();
  if (path == "/openapi/v2") {
    json::Value document = api::openapi_v2(catalog);
    http::Response response = value_response(200, document);
    if (contains(call.request.headers.get("accept"), kOpenapiV2Protobuf)) {
      response.body = openapi_v2_protobuf(document);
      response.headers.set("content-type", std::string(kOpenapiV2Answer));
    }
    std::string etag = etag_of(response.body);
    send(call, cached_response(call.request, etag, std::move(response)));
    return true;
  }
  if (path == "/openapi/v3" || path == "/openapi/v3/") {
    std::string body = json::dump(api::openapi_index(catalog));
    std::string etag = etag_of(body);
    send(call, cached_response(call.request, etag, json_response(200, std::move(body))));
    return true;
  }
  if (!path.starts_with("/openapi/v3/")) return false;
  std::string_view part = path.substr(12);
  std::string etag = str("\"", api::openapi_hash(catalog, part), "\"");
  if (contains(call.request.headers.get("if-none-match"), etag)) {
    send(call, cached_response(call.request, etag, json_response(200, "")));
    return true;
  }
  auto document = api::openapi_document(catalog, part);
  if (!document.ok()) {
    refuse(call, no_such_path());
    return true;
  }
  http::Response response = json_response(200, std::move(*document));
  if (call.query.has("hash"))
    response.headers.set("cache-control", "public, immutable, max-age=31536000");
  send(call, cached_response(call.request, etag, std::move(response)));
  return true;
}

bool Rest::discovery(Call& call, std::string_view path) {
  const api::Catalog& catalog = core_.catalog();
  Result<json::Value> document = error(Code::kNotFound, "");
  auto parts = split(path.substr(1), '/');
  if (parts.back().empty()) parts.pop_back();
  if (parts.empty() || (parts[0] != "api" && parts[0] != "apis")) return false;
  const bool core = parts[0] == "api";
  if (parts.size() == 1 && call.how.aggregated)
    document = api::aggregated_discovery(catalog, core);
  else if (parts.size() == 1)
    document = core ? api::api_versions(options_.address) : api::api_group_list(catalog);
  else if (parts.size() == 2)
    document =
        core ? api::api_resource_list(catalog, "", parts[1]) : api::api_group(catalog, parts[1]);
  else if (parts.size() == 3 && !core)
    document = api::api_resource_list(catalog, parts[1], parts[2]);
  else
    return false;
  if (!document.ok()) {
    refuse(call, no_such_path());
    return true;
  }
  std::string body = json::dump(*document);
  std::string etag = etag_of(body);
  http::Response response = json_response(200, std::move(body));
  if (parts.size() == 1 && call.how.aggregated)
    response.headers.set("content-type",
                         "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  send(call, cached_response(call.request, etag, std::move(response)));
  return true;
}

bool Rest::non_resource(Call& call) {
  std::string_view path = call.request.path();
  const bool reading = call.request.method == "GET" || call.request.method == "HEAD";
  if (!reading) return false;
  if (path.starts_with("/openapi/")) return openapi(call, path);
  if (path == "/version" || path == "/version/") {
    send(call, value_response(200, version_document(options_.product_version), call.how));
    return true;
  }
  for (std::string_view health : {"/healthz", "/livez", "/readyz"}) {
    if (path != health && !path.starts_with(str(health, "/"))) continue;
    Status store = core_.store().health();
    bool bad = !store.ok() && health != "/livez";
    send(call, plain(bad ? 500 : 200,
                     bad ? str("[-]store failed: ", store.error().message, "\n") : "ok"));
    return true;
  }
  if (path == "/metrics") {
    send(call, plain(200, metrics_ ? metrics_->text() : ""));
    return true;
  }
  if (path == "/") {
    json::Value paths = json::array({"/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics",
                                     "/openapi/v2", "/openapi/v3", "/readyz", "/version"});
    send(call, value_response(200, json::object({{"paths", paths}}), call.how));
    return true;
  }
  return discovery(call, path);
}

// authorization.k8s.io and authentication.k8s.io: whoever has a certificate of ours may do
// everything.
bool Rest::review(Call& call) {
  const Target& t = call.target;
  const bool authorization = t.group == "authorization.k8s.io";
  if (!authorization && t.group != "authentication.k8s.io") return false;
  if (call.request.method != "POST" || !t.name.empty()) return false;
  auto body = decode_body(core_.catalog(), call.request);
  if (!body.ok() && t.plural == "selfsubjectreviews")
    body = json::Value(json::Object{});  // it says nothing
  if (!body.ok()) {
    refuse(call, std::move(body).error());
    return true;
  }
  json::Value answer = std::move(*body);
  answer.set("apiVersion", str(t.group, "/", t.version));
  if (authorization && t.plural == "selfsubjectrulesreviews") {
    answer.set("kind", "SelfSubjectRulesReview");
    json::Value all = json::array({"*"});
    json::Value resources =
        json::array({json::object({{"verbs", all}, {"apiGroups", all}, {"resources", all}})});
    json::Value urls = json::array({json::object({{"verbs", all}, {"nonResourceURLs", all}})});
    answer.set("status", json::object({{"resourceRules", resources},
                                       {"nonResourceRules", urls},
                                       {"incomplete", false}}));
  } else if (authorization && t.plural.ends_with("accessreviews")) {
    answer.set("status",
               json::object({{"allowed", true},
                             {"reason", "certificates of this platform may do everything"}}));
  } else if (t.plural == "selfsubjectreviews") {
    answer.set("kind", "SelfSubjectReview");
    answer.set("status", json::object({{"userInfo", user_info(call.request.client_cert)}}));
  } else if (t.plural == "tokenreviews") {
    answer.set("status", json::object({{"authenticated", false},
                                       {"error", "this platform issues no tokens"}}));
  } else {
    return false;
  }
  call.verb = "create";
  send(call, value_response(201, answer, call.how));
  return true;
}

}  // namespace proa::apiserver
