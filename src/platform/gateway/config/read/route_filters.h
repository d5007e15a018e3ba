// The filters of HTTPRoutes and GRPCRoutes. Pure.
#pragma once

#include "platform/gateway/config/read/gateway_api.h"
#include "platform/gateway/config/read/virtual_service.h"

namespace proa::gateway {

HeaderChange header_filter(const json::Value& modifier);

class FilterReader {
 public:
  FilterReader(ApiRule& rule, ApiRoute& route) : rule_(rule), route_(route) {}
  void read(const json::Value& filter);

 private:
  void redirect(const json::Value& v);
  void rewrite(const json::Value& v);
  void mirror(const json::Value& v);
  void cors(const json::Value& v);
  ApiRule& rule_;
  ApiRoute& route_;
};

}  // namespace proa::gateway
