// One request on the short way (relay.h), between an H1Connection and an upstream: made at the
// connection's first such request and used again for the next ones. Loop thread only; owned by its
// H1Connection.
#pragma once

#include <memory>

#include "foundation/http/h1_parse.h"
#include "foundation/http/relay.h"

namespace proa::http {

class H1Connection;

class H1Relay final : public RelaySink, public RelayControl {
 public:
  explicit H1Relay(H1Connection& connection) : connection_(connection) {}
  // True: on its way.
  bool begin(const RequestView& request, RelayPolicy& policy, RelayOrder& order);
  bool active() const { return ticket_ != nullptr; }
  void abort();     // the client is gone
  void writable();  // the client takes more

  void cut(int status, std::string_view fields, std::string_view body) override;
  void on_head(const H1Head& head, bool ended, bool data_follows) override;
  void on_data(std::string_view data) override;
  void on_end(const Headers& trailers) override;
  void on_error(const UpstreamError& failure) override;

 private:
  RelayTicket* over();
  void let_go();

  H1Connection& connection_;
  RelayTicket* ticket_ = nullptr;
  std::shared_ptr<ClientStream> up_;
  uint64_t bytes_ = 0;
  bool answering_ = false, paused_ = false;
};

}  // namespace proa::http
