#include "platform/node/zygote/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "foundation/base/memory_file.h"

namespace proa::node {

namespace {
constexpr size_t kInline = 48 << 10;
constexpr size_t kMost = 8 << 20;
constexpr size_t kMostFds = 8;
}  // namespace

Status send_packet(int socket, std::string_view text, const std::vector<int>& fds) {
  if (text.size() > kMost || fds.size() >= kMostFds)
    return error(Code::kTooLarge, "message to the zygote too large");
  std::vector<int> all = fds;
  Fd file;
  std::string head(text);
  if (text.size() > kInline) {
    TRY(file, memory_file("launch", text));
    all.push_back(file.get());
    head = {text[0], '@'};
  }
  iovec part{head.data(), head.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)] = {};
  if (!all.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * all.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * all.size());
    std::memcpy(CMSG_DATA(header), all.data(), sizeof(int) * all.size());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return {};
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return error(Code::kUnavailable, "the zygote has too much to do");
    if (errno != EINTR) return errno_error("send to the zygote");
  }
}

Result<std::optional<Packet>> receive_packet(int socket) {
  char buffer[kInline + 1];
  iovec part{buffer, sizeof buffer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFds)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return error(Code::kUnavailable, "nothing to receive");
  if (n < 0) return errno_error("receive");
  Packet packet;
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof fd);
      packet.fds.emplace_back(fd);
    }
  }
  if (n == 0) return std::optional<Packet>{};
  packet.text.assign(buffer, static_cast<size_t>(n));
  if (packet.text.size() == 2 && packet.text[1] == '@' && !packet.fds.empty()) {
    TRY(packet.text, read_memory_file(packet.fds.back().get(), kMost, "message to the zygote"));
    packet.fds.pop_back();
  }
  return std::optional<Packet>(std::move(packet));
}

}  // namespace proa::node
