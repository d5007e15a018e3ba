#include "platform/gateway/ports.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <set>

#include "foundation/base/strings.h"
#include "foundation/http/sockets.h"
#include "foundation/obs/log.h"

namespace proa::gateway {
namespace {

constexpr Duration kSweep = std::chrono::milliseconds(200);

Fd duplicate(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

// Waits for tasks on several loops.
struct Latch {
  std::mutex mutex;
  std::condition_variable changed;
  size_t left = 0;
  void add() {
    std::lock_guard lock(mutex);
    ++left;
  }
  void done() {
    std::lock_guard lock(mutex);
    --left;
    changed.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return left == 0; });
  }
  bool wait_for(Duration most) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, most, [&] { return left == 0; });
  }
};

}  // namespace

Ports::Ports(PortsOptions options, std::vector<async::Loop*> loops, MakeWorker make_worker)
    : options_(std::move(options)), make_worker_(std::move(make_worker)) {
  for (async::Loop* loop : loops) {
    seats_.push_back(std::make_unique<Seat>());
    seats_.back()->loop = loop;
  }
}

Ports::~Ports() = default;

// A task on the seat's loop, unless all this is gone by then.
template <typename Task>
void Ports::on_seat(Seat& seat, Task task) {
  seat.loop->post([&seat, task = std::move(task), alive = std::weak_ptr<bool>(alive_)]() mutable {
    if (!alive.expired()) task(seat);
  });
}

Status Ports::start(std::vector<NamedSocket> inherited) {
  inherited_ = std::move(inherited);
  holding_ = !inherited_.empty();
  for (auto& seat : seats_) {
    seat->worker = make_worker_(*seat->loop);
    on_seat(*seat, [](Seat& s) { s.worker->start(); });
  }
  for (const ListenerState& state : set({}))
    if (!state.bound) return failure_;
  return Ok{};
}

// With the gateway's own ports, whether the configuration names them or not.
Listeners Ports::effective(const Listeners& wanted) const {
  Listeners all;
  size_t clusters = 0;
  bool http = false, https = false;
  for (const Listener& l : wanted) {
    if (l.cluster && (!options_.cluster_listeners || clusters++ >= options_.most_cluster_listeners))
      continue;
    bool own = l.address.empty();
    http = http || (own && l.port == 80);
    https = https || (own && l.port == 443);
    if (own && l.port == 443 && !options_.https_port) continue;
    all.push_back(l);
    if (own && l.port == 80) all.back().protocol = Protocol::kHttp;
  }
  if (!http) all.push_back({"", 80, Protocol::kHttp, {}, false});
  if (!https && options_.https_port) all.push_back({"", 443, Protocol::kHttps, {}, false});
  for (Listener& l : all) {
    if (!l.address.empty() || l.port != 443 || !options_.tls) continue;
    TlsChain rest;
    rest.hosts = {"*"};
    rest.credential = {options_.tls->certificate, options_.tls->key, options_.tls->client_ca};
    if (!rest.credential.client_ca.empty()) rest.mode = TlsMode::kOptionalMutual;
    rest.name = "the gateway's own certificate";
    l.chains.push_back(std::move(rest));
  }
  return all;
}

uint16_t Ports::real_port(const Listener& l) const {
  if (!l.address.empty() || l.cluster) return l.port;
  if (l.port == 80) return options_.http_port;
  if (l.port == 443) return options_.https_port.value_or(0);
  return l.port;
}

Status Ports::open(Port& port) {
  const Listener& l = port.listener;
  for (NamedSocket& socket : inherited_) {
    if (socket.address != l.address || socket.port != l.port || !socket.fd) continue;
    port.bound = socket.bound;
    port.sockets.push_back(std::move(socket.fd));
  }
  if (!port.sockets.empty()) return Ok{};
  const std::string& address = l.address.empty() ? options_.bind : l.address;
  const size_t n = l.cluster ? 1 : seats_.size();
  uint16_t number = real_port(l);
  for (size_t i = 0; i < n; ++i) {
    TRY(Fd fd, http::listen_on(address, number, n > 1));
    TRY(number, http::local_port(fd.get()));
    port.sockets.push_back(std::move(fd));
  }
  port.bound = number;
  return Ok{};
}

