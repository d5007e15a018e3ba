#include <sys/epoll.h>

#include "foundation/base/strings.h"
#include "foundation/http/server_core.h"

namespace proa::http {
namespace {
constexpr Duration kLinger = std::chrono::seconds(2);

// A plain socket tells each arrival once (which saves the kernel a look at it every turn) and is
// read until it has no more; what TLS holds is not the socket's to tell, so there the level counts.
uint32_t reading_events(bool tls) { return tls ? EPOLLIN : EPOLLIN | EPOLLRDHUP | EPOLLET; }
}  // namespace

ServerConnection::ServerConnection(StreamServer::Core& core, Fd fd, std::string peer)
    : core_(core),
      transport_(std::move(fd),
                 core.tls ? std::make_unique<TlsSession>(core.tls, true, "") : nullptr),
      peer_(std::move(peer)) {
  deadline_ = core.loop.now() + core.options.head_timeout;
  stalled_at_ = core.loop.now();
}

ServerConnection::~ServerConnection() = default;

void ServerConnection::start() {
  if (!tls()) protocol_ = make_h1(*this);
  interest_ = reading_events(tls());
  core_.loop.watch(transport_.fd(), interest_, [this](uint32_t events) { on_event(events); });
}

void ServerConnection::on_event(uint32_t events) {
  Turn turn(*this);
  if (events & EPOLLOUT && !transport_.flush()) return close();
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    bool reading = (interest_ & EPOLLIN) != 0;
    if (reading)
      read_some((events & ~uint32_t{EPOLLIN | EPOLLOUT}) != 0);
    else if (events & (EPOLLHUP | EPOLLERR))
      close();
  }
}

// to_the_end: the peer has ended, or may have; else a read that is not full has emptied the socket.
void ServerConnection::read_some(bool to_the_end) {
  unread_ = false;
  for (int i = 0; i < 16 && !closed_; ++i) {
    if (protocol_ && !closing_ && !protocol_->wants_read()) {
      unread_ = true;
      return;
    }
    long n = transport_.read(core_.buffer.data(), core_.buffer.size());
    if (!protocol_ && !closing_) choose_protocol();
    if (n == Transport::kBlocked) return;
    if (n == Transport::kBroken) return close();
    if (n == Transport::kEof) {
      eof_ = true;
      if (closing_ || !protocol_) return close();
      return protocol_->on_eof();
    }
    bool more = tls() || to_the_end || static_cast<size_t>(n) == core_.buffer.size();
    if (!closing_) protocol_->on_data({core_.buffer.data(), static_cast<size_t>(n)});
    if (!more) return;
  }
  unread_ = true;
  read_more_soon();
}

// What TLS already holds will not make the socket readable again, nor will what was left in it.
void ServerConnection::read_more_soon() {
  if (closed_ || !(transport_.tls_input() || unread_)) return;
  core_.loop.post([self = shared_from_this()] {
    if (!self->closed_) self->on_event(EPOLLIN | EPOLLRDHUP);
  });
}

void ServerConnection::choose_protocol() {
  if (!transport_.tls()->ready()) return;
  client_cert_ = transport_.tls()->peer_subject();
  protocol_ = transport_.tls()->is_h2() ? make_h2(*this) : make_h1(*this);
}

void ServerConnection::become_h2(std::string_view data) {
  retired_ = std::move(protocol_);  // it is on the call stack
  protocol_ = make_h2(*this);
  protocol_->on_data(data);
}

void ServerConnection::settle() {
  if (closed_ || depth_ > 0) return;
  auto self = shared_from_this();
  ++depth_;
  while (true) {
    if (!transport_.flush()) {
      --depth_;
      return close();
    }
    if (transport_.blocked() || closing_ || !protocol_) break;
    protocol_->fill();
    if (closed_ || transport_.backlog() == 0) break;
  }
  --depth_;
  if (closed_) return;
  if (closing_ && !lingering_ && transport_.backlog() == 0) {
    lingering_ = true;
    deadline_ = now() + kLinger;
    transport_.shutdown_write();
    if (eof_) return close();
  }
  update_interest();
}

void ServerConnection::settle_soon() {
  if (in_event() || soon_ || closed_) return;
  soon_ = true;
  core_.loop.post([self = shared_from_this()] {
    self->soon_ = false;
    self->settle();
  });
}

void ServerConnection::update_interest() {
  bool reading = !eof_ && (closing_ || !protocol_ || protocol_->wants_read());
  uint32_t wanted =
      (reading ? reading_events(tls()) : 0) | (transport_.blocked() ? uint32_t{EPOLLOUT} : 0);
  if (reading && !(interest_ & EPOLLIN) && !tls()) unread_ = false;  // the kernel tells anew
  if (reading && (!(interest_ & EPOLLIN) || unread_)) read_more_soon();
  if (wanted == interest_) return;
  interest_ = wanted;
  core_.loop.modify(transport_.fd(), wanted);
}

void ServerConnection::close_after_flush() {
  closing_ = true;
  if (!in_event()) settle();
}

void ServerConnection::close() {
  if (closed_) return;
  auto self = shared_from_this();
  closed_ = true;
  core_.loop.unwatch(transport_.fd());
  core_.remove(this);
  if (protocol_) protocol_->on_gone();
  // The socket is closed with the last reference; do it now.
  transport_ = Transport(Fd());
}

void ServerConnection::tick(MonoTime now) {
  if (closed_) return;
  Turn turn(*this);
  if ((lingering_ || !protocol_) && now >= deadline_) return close();
  if (transport_.backlog() == 0 || transport_.written() != last_written_) {
    stalled_at_ = now;
    last_written_ = transport_.written();
  } else if (now - stalled_at_ >= core_.options.body_timeout) {
    return close();
  }
  if (protocol_ && !closing_) protocol_->on_tick(now);
}

void ServerConnection::drain() {
  if (closed_) return;
  Turn turn(*this);
  if (!protocol_) return close();
  if (!closing_) protocol_->drain();
}

}  // namespace proa::http
