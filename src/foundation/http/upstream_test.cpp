#include <sys/socket.h>

#include "foundation/base/strings.h"
#include "foundation/http/stream.h"
#include "foundation/http/testing.h"

using namespace proa;
using namespace proa::http;

namespace {

// What one exchange brought.
struct Answer {
  ResponseHead head;
  std::string body;
  Headers trailers;
  std::optional<UpstreamError> failed;
  bool headed = false, ended = false;
  bool over() const { return ended || failed; }
  ClientCallbacks callbacks() {
    ClientCallbacks c;
    c.on_head = [this](ResponseHead h) {
      head = std::move(h);
      headed = true;
    };
    c.on_data = [this](std::string_view d) { body += d; };
    c.on_end = [this](Headers t) {
      trailers = std::move(t);
      ended = true;
    };
    c.on_error = [this](UpstreamError e) { failed = std::move(e); };
    return c;
  }
};

RequestHead get(std::string target) {
  RequestHead head;
  head.target = std::move(target);
  head.authority = "test";
  return head;
}

RequestHead post(std::string target) {
  RequestHead head = get(std::move(target));
  head.method = "POST";
  return head;
}

// Echoes: head.target and the body, or what the target asks for.
struct UpstreamTest : testing::TestWithParam<bool> {
  async::Loop loop;
  std::vector<std::shared_ptr<ServerStream>> held;
  std::unique_ptr<StreamServer> server;
  UpstreamPool pool{loop};
  Upstream to{"127.0.0.1", 0, GetParam()};

  void SetUp() override {
    server = std::make_unique<StreamServer>(loop, ServerOptions{},
                                            [this](std::shared_ptr<ServerStream> s) { serve(s); });
    to.port = *server->listen("127.0.0.1", 0);
  }

  void serve(std::shared_ptr<ServerStream> s) {
    std::string target = s->head().target;
    if (target == "/hold") {
      held.push_back(s);
      return s->receive({});
    }
    if (target == "/reset") return s->reset();
    if (target == "/large") {
      s->respond_head(200, {}, false);
      for (int i = 0; i < 64; ++i) s->respond_data(std::string(65536, 'l'), i == 63);
      return;
    }
    if (target == "/trailers") {
      s->respond_head(200, {{"te", "x"}}, false);
      s->respond_data("body", false);
      return s->respond_trailers({{"grpc-status", "0"}});
    }
    if (target != "/echo")
      return s->respond(200, {{"x-target", target}}, str("hello ", s->head().authority));
    s->respond_head(200, {{"content-type", "text/echo"}, {"Connection", "x"}}, false);
    ServerCallbacks c;
    c.on_data = [s](std::string_view d) { s->respond_data(d, false); };
    c.on_end = [s](Headers) { s->respond_data({}, true); };
    s->receive(std::move(c));
  }

  Answer fetch(const RequestHead& head) {
    Answer answer;
    pool.open(to, head, true, answer.callbacks());
    EXPECT_TRUE(turn_until(loop, [&] { return answer.over(); }));
    return answer;
  }
};

TEST_P(UpstreamTest, ReusesItsConnection) {
  for (int i = 0; i < 3; ++i) {
    Answer answer = fetch(get("/a"));
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.body, "hello test");
    EXPECT_EQ(answer.head.headers.get("x-target"), "/a");
    EXPECT_EQ(answer.head.content_length, 10u);
  }
  EXPECT_EQ(pool.connections(), 1u);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_P(UpstreamTest, StreamsBothWaysAtOnce) {
  Answer answer;
  auto stream = pool.open(to, post("/echo"), false, answer.callbacks());
  std::string sent;
  for (int i = 0; i < 20; ++i) {
    std::string part(1000 + i, static_cast<char>('a' + i));
    sent += part;
    stream->send_data(part, false);
    ASSERT_TRUE(turn_until(loop, [&] { return answer.body == sent; })) << i;
  }
  stream->send_data({}, true);
  ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
  EXPECT_TRUE(answer.ended);
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(answer.head.headers.has("connection"));
}

TEST_P(UpstreamTest, SendsABodyOfKnownLength) {
  Answer answer;
  RequestHead head = post("/echo");
  head.headers.set("content-length", "300000");
  auto stream = pool.open(to, head, false, answer.callbacks());
  stream->send_data(std::string(300000, 'b'), true);
  ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
  EXPECT_EQ(answer.body.size(), 300000u);
  EXPECT_TRUE(fetch(get("/a")).ended);
  EXPECT_EQ(pool.connections(), 1u);
}

TEST_P(UpstreamTest, HoldsBackWhileReadingIsPaused) {
  Answer answer;
  auto stream = pool.open(to, get("/large"), true, answer.callbacks());
  stream->pause_reading();
  for (int i = 0; i < 100; ++i) loop.run_once(std::chrono::milliseconds(1));
  EXPECT_EQ(answer.body.size(), 0u);
  stream->resume_reading();
  ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
  EXPECT_EQ(answer.body.size(), 64u * 65536);
}

TEST_P(UpstreamTest, CarriesTrailers) {
  Answer answer = fetch(get("/trailers"));
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.trailers.get("grpc-status"), "0");
}

