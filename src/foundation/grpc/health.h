// grpc.health.v1: Check and Watch, for Kubernetes' gRPC probes and load balancers.
//
// Loop thread only; must outlive the Server that it is added to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/grpc/server.h"

namespace proa::grpc {

class Health {
 public:
  // Whether a service serves; nullopt: there is none of that name. "" is the server as a whole.
  using Source = std::function<std::optional<bool>(std::string_view service)>;
  Health(async::Loop& loop, Source source);
  ~Health();
  void add_to(Server& server);
  void changed();  // tells those who watch now, instead of within a second
  void end();      // tells them a last time: the server drains

 private:
  struct Watcher;
  void watch(std::shared_ptr<Exchange> exchange);
  void begin(const std::shared_ptr<Watcher>& watcher, std::string_view message);
  uint64_t status(std::string_view service) const;
  void tell(Watcher& watcher);
  void arm();

  async::Loop& loop_;
  Source source_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  async::TimerId timer_ = 0;
};

extern const char* const kHealthProto;

}  // namespace proa::grpc
