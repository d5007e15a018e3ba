#include "platform/gateway/local_answer.h"

#include <gtest/gtest.h>

#include "platform/gateway/balance.h"
#include "platform/gateway/retry.h"

namespace proa::gateway {
namespace {

Cors cors_for(const std::string& origin) {
  Cors c;
  TextMatch m;
  m.kind = TextMatch::kExact;
  m.text = origin;
  c.origins = {m};
  c.methods = {"GET", "POST"};
  c.credentials = true;
  c.max_age = std::chrono::hours(24);
  return c;
}

http::RequestHead preflight(const std::string& origin) {
  http::RequestHead in;
  in.method = "OPTIONS";
  in.headers = {{"origin", origin}, {"access-control-request-method", "POST"}};
  return in;
}

TEST(CorsAnswers, APreflightOfAnAllowedOrigin) {
  auto answer = preflight_answer(cors_for("https://a.test"), preflight("https://a.test"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->get("access-control-allow-origin"), "https://a.test");
  EXPECT_EQ(answer->get("access-control-allow-methods"), "GET,POST");
  EXPECT_EQ(answer->get("access-control-max-age"), "86400");
  EXPECT_EQ(answer->get("access-control-allow-credentials"), "true");
}

TEST(CorsAnswers, AnotherOriginGoesUpstreamOrGetsNothing) {
  Cors c = cors_for("https://a.test");
  EXPECT_FALSE(preflight_answer(c, preflight("https://evil.test")));
  c.forward_unmatched = false;
  auto answer = preflight_answer(c, preflight("https://evil.test"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), 0u);
  http::Headers headers;
  add_cors(c, "https://evil.test", headers);
  EXPECT_EQ(headers.size(), 0u);
}

TEST(Affinity, IsByHeaderCookieQueryOrAddress) {
  http::RequestHead in;
  in.target = "/x?user=anna";
  in.peer = "10.0.0.1:99";
  in.headers = {{"x-user", "anna"}, {"cookie", "a=1; who=anna"}};
  std::string cookie;
  HashPolicy p;
  uint64_t anna = hash_text("anna");
  p.kind = HashPolicy::kHeader, p.name = "x-user";
  EXPECT_EQ(affinity(p, in, 1, &cookie), anna);
  p.kind = HashPolicy::kCookie, p.name = "who";
  EXPECT_EQ(affinity(p, in, 1, &cookie), anna);
  p.kind = HashPolicy::kQueryParameter, p.name = "user";
  EXPECT_EQ(affinity(p, in, 1, &cookie), anna);
  p.kind = HashPolicy::kSourceIp;
  EXPECT_EQ(affinity(p, in, 1, &cookie), hash_text("10.0.0.1"));
  EXPECT_EQ(cookie, "");
}

TEST(Affinity, MakesACookieWhereOneIsAskedFor) {
  HashPolicy p;
  p.kind = HashPolicy::kCookie, p.name = "who";
  std::string cookie;
  EXPECT_FALSE(affinity(p, {}, 5, &cookie));
  p.make_cookie = true, p.cookie_ttl = std::chrono::seconds(60);
  EXPECT_TRUE(affinity(p, {}, 5, &cookie));
  EXPECT_TRUE(cookie.starts_with("who="));
  EXPECT_NE(cookie.find("; Max-Age=60; Path=/"), std::string::npos);
}

http::UpstreamError broke(bool started, bool unprocessed, bool stale) {
  return {error(Code::kUnavailable, "x"), started, unprocessed, stale};
}

TEST(Retrying, NothingThatMayHaveBeenActedUponIsRepeatedUnlessThatIsHarmless) {
  EXPECT_EQ(may_go_again(broke(false, false, false), false), Again::kNo);
  EXPECT_EQ(may_go_again(broke(false, false, true), false), Again::kNo);
  EXPECT_EQ(may_go_again(broke(false, false, false), true), Again::kTried);
  EXPECT_EQ(may_go_again(broke(true, false, false), true), Again::kNo);
}

TEST(Retrying, WhatReachedNobodyIsAlwaysSentAgain) {
  EXPECT_EQ(may_go_again(broke(false, true, false), false), Again::kRefused);
  EXPECT_EQ(may_go_again(broke(false, true, true), false), Again::kFree);
}

TEST(Retrying, AnswersThatTheRouteNames) {
  Rule rule;
  rule.retries.attempts = 2;
  rule.retries.on_gateway_error = true;
  rule.retries.statuses = {429};
  rule.retries.on_unavailable = true;
  EXPECT_TRUE(asks_for_retry(rule, 503, 1));
  EXPECT_TRUE(asks_for_retry(rule, 429, 2));
  EXPECT_FALSE(asks_for_retry(rule, 503, 3));
  EXPECT_FALSE(asks_for_retry(rule, 500, 1));
  http::Headers grpc = {{"grpc-status", "14"}};
  EXPECT_TRUE(asks_for_retry(rule, 200, 1, &grpc));
  EXPECT_FALSE(asks_for_retry(rule, 200, 1));
}

TEST(Retrying, PausesGrowAndHaveABound) {
  Retries r;
  for (uint64_t random : {uint64_t{0}, UINT64_MAX, uint64_t{12345678901}}) {
    EXPECT_LE(retry_pause(r, 1, random), std::chrono::milliseconds(25));
    EXPECT_LE(retry_pause(r, 9, random), std::chrono::milliseconds(200));
  }
}

TEST(Shares, OfAMillion) {
  EXPECT_FALSE(falls_in(0, 0));
  EXPECT_TRUE(falls_in(kMillion, UINT64_MAX));
  EXPECT_TRUE(falls_in(10, 9));
  EXPECT_FALSE(falls_in(10, 10));
}

}  // namespace
}  // namespace proa::gateway
