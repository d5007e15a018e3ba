#include "load/attack.h"

#include <gtest/gtest.h>

#include "foundation/base/strings.h"

namespace proa::load {
namespace {

struct AttackTest : testing::Test {
  async::Loop loop;
  std::vector<Hit> hits;
  std::vector<std::string> bodies;
  std::unique_ptr<http::Server> server;
  uint16_t port = 0;

  void serve(http::Handler handler) {
    server = std::make_unique<http::Server>(loop, http::ServerOptions{}, std::move(handler));
    port = *server->listen("127.0.0.1", 0);
  }

  void run(AttackOptions options, std::string_view method = "POST") {
    auto target = make_target(std::string(method), str("http://127.0.0.1:", port, "/p"));
    ASSERT_TRUE(target.ok());
    target->body = "12345";
    bool done = false;
    Attack attack(
        loop, options, {*target}, [&](const Hit& hit) { hits.push_back(hit); },
        [&] { done = true; });
    attack.start();
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done && std::chrono::steady_clock::now() < end)
      loop.run_once(std::chrono::milliseconds(5));
    EXPECT_TRUE(done);
  }
};

TEST_F(AttackTest, SendsAllItsHitsAndCountsTheBytes) {
  serve([](http::Request request, std::shared_ptr<http::Responder> responder) {
    responder->send({request.body == "12345" ? 200 : 500, {}, "abc"});
  });
  AttackOptions options;
  options.rate = 2000;
  options.duration = std::chrono::milliseconds(100);
  run(options);
  ASSERT_EQ(hits.size(), 200u);
  Report report = summarize(hits);
  EXPECT_EQ(report.succeeded, 200u);
  EXPECT_EQ(report.bytes_in, 600u);
  EXPECT_EQ(report.bytes_out, 1000u);
  EXPECT_EQ(report.duration, Duration(99'500'000));  // from the intended starts, so exact
  EXPECT_LE(server->connections(), 200u);
}

// One answer at a time, each held back: the latency of those that had to wait shows it.
TEST_F(AttackTest, CountsTheWaitForASlotAsLatency) {
  serve([this](http::Request, std::shared_ptr<http::Responder> responder) {
    loop.after(std::chrono::milliseconds(10), [responder] { responder->send({503, {}, ""}); });
  });
  AttackOptions options;
  options.rate = 1000;
  options.duration = std::chrono::milliseconds(10);
  options.most_in_flight = 1;
  run(options);
  ASSERT_EQ(hits.size(), 10u);
  EXPECT_GE(hits.back().latency, std::chrono::milliseconds(80));
  EXPECT_EQ(hits.back().error, "503 Service Unavailable");
}

TEST_F(AttackTest, TellsWhyNothingAnswered) {
  serve([](http::Request, std::shared_ptr<http::Responder>) {});
  server.reset();
  AttackOptions options;
  options.rate = 100;
  options.duration = std::chrono::milliseconds(20);
  run(options);
  ASSERT_EQ(hits.size(), 2u);
  EXPECT_EQ(hits[0].code, 0);
  EXPECT_NE(hits[0].error.find("refused"), std::string::npos) << hits[0].error;
}

}  // namespace
}  // namespace proa::load
