#include "foundation/base/strings.h"
#include "foundation/http/inline.h"
#include "foundation/http/stream.h"
#include "foundation/http/testing.h"

using namespace proa;
using namespace proa::http;

namespace {

struct ServerTest : testing::Test {
  FakeClock clock;
  async::Loop loop{clock};
  ServerOptions options;
  std::unique_ptr<Server> server;
  uint16_t port = 0;
  std::vector<Request> seen;
  Handler handler = [this](Request request, std::shared_ptr<Responder> responder) {
    std::string body = str(request.method, " ", request.target, " ", request.body.size(), ".");
    seen.push_back(std::move(request));
    responder->send({200, {{"content-type", "text/plain"}}, body});
  };
  void start() {
    server = std::make_unique<Server>(
        loop, options,
        [this](Request q, std::shared_ptr<Responder> r) { handler(std::move(q), std::move(r)); });
    auto r = server->listen("127.0.0.1", 0);
    ASSERT_TRUE(r.ok()) << r.error().message;
    port = *r;
  }
  void later(Duration by) {
    clock.advance(by);
    for (int i = 0; i < 4; ++i) loop.run_once(Duration(0));
  }
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  start();
  RawClient client(loop, port);
  std::string answer = client.exchange("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a 0.");
  EXPECT_NE(answer.find("HTTP/1.1 200 OK\r\n"), answer.npos);
  EXPECT_NE(answer.find("content-length: 9\r\n"), answer.npos);
  EXPECT_NE(answer.find("date: "), answer.npos);
  client.exchange("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /b 3.");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].body, "abc");
  EXPECT_EQ(seen[1].authority, "x");
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client(loop, port);
  std::string many;
  for (int i = 0; i < 50; ++i)
    many += str("POST /", i, " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
  std::string answer = client.exchange(many, "POST /49 2.");
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    size_t next = answer.find(str("POST /", i, " 2."), at);
    ASSERT_NE(next, answer.npos) << i;
    at = next;
  }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderWhenTheHandlerAnswersLater) {
  std::vector<std::shared_ptr<Responder>> waiting;
  handler = [&](Request, std::shared_ptr<Responder> r) { waiting.push_back(std::move(r)); };
  start();
  RawClient client(loop, port);
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(turn_until(loop, [&] { return waiting.size() == 1; }));
  waiting[0]->send({200, {}, "one!"});
  ASSERT_TRUE(turn_until(loop, [&] { return waiting.size() == 2; }));
  waiting[1]->send({200, {}, "two!"});
  std::string answer = client.read_until("two!");
  EXPECT_LT(answer.find("one!"), answer.find("two!"));
}

TEST_F(ServerTest, TakesARequestByteByByte) {
  start();
  RawClient client(loop, port);
  std::string text =
      "POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
  for (char c : text) {
    client.send(std::string_view(&c, 1));
    loop.run_once(Duration(0));
  }
  EXPECT_NE(client.read_until("POST /s 19.").find("POST /s 19."), std::string::npos);
  EXPECT_EQ(seen[0].body, "abc0123456789abcdef");
}

TEST_F(ServerTest, TakesAChunkedBodyCutAnywhere) {
  start();
  std::string text =
      "POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  RawClient client(loop, port);
  for (size_t cut = 1; cut < text.size(); ++cut) {
    client.got().clear();
    client.send(text.substr(0, cut));
    for (int i = 0; i < 3; ++i) loop.run_once(Duration(0));
    client.send(text.substr(cut));
    ASSERT_NE(client.read_until("POST /s 5.").find("POST /s 5."), std::string::npos) << cut;
  }
}

