// RuleReader reads what a VirtualService's rule does with a request, once it matches.
//
// Used by virtual_service.cpp. Pure, but for the warnings it collects.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/json/value.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

class RuleReader {
 public:
  explicit RuleReader(std::vector<std::string>& warnings) : warnings_(warnings) {}
  void warn(std::string text);
  void rewrite(const json::Value& v, Rule& rule);
  Redirect redirect(const json::Value& v);
  DirectResponse direct(const json::Value& v);
  Retries retries(const json::Value& v);
  Fault fault(const json::Value& v);
  std::shared_ptr<const Cors> cors(const json::Value& v);

 private:
  void retry_on(Retries& r, std::string_view word);
  std::vector<std::string>& warnings_;
};

}  // namespace proa::gateway
