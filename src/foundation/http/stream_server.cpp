#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "foundation/base/strings.h"
#include "foundation/http/server_core.h"
#include "foundation/http/sockets.h"

namespace proa::http {
namespace {
constexpr size_t kReadBuffer = 64 << 10;
constexpr Duration kLeastIdle = std::chrono::milliseconds(100);
constexpr Duration kSweepEvery = std::chrono::milliseconds(500);
}  // namespace

StreamServer::Core::Core(async::Loop& l, ServerOptions o, StreamHandler h)
    : loop(l), options(std::move(o)), handler(std::move(h)), buffer(kReadBuffer) {}

Status StreamServer::Core::prepare_tls() {
  if (!options.tls || tls) return {};
  TRY(tls, server_context(*options.tls));
  return {};
}

Result<uint16_t> StreamServer::Core::adopt(Fd listener) {
  TRY_STATUS(prepare_tls());
  TRY(uint16_t port, local_port(listener.get()));
  int fd = listener.get();
  listeners.push_back(std::move(listener));
  loop.watch(fd, accepting ? uint32_t{EPOLLIN} : 0, [this, fd](uint32_t) { on_acceptable(fd); });
  return port;
}

void StreamServer::Core::on_acceptable(int fd) {
  for (int i = 0; i < 64 && accepting; ++i) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Fd accepted(::accept4(fd, reinterpret_cast<sockaddr*>(&address), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) {
      accept_one(std::move(accepted), address_text(address));
      if (connections.size() >= options.most_connections && !evict_idle()) pause_accepting();
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      pause_accepting();
    if (errno != EINTR && errno != ECONNABORTED) return;
  }
}

void StreamServer::Core::accept_one(Fd fd, const std::string& peer) {
  auto connection = std::make_shared<ServerConnection>(*this, std::move(fd), peer);
  connections.emplace(connection.get(), connection);
  connection->start();
  arm_sweep();
}

// Full: room is made by closing a connection that has nothing in hand, the one that has had nothing
// for the longest, so that those who work are not kept out by those who only hold on.
bool StreamServer::Core::evict_idle() {
  ServerConnection* longest = nullptr;
  for (auto& [key, connection] : connections) {
    auto since = connection->idle_since();
    if (since && (!longest || *since < *longest->idle_since())) longest = key;
  }
  if (!longest || loop.now() - *longest->idle_since() < kLeastIdle) return false;
  longest->shared_from_this()->close();
  return true;
}

void StreamServer::Core::pause_accepting() {
  if (!accepting) return;
  accepting = false;
  for (Fd& listener : listeners) loop.modify(listener.get(), 0);
  accept_timer = loop.after(std::chrono::milliseconds(100), [this] { resume_accepting(); });
}

void StreamServer::Core::resume_accepting() {
  accept_timer = 0;
  if (accepting || draining) return;
  if (connections.size() >= options.most_connections && !evict_idle()) {
    accept_timer = loop.after(std::chrono::milliseconds(100), [this] { resume_accepting(); });
    return;
  }
  accepting = true;
  for (Fd& listener : listeners) loop.modify(listener.get(), EPOLLIN);
}

void StreamServer::Core::remove(ServerConnection* connection) {
  connections.erase(connection);
  if (draining && connections.empty() && drained) loop.post(std::exchange(drained, nullptr));
}

// One timer for all deadlines, and none while nobody is connected.
void StreamServer::Core::arm_sweep() {
  if (sweep_timer || sweeping || connections.empty()) return;
  sweep_timer = loop.after(kSweepEvery, [this] { sweep(); });
}

void StreamServer::Core::sweep() {
  sweep_timer = 0;
  sweeping = true;
  std::vector<std::shared_ptr<ServerConnection>> all;
  all.reserve(connections.size());
  for (auto& [key, connection] : connections) all.push_back(connection);
  for (auto& connection : all) connection->tick(loop.now());
  sweeping = false;
  arm_sweep();
}

void StreamServer::Core::drain(std::function<void()> done) {
  draining = true;
  accepting = false;
  drained = std::move(done);
  for (Fd& listener : listeners) loop.unwatch(listener.get());
  listeners.clear();
  std::vector<std::shared_ptr<ServerConnection>> all;
  for (auto& [key, connection] : connections) all.push_back(connection);
  for (auto& connection : all) connection->drain();
  if (connections.empty() && drained) loop.post(std::exchange(drained, nullptr));
}

void StreamServer::Core::shut_down() {
  drained = nullptr;
  for (Fd& listener : listeners) loop.unwatch(listener.get());
  listeners.clear();
  loop.cancel(sweep_timer);
  loop.cancel(accept_timer);
  sweeping = true;  // no new timer
  while (!connections.empty()) {
    auto connection = connections.begin()->second;
    connection->close();
  }
}

std::string_view StreamServer::Core::date_line() {
  MonoTime now = loop.now();
  if (date_.empty() || now - date_taken_ > std::chrono::milliseconds(250)) {
    date_taken_ = now;
    time_t seconds = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(loop.clock().wall()));
    tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    size_t n = std::strftime(text, sizeof text, "date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    date_.assign(text, n);
  }
  return date_;
}

StreamServer::StreamServer(async::Loop& loop, ServerOptions options, StreamHandler handler)
    : core_(std::make_shared<Core>(loop, std::move(options), std::move(handler))) {}

StreamServer::~StreamServer() { core_->shut_down(); }

Result<uint16_t> StreamServer::listen(const std::string& address, uint16_t port, bool reuse_port) {
  TRY(Fd fd, listen_on(address, port, reuse_port));
  TRY(port, core_->adopt(std::move(fd)));
  if (!core_->options.twin || reuse_port || core_->options.tls) return port;
  if (auto twin = listen_twin(address, port); twin.ok()) TRY_STATUS(core_->adopt(std::move(*twin)));
  return port;
}

Result<uint16_t> StreamServer::adopt(int listening_fd) { return core_->adopt(Fd(listening_fd)); }
Status StreamServer::take(int connected_fd, std::string peer) {
  Fd fd(connected_fd);
  TRY_STATUS(core_->prepare_tls());
  if (core_->connections.size() >= core_->options.most_connections && !core_->evict_idle())
    return error(Code::kExhausted, "too many connections");
  core_->accept_one(std::move(fd), peer);
  return {};
}
void StreamServer::drain(std::function<void()> done) { core_->drain(std::move(done)); }
size_t StreamServer::connections() const { return core_->connections.size(); }

}  // namespace proa::http