TEST_F(ServerTest, RefusesAMalformedRequestAndCloses) {
  start();
  RawClient client(loop, port);
  client.send(
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string answer = client.read_to_end();
  EXPECT_EQ(count(answer, "HTTP/1.1 "), 2u) << answer;
  EXPECT_NE(answer.find("HTTP/1.1 400 Bad Request"), answer.npos);
  EXPECT_NE(answer.find("connection: close"), answer.npos);
  EXPECT_EQ(seen.size(), 1u);
}

TEST_F(ServerTest, RefusesABadChunk) {
  start();
  RawClient client(loop, port);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_NE(client.read_to_end().find("400 Bad Request"), std::string::npos);
  EXPECT_TRUE(seen.empty());
}

TEST_F(ServerTest, RefusesATooLargeHeadAndBody) {
  options.most_head_bytes = 1000;
  options.most_body_bytes = 100;
  start();
  RawClient head(loop, port), length(loop, port), chunked(loop, port);
  head.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'x'));
  EXPECT_NE(head.read_to_end().find(" 431 "), std::string::npos);
  length.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc");
  EXPECT_NE(length.read_to_end().find(" 413 "), std::string::npos);
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n" +
               std::string(128, 'y') + "\r\n0\r\n\r\n");
  EXPECT_NE(chunked.read_until(" 413 ").find(" 413 "), std::string::npos);
}