ListenerState Ports::state_of(const Port& port) const {
  return {port.listener.address, port.listener.port, port.bound, port.error};
}

std::vector<ListenerState> Ports::set(const Listeners& wanted) {
  std::lock_guard lock(mutex_);
  std::vector<ListenerState> states;
  if (stopped_) return states;
  std::set<Key> keys;
  for (const Listener& l : effective(wanted)) {
    const Key key{l.address, l.port};
    if (!keys.insert(key).second) continue;
    auto found = ports_.find(key);
    if (found != ports_.end() && found->second.listener == l && found->second.bound) {
      states.push_back(state_of(found->second));
      continue;
    }
    if (found == ports_.end()) found = ports_.emplace(key, Port{}).first;
    Port& port = found->second;
    port.listener = l;
    port.error = check_chains(l);
    if (!port.bound) {
      Status opened = open(port);
      if (!opened.ok()) {
        port.sockets.clear();
        port.error = opened.error().message;
        failure_ = opened.error();
        if (l.cluster && !std::exchange(warned_, true))
          log::warn(
              "gateway",
              "cannot listen on a Service's cluster address; pods must use the gateway's port",
              {{"address", str(l.address, ":", l.port)}, {"cause", port.error}});
      }
    }
    if (port.bound) place(port);
    if (port.bound || !l.cluster) states.push_back(state_of(port));
  }
  std::erase_if(ports_, [&](auto& entry) {
    if (keys.contains(entry.first)) return false;
    unplace(entry.first, entry.second.sockets.size());
    return true;
  });
  return states;
}

// New doors behind the sockets, on their loops; what stood there is retired.
void Ports::place(const Port& port) {
  if (holding_) return;
  const Key key{port.listener.address, port.listener.port};
  for (size_t i = 0; i < port.sockets.size(); ++i) {
    Seat* seat = seats_[i % seats_.size()].get();
    auto fd = std::make_shared<Fd>(duplicate(port.sockets[i]));
    on_seat(*seat, [this, key, i, listener = port.listener, fd](Seat& s) {
      put_door(s, key, i, listener, std::move(*fd));
    });
  }
}

void Ports::unplace(const Key& key, size_t sockets) {
  for (size_t i = 0; i < sockets; ++i) {
    Seat* seat = seats_[i % seats_.size()].get();
    on_seat(*seat, [this, key, i](Seat& s) {
      auto found = s.doors.find({key, i});
      if (found == s.doors.end()) return;
      std::vector<std::unique_ptr<DoorServer>> old;
      old.push_back(std::move(found->second));
      s.doors.erase(found);
      retire(s, std::move(old), nullptr);
    });
  }
}

void Ports::put_door(Seat& seat, const Key& key, size_t i, const Listener& listener, Fd fd) {
  if (!seat.worker || !fd) return;
  auto door = std::make_unique<DoorServer>(*seat.worker, listener);
  Status opened = door->open(std::move(fd));
  if (!opened.ok())
    log::warn("gateway", "cannot serve a port",
              {{"address", str(listener.address, ":", listener.port)},
               {"cause", opened.error().message}});
  std::unique_ptr<DoorServer>& place = seat.doors[{key, i}];
  std::vector<std::unique_ptr<DoorServer>> old;
  if (place) old.push_back(std::move(place));
  place = std::move(door);
  if (!old.empty()) retire(seat, std::move(old), nullptr);
}

void Ports::retire(Seat& seat, std::vector<std::unique_ptr<DoorServer>> doors,
                   std::unique_ptr<Worker> worker) {
  auto retired = std::make_shared<Retired>();
  retired->doors = std::move(doors);
  retired->worker = std::move(worker);
  retired->open = retired->doors.size();
  retired->until = seat.loop->now() + options_.retire_most;
  seat.retired.push_back(retired);
  for (auto& door : retired->doors) {
    door->drain([weak = std::weak_ptr<Retired>(retired)] {
      if (auto r = weak.lock()) --r->open;
    });
  }
  if (!seat.timer) seat.timer = seat.loop->after(kSweep, [this, &seat] { sweep(seat); });
}

