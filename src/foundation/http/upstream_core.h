// The inside of UpstreamPool: connections by upstream, idle ones kept, and what a connection must
// do.
//
//   UpstreamPool::open ──▶ an idle H1Upstream, an H2Upstream with room, or a new connection
//
// Loop thread only. The core owns the connections; streams point at theirs until they are over.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "foundation/http/guarded.h"
#include "foundation/http/relay.h"
#include "foundation/http/stream.h"
#include "foundation/http/transport.h"

namespace proa::http {

class UpstreamConnection;

struct UpstreamHash {
  size_t operator()(const Upstream& u) const {
    return std::hash<std::string>()(u.address) * 31 + u.port * 4u + u.http2 * 2u + u.tls;
  }
};
struct UpstreamEqual {
  bool operator()(const Upstream& a, const Upstream& b) const {
    return a.port == b.port && a.http2 == b.http2 && a.tls == b.tls && a.address == b.address &&
           a.settings == b.settings && a.server_name == b.server_name;
  }
};

struct UpstreamPool::Core {
  Core(async::Loop& l, UpstreamOptions o);
  ~Core();
  std::shared_ptr<ClientStream> open(const Upstream& to, const RequestHead& head, bool end,
                                     ClientCallbacks callbacks);
  std::shared_ptr<ClientStream> relay(const Upstream& to, std::string_view head,
                                      std::string_view body, bool head_only, RelaySink& sink);
  // A kept connection or a new one that can take an exchange; nullptr and the reason in *why.
  UpstreamConnection* connection_to(const Upstream& to, Error* why);
  void close_idle(const std::string& address, uint16_t port);
  void shut_down();
  void remove(UpstreamConnection& connection);
  void now_idle(UpstreamConnection& connection);  // HTTP/1.1, may serve the next
  void sweep();
  void arm_sweep();
  Result<SslContext> tls_context(const Upstream& to);

  struct Peers {
    std::vector<UpstreamConnection*> idle;    // HTTP/1.1, the latest at the back
    std::vector<UpstreamConnection*> shared;  // HTTP/2
    size_t count = 0;
  };

  async::Loop& loop;
  UpstreamOptions options;
  std::unordered_map<Upstream, Peers, UpstreamHash, UpstreamEqual> peers;
  std::unordered_map<UpstreamConnection*, std::shared_ptr<UpstreamConnection>> connections;
  std::vector<char> buffer;
  struct Identity {
    std::shared_ptr<const UpstreamSettings> settings;
    SslContext contexts[2];  // without and with HTTP/2
  };
  std::unordered_map<const UpstreamSettings*, Identity> identities;
  async::TimerId sweep_timer = 0;
  bool down = false;
};

class ClientProtocol {
 public:
  virtual ~ClientProtocol() = default;
  virtual void on_data(std::string_view data) = 0;
  virtual void on_eof() = 0;
  virtual void fail(const Error& why, bool connected) = 0;  // tell the streams
  virtual void abandon() = 0;  // the connection is closed: end the streams without a word
  virtual void fill() = 0;
  virtual bool wants_read() const = 0;
  virtual bool has_room() const = 0;  // for another stream
  virtual bool idle() const = 0;      // no stream is open
  virtual std::shared_ptr<ClientStream> open(const RequestHead& head, bool end,
                                             ClientCallbacks callbacks) = 0;
  // HTTP/1.1 only.
  virtual std::shared_ptr<ClientStream> relay(std::string_view head, std::string_view body,
                                              bool head_only, RelaySink& sink) = 0;
};

// A connection being made or made. What its streams say before that waits in the output queue. Over
// TLS an HTTP/2 upstream must choose h2 by ALPN.
class UpstreamConnection : public std::enable_shared_from_this<UpstreamConnection> {
 public:
  UpstreamConnection(UpstreamPool::Core& core, const Upstream& to, Fd fd,
                     std::unique_ptr<TlsSession> tls);
  void start();
  void close();          // at once, silently
  void fail(Error why);  // tells the streams, then closes
  void settle();
  void settle_soon();
  void mute();     // the peer has ended: nothing more to wait for, but the streams go on
  void release();  // HTTP/1.1: the exchange is over; back to the pool
  std::shared_ptr<ClientStream> open(const RequestHead& head, bool end, ClientCallbacks callbacks);
  std::shared_ptr<ClientStream> relay(std::string_view head, std::string_view body, bool head_only,
                                      RelaySink& sink);

  UpstreamPool::Core& core() { return core_; }
  const Upstream& to() const { return to_; }
  Transport& transport() { return transport_; }
  ClientProtocol* protocol() { return protocol_.get(); }
  bool closed() const { return closed_; }
  bool connected() const { return connected_; }
  bool in_event() const { return depth_ > 0; }
  bool was_reset() const { return reset_; }  // by the peer: some bytes were not read there
  MonoTime idle_since() const { return idle_since_; }
  bool worn() const;  // it has served as long, or as many, as the settings allow
  Duration idle_timeout() const;
  void touch() { idle_since_ = core_.loop.now(); }

  class Turn {
   public:
    explicit Turn(UpstreamConnection& c) : self_(c.shared_from_this()) { ++c.depth_; }
    ~Turn() {
      if (--self_->depth_ == 0) self_->settle();
    }

   private:
    std::shared_ptr<UpstreamConnection> self_;
  };

 private:
  void on_event(uint32_t events);
  void on_connected();
  void read_some_or_fail();
  void read_some(bool to_the_end);
  void read_more_soon();
  void update_interest();

  UpstreamPool::Core& core_;
  Upstream to_;
  Transport transport_;
  std::unique_ptr<ClientProtocol> protocol_;
  async::TimerId timer_ = 0;  // of connecting
  uint32_t interest_ = 0;
  int depth_ = 0;
  bool connected_ = false, secured_ = false, closed_ = false, soon_ = false, muted_ = false;
  bool reset_ = false;
  bool unread_ = false;  // the socket may have more, and will not say so again
  uint32_t served_ = 0;
  MonoTime born_{};
  MonoTime idle_since_{};
};

std::unique_ptr<ClientProtocol> make_h1_client(UpstreamConnection& connection);
std::unique_ptr<ClientProtocol> make_h2_client(UpstreamConnection& connection);

}  // namespace proa::http
