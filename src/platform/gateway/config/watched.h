// The kinds that the gateway's configuration is made of, and their constants.
//
// Used by this folder alone.
#pragma once

#include <vector>

#include "api/kinds.h"

namespace proa::gateway {

using client::Kind;

inline constexpr Kind kDestinationRule{"networking.istio.io", "v1beta1", "DestinationRule",
                                       "destinationrules"};
inline constexpr Kind kServiceEntry{"networking.istio.io", "v1beta1", "ServiceEntry",
                                    "serviceentries"};
inline constexpr Kind kGatewayClass{"gateway.networking.k8s.io", "v1", "GatewayClass",
                                    "gatewayclasses", false};
inline constexpr Kind kApiGateway{"gateway.networking.k8s.io", "v1", "Gateway", "gateways"};
inline constexpr Kind kHttpRoute{"gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"};
inline constexpr Kind kGrpcRoute{"gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes"};
inline constexpr Kind kReferenceGrant{"gateway.networking.k8s.io", "v1beta1", "ReferenceGrant",
                                      "referencegrants"};
inline constexpr Kind kIngress{"networking.k8s.io", "v1", "Ingress", "ingresses"};
inline constexpr Kind kIngressClass{"networking.k8s.io", "v1", "IngressClass", "ingressclasses",
                                    false};

// In the order in which they are best read.
std::vector<const Kind*> watched_kinds();

}  // namespace proa::gateway
