// The inside of StreamServer: listeners, connections, and what a connection's protocol must do.
//
//   accept ──▶ ServerConnection (socket, TLS, interest) ──▶ Protocol: H1Connection or H2Connection
//
// A plain connection begins as HTTP/1.1 and becomes HTTP/2 when it sends that preface; under TLS
// ALPN decides. Loop thread only. The core owns the connections, a connection owns its protocol.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "foundation/http/relay.h"
#include "foundation/http/stream.h"
#include "foundation/http/transport.h"

namespace proa::http {

class ServerConnection;

class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual void on_data(std::string_view data) = 0;  // keeps a copy of what it cannot use yet
  virtual void on_eof() = 0;
  virtual void on_gone() = 0;              // the connection is closed: abort the streams
  virtual void fill() = 0;                 // there is room for output again
  virtual void on_tick(MonoTime now) = 0;  // deadlines
  virtual void drain() = 0;
  virtual bool wants_read() const = 0;
  virtual std::optional<MonoTime> idle_since() const = 0;  // nullopt: something is in hand
};

struct StreamServer::Core {
  Core(async::Loop& l, ServerOptions o, StreamHandler h);
  Status prepare_tls();
  Result<uint16_t> adopt(Fd listener);
  void on_acceptable(int fd);
  void accept_one(Fd fd, const std::string& peer);
  void pause_accepting();
  bool evict_idle();
  void resume_accepting();
  void remove(ServerConnection* connection);
  void arm_sweep();
  void sweep();
  void drain(std::function<void()> done);
  void shut_down();
  std::string_view date_line();  // "date: …\r\n", of the current second

  async::Loop& loop;
  ServerOptions options;
  StreamHandler handler;
  SslContext tls;
  std::vector<Fd> listeners;
  std::unordered_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections;
  std::vector<char> buffer;  // every read goes here first
  std::string scratch;       // for inline answers
  RelayOrder relay_order;    // of the request in hand
  bool accepting = true;
  bool draining = false;
  bool sweeping = false;
  async::TimerId sweep_timer = 0, accept_timer = 0;
  std::function<void()> drained;

 private:
  std::string date_;
  MonoTime date_taken_{};
};

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(StreamServer::Core& core, Fd fd, std::string peer);
  ~ServerConnection();
  void start();
  void close();              // at once; the streams are aborted
  void close_after_flush();  // says goodbye, then reads and drops for a while, then closes
  void become_h2(std::string_view data);
  // Writes what is queued, lets the protocol add more, sets what to wait for. Called after every
  // event and, by the protocol, after output that was made outside of one.
  void settle();
  void settle_soon();  // at the end of this turn
  void tick(MonoTime now);
  void drain();

  StreamServer::Core& core() { return core_; }
  Transport& transport() { return transport_; }
  const std::string& peer() const { return peer_; }
  const std::string& client_cert() const { return client_cert_; }
  bool tls() const { return transport_.tls() != nullptr; }
  bool closed() const { return closed_; }
  std::optional<MonoTime> idle_since() const {
    return protocol_ && !closing_ ? protocol_->idle_since() : std::nullopt;
  }
  bool in_event() const { return depth_ > 0; }
  MonoTime now() const { return core_.loop.now(); }

  // Marks that output is collected and settled at the end; for calls that come from outside an
  // event.
  class Turn {
   public:
    explicit Turn(ServerConnection& c) : self_(c.shared_from_this()) { ++c.depth_; }
    ~Turn() {
      if (--self_->depth_ == 0) self_->settle();
    }

   private:
    std::shared_ptr<ServerConnection> self_;
  };

 private:
  void on_event(uint32_t events);
  void read_some(bool to_the_end);
  void read_more_soon();
  void choose_protocol();
  void update_interest();

  StreamServer::Core& core_;
  Transport transport_;
  std::unique_ptr<Protocol> protocol_, retired_;
  std::string peer_, client_cert_;
  uint32_t interest_ = 0;
  int depth_ = 0;
  bool closed_ = false, closing_ = false, lingering_ = false, soon_ = false, eof_ = false;
  bool unread_ = false;    // the socket may have more, and will not say so again
  MonoTime deadline_{};    // of the handshake, then of lingering
  MonoTime stalled_at_{};  // since when nothing was taken by the socket
  uint64_t last_written_ = 0;
};

std::unique_ptr<Protocol> make_h1(ServerConnection& connection);
std::unique_ptr<Protocol> make_h2(ServerConnection& connection);

}  // namespace proa::http