TEST_P(UpstreamTest, HeadHasNoBody) {
  RequestHead head = get("/a");
  head.method = "HEAD";
  Answer answer = fetch(head);
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(fetch(get("/a")).ended);
}

TEST_P(UpstreamTest, IsAnsweredBeforeItHasSentItsBody) {
  for (int i = 0; i < 3; ++i) {
    Answer answer;
    auto stream = pool.open(to, post("/early"), false, answer.callbacks());
    stream->send_data(std::string(1 << 20, 'e'), false);
    ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
    EXPECT_TRUE(answer.ended);
    stream->send_data("more", true);
  }
  EXPECT_TRUE(fetch(get("/a")).ended);
}

TEST_P(UpstreamTest, TellsWhenTheUpstreamBreaksOff) {
  Answer answer = fetch(get("/reset"));
  ASSERT_TRUE(answer.failed);
  EXPECT_FALSE(answer.failed->response_started);
  EXPECT_FALSE(answer.failed->surely_unprocessed);
}

TEST_P(UpstreamTest, TellsTheServerWhenTheClientGivesUp) {
  Answer answer;
  auto stream = pool.open(to, get("/hold"), true, answer.callbacks());
  ASSERT_TRUE(turn_until(loop, [&] { return held.size() == 1; }));
  stream->reset();
  EXPECT_TRUE(turn_until(loop, [&] { return held[0]->closed(); }));
  EXPECT_FALSE(answer.over());
}

TEST_P(UpstreamTest, KnowsThatARefusedConnectionProcessedNothing) {
  server.reset();
  Answer answer = fetch(get("/a"));
  ASSERT_TRUE(answer.failed);
  EXPECT_TRUE(answer.failed->surely_unprocessed);
  EXPECT_EQ(answer.failed->error.code, Code::kUnavailable);
  EXPECT_NE(answer.failed->error.message.find("127.0.0.1"), std::string::npos);
}

TEST_P(UpstreamTest, RefusesAHeadThatWouldSmuggle) {
  for (const char* target : {"/a b", "/a\r\nx: y", ""}) {
    Answer answer = fetch(get(target));
    EXPECT_TRUE(answer.failed) << target;
  }
}

INSTANTIATE_TEST_SUITE_P(Http1AndHttp2, UpstreamTest, testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Http2" : "Http1"; });

using Http1Upstream = UpstreamTest;
INSTANTIATE_TEST_SUITE_P(Only, Http1Upstream, testing::Values(false));

TEST_P(Http1Upstream, TunnelsAfterAnUpgrade) {
  server =
      std::make_unique<StreamServer>(loop, ServerOptions{}, [](std::shared_ptr<ServerStream> s) {
        ASSERT_EQ(s->head().upgrade, "websocket");
        s->respond_head(101, {{"sec-websocket-accept", "k"}, {"upgrade", "websocket"}}, false);
        ServerCallbacks c;
        c.on_data = [s](std::string_view d) { s->respond_data(str("<", d, ">"), false); };
        c.on_end = [s](Headers) { s->respond_data("bye", true); };
        s->receive(std::move(c));
      });
  to.port = *server->listen("127.0.0.1", 0);
  Answer answer;
  RequestHead head = get("/ws");
  head.upgrade = "websocket";
  auto stream = pool.open(to, head, false, answer.callbacks());
  ASSERT_TRUE(turn_until(loop, [&] { return answer.headed; }));
  EXPECT_EQ(answer.head.status, 101);
  EXPECT_EQ(answer.head.headers.get("sec-websocket-accept"), "k");
  stream->send_data("one", false);
  ASSERT_TRUE(turn_until(loop, [&] { return answer.body == "<one>"; }));
  stream->send_data("", true);
  ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
  EXPECT_EQ(answer.body, "<one>bye");
  EXPECT_TRUE(answer.ended);
  EXPECT_TRUE(turn_until(loop, [&] { return server->connections() == 0; }));
}

// A kept connection that the server closes just as the next request is written.
TEST_P(Http1Upstream, KnowsThatAStaleConnectionProcessedNothing) {
  Fd listener = std::move(*listen_on("127.0.0.1", 0, false));
  to.port = *local_port(listener.get());
  Answer first, second;
  pool.open(to, get("/1"), true, first.callbacks());
  int peer = -1;
  ASSERT_TRUE(
      turn_until(loop, [&] { return (peer = ::accept(listener.get(), nullptr, nullptr)) >= 0; }));
  std::string_view ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  ASSERT_EQ(::send(peer, ok.data(), ok.size(), 0), static_cast<ssize_t>(ok.size()));
  ASSERT_TRUE(turn_until(loop, [&] { return first.ended; }));
  char sink[4096];
  while (::recv(peer, sink, sizeof sink, MSG_DONTWAIT) > 0) {
  }
  ::close(peer);  // the pool has not seen it yet
  pool.open(to, post("/2"), true, second.callbacks());
  ASSERT_TRUE(turn_until(loop, [&] { return second.over(); }));
  ASSERT_TRUE(second.failed);
  EXPECT_TRUE(second.failed->stale);
  EXPECT_TRUE(second.failed->surely_unprocessed);
  EXPECT_FALSE(second.failed->response_started);
}

// With back-pressure the end of the connection may be seen before its last bytes have been
// delivered.
TEST_P(Http1Upstream, DeliversWhatItHeldWhenTheConnectionEndsWhilePaused) {
  for (const char* framing : {"content-length: 5\r\n", "connection: close\r\n"}) {
    Fd listener = std::move(*listen_on("127.0.0.1", 0, false));
    to.port = *local_port(listener.get());
    Answer answer;
    auto stream = pool.open(to, get("/1"), true, answer.callbacks());
    stream->pause_reading();
    int peer = -1;
    ASSERT_TRUE(
        turn_until(loop, [&] { return (peer = ::accept(listener.get(), nullptr, nullptr)) >= 0; }));
    std::string text = str("HTTP/1.1 200 OK\r\n", framing, "\r\nhello");
    ASSERT_GT(::send(peer, text.data(), text.size(), 0), 0);
    char sink[4096];
    ASSERT_TRUE(
        turn_until(loop, [&] { return ::recv(peer, sink, sizeof sink, MSG_DONTWAIT) > 0; }));
    ::close(peer);
    for (int i = 0; i < 20; ++i) loop.run_once(std::chrono::milliseconds(1));
    EXPECT_FALSE(answer.over());
    stream->resume_reading();
    ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
    EXPECT_TRUE(answer.ended);
    EXPECT_EQ(answer.body, "hello");
  }
}

// The request was received before the server went away: it may have been processed.
TEST_P(Http1Upstream, DoesNotClaimThatAReadRequestWasUnprocessed) {
  Fd listener = std::move(*listen_on("127.0.0.1", 0, false));
  to.port = *local_port(listener.get());
  Answer answer;
  pool.open(to, get("/1"), true, answer.callbacks());
  int peer = -1;
  ASSERT_TRUE(
      turn_until(loop, [&] { return (peer = ::accept(listener.get(), nullptr, nullptr)) >= 0; }));
  char sink[4096];
  ASSERT_TRUE(turn_until(loop, [&] { return ::recv(peer, sink, sizeof sink, MSG_DONTWAIT) > 0; }));
  ::close(peer);
  ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); }));
  ASSERT_TRUE(answer.failed);
  EXPECT_FALSE(answer.failed->surely_unprocessed);
}

