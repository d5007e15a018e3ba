// Client: whole messages on top of UpstreamPool, with names resolved on a thread of its own.
#include <netdb.h>
#include <netinet/in.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "foundation/base/strings.h"
#include "foundation/http/http.h"
#include "foundation/http/sockets.h"
#include "foundation/http/stream.h"

namespace proa::http {
namespace {

Result<std::string> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  int r = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (r != 0) return error(Code::kUnavailable, str("resolve ", host, ": ", ::gai_strerror(r)));
  addrinfo* best = list;
  for (addrinfo* a = list; a; a = a->ai_next) {
    if (a->ai_family == AF_INET) {
      best = a;
      break;
    }
  }
  char text[NI_MAXHOST] = "";
  ::getnameinfo(best->ai_addr, best->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(list);
  return std::string(text);
}

// One thread, begun with the first name. At most kMostQueued names wait.
class Resolver {
 public:
  using Callback = std::function<void(Result<std::string>)>;
  explicit Resolver(async::Loop& loop) : loop_(loop) {}
  ~Resolver() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  void ask(std::string host, Callback callback) {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostQueued) {
      loop_.post(
          [callback] { callback(error(Code::kExhausted, "too many names wait to be resolved")); });
      return;
    }
    queue_.push_back({std::move(host), std::move(callback)});
    if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
    wake_.notify_one();
  }

 private:
  static constexpr size_t kMostQueued = 1000;
  struct Question {
    std::string host;
    Callback callback;
  };
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      Question q = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      loop_.post(
          [callback = std::move(q.callback), answer = resolve(q.host)] { callback(answer); });
      lock.lock();
    }
  }
  async::Loop& loop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Question> queue_;  // guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  std::thread thread_;
};

UpstreamOptions pool_options(const ClientOptions& options) {
  UpstreamOptions out;
  out.most_idle_per_upstream = options.most_idle_per_host;
  out.connect_timeout = options.connect_timeout;
  out.tls_ca = options.tls_ca;
  out.tls_certificate = options.tls_certificate;
  out.tls_key = options.tls_key;
  return out;
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

}  // namespace

struct Client::Core : std::enable_shared_from_this<Client::Core> {
  Core(async::Loop& l, ClientOptions o)
      : loop(l), options(std::move(o)), pool(l, pool_options(options)), resolver(l) {}
  async::Loop& loop;
  ClientOptions options;
  UpstreamPool pool;
  Resolver resolver;
};

namespace {

struct Fetch : std::enable_shared_from_this<Fetch> {
  Fetch(async::Loop& l, UpstreamPool& p, const ClientOptions& o, std::weak_ptr<void> c)
      : loop(l), pool(p), options(o), client(std::move(c)) {}
  async::Loop& loop;
  UpstreamPool& pool;
  const ClientOptions& options;
  std::weak_ptr<void> client;  // pool and options live as long
  ClientRequest request;
  std::function<void(Result<Response>)> callback;
  Response response;
  std::shared_ptr<ClientStream> stream;
  async::TimerId timer = 0;
  bool retried = false, over = false;

  void done(Result<Response> result) {
    if (std::exchange(over, true)) return;
    auto self = shared_from_this();
    loop.cancel(timer);
    if (stream) stream->reset();
    stream = nullptr;
    auto call = std::exchange(callback, nullptr);
    call(std::move(result));
  }

  void start_timer() {
    timer = loop.after(request.timeout, [self = shared_from_this()] {
      self->timer = 0;
      self->done(error(
          Code::kDeadline,
          str(self->request.method, " ", self->request.host, ":", self->request.port,
              self->request.target, ": no answer in ", format_duration(self->request.timeout))));
    });
  }

  void send(const std::string& address) {
    if (over) return;
    if (client.expired()) return done(error(Code::kCancelled, "the client is gone"));
    RequestHead head;
    head.method = request.method;
    head.target = request.target;
    head.headers = request.headers;
    head.authority = head.headers.get("host");
    head.headers.remove("host");
    bool usual_port = request.port == (request.tls ? 443 : 80);
    bool bracket = contains(request.host, ":");
    std::string host = bracket ? str("[", request.host, "]") : request.host;
    if (head.authority.empty()) head.authority = usual_port ? host : str(host, ":", request.port);
    if (!request.body.empty()) head.headers.set("content-length", str(request.body.size()));
    Upstream to{address, request.port, options.http2, request.tls, request.host};
    auto self = shared_from_this();
    ClientCallbacks calls;
    calls.on_head = [self](ResponseHead h) {
      self->response.status = h.status;
      self->response.headers = std::move(h.headers);
    };
    calls.on_data = [self](std::string_view data) {
      if (self->response.body.size() + data.size() > self->options.most_body_bytes) {
        return self->done(error(Code::kTooLarge, str("the answer is larger than ",
                                                     self->options.most_body_bytes, " bytes")));
      }
      self->response.body.append(data);
    };
    calls.on_end = [self](Headers) { self->done(std::move(self->response)); };
    calls.on_error = [self, address](UpstreamError e) { self->failed(address, std::move(e)); };
    stream = pool.open(to, head, request.body.empty(), std::move(calls));
    if (!request.body.empty()) stream->send_data(request.body, true);
  }

  void failed(const std::string& address, UpstreamError e) {
    bool again =
        e.stale && !e.response_started && (e.surely_unprocessed || is_idempotent(request.method));
    if (!again || std::exchange(retried, true)) return done(std::move(e.error));
    response = {};
    loop.post([self = shared_from_this(), address] { self->send(address); });
  }
};

}  // namespace

Client::Client(async::Loop& loop, ClientOptions options)
    : core_(std::make_shared<Core>(loop, std::move(options))) {}
Client::~Client() = default;

void Client::fetch(ClientRequest request, std::function<void(Result<Response>)> callback) {
  auto fetch = std::make_shared<Fetch>(core_->loop, core_->pool, core_->options, core_);
  fetch->request = std::move(request);
  fetch->callback = std::move(callback);
  fetch->start_timer();
  std::string host = fetch->request.host;
  if (is_ip_address(host)) return fetch->send(host);
  if (host == "localhost" || std::string_view(host).ends_with(".localhost"))
    return fetch->send("127.0.0.1");
  core_->resolver.ask(host, [fetch](Result<std::string> address) {
    if (!address.ok())
      fetch->done(address.error());
    else
      fetch->send(*address);
  });
}

}  // namespace proa::http
