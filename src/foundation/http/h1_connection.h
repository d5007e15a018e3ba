// The server's side of one HTTP/1.x connection: requests one after another, each a ServerStream.
//
//   kHead ──head──▶ kBody ──end──▶ kWait ──response done──▶ kHead
//     │               └── response done early: kSkip (a short rest is dropped) ──▶ kHead
//     ├── 101 given: kTunnel                         errors: kDead, the connection says goodbye
//     └── on the short way: kRelay ──▶ kHead, or back to kHead for the ordinary way
//
// Loop thread only; owned by its ServerConnection, which outlives it.
#pragma once

#include "foundation/http/guarded.h"
#include "foundation/http/h1_parse.h"
#include "foundation/http/h1_relay.h"
#include "foundation/http/h1_write.h"
#include "foundation/http/server_core.h"

namespace proa::http {

class H1Connection;

class H1Stream : public ServerStream {
 public:
  H1Stream(H1Connection& connection, RequestHead head)
      : connection_(&connection), head_(std::move(head)) {}
  const RequestHead& head() const override { return head_; }
  void receive(ServerCallbacks callbacks) override;
  void pause_reading() override;
  void resume_reading() override;
  void let_go() override { calls_.release(); }
  void respond_head(int status, const Headers& headers, bool end) override;
  void respond_data(std::string_view data, bool end) override;
  void respond_trailers(const Headers& trailers) override;
  void respond(int status, const Headers& headers, std::string_view body) override;
  void reset() override;
  bool responded() const override { return responded_; }
  bool closed() const override { return connection_ == nullptr; }
  size_t backlog() const override;

 private:
  friend class H1Connection;
  H1Connection* connection_;  // null once over
  RequestHead head_;
  Guarded<ServerCallbacks> calls_;
  bool receiving_ = false, paused_ = false, responded_ = false, was_high_ = false;
};

class H1Connection : public Protocol {
 public:
  explicit H1Connection(ServerConnection& connection);
  void on_data(std::string_view data) override;
  void on_eof() override;
  void on_gone() override;
  void fill() override;
  void on_tick(MonoTime now) override;
  void drain() override;
  bool wants_read() const override;
  std::optional<MonoTime> idle_since() const override {
    if (state_ != State::kHead || head_begun_) return std::nullopt;
    return idle_since_;
  }

  // For the current stream.
  void begin_body();
  void continue_reading();
  void respond_head(int status, const Headers& headers, bool end);
  void respond_data(std::string_view data, bool end);
  void respond_trailers(const Headers& trailers);
  void respond(int status, const Headers& headers, std::string_view body);
  void reset();
  size_t backlog() const { return connection_.transport().backlog(); }

  // For the request on the short way.
  std::string& relay_out() { return connection_.transport().out(); }
  void relay_head(const H1Head& head, bool ended);  // after the status line and the fields
  void relay_flush() { connection_.settle_soon(); }
  bool relay_data(std::string_view data);  // false: stop for now
  void relay_end(const Headers& trailers);
  void relay_refuse(int status, std::string_view fields, std::string_view body);
  void relay_again();  // the ordinary way
  void relay_break();

 private:
  enum class State : uint8_t { kHead, kBody, kWait, kSkip, kTunnel, kDead, kRelay };
  enum class Framing : uint8_t { kNone, kLength, kChunked, kToClose, kTunnel };

  void process_held();
  size_t process(std::string_view text);
  bool take_head(std::string_view rest, size_t& used);
  bool take_preface(std::string_view rest, size_t& used);
  bool try_inline(std::string_view rest, size_t head_size, size_t& used);
  enum class Relayed : uint8_t { kNo, kWaits, kYes };
  RequestView view_of(std::string_view body) const;  // of head_, as long as its bytes stay
  Relayed try_relay(std::string_view rest, size_t head_size);
  void relay_over();
  bool too_slow(MonoTime now) const;
  bool take_body(std::string_view rest, size_t& used);
  bool take_tunnel(std::string_view rest, size_t& used);
  void start_request();
  void end_request(Headers trailers);
  void refuse(int status, const char* why);
  void send_continue();
  void plan_keep_alive();
  void finish_head(const Given& given, bool add_date);
  void append_body(std::string_view data);
  void finish_response();
  void next_request();
  std::shared_ptr<H1Stream> detach();
  bool request_ended() const { return state_ == State::kWait; }

  ServerConnection& connection_;
  StreamServer::Core& core_;
  State state_ = State::kHead;
  Framing framing_ = Framing::kNone;  // of the response
  bool processing_ = false, first_ = true, keep_alive_ = true, head_only_ = false;
  bool tunnel_in_ended_ = false, tunnel_out_ended_ = false;
  std::string held_;        // received and not yet used
  size_t scanned_ = 0;      // of held_, by the head parser
  size_t inline_need_ = 0;  // bytes wanted before an inline request can be tried
  H1Head head_;
  ChunkedDecoder decoder_;
  uint64_t body_left_ = 0;      // of the request, by content-length; of what kSkip may still drop
  uint64_t response_left_ = 0;  // Framing::kLength
  std::shared_ptr<H1Stream> stream_;
  std::unique_ptr<H1Relay> relay_;
  size_t relay_size_ = 0;    // of held_: the request on the short way
  bool ordinary_ = false;    // the next request has come back from there
  bool head_begun_ = false;  // some byte of the next head has come
  MonoTime deadline_{};
  MonoTime idle_since_{};
  MonoTime body_began_{};  // of receiving, for the least rate
  uint64_t body_bytes_ = 0;
};

}  // namespace proa::http
