#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/sockets.h"
#include "foundation/http/upstream_core.h"

namespace proa::http {
namespace {

constexpr size_t kReadBuffer = 64 << 10;

// A stream that could not be opened; its error comes in a later turn.
class FailedStream : public ClientStream, public std::enable_shared_from_this<FailedStream> {
 public:
  FailedStream(ClientCallbacks callbacks) { calls_.set(std::move(callbacks)); }
  void fail_later(async::Loop& loop, Error why) {
    loop.post([self = shared_from_this(), e = std::move(why)] {
      self->calls_.call_last(&ClientCallbacks::on_error, UpstreamError{e, false, true, false});
    });
  }
  void send_data(std::string_view, bool) override {}
  void send_trailers(const Headers&) override {}
  void pause_reading() override {}
  void resume_reading() override {}
  void reset() override { calls_.release(); }
  size_t backlog() const override { return 0; }
  bool closed() const override { return true; }

 private:
  Guarded<ClientCallbacks> calls_;
};

// As in server_connection.cpp: a plain socket tells each arrival once.
uint32_t reading_events(bool tls) { return tls ? EPOLLIN : EPOLLIN | EPOLLRDHUP | EPOLLET; }

void prepare(int fd, const UpstreamSettings& s) {
  if (!s.keepalive) return;
  auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  auto in_seconds = [](Duration d) { return static_cast<int>(d.count() / 1'000'000'000); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  if (s.keepalive_time.count() > 0) set(IPPROTO_TCP, TCP_KEEPIDLE, in_seconds(s.keepalive_time));
  if (s.keepalive_interval.count() > 0)
    set(IPPROTO_TCP, TCP_KEEPINTVL, in_seconds(s.keepalive_interval));
  if (s.keepalive_probes > 0) set(IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(s.keepalive_probes));
}

}  // namespace

UpstreamPool::Core::Core(async::Loop& l, UpstreamOptions o)
    : loop(l), options(std::move(o)), buffer(kReadBuffer) {}

UpstreamPool::Core::~Core() { shut_down(); }

void UpstreamPool::Core::shut_down() {
  down = true;
  loop.cancel(sweep_timer);
  while (!connections.empty()) {
    auto connection = connections.begin()->second;
    connection->close();
  }
}

Result<SslContext> UpstreamPool::Core::tls_context(const Upstream& to) {
  if (identities.size() >= 1024 && !identities.contains(to.settings.get())) identities.clear();
  Identity& identity = identities[to.settings.get()];
  identity.settings = to.settings;
  SslContext& context = identity.contexts[to.http2 ? 1 : 0];
  if (context) return context;
  ClientIdentity who{options.tls_ca, options.tls_certificate, options.tls_key, true, {}};
  if (to.settings) {
    const UpstreamSettings& s = *to.settings;
    who = {s.tls_ca, s.tls_certificate, s.tls_key, s.tls_verify, s.tls_names};
  }
  TRY(context, client_context(who, to.http2));
  return context;
}

UpstreamConnection* UpstreamPool::Core::connection_to(const Upstream& to, Error* why) {
  auto found = peers.find(to);
  if (found == peers.end()) found = peers.emplace(to, Peers{}).first;
  Peers& p = found->second;
  for (UpstreamConnection* shared : p.shared) {
    if (shared->protocol()->has_room() && !shared->worn()) return shared;
  }
  if (!p.idle.empty()) {
    UpstreamConnection* kept = p.idle.back();
    p.idle.pop_back();
    return kept;
  }
  auto refuse = [&](Error e) {
    *why = std::move(e);
    if (p.count == 0) peers.erase(found);
    return nullptr;
  };
  if (p.count >= options.most_connections_per_upstream) {
    return refuse(
        error(Code::kExhausted, str("too many connections to ", to.address, ":", to.port)));
  }
  std::unique_ptr<TlsSession> tls;
  if (to.tls) {
    auto context = tls_context(to);
    if (!context.ok()) return refuse(context.error());
    tls = std::make_unique<TlsSession>(*context, false,
                                       to.server_name.empty() ? to.address : to.server_name);
    if (to.settings) tls->expect_names(to.settings->tls_verify, to.settings->tls_names);
  }
  auto fd = options.twin && !to.tls ? connect_twin(to.address, to.port)
                                    : Result<Fd>(error(Code::kUnavailable, ""));
  if (!fd.ok()) fd = start_connect(to.address, to.port);
  if (!fd.ok()) return refuse(error(Code::kUnavailable, fd.error().message));
  if (to.settings) prepare(fd->get(), *to.settings);
  auto connection = std::make_shared<UpstreamConnection>(*this, to, std::move(*fd), std::move(tls));
  connections.emplace(connection.get(), connection);
  ++p.count;
  if (to.http2) p.shared.push_back(connection.get());
  connection->start();
  arm_sweep();
  return connection.get();
}

std::shared_ptr<ClientStream> UpstreamPool::Core::open(const Upstream& to, const RequestHead& head,
                                                       bool end, ClientCallbacks callbacks) {
  Error why;
  if (UpstreamConnection* connection = connection_to(to, &why))
    return connection->open(head, end, std::move(callbacks));
  auto stream = std::make_shared<FailedStream>(std::move(callbacks));
  stream->fail_later(loop, std::move(why));
  return stream;
}

std::shared_ptr<ClientStream> UpstreamPool::Core::relay(const Upstream& to, std::string_view head,
                                                        std::string_view body, bool head_only,
                                                        RelaySink& sink) {
  Error why;
  UpstreamConnection* connection = connection_to(to, &why);
  return connection ? connection->relay(head, body, head_only, sink) : nullptr;
}

void UpstreamPool::Core::remove(UpstreamConnection& connection) {
  auto found = peers.find(connection.to());
  if (found != peers.end()) {
    Peers& p = found->second;
    std::erase(p.idle, &connection);
    std::erase(p.shared, &connection);
    if (--p.count == 0) peers.erase(found);
  }
  connections.erase(&connection);
}

void UpstreamPool::Core::now_idle(UpstreamConnection& connection) {
  Peers& p = peers.find(connection.to())->second;
  if (p.idle.size() >= options.most_idle_per_upstream || connection.worn())
    return connection.close();
  p.idle.push_back(&connection);
}

void UpstreamPool::Core::close_idle(const std::string& address, uint16_t port) {
  std::vector<std::shared_ptr<UpstreamConnection>> gone;
  for (auto& [to, p] : peers) {
    if (to.address != address || to.port != port) continue;
    for (UpstreamConnection* c : p.idle) gone.push_back(c->shared_from_this());
    for (UpstreamConnection* c : p.shared) {
      if (c->protocol()->idle()) gone.push_back(c->shared_from_this());
    }
  }
  for (auto& connection : gone) connection->close();
}

void UpstreamPool::Core::arm_sweep() {
  if (sweep_timer || down || connections.empty()) return;
  sweep_timer = loop.after(std::chrono::seconds(1), [this] { sweep(); });
}

void UpstreamPool::Core::sweep() {
  sweep_timer = 0;
  std::vector<std::shared_ptr<UpstreamConnection>> old;
  MonoTime now = loop.now();
  for (auto& [key, c] : connections) {
    if (c->protocol()->idle() && now - c->idle_since() >= c->idle_timeout()) old.push_back(c);
  }
  for (auto& connection : old) connection->close();
  arm_sweep();
}

UpstreamConnection::UpstreamConnection(UpstreamPool::Core& core, const Upstream& to, Fd fd,
                                       std::unique_ptr<TlsSession> tls)
    : core_(core), to_(to), transport_(std::move(fd), std::move(tls)) {
  protocol_ = to.http2 ? make_h2_client(*this) : make_h1_client(*this);
  born_ = core.loop.now();
  // Shared by clients, so it speaks for none of them.
  if (to.settings && to.settings->proxy_protocol == 1) transport_.out() = "PROXY UNKNOWN\r\n";
  if (to.settings && to.settings->proxy_protocol == 2)
    transport_.out().assign("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
  touch();
}

bool UpstreamConnection::worn() const {
  if (!to_.settings) return false;
  const UpstreamSettings& s = *to_.settings;
  return (s.most_requests > 0 && served_ >= s.most_requests) ||
         (s.most_age.count() > 0 && core_.loop.now() - born_ >= s.most_age);
}

Duration UpstreamConnection::idle_timeout() const {
  bool own = to_.settings && to_.settings->idle_timeout.count() > 0;
  return own ? to_.settings->idle_timeout : core_.options.idle_timeout;
}

void UpstreamConnection::start() {
  interest_ = EPOLLOUT;
  core_.loop.watch(transport_.fd(), interest_, [this](uint32_t events) { on_event(events); });
  bool own = to_.settings && to_.settings->connect_timeout.count() > 0;
  Duration patience = own ? to_.settings->connect_timeout : core_.options.connect_timeout;
  timer_ = core_.loop.after(patience, [this] {
    timer_ = 0;
    fail(error(Code::kDeadline, str("connect to ", to_.address, ":", to_.port, ": timed out")));
  });
}

std::shared_ptr<ClientStream> UpstreamConnection::open(const RequestHead& head, bool end,
                                                       ClientCallbacks callbacks) {
  ++served_;
  if (end) {
    Turn turn(*this);
    return protocol_->open(head, end, std::move(callbacks));
  }
  ++depth_;  // the head waits for the body's first bytes, so that both go out in one write
  auto stream = protocol_->open(head, end, std::move(callbacks));
  --depth_;
  settle_soon();
  return stream;
}

std::shared_ptr<ClientStream> UpstreamConnection::relay(std::string_view head,
                                                        std::string_view body, bool head_only,
                                                        RelaySink& sink) {
  Turn turn(*this);
  ++served_;
  return protocol_->relay(head, body, head_only, sink);
}

void UpstreamConnection::on_event(uint32_t events) {
  Turn turn(*this);
  if (!connected_) {
    int err = socket_error(transport_.fd());
    if (err != 0) {
      Error why = errno_error(str("connect to ", to_.address, ":", to_.port), err);
      return fail(error(Code::kUnavailable, std::move(why.message)));
    }
    if (!(events & EPOLLOUT)) return;
    on_connected();
    return;
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    if (interest_ & EPOLLIN)
      read_some((events & ~uint32_t{EPOLLIN | EPOLLOUT}) != 0);
    else if (events & (EPOLLHUP | EPOLLERR))
      protocol_->on_eof();
  }
}

void UpstreamConnection::on_connected() {
  connected_ = true;
  if (transport_.tls()) {
    if (!transport_.tls()->handshake())
      return fail(error(Code::kUnavailable, transport_.tls()->failure()));
    return;
  }
  secured_ = true;
  core_.loop.cancel(std::exchange(timer_, 0));
}

void UpstreamConnection::read_some(bool to_the_end) {
  unread_ = false;
  for (int i = 0; i < 16 && !closed_; ++i) {
    if (!protocol_->wants_read()) {
      unread_ = true;
      return;
    }
    long n = transport_.read(core_.buffer.data(), core_.buffer.size());
    if (!secured_ && transport_.tls()->ready()) {
      if (to_.http2 && !transport_.tls()->is_h2()) {
        return fail(
            error(Code::kUnavailable, str(to_.address, ":", to_.port, " does not offer HTTP/2")));
      }
      secured_ = true;
      core_.loop.cancel(std::exchange(timer_, 0));
    }
    if (n == Transport::kBlocked) return;
    if (n == Transport::kBroken && transport_.tls() && !transport_.tls()->failure().empty()) {
      return fail(error(Code::kUnavailable,
                        str(to_.address, ":", to_.port, ": ", transport_.tls()->failure())));
    }
    if (n == Transport::kBroken) reset_ = true;
    if (n <= 0) return protocol_->on_eof();
    bool more = transport_.tls() || to_the_end || static_cast<size_t>(n) == core_.buffer.size();
    protocol_->on_data({core_.buffer.data(), static_cast<size_t>(n)});
    if (!more) return;
  }
  unread_ = true;
  read_more_soon();
}

// What TLS already holds will not make the socket readable again, nor will what was left in it.
void UpstreamConnection::read_more_soon() {
  if (closed_ || !(transport_.tls_input() || unread_)) return;
  core_.loop.post([self = shared_from_this()] {
    if (!self->closed_) self->on_event(EPOLLIN | EPOLLRDHUP);
  });
}

void UpstreamConnection::settle() {
  if (closed_ || depth_ > 0) return;
  auto self = shared_from_this();
  ++depth_;
  while (connected_) {
    if (!transport_.flush()) {
      // The answer may have come before the peer closed: reading tells more than writing. Later:
      // whoever opens or sends is not called back from inside.
      --depth_;
      return core_.loop.post([self] {
        if (!self->closed_) self->read_some_or_fail();
      });
    }
    if (transport_.blocked() || !protocol_) break;
    protocol_->fill();
    if (closed_ || transport_.backlog() == 0) break;
    if (transport_.tls() && !secured_) break;
  }
  --depth_;
  if (!closed_) update_interest();
}

void UpstreamConnection::read_some_or_fail() {
  auto self = shared_from_this();
  ++depth_;
  for (int i = 0; i < 64 && !closed_; ++i) {
    long n = transport_.read(core_.buffer.data(), core_.buffer.size());
    if (n == Transport::kBroken) reset_ = true;
    if (n <= 0) break;
    protocol_->on_data({core_.buffer.data(), static_cast<size_t>(n)});
  }
  --depth_;
  if (!closed_) protocol_->on_eof();
}

void UpstreamConnection::settle_soon() {
  if (in_event() || soon_ || closed_) return;
  soon_ = true;
  core_.loop.post([self = shared_from_this()] {
    self->soon_ = false;
    self->settle();
  });
}

void UpstreamConnection::mute() {
  muted_ = true;
  core_.loop.unwatch(transport_.fd());
}

void UpstreamConnection::update_interest() {
  if (muted_) return;
  bool reading = connected_ && protocol_->wants_read();
  bool writing = !connected_ || transport_.blocked();
  bool tls = transport_.tls() != nullptr;
  uint32_t wanted = (reading ? reading_events(tls) : 0) | (writing ? uint32_t{EPOLLOUT} : 0);
  if (reading && !(interest_ & EPOLLIN) && !tls) unread_ = false;  // the kernel tells anew
  if (reading && (!(interest_ & EPOLLIN) || unread_)) read_more_soon();
  if (wanted == interest_) return;
  interest_ = wanted;
  core_.loop.modify(transport_.fd(), wanted);
}

void UpstreamConnection::release() {
  touch();
  core_.now_idle(*this);
}

void UpstreamConnection::fail(Error why) {
  if (closed_) return;
  auto self = shared_from_this();
  protocol_->fail(why, secured_);
  close();
}

void UpstreamConnection::close() {
  if (closed_) return;
  auto self = shared_from_this();
  closed_ = true;
  protocol_->abandon();
  core_.loop.cancel(std::exchange(timer_, 0));
  core_.loop.unwatch(transport_.fd());
  core_.remove(*this);
  transport_ = Transport(Fd());
}

UpstreamPool::UpstreamPool(async::Loop& loop, UpstreamOptions options)
    : core_(std::make_shared<Core>(loop, std::move(options))) {}
UpstreamPool::~UpstreamPool() { core_->shut_down(); }

std::shared_ptr<ClientStream> UpstreamPool::open(const Upstream& to, const RequestHead& head,
                                                 bool end, ClientCallbacks callbacks) {
  return core_->open(to, head, end, std::move(callbacks));
}
std::shared_ptr<ClientStream> UpstreamPool::relay(const Upstream& to, std::string_view head,
                                                  std::string_view body, bool head_only,
                                                  RelaySink& sink) {
  return core_->relay(to, head, body, head_only, sink);
}
void UpstreamPool::close_idle(const std::string& address, uint16_t port) {
  core_->close_idle(address, port);
}
size_t UpstreamPool::connections() const { return core_->connections.size(); }

}  // namespace proa::http