TEST_F(ServerTest, AnswersExpectContinueOnlyWhenTheBodyIsWanted) {
  options.most_body_bytes = 100;
  start();
  RawClient wanted(loop, port), refused(loop, port);
  wanted.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(wanted.read_until("100 Continue\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(wanted.exchange("abc", "POST / 3.").find("200 OK"), std::string::npos);
  refused.send(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
  std::string answer = refused.read_to_end();
  EXPECT_EQ(answer.find("100 Continue"), answer.npos);
  EXPECT_NE(answer.find(" 413 "), answer.npos);
}

TEST_F(ServerTest, SendsNoBodyToHead) {
  start();
  RawClient client(loop, port);
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = client.read_to_end();
  EXPECT_NE(answer.find("content-length: 10\r\n"), answer.npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, ServesOldClients) {
  start();
  RawClient plain(loop, port), kept(loop, port);
  plain.send("GET /o HTTP/1.0\r\n\r\n");
  EXPECT_NE(plain.read_to_end().find("GET /o 0."), std::string::npos);
  kept.exchange("GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /o 0.");
  EXPECT_NE(kept.got().find("connection: keep-alive"), std::string::npos);
  kept.exchange("GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /p 0.");
}

TEST_F(ServerTest, EndsSlowAndIdleConnections) {
  start();
  RawClient slow(loop, port), body(loop, port), idle(loop, port), silent(loop, port);
  slow.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  idle.exchange("GET /i HTTP/1.1\r\nHost: x\r\n\r\n", "GET /i 0.");
  ASSERT_TRUE(turn_until(loop, [&] { return server->connections() == 4; }));
  for (int i = 0; i < 5; ++i) loop.run_once(Duration(0));
  for (int i = 0; i < 11; ++i) later(std::chrono::seconds(1));
  EXPECT_NE(slow.read_to_end().find(" 408 "), std::string::npos);
  EXPECT_EQ(silent.read_to_end(), "");
  for (int i = 0; i < 50; ++i) later(std::chrono::seconds(1));
  EXPECT_NE(body.read_to_end().find(" 408 "), std::string::npos);
  idle.take();
  EXPECT_FALSE(idle.eof());
  for (int i = 0; i < 20; ++i) later(std::chrono::seconds(1));
  idle.read_to_end();
  EXPECT_TRUE(idle.eof());
  slow.close();
  body.close();
  ASSERT_TRUE(turn_until(loop, [&] {
    later(std::chrono::seconds(1));
    return server->connections() == 0;
  }));
}

TEST_F(ServerTest, StreamsFromAnotherThreadAndTellsWhenTheClientIsGone) {
  std::shared_ptr<Responder> responder;
  std::atomic<bool> gone{false};
  handler = [&](Request, std::shared_ptr<Responder> r) {
    r->on_close([&] { gone = true; });
    responder = std::move(r);
  };
  start();
  RawClient client(loop, port);
  client.send("GET /watch HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(turn_until(loop, [&] { return responder != nullptr; }));
  std::thread([&] {
    responder->start(200, {{"content-type", "application/json"}});
    responder->write("hello ");
    responder->write("world");
  }).join();
  std::string answer = client.read_until("5\r\nworld\r\n");
  EXPECT_NE(answer.find("transfer-encoding: chunked"), answer.npos);
  EXPECT_NE(answer.find("6\r\nhello \r\n5\r\nworld\r\n"), answer.npos);
  EXPECT_FALSE(responder->closed());
  client.close();
  ASSERT_TRUE(turn_until(loop, [&] { return gone.load(); }));
  EXPECT_TRUE(responder->closed());
  responder->finish();
}

TEST_F(ServerTest, AnswersForAHandlerThatDropsTheRequest) {
  handler = [](Request, std::shared_ptr<Responder>) {};
  start();
  RawClient client(loop, port);
  EXPECT_NE(client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "unanswered").find(" 500 "),
            std::string::npos);
}

TEST_F(ServerTest, DrainsBeforeItStops) {
  std::shared_ptr<Responder> responder;
  handler = [&](Request, std::shared_ptr<Responder> r) { responder = std::move(r); };
  start();
  RawClient busy(loop, port), idle(loop, port);
  busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(turn_until(loop, [&] { return responder && server->connections() == 2; }));
  bool drained = false;
  server->drain([&] { drained = true; });
  idle.read_to_end();
  EXPECT_TRUE(idle.eof());
  EXPECT_FALSE(drained);
  responder->send({200, {}, "last"});
  EXPECT_NE(busy.read_to_end().find("connection: close"), std::string::npos);
  busy.close();
  EXPECT_TRUE(turn_until(loop, [&] { return drained; }));
}

TEST_F(ServerTest, SendsALargeAnswerToASlowReader) {
  std::string large(8 << 20, 'z');
  handler = [&](Request, std::shared_ptr<Responder> r) { r->send({200, {}, large}); };
  start();
  RawClient client(loop, port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = client.read_to_end();
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, large.size());
}

TEST_F(ServerTest, InlineHandlerAnswersOrPassesOn) {
  options.inline_handler = [](const RequestView& request, ResponseBuffer& response) {
    if (request.path() != "/fast") return false;
    response.body() = str(request.method, ":", request.body, ":", request.header("x-a"));
    response.finish(201, "text/plain", "x-extra: 1\r\n");
    return true;
  };
  start();
  RawClient client(loop, port);
  std::string text = "POST /fast?q HTTP/1.1\r\nHost: x\r\nX-A: 7\r\nContent-Length: 4\r\n\r\nabcd";
  for (size_t cut = 1; cut <= text.size(); cut += 3) {
    client.got().clear();
    client.send(text.substr(0, cut));
    loop.run_once(Duration(0));
    client.send(text.substr(cut));
    ASSERT_NE(client.read_until("POST:abcd:7").find("x-extra: 1\r\n"), std::string::npos) << cut;
  }
  EXPECT_NE(client.got().find("201 Created"), std::string::npos);
  client.exchange("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd" + text,
                  "POST:abcd:7");
  EXPECT_LT(client.got().find("POST /slow 4."), client.got().find("POST:abcd:7"));
  client.exchange(
      "POST /fast HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "POST /fast 1.");
}

TEST_F(ServerTest, TakesALargeBodyInline) {
  options.inline_handler = [](const RequestView& request, ResponseBuffer& response) {
    response.respond(200, "", str("got ", request.body.size(), "."));
    return true;
  };
  start();
  RawClient client(loop, port);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" +
              std::string(900000, 'q'));
  EXPECT_NE(client.read_until("got 900000.").find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, LeavesOutFieldsThatWouldSplitTheAnswer) {
  handler = [](Request, std::shared_ptr<Responder> r) {
    r->send({200, {{"x-bad", "a\r\nset-cookie: b"}, {"x bad", "c"}, {"x-good", "d"}}, "end."});
  };
  start();
  RawClient client(loop, port);
  std::string answer = client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "end.");
  EXPECT_EQ(answer.find("set-cookie"), answer.npos);
  EXPECT_EQ(answer.find("x bad"), answer.npos);
  EXPECT_NE(answer.find("x-good: d"), answer.npos);
}

TEST_F(ServerTest, NamesWhatPreventsListening) {
  start();
  Server second(loop, {}, handler);
  auto taken = second.listen("127.0.0.1", port);
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find(str("127.0.0.1:", port)), std::string::npos);
  EXPECT_FALSE(second.listen("nonsense", 0).ok());
}

TEST(QueryValue, IsDecoded) {
  EXPECT_EQ(query_value("a=1&b=%20x+y", "b"), " x y");
  EXPECT_EQ(query_value("a=1&b", "b"), "");
  EXPECT_EQ(query_value("a=1", "c"), std::nullopt);
}

}  // namespace