TEST_P(Http1Upstream, RefusesNonsenseAndUnaskedAnswers) {
  for (const char* text : {"nonsense\r\n\r\n", "HTTP/1.1 101 Sure\r\nupgrade: x\r\n\r\n",
                           "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
                           "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"}) {
    Fd listener = std::move(*listen_on("127.0.0.1", 0, false));
    to.port = *local_port(listener.get());
    Answer answer;
    pool.open(to, get("/1"), true, answer.callbacks());
    int peer = -1;
    ASSERT_TRUE(
        turn_until(loop, [&] { return (peer = ::accept(listener.get(), nullptr, nullptr)) >= 0; }));
    ASSERT_GT(::send(peer, text, strlen(text), MSG_NOSIGNAL), 0);
    ASSERT_TRUE(turn_until(loop, [&] { return answer.over(); })) << text;
    EXPECT_EQ(answer.failed->error.code, Code::kDataLoss) << text;
    ::close(peer);
  }
}

using Http2Upstream = UpstreamTest;
INSTANTIATE_TEST_SUITE_P(Only, Http2Upstream, testing::Values(true));

TEST_P(Http2Upstream, MultiplexesAndOpensMoreConnectionsBeyondTheLimit) {
  std::vector<std::unique_ptr<Answer>> answers;
  fetch(get("/a"));  // the peer's settings have come
  for (int i = 0; i < 150; ++i) {
    answers.push_back(std::make_unique<Answer>());
    pool.open(to, get("/hold"), true, answers.back()->callbacks());
  }
  ASSERT_TRUE(turn_until(loop, [&] { return held.size() == 150; }));
  EXPECT_EQ(pool.connections(), 2u);
  for (auto& stream : held) stream->respond(200, {}, "late");
  ASSERT_TRUE(turn_until(loop, [&] {
    return std::all_of(answers.begin(), answers.end(),
                       [](auto& a) { return a->body == "late" && a->ended; });
  }));
}

TEST_P(Http2Upstream, EndsOpenStreamsBeforeDraining) {
  Answer open, after;
  pool.open(to, get("/hold"), true, open.callbacks());
  ASSERT_TRUE(turn_until(loop, [&] { return held.size() == 1; }));
  bool drained = false;
  server->drain([&] { drained = true; });
  for (int i = 0; i < 10; ++i) loop.run_once(std::chrono::milliseconds(1));
  held[0]->respond(200, {}, "last");
  ASSERT_TRUE(turn_until(loop, [&] { return open.over() && drained; }));
  EXPECT_EQ(open.body, "last");
}

}  // namespace
