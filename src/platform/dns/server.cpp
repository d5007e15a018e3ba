#include "platform/dns/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <unordered_map>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::dns {

namespace {

constexpr size_t kMostForwarded = 512;
constexpr size_t kMostConnections = 64;
constexpr size_t kMostMessage = 4096;
constexpr int kMostTries = 3;
constexpr Duration kIdle = std::chrono::seconds(10);
constexpr int kServerFailure = 2, kRefused = 5;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool make_address(const std::string& host, uint16_t port, Address& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET, v4->sin_port = htons(port), out.size = sizeof *v4;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6, v6->sin6_port = htons(port), out.size = sizeof *v6;
    return true;
  }
  return false;
}

bool parse_resolver(const std::string& text, Address& out) {
  if (make_address(text, 53, out)) return true;
  size_t colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  auto port = parse_int(text.substr(colon + 1));
  return port && *port > 0 && *port < 65536 &&
         make_address(text.substr(0, colon), static_cast<uint16_t>(*port), out);
}

}  // namespace

struct Server::Core : std::enable_shared_from_this<Server::Core> {
  using Respond = std::function<void(std::string reply)>;
  struct Forwarded {
    Fd socket;
    std::string query;
    Respond respond;
    async::TimerId timer = 0;
    int tries = 0;
  };
  struct Connection {
    Fd socket;
    std::string in;
    MonoTime used{};
    uint64_t serial = 0;  // descriptors are used again
  };

  async::Loop& loop;
  client::Client& client;
  ServerOptions options;
  ZoneBuilder builder;
  std::vector<std::unique_ptr<client::Watch>> watches;
  std::vector<Address> resolvers;
  Fd udp, tcp;
  uint16_t port = 0;
  std::unordered_map<int, Forwarded> forwarded;
  std::unordered_map<int, Connection> connections;
  async::TimerId idle_timer = 0;
  uint64_t serials = 0;

  Core(async::Loop& l, client::Client& c, ServerOptions o)
      : loop(l), client(c), options(std::move(o)), builder(options.domain) {}

  Status open() {
    constexpr int kTries = 16;  // a port that is free for UDP may be taken for TCP
    Status bound = bind_both();
    for (int i = 1; i < kTries && options.port == 0 && !bound.ok(); ++i) bound = bind_both();
    TRY_STATUS(bound);
    loop.watch(udp.get(), EPOLLIN, [this](uint32_t) { read_udp(); });
    loop.watch(tcp.get(), EPOLLIN, [this](uint32_t) { accept_some(); });
    return Ok{};
  }