void Ports::sweep(Seat& seat) {
  seat.timer = 0;
  const MonoTime now = seat.loop->now();
  auto over = std::partition(seat.retired.begin(), seat.retired.end(),
                             [&](const auto& r) { return r->open > 0 && now < r->until; });
  std::vector<std::shared_ptr<Retired>> gone(std::make_move_iterator(over),
                                             std::make_move_iterator(seat.retired.end()));
  seat.retired.erase(over, seat.retired.end());
  for (auto& r : gone) {
    if (r->worker) r->worker->stop();
    r->doors.clear();
    seat.loop->post([r] { r->worker.reset(); });
  }
  if (!seat.retired.empty()) seat.timer = seat.loop->after(kSweep, [this, &seat] { sweep(seat); });
}

void Ports::publish(std::shared_ptr<const Table> table) {
  std::lock_guard lock(mutex_);
  table_ = table;
  for (auto& seat : seats_) {
    on_seat(*seat, [table](Seat& s) {
      if (s.worker) s.worker->publish_here(table);
    });
  }
  if (!std::exchange(holding_, false)) return;
  for (auto& [key, port] : ports_)
    if (port.bound) place(port);
}

void Ports::restart() {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  for (auto& seat : seats_) {
    on_seat(*seat, [this, table = table_](Seat& s) {
      if (!s.worker) return;
      auto worker = make_worker_(*s.loop);
      worker->start();
      if (table) worker->publish_here(table);
      std::vector<std::unique_ptr<DoorServer>> old;
      for (auto& [key, door] : s.doors) old.push_back(std::move(door));
      s.doors.clear();
      std::swap(s.worker, worker);
      retire(s, std::move(old), std::move(worker));
    });
  }
  for (auto& [key, port] : ports_)
    if (port.bound) place(port);
}

void Ports::succeed(std::shared_ptr<const Host> successor) {
  std::lock_guard lock(mutex_);
  for (auto& seat : seats_) {
    on_seat(*seat, [successor](Seat& s) {
      if (s.worker) s.worker->succeed(successor);
      for (auto& retired : s.retired)
        if (retired->worker) retired->worker->succeed(successor);
    });
  }
}

std::vector<NamedSocket> Ports::sockets() {
  std::lock_guard lock(mutex_);
  std::vector<NamedSocket> out;
  for (auto& [key, port] : ports_)
    for (const Fd& fd : port.sockets)
      out.push_back({key.first, key.second, port.bound, duplicate(fd)});
  return out;
}

uint16_t Ports::bound(uint16_t port) {
  std::lock_guard lock(mutex_);
  auto found = ports_.find({"", port});
  return found == ports_.end() ? 0 : found->second.bound;
}

void Ports::stop(Duration most) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    ports_.clear();
    inherited_.clear();
  }
  auto drained = std::make_shared<Latch>();
  auto told = std::make_shared<Latch>();
  for (auto& place : seats_) {
    told->add();
    place->loop->post([seat = place.get(), drained, told] {
      for (auto& [key, door] : seat->doors) {
        drained->add();
        door->drain([drained] { drained->done(); });
      }
      told->done();
    });
  }
  told->wait();
  drained->wait_for(most);
  auto closed = std::make_shared<Latch>();
  for (auto& place : seats_) {
    closed->add();
    place->loop->post([this, seat = place.get(), closed] {
      bury(*seat);
      seat->loop->post([seat, closed] {
        seat->worker.reset();
        closed->done();
      });
    });
  }
  closed->wait();
}

void Ports::bury(Seat& seat) {
  seat.loop->cancel(seat.timer);
  for (auto& r : seat.retired) {
    if (r->worker) r->worker->stop();
    r->doors.clear();
    seat.loop->post([r] { r->worker.reset(); });
  }
  seat.retired.clear();
  seat.worker->stop();
  seat.doors.clear();
}

}  // namespace proa::gateway
