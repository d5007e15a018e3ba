#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/http/inline.h"
#include "foundation/http/stream.h"
#include "foundation/http/testing.h"

using namespace proa;
using namespace proa::http;

namespace {

struct InlineHttp2 : testing::Test {
  async::Loop loop;
  ServerOptions options;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
  uint16_t port = 0;
  size_t inline_calls = 0, ordinary_calls = 0;

  void start() {
    if (!options.inline_handler)
      options.inline_handler = [this](const RequestView& q, ResponseBuffer& r) {
        return answer(q, r);
      };
    server =
        std::make_unique<Server>(loop, options, [this](Request q, std::shared_ptr<Responder> r) {
          ++ordinary_calls;
          r->send({200, {}, str("ordinary ", q.method, " ", q.target, " ", q.body.size())});
        });
    auto r = server->listen("127.0.0.1", 0);
    ASSERT_TRUE(r.ok()) << r.error().message;
    port = *r;
    ClientOptions o;
    o.http2 = true;
    client = std::make_unique<Client>(loop, o);
  }
  bool answer(const RequestView& q, ResponseBuffer& r) {
    if (q.path() == "/pass") return false;
    ++inline_calls;
    if (q.path() == "/empty") {
      r.respond(204, "", "");
      return true;
    }
    r.body() =
        str(q.method, " ", q.target, " ", q.body.size(), " ", q.header("X-Mark"), " ", q.version);
    if (q.body.size() > 1000) r.body().append(q.body);
    r.finish(201, "text/plain", "X-One: 1\r\nConnection: close\r\nX-Two:  2\r\n");
    return true;
  }
  Response fetch(const std::string& target, std::string body = "", std::string method = "POST") {
    ClientRequest request;
    request.host = "127.0.0.1";
    request.port = port;
    request.method = method;
    request.target = target;
    request.headers = {{"X-Mark", "here"}};
    request.body = std::move(body);
    Response got;
    bool done = false;
    client->fetch(request, [&](Result<Response> r) {
      done = true;
      if (r.ok())
        got = std::move(*r);
      else
        got = {0, {}, r.error().message};
    });
    EXPECT_TRUE(turn_until(loop, [&] { return done; }));
    return got;
  }
};

TEST_F(InlineHttp2, AnswersAtOnceWithLowerCaseFields) {
  start();
  Response r = fetch("/a?b=c", "abc");
  EXPECT_EQ(r.status, 201);
  EXPECT_EQ(r.body, "POST /a?b=c 3 here 20");
  EXPECT_EQ(r.headers.get("x-one"), "1");
  EXPECT_EQ(r.headers.get("x-two"), "2");
  EXPECT_EQ(r.headers.get("content-length"), str(r.body.size()));
  EXPECT_FALSE(r.headers.has("connection"));
  EXPECT_NE(r.headers.get("date"), "");
  EXPECT_EQ(ordinary_calls, 0u);
}

TEST_F(InlineHttp2, TellsHeadsApartThatBeginLikeTheOneBefore) {
  start();
  auto ask = [&](const std::string& target, std::vector<std::pair<std::string, std::string>> more) {
    ClientRequest request;
    request.host = "127.0.0.1";
    request.port = port;
    request.method = "POST";
    request.target = target;
    for (auto& [name, value] : more) request.headers.add(name, value);
    request.body = "abc";
    std::string got;
    bool done = false;
    client->fetch(request, [&](Result<Response> r) {
      done = true;
      got = r.ok() ? r->body : r.error().message;
    });
    EXPECT_TRUE(turn_until(loop, [&] { return done; }));
    return got;
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ask("/a", {{"x-other", "1"}, {"x-mark", "one"}}), "POST /a 3 one 20");
    EXPECT_EQ(ask("/a", {{"x-other", "1"}, {"x-mark", "one"}}), "POST /a 3 one 20");
    EXPECT_EQ(ask("/a", {{"x-other", "1"}, {"x-mark", "two"}}), "POST /a 3 two 20");
    EXPECT_EQ(ask("/a", {{"x-other", "1"}}), "POST /a 3  20");
    EXPECT_EQ(ask("/a", {{"x-other", "1"}, {"x-mark", "3"}, {"x-z", ""}}), "POST /a 3 3 20");
    EXPECT_EQ(ask("/b", {{"x-other", "1"}, {"x-mark", "3"}, {"x-z", ""}}), "POST /b 3 3 20");
    EXPECT_EQ(ask("/pass", {{"x-other", "1"}, {"x-mark", "3"}}), "ordinary POST /pass 3");
  }
}

TEST_F(InlineHttp2, SendsNoBodyWhereNoneMayBe) {
  start();
  EXPECT_EQ(fetch("/a", "", "HEAD").body, "");
  Response r = fetch("/empty");
  EXPECT_EQ(r.status, 204);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(inline_calls, 2u);
}

TEST_F(InlineHttp2, TakesAndGivesBodiesAboveTheWindow) {
  start();
  std::string body(900 << 10, 'x');
  for (int i = 0; i < 5; ++i) {
    Response r = fetch("/large", body);
    EXPECT_EQ(r.status, 201);
    EXPECT_EQ(r.body.size(), body.size() + str("POST /large ", body.size(), " here 20").size());
  }
  EXPECT_EQ(inline_calls, 5u);
}

