#include "foundation/grpc/server.h"

#include "foundation/base/strings.h"
#include "foundation/grpc/health.h"
#include "foundation/grpc/reflection.h"
#include "foundation/grpc/testing.h"
#include "foundation/grpc/wire.h"

using namespace proa;
using namespace proa::grpc;

namespace {

struct GrpcServer : testing::Test {
  async::Loop loop;
  Options options;
  http::ServerOptions http_options;
  std::unique_ptr<Server> grpc;
  std::unique_ptr<http::Server> http;
  std::unique_ptr<TestClient> client;
  std::vector<std::shared_ptr<Exchange>> held;
  std::optional<bool> serving = true;
  std::unique_ptr<Health> health;
  Reflection reflection;

  void start() {
    grpc = std::make_unique<Server>(loop, options);
    grpc->add({"/t.T/Echo",
               [](const Request& q, Reply& r) {
                 r.message().append(q.message);
                 r.header("x-in", q.header("x-in"));
                 r.trailer("x-last", "l");
                 return true;
               },
               nullptr, nullptr});
    grpc->add({"/t.T/Fail",
               [](const Request&, Reply& r) {
                 r.message().append("left out");
                 r.fail(error(Code::kNotFound, "no é here"));
                 return true;
               },
               nullptr, nullptr});
    grpc->add({"/t.T/Later", [](const Request&, Reply&) { return false; },
               [this](std::shared_ptr<Exchange> e) { held.push_back(std::move(e)); }, nullptr});
    grpc->add({"/t.T/Stream", nullptr, nullptr, [](const std::shared_ptr<Exchange>& exchange) {
                 Exchange* e = exchange.get();
                 e->on_message([e](std::string_view m) { e->send(str("<", m, ">")); });
                 e->on_end([e] { e->finish(StatusCode::kOk); });
               }});
    health = std::make_unique<Health>(
        loop, [this](std::string_view name) { return name == "none" ? std::nullopt : serving; });
    health->add_to(*grpc);
    reflection.add_to(*grpc);
    grpc->attach(http_options);
    http = std::make_unique<http::Server>(
        loop, http_options, [](http::Request q, std::shared_ptr<http::Responder> r) {
          r->send({200, {}, str("rest ", q.target, " ", q.body.size())});
        });
    auto port = http->listen("127.0.0.1", 0);
    ASSERT_TRUE(port.ok()) << port.error().message;
    client = std::make_unique<TestClient>(loop, *port);
  }
};

TEST_F(GrpcServer, AnswersAUnaryCallWithTrailers) {
  start();
  auto got = client->call("/t.T/Echo", framed("hello"), {{"x-in", "side"}});
  EXPECT_EQ(got->http_status, 200);
  EXPECT_EQ(got->head.get("content-type"), "application/grpc");
  EXPECT_EQ(got->head.get("x-in"), "side");
  EXPECT_FALSE(got->head.has("content-length"));
  EXPECT_EQ(got->data, framed("hello"));
  EXPECT_EQ(got->trailers.get("grpc-status"), "0");
  EXPECT_EQ(got->trailers.get("x-last"), "l");
}

TEST_F(GrpcServer, AnswersMessagesOfAnySizeTheSameWay) {
  options.most_message = options.most_reply = 5 << 20;
  start();
  for (size_t size : {0u, 1u, 100000u, 1000000u, 3000000u}) {
    std::string message(size, 'm');
    auto got = client->call("/t.T/Echo", framed(message));
    EXPECT_EQ(got->message(), message) << size;
    EXPECT_EQ(got->status(), "0");
  }
}

TEST_F(GrpcServer, SaysErrorsInTheHeadAlone) {
  start();
  auto got = client->call("/t.T/Fail", framed(""));
  EXPECT_EQ(got->http_status, 200);
  EXPECT_EQ(got->head.get("grpc-status"), "5");
  EXPECT_EQ(got->head.get("grpc-message"), "no %C3%A9 here");
  EXPECT_EQ(got->data, "");
  got = client->call("/t.T/Nothing", framed(""));
  EXPECT_EQ(got->head.get("grpc-status"), "12");
}

TEST_F(GrpcServer, RefusesBodiesThatAreNotOneMessage) {
  start();
  for (const char* path : {"/t.T/Echo", "/t.T/Later"}) {
    EXPECT_EQ(client->call(path, "")->status(), "13") << path;
    EXPECT_EQ(client->call(path, framed("abc").substr(0, 7))->status(), "13") << path;
    EXPECT_EQ(client->call(path, framed("a") + framed("b"))->status(), "13") << path;
    EXPECT_EQ(client->call(path, framed("a", true))->status(), "13") << path;
    EXPECT_EQ(client->call(path, std::string("\x07zzzz", 5))->status(), "13") << path;
    EXPECT_EQ(client->call(path, std::string("\0\xff\0\0\0", 5))->status(), "8") << path;
    EXPECT_EQ(client->call(path, framed("a"), {{"grpc-timeout", "1z"}})->status(), "13") << path;
  }
}

TEST_F(GrpcServer, UnpacksAndPacksForThoseWhoDoSo) {
  start();
  Codec codec;
  std::string plain(5000, 'z'), packed, back;
  ASSERT_TRUE(codec.pack(Encoding::kGzip, plain, packed).ok());
  auto got = client->call("/t.T/Echo", framed(packed, true),
                          {{"grpc-encoding", "gzip"}, {"grpc-accept-encoding", "identity,gzip"}});
  EXPECT_EQ(got->status(), "0");
  EXPECT_EQ(got->head.get("grpc-encoding"), "gzip");
  ASSERT_TRUE(codec.unpack(Encoding::kGzip, got->message(), 5000, back).ok());
  EXPECT_EQ(back, plain);
  got = client->call("/t.T/Echo", framed(packed, true), {{"grpc-encoding", "gzip"}});
  EXPECT_EQ(got->message(), plain);
  got = client->call("/t.T/Echo", framed("x", true), {{"grpc-encoding", "zstd"}});
  EXPECT_EQ(got->status(), "12");
  EXPECT_EQ(got->field("grpc-accept-encoding"), kEncodings);
  got = client->call("/t.T/Echo", framed("broken", true), {{"grpc-encoding", "gzip"}});
  EXPECT_EQ(got->status(), "3");
}

TEST_F(GrpcServer, RefusesAnswersThatAreTooLarge) {
  options.most_reply = 10;
  start();
  EXPECT_EQ(client->call("/t.T/Echo", framed("0123456789"))->status(), "0");
  EXPECT_EQ(client->call("/t.T/Echo", framed("0123456789a"))->status(), "8");
}

TEST_F(GrpcServer, AnswersLaterOrOnDeadline) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/t.T/Later", {}, got);
  stream->send_data(framed("abc"), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !held.empty(); }));
  EXPECT_EQ(held[0]->request().message, "abc");
  held[0]->reply().message().append("late");
  held[0]->done();
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->message(), "late");
  EXPECT_EQ(got->status(), "0");
  EXPECT_TRUE(held[0]->closed());
  held.clear();
  got = client->call("/t.T/Later", framed("abc"), {{"grpc-timeout", "5m"}});
  EXPECT_EQ(got->status(), "4");
  ASSERT_EQ(held.size(), 1u);
  EXPECT_TRUE(held[0]->closed());
  held[0]->done();
  EXPECT_EQ(client->call("/t.T/Echo", framed(""), {{"grpc-timeout", "0m"}})->status(), "4");
}

