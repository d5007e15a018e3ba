#include "platform/gateway/tunnel.h"

#include <arpa/inet.h>
#include <sys/epoll.h>

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/sockets.h"
#include "foundation/http/transport.h"
#include "foundation/obs/log.h"
#include "platform/gateway/outgoing.h"

namespace proa::gateway {
namespace {

constexpr size_t kHigh = 256 << 10;
constexpr Duration kIdle = std::chrono::hours(1);
constexpr Duration kConnect = std::chrono::seconds(5);
constexpr int kMostTries = 5;

// The header that tells the upstream who the client is (PROXY protocol, versions 1 and 2).
std::string proxy_header(int version, const std::string& peer, const std::string& address,
                         uint16_t port) {
  size_t colon = peer.rfind(':');
  std::string from(peer_address(peer));
  auto from_port = static_cast<uint16_t>(
      parse_int(peer.substr(colon == std::string::npos ? 0 : colon + 1)).value_or(0));
  bool v6 = from.find(':') != std::string::npos;
  if (v6 != (address.find(':') != std::string::npos))
    return version == 1 ? "PROXY UNKNOWN\r\n" : std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
  if (version == 1)
    return str("PROXY ", v6 ? "TCP6 " : "TCP4 ", from, " ", address, " ", from_port, " ", port,
               "\r\n");
  std::string out("\r\n\r\n\0\r\nQUIT\n\x21", 13);
  out += v6 ? '\x21' : '\x11';
  size_t size = v6 ? 16 : 4;
  out += '\0';
  out += static_cast<char>(2 * size + 4);
  for (const std::string& text : {from, address}) {
    char raw[16] = {};
    inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), raw);
    out.append(raw, size);
  }
  for (uint16_t p : {from_port, port}) {
    out += static_cast<char>(p >> 8);
    out += static_cast<char>(p & 255);
  }
  return out;
}

}  // namespace

