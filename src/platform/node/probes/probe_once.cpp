#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/node/probes/probes.h"

namespace proa::node {

namespace {
Duration timeout_of(const json::Value& probe) {
  return std::chrono::seconds(std::max<int64_t>(probe["timeoutSeconds"].integer(1), 1));
}

int port_of(const json::Value& port, const json::Value& ports) {
  if (port.is_int()) return static_cast<int>(port.integer());
  if (auto n = parse_int(port.str())) return static_cast<int>(*n);
  for (const auto& p : ports.array())
    if (p["name"].str() == port.str()) return static_cast<int>(p["containerPort"].integer());
  return 0;
}

// Waits for one connect with a deadline.
struct Connect : std::enable_shared_from_this<Connect> {
  Connect(async::Loop& l, ProbeDone d) : loop(l), done(std::move(d)) {}
  void begin(const std::string& address, int port, Duration timeout) {
    where = str(address, ":", port);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return later(EINVAL);
    fd = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return later(errno);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return later(0);
    if (errno != EINPROGRESS) return later(errno);
    auto self = shared_from_this();
    timer = loop.after(timeout, [self] { self->timer = 0, self->end(ETIMEDOUT); });
    loop.watch(fd.get(), EPOLLOUT, [self](uint32_t) {
      int err = 0;
      socklen_t size = sizeof err;
      ::getsockopt(self->fd.get(), SOL_SOCKET, SO_ERROR, &err, &size);
      self->end(err);
    });
    watched = true;
  }
  void later(int err) {
    loop.post([self = shared_from_this(), err] { self->end(err); });
  }
  void end(int err) {
    auto self = shared_from_this();
    if (watched) loop.unwatch(fd.get());
    if (timer) loop.cancel(timer);
    fd.reset();
    done({err == 0,
          err == 0 ? "" : str("dial tcp ", where, ": connect: ", lower(std::strerror(err)))});
  }
  async::Loop& loop;
  ProbeDone done;
  std::string where;
  Fd fd;
  async::TimerId timer = 0;
  bool watched = false;
};

void http_get(http::Client& client, const ProbeTarget& target, const json::Value& probe,
              ProbeDone done) {
  const json::Value& get = probe["httpGet"];
  http::ClientRequest request;
  request.host = get["host"].str_or(target.address);
  request.port = static_cast<uint16_t>(port_of(get["port"], target.ports));
  request.tls = iequals(get["scheme"].str(), "https");
  request.target = get["path"].str_or("/");
  if (request.target.empty() || request.target[0] != '/') request.target = "/" + request.target;
  request.headers.set("User-Agent", "kube-probe/1.32");
  request.headers.set("Connection", "close");
  for (const auto& h : get["httpHeaders"].array())
    request.headers.add(h["name"].str(), h["value"].str());
  request.timeout = timeout_of(probe);
  client.fetch(std::move(request), [done = std::move(done)](Result<http::Response> response) {
    if (!response.ok()) return done({false, response.error().message});
    bool ok = response->status >= 200 && response->status < 400;
    done({ok, ok ? "" : str("HTTP probe failed with statuscode: ", response->status)});
  });
}
}  // namespace

void probe_once(async::Loop& loop, http::Client& http, const ProbeTarget& target,
                const json::Value& probe, ProbeDone done) {
  if (probe.has("httpGet")) return http_get(http, target, probe, std::move(done));
  if (probe.has("exec")) {
    std::vector<std::string> command;
    for (const auto& part : probe["exec"]["command"].array()) command.push_back(part.str());
    return target.exec(std::move(command), timeout_of(probe), std::move(done));
  }
  if (probe.has("tcpSocket")) {
    auto connect = std::make_shared<Connect>(loop, std::move(done));
    return connect->begin(probe["tcpSocket"]["host"].str_or(target.address),
                          port_of(probe["tcpSocket"]["port"], target.ports), timeout_of(probe));
  }
  std::string why =
      probe.has("grpc") ? "grpc probes are not supported on this node" : "probe without an action";
  loop.post([done = std::move(done), why] { done({false, why}); });
}

}  // namespace proa::node
