// Pod addresses: the free ones of a small network, given out in turn so that one that was just
// freed is not soon used again. Not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::node {

class Addresses {
 public:
  static Result<Addresses> make(std::string_view cidr);  // "127.10.0.0/16"
  std::optional<std::string> take(std::string_view preferred = "");
  void give_back(std::string_view address);
  uint32_t index(std::string_view address) const;  // its place in the network; 0 if it is not in it

 private:
  uint32_t base_ = 0, size_ = 0, next_ = 2;
  std::vector<bool> used_;
};

}  // namespace proa::node
