// Ports: the gateway's listening sockets, and what stands behind them on each loop. Opens and
// closes them as the configuration says, without losing a connection: a listener that changes, and
// a gateway that is restarted, keep their sockets; what stood behind them finishes what it has in
// hand.
//
// Called from any thread, one at a time (it has a mutex); what lives on a loop is made and
// destroyed there. Owned by Gateway; the loops outlive it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "foundation/async/loop.h"
#include "platform/gateway/door_server.h"
#include "platform/gateway/handover.h"
#include "platform/gateway/listener.h"

namespace proa::gateway {

struct PortsOptions {
  std::string bind = "127.0.0.1";
  uint16_t http_port = 0;  // real numbers of the ports 80 and 443; 0: any free one
  std::optional<uint16_t> https_port;
  std::shared_ptr<http::TlsOptions> tls;  // for names that no chain of port 443 has
  bool cluster_listeners = true;
  size_t most_cluster_listeners = 2048;
  Duration retire_most = std::chrono::minutes(10);
};

class Ports {
 public:
  using MakeWorker = std::function<std::unique_ptr<Worker>(async::Loop&)>;
  Ports(PortsOptions options, std::vector<async::Loop*> loops, MakeWorker make_worker);
  ~Ports();

  // Before the loops run, or not on one of them. inherited: used instead of new sockets.
  Status start(std::vector<NamedSocket> inherited);
  // Returns what came of each. Clusters' ports that cannot be opened are left out.
  std::vector<ListenerState> set(const Listeners& wanted);
  void publish(std::shared_ptr<const Table> table);
  // New workers behind the same sockets; the old ones finish.
  void restart();
  void succeed(std::shared_ptr<const Host> successor);  // Worker::succeed() of all
  std::vector<NamedSocket> sockets();                   // duplicates, for another process
  uint16_t bound(uint16_t port);                        // 80, 443; 0: not open
  // Stops accepting, waits at most so long for what is in hand, then closes everything. Blocks; the
  // loops are running.
  void stop(Duration most);

 private:
  using Key = std::pair<std::string, uint16_t>;
  struct Port {
    Listener listener;
    uint16_t bound = 0;
    std::vector<Fd> sockets;  // the i-th is the seat's i modulo the number of seats
    std::string error;
  };
  struct Retired {
    std::vector<std::unique_ptr<DoorServer>> doors;
    std::unique_ptr<Worker> worker;  // after a restart
    size_t open = 0;
    MonoTime until{};
  };
  // What lives on one loop, and only there.
  struct Seat {
    async::Loop* loop = nullptr;
    std::unique_ptr<Worker> worker;
    std::map<std::pair<Key, size_t>, std::unique_ptr<DoorServer>> doors;
    std::vector<std::shared_ptr<Retired>> retired;
    async::TimerId timer = 0;
  };

  template <typename Task>
  void on_seat(Seat& seat, Task task);
  Listeners effective(const Listeners& wanted) const;
  Status open(Port& port);
  uint16_t real_port(const Listener& listener) const;
  void place(const Port& port);
  void unplace(const Key& key, size_t sockets);
  void put_door(Seat& seat, const Key& key, size_t i, const Listener& listener, Fd fd);
  void retire(Seat& seat, std::vector<std::unique_ptr<DoorServer>> doors,
              std::unique_ptr<Worker> worker);
  void bury(Seat& seat);
  void sweep(Seat& seat);
  ListenerState state_of(const Port& port) const;

  const PortsOptions options_;
  MakeWorker make_worker_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::mutex mutex_;
  std::map<Key, Port> ports_;           // guarded by mutex_
  std::vector<NamedSocket> inherited_;  // likewise
  std::shared_ptr<const Table> table_;  // likewise
  bool stopped_ = false, warned_ = false;
  bool holding_ = false;  // inherited sockets, and no table yet: who comes waits in the backlog
  Error failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::gateway
