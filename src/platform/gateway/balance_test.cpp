#include "platform/gateway/balance.h"

#include <gtest/gtest.h>

#include <map>

namespace proa::gateway {
namespace {

using Owned = std::vector<std::shared_ptr<Endpoint>>;
const MonoTime kNow{std::chrono::seconds(1000)};

Owned make(int n) {
  Owned out;
  for (int i = 0; i < n; ++i) {
    EndpointAddress a;
    a.address = "10.0.0." + std::to_string(i + 1);
    a.port = 8080;
    out.push_back(std::make_shared<Endpoint>(a));
  }
  return out;
}

int by(const Policy& p, const Owned& all, uint32_t random = 0, const uint64_t* hash = nullptr) {
  HashTable table;
  if (p.balance == Balance::kConsistentHash) table.build(all, p.hash);
  uint32_t round = 0;
  return choose_by(p, all, table, 0, random, round, hash, kNow);
}

TEST(Balancing, RoundRobinGoesThroughAllInTurn) {
  Owned all = make(3);
  Policy p;
  p.balance = Balance::kRoundRobin;
  HashTable table;
  uint32_t round = 0;
  std::vector<int> got;
  for (int i = 0; i < 6; ++i) got.push_back(choose_by(p, all, table, 0, 7, round, nullptr, kNow));
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

TEST(Balancing, LeastRequestTakesTheEmptierOfTwo) {
  Owned all = make(2);
  all[0]->in_flight = 5;
  Policy p;
  p.balance = Balance::kLeastRequest;
  for (uint32_t random : {0u, 1u, 70000u}) EXPECT_EQ(by(p, all, random), 1);
}

TEST(Balancing, TheSameHashGoesToTheSameEndpointUntilThatOneIsGone) {
  for (bool maglev : {false, true}) {
    Policy p;
    p.balance = Balance::kConsistentHash;
    p.hash.maglev = maglev;
    if (maglev) p.hash.table_size = 1021;
    Owned all = make(5);
    std::map<uint64_t, int> first;
    for (uint64_t k = 0; k < 500; ++k) {
      uint64_t hash = hash_text(std::to_string(k));
      first[hash] = by(p, all, 0, &hash);
    }
    all[2]->gone = true;
    for (auto [hash, at] : first) {
      uint64_t h = hash;
      int now = by(p, all, 0, &h);
      EXPECT_EQ(now == at, at != 2);
    }
  }
}

TEST(Balancing, HashesSpreadOverAll) {
  for (bool maglev : {false, true}) {
    Policy p;
    p.balance = Balance::kConsistentHash;
    p.hash.maglev = maglev;
    Owned all = make(4);
    HashTable table;
    table.build(all, p.hash);
    std::map<int, int> count;
    for (uint64_t k = 0; k < 4000; ++k)
      ++count[table.choose(all, hash_text(std::to_string(k)), 0, kNow, false)];
    for (int i = 0; i < 4; ++i) {
      EXPECT_GT(count[i], 600) << maglev;
      EXPECT_LT(count[i], 1500) << maglev;
    }
  }
}

TEST(Outliers, FiveErrorsInARowEjectForLongerEachTime) {
  OutlierDetection o;
  o.most_ejected_percent = 100;
  Owned all = make(3);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(note_outcome(o, all, *all[0], 500, kNow));
  EXPECT_FALSE(note_outcome(o, all, *all[0], 200, kNow));  // begins anew
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(note_outcome(o, all, *all[0], 503, kNow));
  EXPECT_TRUE(note_outcome(o, all, *all[0], 500, kNow));
  EXPECT_EQ(all[0]->ejected_until, kNow + std::chrono::seconds(30));
  const MonoTime later = kNow + std::chrono::seconds(31);
  EXPECT_TRUE(has_room(*all[0], 0, later));
  for (int i = 0; i < 5; ++i) note_outcome(o, all, *all[0], 500, later);
  EXPECT_EQ(all[0]->ejected_until, later + std::chrono::seconds(60));
}

TEST(Outliers, OnlyAShareIsEjectedButAlwaysOneMayBe) {
  OutlierDetection o;
  o.consecutive_5xx = 1;
  Owned all = make(5);
  EXPECT_TRUE(note_outcome(o, all, *all[0], 500, kNow));
  EXPECT_FALSE(note_outcome(o, all, *all[1], 500, kNow));
  o.most_ejected_percent = 40;
  EXPECT_TRUE(note_outcome(o, all, *all[2], 0, kNow));
}

TEST(Outliers, WhenAllAreEjectedNobodyIs) {
  Owned all = make(2);
  for (auto& e : all) e->ejected_until = kNow + std::chrono::seconds(5);
  Policy p;
  p.has_outlier = true;
  EXPECT_GE(by(p, all), 0);
}

TEST(Rooms, AnEndpointWithoutALimitIsBoundedAllTheSame) {
  Owned all = make(1);
  all[0]->in_flight = kMostInFlight;
  uint32_t round = 0;
  EXPECT_EQ(choose(all, 0, 0, round, kNow), -1);
}

}  // namespace
}  // namespace proa::gateway