class Connection final : public Waiter, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Tunnels& tunnels, Fd fd, std::string peer, std::unique_ptr<http::TlsSession> tls)
      : tunnels_(tunnels),
        loop_(tunnels.worker().loop()),
        peer_(std::move(peer)),
        down_{http::Transport(std::move(fd), std::move(tls))},
        up_{http::Transport(Fd())} {}

  void start(std::shared_ptr<const Table> table, const Tunnel* tunnel) {
    table_ = std::move(table);
    const Destination* to =
        tunnel ? pick(*tunnel, static_cast<uint32_t>(tunnels_.worker().random())) : nullptr;
    if (!to || !to->backend) return close();
    began_ = touched_ = loop_.now();
    backend_ = to->backend;
    Duration timeout = backend_->arrive(began_);
    if (timeout != kNoTimeout) wait_until_ = began_ + timeout;
    acquire();
  }

  void granted() override {
    loop_.post([self = shared_from_this()] { self->waited_enough(); });
  }

  void tick(MonoTime now) {
    bool waited = (waiting_ || !connected_) && wait_until_ != MonoTime{} && now >= wait_until_;
    if (waited || now - touched_ >= kIdle) close();
    if (!closed_ && !waiting_ && !connected_ && now - connecting_since_ >= kConnect) refused();
  }

  void close() {
    if (std::exchange(closed_, true)) return;
    auto self = shared_from_this();
    if (waiting_) backend_->cancel(*this, loop_.now());
    if (backend_) backend_->leave(loop_.now(), endpoint_.get());
    endpoint_ = nullptr;
    for (Side* side : {&down_, &up_}) unwatch(*side);
    down_.transport = http::Transport(Fd());
    up_.transport = http::Transport(Fd());
    tunnels_.remove(*this);
  }

 private:
  struct Side {
    http::Transport transport;
    uint32_t interest = 0;
    bool watched = false, ended = false;  // it has said all
  };

  void acquire() {
    bool cold = false;
    const MonoTime now = loop_.now();
    switch (backend_->acquire(*this, now, static_cast<uint32_t>(tunnels_.worker().random()),
                              &endpoint_, &cold, false, last_.get())) {
      case Admit::kGranted:
        return connect();
      case Admit::kFull:
        return close();
      case Admit::kQueued:
        break;
    }
    waiting_ = true;
    if (cold && backend_->is_revision() && backend_->claim_first_wait())
      tunnels_.worker().demand().waiting(backend_->key(), backend_->waiting());
  }

  void waited_enough() {
    if (!waiting_ || closed_) return;
    endpoint_ = backend_->take(*this);
    if (!endpoint_) return;
    waiting_ = false;
    connect();
  }

  void connect() {
    ++tries_;
    connecting_since_ = loop_.now();
    auto fd = http::start_connect(endpoint_->address, endpoint_->port);
    if (!fd.ok()) return refused();
    up_.transport = http::Transport(std::move(*fd));
    auto policy = backend_->policy();
    if (policy && policy->proxy_protocol)
      up_.transport.out() =
          proxy_header(policy->proxy_protocol, peer_, endpoint_->address, endpoint_->port);
    watch(up_, EPOLLOUT);
  }

  // Nothing was sent yet: another endpoint may do.
  void refused() {
    unwatch(up_);
    up_.transport = http::Transport(Fd());
    tunnels_.worker().put_aside(backend_, *endpoint_);
    last_ = endpoint_;
    backend_->release(*endpoint_, loop_.now());
    endpoint_ = nullptr;
    if (tries_ >= kMostTries) return close();
    acquire();
  }

  void watch(Side& side, uint32_t events) {
    if (side.watched && side.interest == events) return;
    side.interest = events;
    if (side.watched) return loop_.modify(side.transport.fd(), events);
    side.watched = true;
    bool is_up = &side == &up_;
    loop_.watch(side.transport.fd(), events, [this, is_up](uint32_t e) {
      auto self = shared_from_this();
      on_event(is_up, e);
    });
  }

  void unwatch(Side& side) {
    if (std::exchange(side.watched, false)) loop_.unwatch(side.transport.fd());
  }

  void on_event(bool is_up, uint32_t events) {
    touched_ = loop_.now();
    if (is_up && !connected_) {
      if (http::socket_error(up_.transport.fd()) != 0) return refused();
      if (!(events & EPOLLOUT)) return;
      connected_ = true;
      settle();
      if (!closed_) pump(down_, up_);  // what TLS may hold already
      return settle();
    }
    Side& from = is_up ? up_ : down_;
    Side& to = is_up ? down_ : up_;
    if (events & EPOLLOUT && !from.transport.flush()) return close();
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) pump(from, to);
    if (!closed_) settle();
  }

  void pump(Side& from, Side& to) {
    static thread_local char buffer[64 << 10];
    for (int i = 0; i < 4 && !from.ended && to.transport.backlog() < kHigh; ++i) {
      long n = from.transport.read(buffer, sizeof buffer);
      if (n == http::Transport::kBlocked) break;
      if (n == http::Transport::kBroken) return close();
      if (n == http::Transport::kEof) {
        from.ended = true;
        to.transport.shutdown_write();
        break;
      }
      to.transport.out().append(buffer, static_cast<size_t>(n));
    }
  }

  void settle() {
    if (!down_.transport.flush() || (connected_ && !up_.transport.flush())) return close();
    bool said = down_.transport.backlog() == 0 && up_.transport.backlog() == 0;
    if (down_.ended && up_.ended && said) return close();
    interest(down_, up_);
    interest(up_, down_);
  }

  void interest(Side& side, Side& other) {
    if (!connected_) return;
    uint32_t wanted = 0;
    if (!side.ended && other.transport.backlog() < kHigh) wanted |= EPOLLIN;
    if (side.transport.blocked()) wanted |= EPOLLOUT;
    if (side.ended && !wanted) return unwatch(side);
    watch(side, wanted);
  }

  Tunnels& tunnels_;
  async::Loop& loop_;
  const std::string peer_;
  std::shared_ptr<const Table> table_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<Endpoint> endpoint_, last_;
  Side down_, up_;
  MonoTime began_{}, touched_{}, wait_until_{}, connecting_since_{};
  int tries_ = 0;
  bool waiting_ = false, connected_ = false, closed_ = false;
};

Tunnels::~Tunnels() {
  auto all = open_;
  for (auto& connection : all) connection->close();
}

void Tunnels::take(Fd fd, const std::string& peer, const std::string& sni,
                   http::SslContext context) {
  if (open_.size() >= kMost) return;  // closed
  std::unique_ptr<http::TlsSession> tls;
  if (context) tls = std::make_unique<http::TlsSession>(context, true, "");
  auto connection = std::make_shared<Connection>(*this, std::move(fd), peer, std::move(tls));
  open_.push_back(connection);
  auto table = worker_.table();
  const Tunnel* tunnel = table->tunnel(port_, sni);
  connection->start(std::move(table), tunnel);
}

void Tunnels::tick(MonoTime now) {
  auto all = open_;
  for (auto& connection : all) connection->tick(now);
}

void Tunnels::remove(Connection& connection) {
  std::erase_if(open_, [&](const auto& c) { return c.get() == &connection; });
}

}  // namespace proa::gateway
