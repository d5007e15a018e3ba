// Exchange: one request on its way through the gateway.
//
//   start ─▶ routed ─▶ acquire ──▶ send ──▶ respond ──▶ over
//              │          ▲ │ (waits)  │ broke off: again, if that is safe
//              ▼          └─┴──────────┘
//            answered by the gateway itself (404, 413, 429 …, redirect)
//
// Belongs to its Worker, on the worker's thread; only granted() is called from elsewhere. Callbacks
// hold a bare pointer: the worker frees an exchange only after both of its streams have been let
// go.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "foundation/http/stream.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/retry.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

class Worker;
struct Door;
struct Resume;

class Exchange final : public Waiter, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(Worker& worker, std::shared_ptr<http::ServerStream> down);
  void start(const Door& door, const Resume& from);
  void tick(MonoTime now);  // deadlines
  void give_up();           // the worker stops
  void move_on();           // to the worker's successor, if it waits for an endpoint
  void granted() override;

  size_t place = 0;  // in the worker's list

 private:
  // The request's side.
  void on_data(std::string_view data);
  void on_request_end();
  void on_abort();
  // The upstream's side.
  void on_head(http::ResponseHead head);
  void on_response_data(std::string_view data);
  void on_response_end(const http::Headers& trailers);
  void on_error(const http::UpstreamError& failure);

  bool route(const Door& door);  // false: answered
  bool answer_without_upstream(const Door& door);
  bool answer_preflight();
  void fault();  // a delay, then an abort, then on
  void abort_on_purpose();
  bool again_for_status(const http::ResponseHead& head);
  void again_later();  // after a pause
  void mirror();
  void add_response_headers(http::Headers& headers);
  std::optional<uint64_t> affinity_hash();
  void on_late(MonoTime now);
  bool on_late_try(MonoTime now);
  void acquire(bool again, const Endpoint* avoid = nullptr);
  void waited_enough();
  void send();
  void push_body(std::string_view data, bool end);
  Again may_repeat(const http::UpstreamError& failure) const;
  void let_go_of_endpoint();
  void fail(int status, std::string_view text, bool retry_after = false);
  void finish(int status);
  void close_if_done();

  Worker& worker_;
  std::shared_ptr<http::ServerStream> down_;
  std::shared_ptr<http::ClientStream> up_;
  std::shared_ptr<const Table> table_;  // keeps matched_ and to_ alive
  Matched matched_;
  const Destination* to_ = nullptr;
  Backend* backend_ = nullptr;  // set between arrive() and leave()
  std::shared_ptr<Endpoint> endpoint_, last_endpoint_;
  std::shared_ptr<const Policy> policy_;
  std::string request_id_, body_, cookie_;
  std::optional<uint64_t> hash_;
  MonoTime began_{}, waiting_since_{}, deadline_{}, try_deadline_{}, refused_since_{},
      linger_until_{};
  Duration waited_{0};
  uint64_t bytes_in_ = 0, bytes_out_ = 0;
  int status_ = 0, tries_ = 0;
  bool request_ended_ = false, repeatable_ = true, paused_ = false, waiting_ = false, cold_ = false;
  bool faulted_ = false, pausing_ = false, retrying_ = false, mirrored_ = false, hashed_ = false;
  bool plain_ = false;  // came by the http port
  bool responding_ = false, upgraded_ = false, up_ended_ = false, recorded_ = false, over_ = false;
};

}  // namespace proa::gateway