TEST_F(GrpcServer, TellsWhenTheClientGoesAway) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/t.T/Later", {}, got);
  stream->send_data(framed("abc"), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !held.empty(); }));
  bool told = false;
  held[0]->on_close([&] { told = true; });
  stream->reset();
  EXPECT_TRUE(http::turn_until(loop, [&] { return told; }));
  EXPECT_TRUE(held[0]->closed());
  held[0]->done();
}

TEST_F(GrpcServer, AnswersForACallThatWasDropped) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/t.T/Later", {}, got);
  stream->send_data(framed("abc"), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !held.empty(); }));
  held.clear();
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->status(), "13");
}

TEST_F(GrpcServer, StreamsBothWays) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/t.T/Stream", {}, got);
  std::string two = framed("a") + framed("bc");
  stream->send_data(two.substr(0, 8), false);
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->data == framed("<a>"); }));
  stream->send_data(two.substr(8), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->data, framed("<a>") + framed("<bc>"));
  EXPECT_EQ(got->status(), "0");
}

TEST_F(GrpcServer, SharesThePortWithRest) {
  start();
  auto got = client->call("/t.T/Echo", "abc", {{"content-type", "application/json"}});
  EXPECT_EQ(got->data, "rest /t.T/Echo 3");
  got = client->call("/t.T/Echo", framed("x"), {{"content-type", "application/grpc+proto"}});
  EXPECT_EQ(got->message(), "x");
  got = client->call("/t.T/Echo", framed("x"), {{"content-type", "application/grpc-web"}});
  EXPECT_EQ(got->data, "rest /t.T/Echo 6");
}

TEST_F(GrpcServer, ChecksHealth) {
  start();
  EXPECT_EQ(client->call("/grpc.health.v1.Health/Check", framed(""))->message(), "\x08\x01");
  serving = false;
  EXPECT_EQ(client->call("/grpc.health.v1.Health/Check", framed(""))->message(), "\x08\x02");
  std::string none("\x0a\x04none");
  EXPECT_EQ(client->call("/grpc.health.v1.Health/Check", framed(none))->status(), "5");
  EXPECT_EQ(client->call("/grpc.health.v1.Health/Check", framed("\x0a\x09x"))->status(), "13");
}

TEST_F(GrpcServer, TellsThoseWhoWatchTheHealth) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/grpc.health.v1.Health/Watch", {}, got);
  stream->send_data(framed(""), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return !got->data.empty(); }));
  EXPECT_EQ(got->data, framed("\x08\x01"));
  serving = false;
  health->changed();
  health->changed();
  std::string both = framed("\x08\x01") + framed("\x08\x02");
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->data.size() >= both.size(); }));
  EXPECT_EQ(got->data, both);
  health->end();
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_EQ(got->status(), "14");
}

TEST_F(GrpcServer, Reflects) {
  start();
  auto got = std::make_shared<Got>();
  auto stream = client->open("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {}, got);
  std::string list, symbol, unknown;
  Writer(list).bytes(7, "");
  Writer(symbol).bytes(4, "grpc.reflection.v1.ServerReflection");
  Writer(unknown).bytes(4, "grpc.Nothing");
  stream->send_data(framed(list), false);
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->data.find("t.T") != std::string::npos; }));
  EXPECT_NE(got->data.find("grpc.health.v1.Health"), std::string::npos);
  stream->send_data(framed(symbol), false);
  ASSERT_TRUE(http::turn_until(
      loop, [&] { return got->data.find("ServerReflectionInfo") != std::string::npos; }));
  stream->send_data(framed(unknown), true);
  ASSERT_TRUE(http::turn_until(loop, [&] { return got->done; }));
  EXPECT_NE(got->data.find("not found: grpc.Nothing"), std::string::npos);
  EXPECT_EQ(got->status(), "0");
}

}  // namespace
