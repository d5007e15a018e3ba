// HTTP as streams: heads and body pieces in both directions, for the gateway and under Server.
//
//   client ──▶ StreamServer ──StreamHandler──▶ ServerStream      ClientStream ◀── UpstreamPool ──▶
//   upstream
//
// HTTP/1.x and HTTP/2 have the same face. Everything runs on the loop's thread, by callbacks; none
// is called from inside the call that sets it or opens a stream, except where it says so. Streams
// are held by shared_ptr; once the exchange is over (ended both ways, aborted or reset) every call
// is a no-op and the callbacks have been released, so that a callback may own the other stream.
//
// Framing is done here: content-length is taken from the headers given; without it a body goes
// chunked (HTTP/1.1), to the close (1.0) or as frames (2). Hop-by-hop headers (connection,
// keep-alive, proxy-connection, transfer-encoding, te other than trailers, upgrade except for
// upgrades) are left out when sending, `date` is added to responses that have none.
//
// Upgrades (WebSocket), HTTP/1.1 only: RequestHead::upgrade is the protocol asked for
// ("websocket"). Such a request has no body and no on_end at first. Send it upstream with
// head.upgrade set and end = false. When the upstream's on_head says 101, answer respond_head(101,
// headers, false): from then on data are raw bytes both ways, on_end is the peer's half-close, end
// = true half-closes. After any other status the exchange is an ordinary one (the request counts as
// ended).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/async/loop.h"
#include "foundation/base/result.h"
#include "foundation/http/http.h"

namespace proa::http {

struct RequestHead {
  std::string method = "GET", target = "/", authority;  // authority: Host or :authority
  Headers headers;      // without Host, :pseudo, connection, transfer-encoding; has content-length
  int version = 11;     // 10, 11, 20
  std::string upgrade;  // protocol asked for by Connection: Upgrade, else ""
  bool ended = false;   // no body follows
  std::optional<uint64_t> content_length;
  bool tls = false;
  std::string peer;         // "127.0.0.1:41234"
  std::string client_cert;  // as in Request
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct ResponseHead {
  int status = 200;
  Headers headers;     // without connection, keep-alive, transfer-encoding; upgrade kept with 101
  bool ended = false;  // no body follows (on_end comes too)
  std::optional<uint64_t> content_length;
};

// What a ServerStream tells. Any may be empty.
struct ServerCallbacks {
  std::function<void(std::string_view data)> on_data;  // the view dies on return
  std::function<void(Headers trailers)> on_end;        // the request is whole
  std::function<void()> on_abort;  // client gone, reset or timed out; nothing comes after it
  std::function<void()>
      on_writable;  // backlog() fell below half of kBacklogHigh after being above it
};

inline constexpr size_t kBacklogHigh = 256 << 10;  // stop the producer (pause_reading) above this

// One exchange, seen by the server.
class ServerStream {
 public:
  virtual ~ServerStream() = default;
  virtual const RequestHead& head() const = 0;
  // Sets the callbacks and starts the body: until then nothing is read (and no 100 Continue sent).
  // What has arrived already is delivered from inside this call; so is on_end for an empty body.
  virtual void receive(ServerCallbacks callbacks) = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;  // may deliver from inside

  virtual void respond_head(int status, const Headers& headers, bool end) = 0;
  virtual void respond_data(std::string_view data, bool end) = 0;
  virtual void respond_trailers(const Headers& trailers) = 0;  // ends the response
  // Head and body in one write. Adds content-length.
  virtual void respond(int status, const Headers& headers, std::string_view body) = 0;
  virtual void reset() = 0;            // breaks off: RST_STREAM, or the connection is closed
  virtual bool responded() const = 0;  // a final head was given
  virtual bool closed() const = 0;     // over: the client went away, or all was said
  virtual size_t backlog() const = 0;  // bytes taken and not yet written to the socket
  // No callback comes after this; what was answered is still sent. For owners that go before it is.
  virtual void let_go() {}
};

using StreamHandler = std::function<void(std::shared_ptr<ServerStream> stream)>;

// Accepts connections and hands each request's head to the handler. Limits as in ServerOptions,
// except most_body_bytes, which is the handler's matter (413 when content-length says more).
// Destroying it closes the connections.
class StreamServer {
 public:
  StreamServer(async::Loop& loop, ServerOptions options, StreamHandler handler);
  ~StreamServer();
  Result<uint16_t> listen(const std::string& address, uint16_t port, bool reuse_port = false);
  // Takes over a bound, listening socket (inherited or passed).
  Result<uint16_t> adopt(int listening_fd);
  // Takes over a connection that was accepted elsewhere, with what it has to read.
  Status take(int connected_fd, std::string peer);
  // As Server::drain.
  void drain(std::function<void()> done);
  size_t connections() const;

