// What a client may do to hurt: floods, slowness, and bytes that two readers would take
// differently. Each must end the connection, soon, and reach no handler more than it may.
#include <gtest/gtest.h>

#include "foundation/base/strings.h"
#include "foundation/http/stream.h"
#include "foundation/http/testing.h"

using namespace proa;
using namespace proa::http;

namespace {

struct Target {
  async::Loop loop;
  int requests = 0, aborted = 0;
  std::vector<std::shared_ptr<ServerStream>> held;
  bool hold = false;
  std::unique_ptr<StreamServer> server;
  uint16_t port = 0;

  explicit Target(ServerOptions options = {}, Clock& clock = real_clock()) : loop(clock) {
    server = std::make_unique<StreamServer>(loop, options, [this](auto stream) {
      ++requests;
      ServerCallbacks calls;
      calls.on_abort = [this] { ++aborted; };
      if (!hold) calls.on_end = [s = stream.get()](Headers) { s->respond(200, {}, "fine"); };
      stream->receive(std::move(calls));
      held.push_back(stream);
    });
    port = *server->listen("127.0.0.1", 0);
  }
  std::string say(const std::string& bytes) {
    RawClient c(loop, port);
    c.send(bytes);
    return c.read_to_end();
  }
};

std::string frame(int type, int flags, uint32_t stream, const std::string& payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift);
  return out + payload;
}

const std::string kStart = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "");
// GET http://a/, by the static table and one literal.
const std::string kGet = std::string("\x82\x84\x86\x41\x01", 5) + "a";

// Sends until the server has had enough; how many it took.
int until_closed(Target& t, const std::function<std::string(int)>& piece, int most) {
  RawClient c(t.loop, t.port);
  c.send(kStart);
  for (int i = 0; i < most; ++i) {
    c.send(piece(i));
    t.loop.run_once(Duration(0));
    c.take();
    if (c.eof()) return i;
  }
  c.read_to_end();
  return c.eof() ? most : most + 1;
}

TEST(Hostile, RapidResetsEndTheConnection) {
  Target t;
  t.hold = true;
  int n = until_closed(
      t,
      [](int i) {
        auto id = static_cast<uint32_t>(2 * i + 1);
        return frame(1, 5, id, kGet) + frame(3, 0, id, std::string("\0\0\0\x08", 4));
      },
      5000);
  EXPECT_LT(n, 5000);
  EXPECT_LE(t.requests, 400);
}

TEST(Hostile, FloodsOfSettingsAndPingsEndTheConnection) {
  for (bool ping : {false, true}) {
    Target t;
    int n = until_closed(
        t,
        [&](int) {
          return ping ? frame(6, 0, 0, "12345678")
                      : frame(4, 0, 0, std::string("\0\3\0\0\0\x64", 6));
        },
        20000);
    EXPECT_LT(n, 20000) << ping;
  }
}

TEST(Hostile, EndlessContinuationsEndTheConnection) {
  for (bool empty : {false, true}) {
    Target t;
    int n = until_closed(
        t,
        [&](int i) {
          std::string field = empty ? "" : std::string("\0\1x\1y", 5);
          return i == 0 ? frame(1, 1, 1, kGet) : frame(9, 0, 1, field);
        },
        100000);
    EXPECT_LT(n, 100000) << empty;
    EXPECT_EQ(t.requests, 0);
  }
}

TEST(Hostile, EmptyDataFramesEndTheConnection) {
  Target t;
  t.hold = true;
  std::string post = std::string("\x83\x84\x86\x41\x01", 5) + "a";
  int n = until_closed(
      t, [&](int i) { return i == 0 ? frame(1, 4, 1, post) : frame(0, 0, 1, ""); }, 20000);
  EXPECT_LT(n, 20000);
}

TEST(Hostile, SmugglingIsRefusedAndNothingBehindItIsServed) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const std::string& head : {
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n0\r\n\r\n"),
           std::string(
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n"),
           std::string(
               "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n"),
           std::string(
               "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded: 2\r\n\r\n"),
           std::string("GET / HTTP/1.1\nHost: a\n\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a\r\nX\0: 1\r\n\r\n", 34),
       }) {
    Target t;
    std::string answer = t.say(head + hidden);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << head << "\n" << answer;
    EXPECT_EQ(count(answer, "HTTP/1.1"), 1u) << head;
    EXPECT_EQ(t.requests, 0) << head;
  }
}