  Status bind_both() {
    Address at;
    if (!make_address(options.address, options.port, at))
      return error(Code::kInvalid, str("DNS address \"", options.address, "\" is no IP address"));
    const int family = at.storage.ss_family;
    const std::string where = str("DNS on ", options.address, ":", options.port);
    udp = Fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!udp || ::bind(udp.get(), reinterpret_cast<sockaddr*>(&at.storage), at.size) != 0)
      return errno_error(str(where, ": pods cannot resolve names of Services"));
    socklen_t size = sizeof at.storage;
    ::getsockname(udp.get(), reinterpret_cast<sockaddr*>(&at.storage), &size);
    port = ntohs(reinterpret_cast<sockaddr_in*>(&at.storage)->sin_port);
    tcp = Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int one = 1;
    ::setsockopt(tcp.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!tcp || ::bind(tcp.get(), reinterpret_cast<sockaddr*>(&at.storage), at.size) != 0 ||
        ::listen(tcp.get(), 64) != 0)
      return errno_error(str(where, " (TCP)"));
    return Ok{};
  }

  void find_resolvers() {
    std::vector<std::string> texts = options.resolvers;
    if (texts.empty())
      if (auto text = read_file(options.resolv_conf, 64 << 10); text.ok())
        texts = read_resolvers(*text, options.address);
    for (const std::string& t : texts) {
      Address a;
      if (parse_resolver(t, a)) resolvers.push_back(a);
    }
    if (resolvers.empty())
      log::info("dns", "no resolver to forward to; only cluster names are answered");
  }

  void open_watches() {
    for (const client::Kind* kind : {&api::kService, &api::kEndpointSlice}) {
      watches.push_back(
          client.watch(*kind, "", [weak = weak_from_this(), kind](const client::Event& event) {
            auto self = weak.lock();
            if (!self) return;
            self->loop.post([weak, kind, event] {
              if (auto core = weak.lock()) core->on_event(*kind, event);
            });
          }));
    }
  }

  void on_event(const client::Kind& kind, const client::Event& event) {
    if (event.type == client::Event::kDeleted)
      builder.drop(kind, client::key_of(*event.object));
    else
      builder.put(kind, *event.object);
  }

  // Answers now or later; respond may be called after this returns.
  void handle(std::string_view query, bool over_udp, Respond respond) {
    Answer a = answer(query, builder.zone(), over_udp);
    if (a.kind == Answer::kReply) return respond(std::move(a.bytes));
    if (a.kind == Answer::kDrop) return;
    if (resolvers.empty()) return respond(failure(query, kRefused));
    if (forwarded.size() >= kMostForwarded) return respond(failure(query, kServerFailure));
    forward({{}, std::string(query), std::move(respond), 0, 0});
  }

  // A socket for each question: its port is as random as the kernel makes it.
  void forward(Forwarded f) {
    const Address& to = resolvers[static_cast<size_t>(f.tries) % resolvers.size()];
    ++f.tries;
    f.socket = Fd(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = f.socket.get();
    const bool sent = fd >= 0 &&
                      ::connect(fd, reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0 &&
                      ::send(fd, f.query.data(), f.query.size(), MSG_NOSIGNAL) >= 0;
    if (!sent) {
      if (f.tries < kMostTries) return forward(std::move(f));
      return f.respond(failure(f.query, kServerFailure));
    }
    f.timer = loop.after(options.try_timeout, [this, fd] { next_try(fd); });
    forwarded.emplace(fd, std::move(f));
    loop.watch(fd, EPOLLIN, [this, fd](uint32_t) { read_forwarded(fd); });
  }

  Forwarded take(int fd) {
    auto it = forwarded.find(fd);
    Forwarded f = std::move(it->second);
    forwarded.erase(it);
    loop.cancel(f.timer);
    loop.unwatch(fd);
    return f;
  }

  void next_try(int fd) {
    Forwarded f = take(fd);
    f.socket.reset();
    if (f.tries < kMostTries) return forward(std::move(f));
    f.respond(failure(f.query, kServerFailure));
  }

  void read_forwarded(int fd) {
    char buffer[kMostMessage];
    ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) return next_try(fd);  // refused
    const std::string& query = forwarded.at(fd).query;
    // Not an answer to this question: wait on.
    if (n < 12 || std::memcmp(buffer, query.data(), 2) != 0 || !(buffer[2] & 0x80)) return;
    Forwarded f = take(fd);
    f.respond(std::string(buffer, static_cast<size_t>(n)));
  }

  void read_udp() {
    char buffer[kMostMessage];
    for (int i = 0; i < 64; ++i) {
      Address from;
      from.size = sizeof from.storage;
      ssize_t n = ::recvfrom(udp.get(), buffer, sizeof buffer, 0,
                             reinterpret_cast<sockaddr*>(&from.storage), &from.size);
      if (n < 0) return;
      handle({buffer, static_cast<size_t>(n)}, true, [this, from](std::string reply) {
        ::sendto(udp.get(), reply.data(), reply.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&from.storage), from.size);
      });
    }
  }

  void accept_some() {
    while (true) {
      Fd fd(::accept4(tcp.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!fd) return;
      if (connections.size() >= kMostConnections) continue;
      const int number = fd.get();
      connections[number] = {std::move(fd), {}, loop.now(), ++serials};
      loop.watch(number, EPOLLIN, [this, number](uint32_t) { read_tcp(number); });
      if (!idle_timer) idle_timer = loop.after(kIdle, [this] { close_idle(); });
    }
  }

  void close_connection(int fd) {
    loop.unwatch(fd);
    connections.erase(fd);
  }

  void close_idle() {
    idle_timer = 0;
    std::vector<int> old;
    for (const auto& [fd, c] : connections)
      if (loop.now() - c.used >= kIdle) old.push_back(fd);
    for (int fd : old) close_connection(fd);
    if (!connections.empty()) idle_timer = loop.after(kIdle, [this] { close_idle(); });
  }

  void read_tcp(int fd) {
    char buffer[kMostMessage];
    ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close_connection(fd);
    Connection& c = connections.at(fd);
    c.used = loop.now();
    c.in.append(buffer, static_cast<size_t>(n));
    while (c.in.size() >= 2) {
      size_t size = static_cast<size_t>(static_cast<unsigned char>(c.in[0])) << 8 |
                    static_cast<unsigned char>(c.in[1]);
      if (size > kMostMessage) return close_connection(fd);
      if (c.in.size() < 2 + size) break;
      std::string query = c.in.substr(2, size);
      c.in.erase(0, 2 + size);
      const uint64_t serial = c.serial;
      handle(query, false, [this, fd, serial](std::string reply) { send_tcp(fd, serial, reply); });
      if (!connections.contains(fd)) return;
    }
  }

  // Replies are small: what the socket does not take at once ends the connection.
  void send_tcp(int fd, uint64_t serial, const std::string& reply) {
    auto it = connections.find(fd);
    if (it == connections.end() || it->second.serial != serial || reply.empty()) return;
    std::string framed;
    framed += static_cast<char>(reply.size() >> 8);
    framed += static_cast<char>(reply.size() & 255);
    framed += reply;
    if (::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(framed.size()))
      close_connection(fd);
  }

  void close() {
    watches.clear();
    for (auto& [fd, f] : forwarded) loop.unwatch(fd), loop.cancel(f.timer);
    for (auto& [fd, c] : connections) loop.unwatch(fd);
    forwarded.clear(), connections.clear();
    if (udp) loop.unwatch(udp.get());
    if (tcp && port) loop.unwatch(tcp.get());
    loop.cancel(idle_timer);
  }
};

Server::Server(async::Loop& loop, client::Client& client, ServerOptions options)
    : core_(std::make_shared<Core>(loop, client, std::move(options))) {}

Server::~Server() { core_->close(); }

Status Server::start() {
  core_->find_resolvers();
  TRY_STATUS(core_->open());
  core_->open_watches();
  return Ok{};
}

uint16_t Server::port() const { return core_->port; }

std::vector<std::string> read_resolvers(std::string_view text, std::string_view own_address) {
  std::vector<std::string> out;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (!line.starts_with("nameserver") || line.size() < 12) continue;
    line = trim(line.substr(10));
    line = line.substr(0, line.find_first_of(" \t#;"));
    if (line != own_address && !line.empty() && out.size() < 3) out.emplace_back(line);
  }
  return out;
}

}  // namespace proa::dns
