#include "platform/node/decisions/addresses.h"

#include <arpa/inet.h>

#include "foundation/base/strings.h"

namespace proa::node {

namespace {
std::optional<uint32_t> parse_address(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string format(uint32_t a) {
  return str(a >> 24, ".", (a >> 16) & 255, ".", (a >> 8) & 255, ".", a & 255);
}
}  // namespace

Result<Addresses> Addresses::make(std::string_view cidr) {
  size_t slash = cidr.find('/');
  auto base = parse_address(cidr.substr(0, slash));
  auto bits = slash == cidr.npos ? std::nullopt : parse_int(cidr.substr(slash + 1));
  if (!base || !bits || *bits < 8 || *bits > 29)
    return error(Code::kInvalid, str("pod network \"", cidr, "\": expected ADDRESS/8…29"));
  Addresses out;
  out.size_ = 1u << (32 - *bits);
  out.base_ = *base & ~(out.size_ - 1);
  out.used_.resize(out.size_);
  return out;
}

std::optional<std::string> Addresses::take(std::string_view preferred) {
  if (uint32_t i = index(preferred); i >= 2 && i + 1 < size_ && !used_[i]) {
    used_[i] = true;
    return std::string(preferred);
  }
  for (uint32_t tries = 0; tries < size_; ++tries) {
    uint32_t i = next_++;
    if (next_ + 1 >= size_) next_ = 2;
    if (i < 2 || i + 1 >= size_ || used_[i]) continue;
    used_[i] = true;
    return format(base_ + i);
  }
  return std::nullopt;
}

void Addresses::give_back(std::string_view address) {
  if (uint32_t i = index(address)) used_[i] = false;
}

uint32_t Addresses::index(std::string_view address) const {
  auto a = parse_address(address);
  return a && *a > base_ && *a - base_ < size_ ? *a - base_ : 0;
}

}  // namespace proa::node