TEST(Hostile, ABadChunkEndsTheRequestBehindIt) {
  for (std::string chunk : {"5;a\nb\r\nhello\r\n", "5\nhello\r\n", "-1\r\n",
                            "5\r\nhelloX\r\n0\r\n\r\n", "fffffffffffffffff\r\n"}) {
    Target t;
    std::string answer = t.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                               chunk + "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(t.requests, 1) << chunk;
    EXPECT_EQ(count(answer, "fine"), 0u) << chunk;
  }
}

TEST(Hostile, ASlowHeadAndASlowBodyAreEnded) {
  ServerOptions options;
  options.head_timeout = options.body_timeout = std::chrono::milliseconds(50);
  for (std::string begun :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"}) {
    Target t(options);
    EXPECT_TRUE(t.say(begun).starts_with("HTTP/1.1 408")) << begun;
  }
}

TEST(Hostile, HeadsThatAreTooLargeAreRefused) {
  Target t;
  EXPECT_TRUE(t.say("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(70000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 300; ++i) many += "a: b\r\n";
  EXPECT_TRUE(t.say(many + "\r\n").starts_with("HTTP/1.1 431"));
  EXPECT_EQ(t.requests, 0);
}

TEST(Hostile, ARequestThatIsTakenBackAtOnceReachesNoHandler) {
  Target t;
  RawClient c(t.loop, t.port);
  std::string bytes = kStart;
  for (uint32_t id = 1; id < 40; id += 2)
    bytes += frame(1, 5, id, kGet) + frame(3, 0, id, std::string("\0\0\0\x08", 4));
  c.send(bytes + frame(1, 5, 41, kGet));
  EXPECT_TRUE(contains(c.read_until("fine"), "fine"));
  EXPECT_EQ(t.requests, 1);
}

TEST(Hostile, ABodyThatTricklesInOverHttp2IsEnded) {
  FakeClock clock;
  ServerOptions options;
  options.least_bytes_per_second = 240;
  Target t(options, clock);
  RawClient c(t.loop, t.port);
  const std::string post = std::string("\x83\x84\x86\x41\x01", 5) + "a";
  c.send(kStart + frame(1, 4, 1, post) + frame(1, 4, 3, post));
  EXPECT_TRUE(turn_until(t.loop, [&] { return t.requests == 2; }));
  for (int i = 0; i < 8; ++i) {  // one with a byte a second, the other with a thousand
    clock.advance(std::chrono::seconds(1));
    c.send(frame(0, 0, 1, "x") + frame(0, 0, 3, std::string(1000, 'x')));
    for (int k = 0; k < 5; ++k) t.loop.run_once(std::chrono::milliseconds(1));
  }
  c.send(frame(0, 1, 3, "x"));
  EXPECT_TRUE(contains(c.read_until("fine"), "fine"));
  EXPECT_EQ(t.aborted, 1);
}

// Its answer is there, but the client never gives room for it: whoever answered may be gone by
// then.
TEST(Hostile, AStreamThatIsLetGoOfCallsNobodyWhenItsClientLeaves) {
  Target t;
  int called = 0;
  t.server = std::make_unique<StreamServer>(t.loop, ServerOptions{}, [&](auto stream) {
    ++t.requests;
    stream->respond(404, {}, "no such host");
    stream->let_go();
    ServerCallbacks calls;
    calls.on_end = [&called](Headers) { ++called; };
    calls.on_abort = [&called] { ++called; };
    stream->receive(std::move(calls));
  });
  t.port = *t.server->listen("127.0.0.1", 0);
  {
    RawClient c(t.loop, t.port);
    const std::string no_window("\0\4\0\0\0\0", 6);  // SETTINGS_INITIAL_WINDOW_SIZE 0
    c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, no_window) + frame(1, 5, 1, kGet));
    EXPECT_TRUE(turn_until(t.loop, [&] { return t.requests == 1; }));
    EXPECT_EQ(t.server->connections(), 1u);
  }
  EXPECT_TRUE(turn_until(t.loop, [&] { return t.server->connections() == 0; }));
  EXPECT_EQ(called, 0);
}

TEST(Hostile, ConnectionsThatOnlyHoldOnMakeRoomForThoseThatWork) {
  ServerOptions options;
  options.most_connections = 4;
  Target t(options);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(std::make_unique<RawClient>(t.loop, t.port));
    idle.back()->exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "fine");
  }
  RawClient c(t.loop, t.port);
  EXPECT_TRUE(contains(c.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "fine"), "fine"));
}

}  // namespace
