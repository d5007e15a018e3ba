// The server's side of one HTTP/2 connection, over nghttp2: up to 100 streams at a time.
//
// A stream's body is credited to the peer only as it is delivered, so a paused one holds at most
// its window; floods of resets, pings and settings end the connection. Where the server has an
// inline handler, requests begin as LeanRequests, which are credited as they come (they are small)
// and become H2Streams when they are not for it. Loop thread only; owned by its ServerConnection.
#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "foundation/http/guarded.h"
#include "foundation/http/h2_fields.h"
#include "foundation/http/h2_inline.h"
#include "foundation/http/h2_memory.h"
#include "foundation/http/h2_outbox.h"
#include "foundation/http/server_core.h"

namespace proa::http {

class H2Connection;

class H2Stream : public ServerStream {
 public:
  H2Stream(H2Connection& connection, int32_t id) : connection_(&connection), id_(id) {}
  const RequestHead& head() const override { return head_; }
  void receive(ServerCallbacks callbacks) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  void let_go() override { calls_.release(); }
  void respond_head(int status, const Headers& headers, bool end) override;
  void respond_data(std::string_view data, bool end) override;
  void respond_trailers(const Headers& trailers) override;
  void respond(int status, const Headers& headers, std::string_view body) override;
  void reset() override;
  bool responded() const override { return responded_; }
  bool closed() const override { return connection_ == nullptr; }
  size_t backlog() const override { return outbox_.backlog(); }

 private:
  friend class H2Connection;
  H2Connection* connection_;  // null once over
  int32_t id_;
  RequestHead head_;
  Guarded<ServerCallbacks> calls_;
  Headers trailers_;
  std::string pending_;  // received and not yet delivered
  size_t credited_ = 0;  // of pending_, what the peer has been given back already
  H2Outbox outbox_;
  size_t header_bytes_ = 0;
  bool dispatched_ = false, receiving_ = false, paused_ = false, responded_ = false;
  bool ended_ = false, end_told_ = false, was_high_ = false, too_large_ = false;
  MonoTime heard_{}, sent_{};  // last progress each way
  MonoTime began_{};           // to read the body, or to do so again
  size_t body_bytes_ = 0;      // since then
};

class H2Connection : public Protocol {
 public:
  explicit H2Connection(ServerConnection& connection);
  ~H2Connection() override;
  void on_data(std::string_view data) override;
  void on_eof() override;
  void on_gone() override;
  void fill() override;
  void on_tick(MonoTime now) override;
  void drain() override;
  bool wants_read() const override;
  std::optional<MonoTime> idle_since() const override {
    return idle() ? std::optional(idle_since_) : std::nullopt;
  }

  void deliver(H2Stream& stream);  // pending body, then the end
  void submit_head(H2Stream& stream, int status, const Headers& headers, bool end);
  void output_ready(H2Stream& stream);
  void reset(H2Stream& stream, uint32_t code);
  MonoTime now() const { return connection_.now(); }

 private:
  struct Hooks;  // nghttp2's callbacks
  H2Stream& open(int32_t id);
  H2Stream* find(int32_t id);
  void dispatch(H2Stream& stream);
  void dispatch_arrived();
  bool too_slow(const H2Stream& stream, MonoTime now) const;
  void close_stream(int32_t id);
  bool send_frames();  // from nghttp2 to the socket's queue; false: broken
  void end_if_idle();
  void go_away();
  void flooded();
  void exchanged() { pings_ = std::min(pings_ + 1, kMostPings); }  // a frame of some use, each way
  bool idle() const { return streams_.empty() && lean_.empty(); }
  LeanRequest* lean(int32_t id);
  void set_recent(int32_t id, LeanRequest* request);
  void stop_following(LeanRequest& request);
  void remember(const LeanRequest& request);
  void lean_field(LeanRequest& request, std::string_view name, std::string_view value);
  void lean_data(LeanRequest& request, std::string_view data);
  void lean_head(LeanRequest& request, bool ended);  // the head is whole
  bool lean_plain(const LeanRequest& request) const;
  bool lean_needs_more(const RequestView& head) const;
  void lean_answer(LeanRequest& request);  // the request is whole
  void lean_submit(LeanRequest& request);
  H2Stream& promote(LeanRequest& request, bool ended);
  void lean_tick(MonoTime now);

  ServerConnection& connection_;
  StreamServer::Core& core_;
  H2Memory memory_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::shared_ptr<H2Stream>> streams_;
  // Whose heads are whole, until all that came with them is read: a reset may be among it.
  std::vector<int32_t> arrived_;
  LeanRequests lean_;
  LeanHead known_;          // of an earlier request; plain, with a body that may wait
  int32_t recent_id_ = -1;  // the stream asked for last, and its request
  LeanRequest* recent_ = nullptr;
  std::vector<FieldView> views_;    // of the request in hand
  std::vector<nghttp2_nv> fields_;  // of the answer in hand
  int32_t last_id_ = -1;            // of the streams opened; those in skipped_ were not
  std::vector<std::pair<int32_t, int32_t>> skipped_;
  static constexpr int kMostPings = 1000;
  int pings_ = 0;  // that are free, for they go with data
  FloodGuard resets_{200, 100}, controls_{1000, 500};
  MonoTime idle_since_;
  MonoTime final_at_{};  // of the second GOAWAY, which names the last stream
  bool draining_ = false, flooded_ = false;
};

}  // namespace proa::http
