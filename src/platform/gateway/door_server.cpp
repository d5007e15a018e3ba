#include "platform/gateway/door_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "foundation/base/strings.h"
#include "foundation/http/client_hello.h"
#include "foundation/http/sockets.h"

namespace proa::gateway {
namespace {

constexpr Duration kHelloTimeout = std::chrono::seconds(10);
constexpr Duration kTick = std::chrono::milliseconds(500);
constexpr size_t kMostHellos = 4096;
constexpr size_t kMostConnections = 20000;
constexpr Duration kDrainIdle = std::chrono::seconds(5);

bool host_matches(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == name;
  return name.size() > pattern.size() - 1 && name.ends_with(pattern.substr(1));
}

}  // namespace

struct DoorServer::Hello {
  Fd fd;
  std::string peer;
  MonoTime since{};
};

const TlsChain* chain_for(const std::vector<TlsChain>& chains, std::string_view sni) {
  const TlsChain* best = nullptr;
  size_t best_size = 0;
  for (const TlsChain& chain : chains) {
    for (const std::string& host : chain.hosts) {
      if (!host_matches(host, sni)) continue;
      size_t size = host == sni ? SIZE_MAX : host.size();
      if (!best || size > best_size) best = &chain, best_size = size;
    }
  }
  return best;
}

std::shared_ptr<http::TlsOptions> tls_options(const TlsChain& chain) {
  auto options = std::make_shared<http::TlsOptions>();
  options->certificate = chain.credential.certificate;
  options->key = chain.credential.key;
  if (chain.mode == TlsMode::kMutual || chain.mode == TlsMode::kOptionalMutual)
    options->client_ca = chain.credential.client_ca;
  options->require_client = chain.mode == TlsMode::kMutual;
  if (chain.least == TlsVersion::k1_3) options->least_version = 13;
  if (chain.most == TlsVersion::k1_2) options->most_version = 12;
  return options;
}

std::string check_chains(const Listener& listener) {
  if (listener.protocol != Protocol::kHttps) return {};
  std::string out;
  for (const TlsChain& chain : listener.chains) {
    if (chain.mode == TlsMode::kPassthrough) continue;
    Status fine = Ok{};
    if (chain.mode == TlsMode::kMutual && chain.credential.client_ca.empty())
      fine = error(Code::kInvalid, "MUTUAL needs ca.crt in its credential");
    auto context = http::server_context(*tls_options(chain));
    if (fine.ok() && !context.ok()) fine = context.error();
    if (!fine.ok()) out += str(out.empty() ? "" : "; ", chain.name, ": ", fine.error().message);
  }
  return out;
}

DoorServer::DoorServer(Worker& worker, Listener listener)
    : worker_(worker), loop_(worker.loop()), listener_(std::move(listener)) {}

DoorServer::~DoorServer() {
  *alive_ = false;
  loop_.cancel(timer_);
  if (listening_) loop_.unwatch(listening_.get());
  for (auto& hello : hellos_) loop_.unwatch(hello->fd.get());
  tunnels_.reset();
  chains_.clear();
  servers_.clear();
}

std::unique_ptr<http::StreamServer> DoorServer::make_server(std::shared_ptr<http::TlsOptions> tls) {
  http::ServerOptions options;
  options.tls = std::move(tls);
  options.most_connections = kMostConnections;
  options.least_bytes_per_second = 240;
  options.drain_idle = kDrainIdle;
  auto door = std::make_shared<Door>();
  door->port = listener_.cluster ? 0 : listener_.port;
  if (listener_.cluster) door->fallback_host = listener_.address;
  if (!way_) way_ = std::make_unique<ShortWay>(worker_, door);
  options.relay = way_.get();
  return std::make_unique<http::StreamServer>(
      loop_, options, [this, door = std::move(door)](std::shared_ptr<http::ServerStream> stream) {
        worker_.handle(std::move(stream), *door);
      });
}

Status DoorServer::open_chains() {
  for (const TlsChain& spec : listener_.chains) {
    Chain chain{spec, nullptr, nullptr};
    if (spec.mode != TlsMode::kPassthrough) {
      auto options = tls_options(spec);
      auto context = http::server_context(*options);
      if (!context.ok()) continue;  // named by check_chains()
      if (spec.to_tunnel)
        chain.context = *context;
      else
        chain.server = make_server(options);
    }
    chains_.push_back(std::move(chain));
  }
  return Ok{};
}

Status DoorServer::open(Fd listening) {
  if (listener_.protocol == Protocol::kHttp) {
    servers_.push_back(make_server(nullptr));
    TRY_STATUS(servers_.back()->adopt(listening.release()));
    return Ok{};
  }
  tunnels_ = std::make_unique<Tunnels>(worker_, listener_.port);
  if (listener_.protocol == Protocol::kHttps) TRY_STATUS(open_chains());
  listening_ = std::move(listening);
  loop_.watch(listening_.get(), EPOLLIN, [this](uint32_t) { on_acceptable(); });
  timer_ = loop_.after(kTick, [this] { tick(); });
  return Ok{};
}

void DoorServer::on_acceptable() {
  for (int i = 0; i < 64 && listening_; ++i) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    Fd fd(::accept4(listening_.get(), reinterpret_cast<sockaddr*>(&address), &length,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    on_accepted(std::move(fd), http::address_text(address));
  }
}

void DoorServer::on_accepted(Fd fd, const std::string& peer) {
  if (listener_.protocol == Protocol::kTcp) return tunnels_->take(std::move(fd), peer, "", nullptr);
  if (hellos_.size() >= kMostHellos) {  // the oldest has had its chance
    drop(*hellos_.front());
  }
  auto hello = std::make_unique<Hello>(Hello{std::move(fd), peer, loop_.now()});
  Hello* one = hello.get();
  hellos_.push_back(std::move(hello));
  loop_.watch(one->fd.get(), EPOLLIN | EPOLLET, [this, one](uint32_t) { on_hello(*one); });
}

// The bytes stay in the socket for whoever takes it.
void DoorServer::on_hello(Hello& hello) {
  static thread_local char buffer[http::kMostClientHello + 1024];
  ssize_t n = ::recv(hello.fd.get(), buffer, sizeof buffer, MSG_PEEK);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n <= 0) return drop(hello);
  auto read = http::read_client_hello({buffer, static_cast<size_t>(n)});
  if (read.state == http::ClientHello::kMore) return;
  if (read.state == http::ClientHello::kBad) return drop(hello);
  loop_.unwatch(hello.fd.get());
  Fd fd = std::move(hello.fd);
  std::string peer = std::move(hello.peer);
  std::erase_if(hellos_, [&](const auto& h) { return h.get() == &hello; });
  dispatch(std::move(fd), peer, read.server_name);
}

void DoorServer::drop(Hello& hello) {
  loop_.unwatch(hello.fd.get());
  std::erase_if(hellos_, [&](const auto& h) { return h.get() == &hello; });
}

void DoorServer::dispatch(Fd fd, const std::string& peer, const std::string& sni) {
  const TlsChain* wanted = chain_for(listener_.chains, sni);
  if (!wanted) return;  // nobody here answers to that name
  for (Chain& chain : chains_) {
    if (!(chain.spec == *wanted)) continue;
    if (chain.server) {
      (void)chain.server->take(fd.release(), peer);
    } else {
      tunnels_->take(std::move(fd), peer, sni, chain.context);
    }
    return;
  }
}

void DoorServer::tick() {
  const MonoTime now = loop_.now();
  while (!hellos_.empty() && now - hellos_.front()->since >= kHelloTimeout) drop(*hellos_.front());
  tunnels_->tick(now);
  check_drained();
  timer_ = loop_.after(kTick, [this] { tick(); });
}

size_t DoorServer::connections() const {
  size_t n = hellos_.size() + (tunnels_ ? tunnels_->size() : 0);
  for (const auto& server : servers_) n += server->connections();
  for (const Chain& chain : chains_)
    if (chain.server) n += chain.server->connections();
  return n;
}

void DoorServer::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  if (listening_) {
    loop_.unwatch(listening_.get());
    listening_ = Fd();
  }
  auto again = [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) check_drained();
  };
  for (auto& server : servers_) server->drain(again);
  for (Chain& chain : chains_)
    if (chain.server) chain.server->drain(again);
  check_drained();
}

void DoorServer::check_drained() {
  if (!draining_ || !drained_ || connections() > 0) return;
  loop_.post(std::exchange(drained_, nullptr));
}

}  // namespace proa::gateway
