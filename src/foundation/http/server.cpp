// Server: whole messages on top of StreamServer.
#include <algorithm>
#include <atomic>
#include <mutex>

#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/http/stream.h"

namespace proa::http {
namespace {

// Lives on the loop's thread, except for what the Responder below shares.
struct Exchange : std::enable_shared_from_this<Exchange> {
  Exchange(async::Loop& l, std::shared_ptr<ServerStream> s) : loop(l), stream(std::move(s)) {}
  async::Loop& loop;
  std::shared_ptr<ServerStream> stream;  // loop thread only
  std::string body;                      // of the request

  std::atomic<bool> closed{false};
  std::atomic<size_t> queued{0};   // written by other threads, not yet seen by the loop
  std::atomic<size_t> backlog{0};  // of the stream, as last seen
  std::mutex mutex;
  std::vector<std::function<void()>> close_callbacks;  // guarded by mutex
  bool done = false;                                   // guarded by mutex

  // Answered: nobody needs to be told any more, and what the callbacks hold is let go.
  void answered() {
    std::vector<std::function<void()>> callbacks;
    std::lock_guard lock(mutex);
    callbacks.swap(close_callbacks);
    done = true;
  }

  void aborted() {
    closed = true;
    std::vector<std::function<void()>> callbacks;
    {
      std::lock_guard lock(mutex);
      callbacks.swap(close_callbacks);
    }
    for (auto& callback : callbacks) callback();
  }
};

// Counts what is done so that dropping it unanswered is noticed.
class StreamResponder : public Responder {
 public:
  explicit StreamResponder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  ~StreamResponder() override {
    if (finished_) return;
    bool started = started_;
    on_loop([started](Exchange& e) {
      if (started)
        e.stream->reset();
      else
        e.stream->respond(500, {{"content-type", "text/plain"}},
                          "the request was dropped unanswered\n");
    });
  }

  void send(Response response) override {
    if (std::exchange(finished_, true)) return;
    on_loop([r = std::move(response)](Exchange& e) {
      e.stream->respond(r.status, r.headers, r.body);
      e.answered();
    });
  }

  void start(int status, Headers headers) override {
    if (finished_ || std::exchange(started_, true)) return;
    on_loop([status, h = std::move(headers)](Exchange& e) {
      e.stream->respond_head(status, h, false);
    });
  }

  void write(std::string data) override {
    if (finished_ || !started_ || data.empty()) return;
    exchange_->queued += data.size();
    on_loop([d = std::move(data)](Exchange& e) {
      e.queued -= d.size();
      e.stream->respond_data(d, false);
      e.backlog = e.stream->backlog();
    });
  }

  void finish() override {
    if (!started_ || std::exchange(finished_, true)) return;
    on_loop([](Exchange& e) {
      e.stream->respond_data({}, true);
      e.answered();
    });
  }

  void on_close(std::function<void()> callback) override {
    {
      std::lock_guard lock(exchange_->mutex);
      if (exchange_->done) return;
      if (!exchange_->closed) {
        exchange_->close_callbacks.push_back(std::move(callback));
        return;
      }
    }
    callback();
  }

  bool closed() const override { return exchange_->closed; }

  size_t buffered() const override {
    if (exchange_->loop.in_loop()) return exchange_->queued + exchange_->stream->backlog();
    if (exchange_->backlog > 0) {  // refresh it for the next caller
      exchange_->loop.post([e = exchange_] { e->backlog = e->stream->backlog(); });
    }
    return exchange_->queued + exchange_->backlog;
  }

 private:
  // In order: once something was posted, later calls from the loop follow it through the queue.
  template <typename Action>
  void on_loop(Action action) {
    if (!posted_ && exchange_->loop.in_loop()) return action(*exchange_);
    posted_ = true;
    exchange_->loop.post([e = exchange_, a = std::move(action)]() mutable { a(*e); });
  }

  std::shared_ptr<Exchange> exchange_;
  std::atomic<bool> posted_{false};
  bool started_ = false, finished_ = false;
};

Request make_request(const RequestHead& head, std::string body) {
  Request request;
  request.method = head.method;
  request.target = head.target;
  request.authority = head.authority;
  request.headers = head.headers;
  request.body = std::move(body);
  request.peer = head.peer;
  request.client_cert = head.client_cert;
  request.tls = head.tls;
  request.version = head.version;
  return request;
}

void refuse_large(ServerStream& stream, size_t most) {
  stream.respond(413, {{"content-type", "application/json"}},
                 str("{\"error\": \"the body is larger than ", most, " bytes\"}"));
}

void collect(async::Loop& loop, const ServerOptions& options, const Handler& handler,
             std::shared_ptr<ServerStream> stream) {
  if (options.stream_taker && options.stream_taker(stream)) return;
  const RequestHead& head = stream->head();
  size_t most_body = options.most_body_bytes;
  if (head.content_length.value_or(0) > most_body) return refuse_large(*stream, most_body);
  auto exchange = std::make_shared<Exchange>(loop, stream);
  if (head.content_length)
    exchange->body.reserve(static_cast<size_t>(std::min<uint64_t>(*head.content_length, 1 << 20)));
  ServerCallbacks callbacks;
  callbacks.on_abort = [exchange] { exchange->aborted(); };
  // An upgrade is answered like any other request: this face has no tunnels.
  if (head.ended) {
    stream->receive(std::move(callbacks));
    return handler(make_request(head, {}), std::make_shared<StreamResponder>(exchange));
  }
  callbacks.on_data = [exchange, most_body](std::string_view data) {
    if (exchange->stream->responded()) return;
    if (exchange->body.size() + data.size() > most_body)
      return refuse_large(*exchange->stream, most_body);
    exchange->body.append(data);
  };
  callbacks.on_end = [exchange, &handler](Headers) {
    if (exchange->stream->responded()) return;
    handler(make_request(exchange->stream->head(), std::move(exchange->body)),
            std::make_shared<StreamResponder>(exchange));
  };
  stream->receive(std::move(callbacks));
}

}  // namespace

struct Server::Core {
  Core(async::Loop& loop, ServerOptions o, Handler h)
      : options(std::move(o)),
        handler(std::move(h)),
        server(loop, options, [this, &loop](std::shared_ptr<ServerStream> s) {
          collect(loop, options, handler, std::move(s));
        }) {}
  ServerOptions options;
  Handler handler;
  StreamServer server;
};

Server::Server(async::Loop& loop, ServerOptions options, Handler handler)
    : core_(std::make_shared<Core>(loop, std::move(options), std::move(handler))) {}
Server::~Server() = default;

Result<uint16_t> Server::listen(const std::string& address, uint16_t port, bool reuse_port) {
  return core_->server.listen(address, port, reuse_port);
}
void Server::drain(std::function<void()> done) { core_->server.drain(std::move(done)); }
size_t Server::connections() const { return core_->server.connections(); }

}  // namespace proa::http
