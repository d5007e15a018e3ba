#include "foundation/http/sockets.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::http {
namespace {

Result<socklen_t> make_address(const std::string& text, uint16_t port, sockaddr_storage& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  std::memset(&out, 0, sizeof out);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return socklen_t{sizeof *v4};
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return socklen_t{sizeof *v6};
  }
  return error(Code::kInvalid, str("\"", text, "\" is not an IP address"));
}

void set_on(int fd, int level, int option) {
  int one = 1;
  ::setsockopt(fd, level, option, &one, sizeof one);
}

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

// Nothing is lost and nothing congests inside a machine: the plainest congestion control costs
// least (BBR, for one, paces every packet by a timer).
void be_plain_inside(int fd, const sockaddr_storage& address) {
  if (is_loopback(address)) ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

}  // namespace

Result<Fd> listen_on(const std::string& address, uint16_t port, bool reuse_port) {
  std::string what = str("listen on ", address, ":", port);
  sockaddr_storage storage;
  TRY(socklen_t length, make_address(address, port, storage).context(what));
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(what);
  set_on(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (reuse_port) set_on(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  set_on(fd.get(), IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit it
  be_plain_inside(fd.get(), storage);          // likewise
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0)
    return errno_error(what);
  if (::listen(fd.get(), 4096) != 0) return errno_error(what);
  return fd;
}

Result<uint16_t> local_port(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0)
    return errno_error("getsockname");
  if (storage.ss_family == AF_UNIX) return uint16_t{0};
  if (storage.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_UNIX) return "127.0.0.1:0";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return str(text, ":", ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return str("[", text, "]:", ntohs(v6.sin6_port));
}

bool is_ip_address(const std::string& text) {
  unsigned char raw[16];
  return inet_pton(AF_INET, text.c_str(), raw) == 1 || inet_pton(AF_INET6, text.c_str(), raw) == 1;
}

Result<Fd> start_connect(const std::string& address, uint16_t port) {
  std::string what = str("connect to ", address, ":", port);
  sockaddr_storage storage;
  TRY(socklen_t length, make_address(address, port, storage).context(what));
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error(what);
  set_on(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  be_plain_inside(fd.get(), storage);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 &&
      errno != EINPROGRESS) {
    Error failed = errno_error(what);
    return error(Code::kUnavailable, std::move(failed.message));
  }
  return fd;
}

namespace {

socklen_t twin_address(const std::string& address, uint16_t port, sockaddr_un& out) {
  std::string name = str("proa/", address, ":", port);
  out.sun_family = AF_UNIX;
  size_t size = std::min(name.size(), sizeof out.sun_path - 1);
  std::memcpy(out.sun_path + 1, name.data(), size);
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + size);
}

Result<Fd> twin_socket(const std::string& address, uint16_t port, sockaddr_un& at,
                       socklen_t& length) {
  sockaddr_storage storage;
  TRY_STATUS(make_address(address, port, storage));
  if (!is_loopback(storage)) return error(Code::kInvalid, str(address, " is no loopback address"));
  length = twin_address(address, port, at);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("socket");
  return fd;
}

}  // namespace

Result<Fd> listen_twin(const std::string& address, uint16_t port) {
  sockaddr_un at{};
  socklen_t length = 0;
  TRY(Fd fd, twin_socket(address, port, at, length));
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), length) != 0 ||
      ::listen(fd.get(), 4096) != 0) {
    return errno_error(str("listen beside ", address, ":", port));
  }
  return fd;
}

Result<Fd> connect_twin(const std::string& address, uint16_t port) {
  sockaddr_un at{};
  socklen_t length = 0;
  TRY(Fd fd, twin_socket(address, port, at, length));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), length) != 0)
    return error(Code::kUnavailable, "no twin");
  return fd;
}

int socket_error(int fd) {
  int err = 0;
  socklen_t length = sizeof err;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) == 0 ? err : errno;
}

uint64_t acknowledged_bytes(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return UINT64_MAX;
  if (length < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked)
    return UINT64_MAX;
  return info.tcpi_bytes_acked > 0 ? info.tcpi_bytes_acked - 1 : 0;  // the SYN counts as one
}

}  // namespace proa::http
