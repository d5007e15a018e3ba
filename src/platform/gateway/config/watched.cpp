#include "platform/gateway/config/watched.h"

namespace proa::gateway {

std::vector<const Kind*> watched_kinds() {
  return {
      &api::kNamespace,      &api::kSecret,  &api::kPod,       &api::kService, &api::kEndpointSlice,
      &kDestinationRule,     &kServiceEntry, &api::kRevision,  &api::kRoute,   &api::kGateway,
      &api::kVirtualService, &kGatewayClass, &kReferenceGrant, &kApiGateway,   &kHttpRoute,
      &kGrpcRoute,           &kIngressClass, &kIngress};
}

}  // namespace proa::gateway