  struct Core;

 private:
  std::shared_ptr<Core> core_;
};

// Why an exchange with an upstream failed.
struct UpstreamError {
  Error error;  // kUnavailable, kDeadline (connect), kDataLoss (bad HTTP), kExhausted
  bool response_started = false;  // some byte of a response had come: never retry
  bool surely_unprocessed =
      false;           // not connected, nothing of it reached the peer's kernel, GOAWAY, REFUSED
  bool stale = false;  // a kept-alive connection that ended before any byte of the response
};

struct ClientCallbacks {
  std::function<void(ResponseHead head)> on_head;  // the final head, or 101; other 1xx are dropped
  std::function<void(std::string_view data)> on_data;  // the view dies on return
  std::function<void(Headers trailers)> on_end;  // the response is whole; nothing comes after it
  std::function<void(UpstreamError error)> on_error;  // nothing comes after it
  std::function<void()> on_writable;                  // as in ServerCallbacks
};

// One exchange, seen by the client.
class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual void send_data(std::string_view data,
                         bool end) = 0;                     // taken at once, also while connecting
  virtual void send_trailers(const Headers& trailers) = 0;  // ends the request
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;  // may deliver from inside
  virtual void reset() = 0;           // gives up; no callback comes any more
  virtual size_t backlog() const = 0;
  virtual bool closed() const = 0;
};

struct UpstreamOptions {
  size_t most_idle_per_upstream = 64;
  size_t most_connections_per_upstream = 4096;  // beyond: kExhausted
  size_t most_head_bytes = 64 << 10;
  Duration connect_timeout = std::chrono::seconds(5);
  Duration idle_timeout = std::chrono::seconds(30);  // shorter than servers' own
  std::string tls_ca, tls_certificate, tls_key;      // PEM; tls_ca "": the system's
  bool twin = false;                                 // a server's twin is tried first (sockets.h)
};

class RelaySink;  // relay.h

// What a destination asks of its connections. Zero or empty: the pool's own.
struct UpstreamSettings {
  Duration connect_timeout{0}, idle_timeout{0};
  Duration most_age{0};        // no new exchange on a connection after this
  uint32_t most_requests = 0;  // on one connection
  uint32_t most_streams = 0;   // at a time on one HTTP/2 connection
  bool keepalive = false;      // TCP's
  Duration keepalive_time{0}, keepalive_interval{0};
  uint32_t keepalive_probes = 0;
  uint8_t proxy_protocol = 0;                    // 1 or 2: that header first on a connection
  std::string tls_ca, tls_certificate, tls_key;  // PEM
  bool tls_verify = true;
  std::vector<std::string> tls_names;  // one must be in the certificate; empty: server_name
};

// Where to. Equal ones share connections.
struct Upstream {
  std::string address;  // IPv4 or IPv6 address, no name
  uint16_t port = 80;
  bool http2 = false;  // prior knowledge; over TLS ALPN must agree; streams are multiplexed
  bool tls = false;
  std::string server_name;  // TLS: checked against the certificate, and sent
  std::shared_ptr<const UpstreamSettings> settings;  // may be null; compared by address
};

// Keep-alive connections to upstreams. HTTP/1.1: one exchange at a time on each.
class UpstreamPool {
 public:
  explicit UpstreamPool(async::Loop& loop, UpstreamOptions options = {});
  ~UpstreamPool();  // breaks off what is open, without callbacks
  // Sends the head (authority becomes Host or :authority) and, if end, nothing more. Never calls
  // back from inside. `head` need not live on.
  std::shared_ptr<ClientStream> open(const Upstream& to, const RequestHead& head, bool end,
                                     ClientCallbacks callbacks);
  // For relay.h: a whole request for an HTTP/1.1 upstream, head (with its blank line) and body.
  // nullptr: no connection is to be had. The sink lives until the exchange is over or reset.
  std::shared_ptr<ClientStream> relay(const Upstream& to, std::string_view head,
                                      std::string_view body, bool head_only, RelaySink& sink);
  void close_idle(const std::string& address, uint16_t port);  // an endpoint is going away
  size_t connections() const;

  struct Core;

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace proa::http
