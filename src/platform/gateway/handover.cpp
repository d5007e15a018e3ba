#include "platform/gateway/handover.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::gateway {
namespace {

constexpr size_t kMostText = 256;
constexpr char kTaken = '!';
constexpr std::string_view kHello = "proa handover 1";

Result<sockaddr_un> make_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return error(Code::kInvalid, str("\"", path, "\" is too long for a Unix socket"));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool ready(int fd, short events, Duration most) {
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, static_cast<int>(most.count() / 1'000'000)) == 1;
}

// One message for each socket: "ADDRESS PORT BOUND" with its descriptor; an empty text ends them.
Status send_one(int to, const std::string& text, int fd) {
  iovec piece{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  }
  if (::sendmsg(to, &message, MSG_NOSIGNAL) < 0) return errno_error("hand over sockets");
  return Ok{};
}

struct Received {
  std::string text;
  Fd fd;
};

Result<Received> receive_one(int from) {
  char text[kMostText];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec piece{text, sizeof text};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  if (n < 0) return errno_error("take over sockets");
  if (n == 0)
    return error(Code::kUnavailable,
                 "take over sockets: the other process ended, or hands over to no such version");
  Received out;
  out.text.assign(text, static_cast<size_t>(n));
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
    out.fd = Fd(fd);
  }
  return out;
}

Result<NamedSocket> read_name(Received one) {
  std::vector<std::string_view> parts = split(one.text, ' ');
  auto port = parts.size() == 3 ? parse_int(parts[1]) : std::nullopt;
  auto bound = parts.size() == 3 ? parse_int(parts[2]) : std::nullopt;
  if (!port || !bound || !one.fd) return error(Code::kInvalid, "take over sockets: not understood");
  NamedSocket socket;
  socket.address = parts[0] == "-" ? "" : std::string(parts[0]);
  socket.port = static_cast<uint16_t>(*port);
  socket.bound = static_cast<uint16_t>(*bound);
  socket.fd = std::move(one.fd);
  return socket;
}

}  // namespace

Result<Fd> bind_handover(const std::string& path) {
  TRY(sockaddr_un address, make_address(path));
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(str("socket ", path));
  ::unlink(path.c_str());
  mode_t before = ::umask(0177);
  int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::umask(before);
  if (bound != 0 || ::listen(fd.get(), 1) != 0) return errno_error(str("bind ", path));
  return fd;
}

Result<Fd> accept_taker(int listening, Duration most) {
  if (!ready(listening, POLLIN, most))
    return error(Code::kDeadline, "nobody asked for the sockets");
  Fd to(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
  if (!to) return errno_error("hand over sockets");
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(to.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      (peer.uid != ::geteuid() && peer.uid != 0)) {
    return error(Code::kForbidden, "hand over sockets: the asking process is another user's");
  }
  char hello[64];
  ssize_t n = ready(to.get(), POLLIN, most) ? ::recv(to.get(), hello, sizeof hello, 0) : -1;
  if (n < 0 || std::string_view(hello, static_cast<size_t>(n)) != kHello)
    return error(Code::kInvalid, "hand over sockets: the asking process is of another version");
  return to;
}

Status send_sockets(int to, const std::vector<NamedSocket>& sockets, Duration most) {
  for (const NamedSocket& socket : sockets) {
    std::string text =
        str(socket.address.empty() ? "-" : socket.address, " ", socket.port, " ", socket.bound);
    TRY_STATUS(send_one(to, text, socket.fd.get()));
  }
  TRY_STATUS(send_one(to, ".", -1));
  char answer = 0;
  if (!ready(to, POLLIN, most) || ::recv(to, &answer, 1, 0) != 1 || answer != kTaken)
    return error(Code::kUnavailable, "hand over sockets: the other process did not take them");
  return Ok{};
}

Status give_sockets(int listening, const std::vector<NamedSocket>& sockets, Duration most) {
  TRY(Fd to, accept_taker(listening, most));
  return send_sockets(to.get(), sockets, most);
}

Result<std::vector<NamedSocket>> take_sockets(const std::string& path, Duration most) {
  std::vector<NamedSocket> out;
  TRY(sockaddr_un address, make_address(path));
  Fd from(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!from) return errno_error(str("socket ", path));
  if (::connect(from.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return out;
    return errno_error(str("connect to ", path));
  }
  if (::send(from.get(), kHello.data(), kHello.size(), MSG_NOSIGNAL) < 0)
    return errno_error("take over sockets");
  while (true) {
    if (!ready(from.get(), POLLIN, most))
      return error(Code::kDeadline, str("no sockets came from ", path));
    TRY(Received one, receive_one(from.get()));
    if (one.text == ".") break;
    TRY(NamedSocket socket, read_name(std::move(one)));
    out.push_back(std::move(socket));
  }
  if (::send(from.get(), &kTaken, 1, MSG_NOSIGNAL) != 1) return errno_error("take over sockets");
  return out;
}

}  // namespace proa::gateway
