// Reading Gateway API's objects (gateway.networking.k8s.io/v1): Gateway, HTTPRoute, GRPCRoute.
// Pure.
//
// References stay names here; gateway_api_table.h resolves them. Fields that are not carried out
// are named in `unsupported`.
#pragma once

#include <string>
#include <vector>

#include "platform/gateway/config/parts/claims.h"
#include "platform/gateway/config/parts/secrets.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

inline constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

struct ApiListener {
  std::string name, hostname, protocol;  // hostname "": every one
  uint16_t port = 0;
  bool passthrough = false;
  std::vector<Reference> certificates, client_cas;
  std::string from = "Same";  // All, Same, Selector, None
  json::Value selector;
  std::vector<std::pair<std::string, std::string>> kinds;  // group, kind; empty: by protocol
};

struct ApiGateway {
  client::Key key;
  std::string created, gateway_class;
  int64_t generation = 0;
  std::vector<ApiListener> listeners;
  std::vector<std::string> addresses;  // asked for
  std::vector<std::string> unsupported;
};

struct ApiParent {
  bool gateway = false;  // of kind Gateway
  client::Key key;
  std::string section;
  uint16_t port = 0;
  json::Value reference;  // as written
};

struct ApiBackend {
  Reference to;
  uint32_t weight = 1;  // of a mirror: parts of a million
  HeaderChange request, response;
};

struct ApiRule {
  Rule rule;  // without matches and destinations
  std::vector<std::pair<Match, Order>> matches;
  std::vector<ApiBackend> to, mirrors;
  bool broken = false;  // a filter that cannot be carried out: answered with 500
};

struct ApiRoute {
  client::Key key;
  std::string kind, created;
  int64_t generation = 0;
  std::vector<ApiParent> parents;
  std::vector<std::string> hostnames;  // empty: those of the listener
  std::vector<ApiRule> rules;
  std::vector<std::string> unsupported;
};

ApiGateway read_api_gateway(const json::Value& object);
ApiRoute read_http_route(const json::Value& object);
ApiRoute read_grpc_route(const json::Value& object);

}  // namespace proa::gateway
