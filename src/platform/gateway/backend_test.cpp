#include "platform/gateway/backend.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "platform/gateway/outgoing.h"
#include "platform/gateway/request_log.h"

namespace proa::gateway {
namespace {

struct Waiting : Waiter {
  int grants = 0;
  void granted() override { ++grants; }
};

EndpointAddress at(int i) {
  return {str("127.10.0.", i), 8080, "ns", str("pod-", i), str("uid-", i)};
}
std::vector<EndpointAddress> some(int n) {
  std::vector<EndpointAddress> out;
  for (int i = 1; i <= n; ++i) out.push_back(at(i));
  return out;
}
const MonoTime t0{std::chrono::seconds(100)};

struct Fixture {
  Backend b{{"ns", "r"}, true, "revision ns/r"};
  uint32_t random = 1;
  std::shared_ptr<Endpoint> got;
  bool cold = false;
  Admit ask(Waiter& w, MonoTime now = t0) {
    random = random * 1664525 + 1013904223;
    got = nullptr;
    return b.acquire(w, now, random, &got, &cold);
  }
};

TEST(Activator, HoldsRequestsInOrderUntilAnEndpointAppears) {
  Fixture f;
  Waiting a, b;
  f.b.configure({.container_concurrency = 1}, t0);
  EXPECT_EQ(f.ask(a), Admit::kQueued);
  EXPECT_TRUE(f.cold);
  EXPECT_TRUE(f.b.claim_first_wait());
  EXPECT_EQ(f.ask(b), Admit::kQueued);
  EXPECT_FALSE(f.b.claim_first_wait());
  EXPECT_EQ(f.b.waiting(), 2);
  f.b.announce(some(1), t0);
  EXPECT_EQ(a.grants, 1);
  EXPECT_EQ(b.grants, 0);
  auto endpoint = f.b.take(a);
  ASSERT_TRUE(endpoint);
  f.b.release(*endpoint, t0);
  EXPECT_EQ(b.grants, 1);
}

TEST(Activator, ACancelledGrantGoesToTheNext) {
  Fixture f;
  Waiting a, b;
  f.b.configure({.container_concurrency = 1}, t0);
  f.ask(a), f.ask(b);
  f.b.announce(some(1), t0);
  EXPECT_EQ(a.grants, 1);
  f.b.cancel(a, t0);
  EXPECT_EQ(b.grants, 1);
  EXPECT_EQ(f.b.take(a), nullptr);
  EXPECT_NE(f.b.take(b), nullptr);
}

TEST(Activator, RefusesWhenTheQueueIsFull) {
  Fixture f;
  Waiting a, b;
  f.b.configure({.most_waiting = 1}, t0);
  EXPECT_EQ(f.ask(a), Admit::kQueued);
  EXPECT_EQ(f.ask(b), Admit::kFull);
  f.b.cancel(a, t0);
  EXPECT_EQ(f.ask(b), Admit::kQueued);
}

TEST(Activator, ARetryIsServedFirst) {
  Fixture f;
  Waiting a, again;
  f.b.configure({.container_concurrency = 1}, t0);
  f.ask(a);
  std::shared_ptr<Endpoint> e;
  bool cold;
  f.b.acquire(again, t0, 1, &e, &cold, true);
  f.b.announce(some(1), t0);
  EXPECT_EQ(again.grants, 1);
  EXPECT_EQ(a.grants, 0);
}

TEST(ContainerConcurrency, IsHeldOnEachEndpoint) {
  Fixture f;
  f.b.configure({.container_concurrency = 2}, t0);
  f.b.announce(some(3), t0);
  std::vector<Waiting> w(7);
  std::map<std::string, int> each;
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(f.ask(w[static_cast<size_t>(i)]), Admit::kGranted);
    ++each[f.got->address];
  }
  for (const auto& [address, n] : each) EXPECT_EQ(n, 2) << address;
  EXPECT_EQ(f.ask(w[6]), Admit::kQueued);
  EXPECT_FALSE(f.cold);
}

TEST(Choose, FollowsKnativesPolicies) {
  std::vector<std::shared_ptr<Endpoint>> all;
  for (int i = 1; i <= 4; ++i) all.push_back(std::make_shared<Endpoint>(at(i)));
  uint32_t round = 0;
  // Up to 3: the first with room.
  all[0]->in_flight = 3;
  EXPECT_EQ(choose(all, 3, 12345, round, t0), 1);
  // More: in turn.
  std::vector<int> turns;
  for (int i = 0; i < 5; ++i) turns.push_back(choose(all, 10, 0, round, t0));
  EXPECT_EQ(turns, (std::vector<int>{0, 1, 2, 3, 0}));
  // Unlimited: the lesser of two, so never the busiest.
  all[2]->in_flight = 50;
  for (uint32_t r = 0; r < 2000; ++r) EXPECT_NE(choose(all, 0, r * 2654435761u, round, t0), 2);
  EXPECT_EQ(choose({}, 0, 1, round, t0), -1);
}

TEST(Choose, SkipsWhatIsAsideOrGone) {
  std::vector<std::shared_ptr<Endpoint>> all = {std::make_shared<Endpoint>(at(1)),
                                                std::make_shared<Endpoint>(at(2))};
  uint32_t round = 0;
  all[0]->aside_until = t0 + std::chrono::milliseconds(100);
  for (uint32_t r = 0; r < 100; ++r) EXPECT_EQ(choose(all, 0, r * 2654435761u, round, t0), 1);
  all[1]->gone = true;
  EXPECT_EQ(choose(all, 0, 7, round, t0), -1);
  EXPECT_EQ(choose(all, 0, 7, round, t0 + std::chrono::milliseconds(100)), 0);
}

TEST(PutAside, EndsAtItsTimeOrWhenTheEndpointIsAnnouncedAgain) {
  Fixture f;
  Waiting a, b;
  f.b.announce(some(1), t0);
  f.ask(a);
  auto e = f.got;
  EXPECT_TRUE(f.b.put_aside(*e, t0, t0 + std::chrono::milliseconds(100)));
  EXPECT_FALSE(f.b.put_aside(*e, t0, t0 + std::chrono::milliseconds(200)));
  EXPECT_EQ(f.ask(b), Admit::kQueued);
  f.b.wake(t0 + std::chrono::milliseconds(50));
  EXPECT_EQ(b.grants, 0);
  f.b.announce(some(1), t0 + std::chrono::milliseconds(60));
  EXPECT_EQ(b.grants, 1);
}

TEST(Endpoints, ThatGoFinishWhatTheyHaveAndGetNothingNew) {
  Fixture f;
  Waiting a, b;
  f.b.announce(some(1), t0);
  ASSERT_EQ(f.ask(a), Admit::kGranted);
  auto e = f.got;
  f.b.announce({}, t0);
  EXPECT_TRUE(e->gone);
  EXPECT_EQ(f.ask(b), Admit::kQueued);
  f.b.release(*e, t0);
  EXPECT_EQ(b.grants, 0);
}

TEST(Concurrency, IsWeightedByTime) {
  Fixture f;
  f.b.sample(t0);
  auto ms = [](int n) { return std::chrono::milliseconds(n); };
  f.b.arrive(t0);            // 1 from 0
  f.b.arrive(t0 + ms(500));  // 2 from 500
  f.b.leave(t0 + ms(750));   // 1 from 750
  Sample s = f.b.sample(t0 + ms(1000));
  EXPECT_NEAR(s.concurrency, 0.5 + 0.5 + 0.25, 1e-9);
  EXPECT_EQ(s.requests, 2u);
  f.b.leave(t0 + ms(1000));
  s = f.b.sample(t0 + ms(2000));
  EXPECT_EQ(s.concurrency, 0);
  EXPECT_EQ(s.requests, 0u);
}

TEST(RequestLog, WritesKnativesFormAndEscapes) {
  RequestRecord r;
  r.method = "POST", r.target = "/a\"b\n", r.status = 200, r.bytes_in = 12, r.bytes_out = 34;
  r.took = std::chrono::microseconds(1500), r.request_id = "id", r.user_agent = "curl",
  r.peer = "127.0.0.1:5";
  std::string out;
  append_record(out, r, true, "");
  auto v = json::parse(out);
  ASSERT_TRUE(v.ok()) << out;
  EXPECT_EQ((*v)["httpRequest"]["requestUrl"].str(), "/a\"b\n");
  EXPECT_EQ((*v)["httpRequest"]["latency"].str(), "0.001500s");
  EXPECT_EQ((*v)["httpRequest"]["status"].integer(), 200);
  out.clear();
  append_record(out, r, false, "2026-11-01T10:00:00.000000000Z");
  EXPECT_TRUE(json::parse(out).ok()) << out;
}

TEST(RequestLog, TimeHasNineDigits) {
  TimeText t;
  WallTime w(std::chrono::seconds(1000000000) + std::chrono::nanoseconds(1234567));
  EXPECT_EQ(t.at(w), "2001-09-09T01:46:40.001234567Z");
  EXPECT_EQ(t.at(w + std::chrono::nanoseconds(1)), "2001-09-09T01:46:40.001234568Z");
}

TEST(ErrorBody, IsJsonWhateverTheText) {
  auto v = json::parse(error_body("a \"b\"\n\x80"));
  ASSERT_TRUE(v.ok());
}

TEST(Uuid, HasVersionAndVariant) {
  std::string u = uuid_text(~0ull, ~0ull);
  EXPECT_EQ(u, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}

}  // namespace
}  // namespace proa::gateway