TEST_F(InlineHttp2, PassesOnWhatTheHandlerLeavesAndWhatIsTooLarge) {
  start();
  EXPECT_EQ(fetch("/pass", "1234").body, "ordinary POST /pass 4");
  EXPECT_EQ(fetch("/pass").body, "ordinary POST /pass 0");
  std::string body(kMostInlineBody + 5, 'x');
  EXPECT_EQ(fetch("/a", body).body, str("ordinary POST /a ", body.size()));
  EXPECT_EQ(inline_calls, 0u);
  EXPECT_EQ(fetch("/a", "1").status, 201);
}

TEST_F(InlineHttp2, AsksOnlyForRequestsWithABodyWhetherTheyMayWait) {
  size_t asked = 0;
  options.inline_wanted = [&](const RequestView& head) {
    ++asked;
    return head.path() != "/stream";
  };
  start();
  EXPECT_EQ(fetch("/stream", "1234").body, "ordinary POST /stream 4");
  EXPECT_EQ(fetch("/a", "1234").status, 201);
  EXPECT_EQ(fetch("/stream").status, 201);
  EXPECT_EQ(asked, 2u);
}

TEST_F(InlineHttp2, GivesExchangesToTheTakerBeforeTheyAreCollected) {
  options.stream_taker = [](const std::shared_ptr<ServerStream>& stream) {
    if (stream->head().path() != "/pass") return false;
    stream->receive({});
    stream->respond(200, {}, "taken");
    return true;
  };
  start();
  EXPECT_EQ(fetch("/pass", "1").body, "taken");
  EXPECT_EQ(fetch("/a", "1").status, 201);
  EXPECT_EQ(ordinary_calls, 0u);
}

TEST_F(InlineHttp2, AnswersManyStreamsAtOnce) {
  start();
  size_t done = 0;
  for (int i = 0; i < 500; ++i) {
    ClientRequest request;
    request.host = "127.0.0.1";
    request.port = port;
    request.method = "POST";
    request.target = i % 3 == 0 ? "/pass" : "/a";
    request.body = std::string(static_cast<size_t>(i) * 7, 'b');
    client->fetch(request, [&, i](Result<Response> r) {
      ++done;
      ASSERT_TRUE(r.ok()) << r.error().message;
      EXPECT_EQ(r->status, i % 3 == 0 ? 200 : 201);
    });
  }
  EXPECT_TRUE(turn_until(loop, [&] { return done == 500; }));
}

TEST_F(InlineHttp2, EndsRequestsWhoseBodyDoesNotCome) {
  FakeClock clock;
  async::Loop slow(clock);
  options.inline_handler = [](const RequestView&, ResponseBuffer&) { return false; };
  Server timed(slow, options, [](Request, std::shared_ptr<Responder>) {});
  auto listening = timed.listen("127.0.0.1", 0);
  ASSERT_TRUE(listening.ok());
  RawClient raw(slow, *listening);
  std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  preface += std::string("\0\0\0\4\0\0\0\0\0", 9);  // SETTINGS
  preface +=
      std::string("\0\0\x06\1\4\0\0\0\1\x83\x86\x84\x41\x01x", 15);  // HEADERS, no END_STREAM
  raw.send(preface);
  for (int i = 0; i < 20; ++i) slow.run_once(std::chrono::milliseconds(1));
  raw.take();
  size_t before = raw.got().size();
  clock.advance(options.body_timeout + std::chrono::seconds(1));
  EXPECT_TRUE(turn_until(slow, [&] { return (raw.take(), raw.got().size() > before); }));
}

TEST_F(InlineHttp2, EndsAConnectionThatOpensASkippedStream) {
  start();
  RawClient raw(loop, port);
  auto headers = [](char id) {
    std::string frame("\0\0\x06\1\5\0\0\0\0\x83\x86\x84\x41\x01x", 15);
    frame[8] = id;
    return frame;
  };
  raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9) + headers(5));
  raw.read_until("POST / 0");
  EXPECT_FALSE(raw.eof());
  raw.send(headers(3));
  std::string got = raw.read_to_end();
  EXPECT_NE(got.find(std::string("\0\0\0\5\0\0\0\1", 8)), got.npos) << "no GOAWAY PROTOCOL_ERROR";
}

// As grpc-go does it: a PING with what it gets, to measure the round trip.
TEST_F(InlineHttp2, TakesPingsThatGoWithRequestsButNoFloodOfThem) {
  start();
  RawClient raw(loop, port);
  raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", 9));
  const std::string ping("\0\0\x08\6\0\0\0\0\0abcdefgh", 17);
  uint32_t id = 1;
  for (int batch = 0; batch < 60; ++batch) {
    std::string text;
    for (int i = 0; i < 50; ++i, id += 2) {
      std::string frame("\0\0\x06\1\5\0\0\0\0\x83\x86\x84\x41\x01x", 15);
      frame[7] = static_cast<char>(id >> 8);
      frame[8] = static_cast<char>(id);
      text += frame + ping;
    }
    raw.got().clear();
    raw.send(text);
    turn_until(loop, [&] {
      raw.take();
      return raw.eof() || count(raw.got(), "abcdefgh") == 50;
    });
    ASSERT_FALSE(raw.eof()) << batch;
  }
  EXPECT_EQ(inline_calls, 3000u);
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += ping;
  raw.send(flood);
  raw.read_to_end();
  EXPECT_TRUE(raw.eof());
}

}  // namespace
