#include "models/storage/transfer/address.h"

#include <gtest/gtest.h>

namespace proa::storage {
namespace {

bool allowed(const char* address, const char* rules, bool configured = false) {
  const auto a = parse_address(address);
  EXPECT_TRUE(a.has_value()) << address;
  const auto r = AddressRules::parse(rules);
  EXPECT_TRUE(r.ok()) << rules;
  return r->allows(*a, configured);
}

TEST(Address, IsReachedByItsKind) {
  for (auto open : {"8.8.8.8", "172.32.0.1", "2001:4860::1", "::ffff:8.8.8.8", "100.128.0.1"})
    EXPECT_TRUE(allowed(open, "")) << open;
  for (auto closed : {"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "::1",
                      "fd12::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
                      "2002:7f00:1::1", "::127.0.0.1", "198.18.0.1"}) {
    EXPECT_FALSE(allowed(closed, "")) << closed;
    EXPECT_TRUE(allowed(closed, "", true)) << closed;
    EXPECT_TRUE(allowed(closed, "private")) << closed;
    EXPECT_FALSE(allowed(closed, "public", true)) << closed;
  }
  for (auto metadata : {"169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254",
                        "100.100.100.200", "192.0.0.192", "64:ff9b::a9fe:a9fe"}) {
    EXPECT_FALSE(allowed(metadata, "private", true)) << metadata;
    EXPECT_TRUE(allowed(metadata, "all")) << metadata;
  }
  for (auto never : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"})
    EXPECT_FALSE(allowed(never, "all,0.0.0.0/0,::/0", true)) << never;
}

TEST(Address, RulesNameNetworks) {
  EXPECT_TRUE(allowed("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(allowed("11.1.2.3", "10.0.0.0/8,192.168.1.1") && false);
  EXPECT_FALSE(allowed("192.168.1.2", "192.168.1.1"));
  EXPECT_TRUE(allowed("fd12::1", "fd00::/8"));
  EXPECT_TRUE(allowed("169.254.169.254", "169.254.169.254/32"));
  for (auto bad : {"10.0.0.0/33", "x", "10.0.0.0/", "10.0.0.0/-1", "1.2.3"})
    EXPECT_FALSE(AddressRules::parse(bad).ok()) << bad;
}

}  // namespace
}  // namespace proa::storage
