// HTTP for whole messages: Request, Response, Server and Client on an async::Loop.
//
// HTTP/1.1 and HTTP/2 (h2c by prior knowledge and by ALPN over TLS) have the same face. Bodies are
// collected up to a bound before the handler is called; a response may be sent whole or streamed.
// The gateway, which must stream both ways, uses stream.h below this.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/base/result.h"

namespace proa::http {

// Ordered, names compared without case; kept as received.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> list);
  std::string_view get(std::string_view name) const;  // first value, "" if absent
  bool has(std::string_view name) const;
  void set(std::string_view name, std::string_view value);  // replaces all of that name
  void add(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size(); }
  void clear() { items_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

struct Request {
  std::string method;     // "GET"
  std::string target;     // as received: "/v1/models?x=1"
  std::string authority;  // Host or :authority
  Headers headers;
  std::string body;
  std::string peer;         // "127.0.0.1:41234"
  std::string client_cert;  // subject as "O=system:masters,CN=admin"; "" without one
  bool tls = false;
  int version = 11;  // 10, 11 or 20

  std::string_view path() const;   // target up to '?', not decoded
  std::string_view query() const;  // after '?', not decoded
};

// "a=1&b=%20" → the decoded value of `name`, or nullopt.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};
const char* reason_phrase(int status);

// Answers one request. Thread-safe: calls from other threads are posted to the connection's loop.
// Exactly one of send() or start()…finish(); dropped without either, the client gets a 500.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(Response response) = 0;
  virtual void start(int status, Headers headers) = 0;  // chunked, or as content-length says
  virtual void write(std::string data) = 0;
  virtual void finish() = 0;
  virtual void on_close(std::function<void()> callback) = 0;  // the client went away; any thread
  virtual bool closed() const = 0;
  virtual size_t buffered() const = 0;  // bytes taken by write() and not yet by the socket
};
using Handler = std::function<void(Request request, std::shared_ptr<Responder> responder)>;

// TLS by OpenSSL; PEM texts. client_ca: ask for a client certificate and verify it by that CA (a
// client without one is let in, with client_cert "").
struct TlsOptions {
  std::string certificate, key, client_ca;
  bool require_client = false;                // one without a client certificate is turned away
  int least_version = 12, most_version = 13;  // TLS 1.2, 1.3
};

// See inline.h.
struct RequestView;
class ResponseBuffer;
using InlineHandler = std::function<bool(const RequestView&, ResponseBuffer&)>;
using InlineWanted = std::function<bool(const RequestView& head)>;
// See stream.h. Takes the exchange and returns true, or leaves it untouched.
class ServerStream;
class RelayPolicy;  // See relay.h.
using StreamTaker = std::function<bool(const std::shared_ptr<ServerStream>& stream)>;

struct ServerOptions {
  size_t most_head_bytes = 64 << 10;
  size_t most_body_bytes = 64 << 20;  // larger: 413
  size_t most_connections = 10000;
  Duration head_timeout = std::chrono::seconds(10);  // slowloris
  Duration body_timeout = std::chrono::seconds(60);  // without progress
  Duration idle_timeout = std::chrono::seconds(75);
  // Slow on purpose: a head or body that takes longer than its timeout is ended; so is a body that
  // comes slower than this after the first 5 seconds. 0: no such rule.
  size_t least_bytes_per_second = 0;
  // When draining, an idle kept connection gets this long for one more request, which is answered
  // with Connection: close; so a client that was about to send loses nothing. 0: closed at once.
  Duration drain_idle{0};
  std::shared_ptr<TlsOptions> tls;
  bool twin =
      false;  // on a loopback address, a Unix socket beside it for whoever knows (sockets.h)
  InlineHandler inline_handler;  // tried first; may be empty
  InlineWanted inline_wanted;    // HTTP/2: may this one wait for its body? Empty: all may
  RelayPolicy* relay = nullptr;  // StreamServer, HTTP/1.1 only: tried first; outlives the server
  StreamTaker stream_taker;      // Server only: tried before a body is collected; may be empty
};

class Server {
 public:
  Server(async::Loop& loop, ServerOptions options, Handler handler);
  ~Server();
  // Port 0: any free one. Returns the port. Errors name address, port and cause.
  Result<uint16_t> listen(const std::string& address, uint16_t port, bool reuse_port = false);
  // No new connections; `Connection: close`/GOAWAY on the next answer; calls done when none is
  // left.
  void drain(std::function<void()> done);
  size_t connections() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

struct ClientOptions {
  size_t most_idle_per_host = 16;
  Duration connect_timeout = std::chrono::seconds(5);
  size_t most_body_bytes = 64 << 20;
  std::string tls_ca, tls_certificate, tls_key;  // PEM; tls_ca "" means the system's
  bool http2 = false;                            // prior knowledge, or by ALPN over TLS
};

struct ClientRequest {
  std::string host;  // address or name
  uint16_t port = 80;
  bool tls = false;
  std::string method = "GET", target = "/";
  Headers headers;  // Host is set from host:port unless given
  std::string body;
  Duration timeout = std::chrono::seconds(30);
};

// Keep-alive pools per host:port:tls. Loop thread only.
class Client {
 public:
  explicit Client(async::Loop& loop, ClientOptions options = {});
  ~Client();
  void fetch(ClientRequest request, std::function<void(Result<Response>)> callback);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace proa::http
