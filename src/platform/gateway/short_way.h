// ShortWay: requests that go HTTP/1.1 in, HTTP/1.1 out, to an endpoint with room: no Exchange, no
// headers as strings, tickets that are used again. What needs more (waiting, retries, redirects,
// upgrades, long bodies) is left to Exchange; so is a request whose upstream failed before an
// answer.
//
// One for each StreamServer of a Worker, which must outlive it; loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/http/relay.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

class Worker;
struct Door;

class ShortWay final : public http::RelayPolicy {
 public:
  ShortWay(Worker& worker, std::shared_ptr<const Door> door);
  ~ShortWay();
  http::RelayTicket* begin(const http::RequestView& request, http::RelayOrder& order,
                           http::RelayControl& control) override;
  void tick(MonoTime now);  // deadlines
  void give_up();           // the worker stops
  size_t in_hand() const { return active_.size(); }

 private:
  struct Ticket;
  Ticket& take();
  void give_back(Ticket& ticket);
  void write_head(const http::RequestView& request, Ticket& ticket, size_t prefix,
                  std::string& out);

  Worker& worker_;
  const std::shared_ptr<const Door> door_;
  std::vector<std::unique_ptr<Ticket>> active_, spares_;
};

}  // namespace proa::gateway
