// libproa-pod.so: gives a program over the host's files the network that it has on a cluster, as
// far as servers need it. Pods share the machine's network here, and a server that listens on all
// of its addresses (0.0.0.0:8080, as KServe's Python servers do) would take the port from every
// other pod. So such a bind() means the pod's own address, which POD_IP has.
//
// Loaded by LD_PRELOAD, which the node sets. Needs the C library only; programs that are linked
// statically do not see it.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

namespace {

using Bind = int (*)(int, const sockaddr*, socklen_t);

bool is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool pod_address(in_addr* out) {
  const char* text = ::getenv("POD_IP");
  return text && ::inet_pton(AF_INET, text, out) == 1;
}

// Servers' only: port 0 is what clients bind.
bool is_any(const sockaddr_in& a) { return a.sin_addr.s_addr == INADDR_ANY && a.sin_port != 0; }
bool is_any(const sockaddr_in6& a) {
  return IN6_IS_ADDR_UNSPECIFIED(&a.sin6_addr) && a.sin6_port != 0;
}

int bind_to_pod(Bind real, int fd, const sockaddr* address, socklen_t size) {
  in_addr pod{};
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in a{};
    ::memcpy(&a, address, sizeof a);
    if (is_any(a) && is_stream(fd) && pod_address(&pod)) {
      a.sin_addr = pod;
      return real(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a);
    }
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 a{};
    ::memcpy(&a, address, sizeof a);
    if (is_any(a) && is_stream(fd) && pod_address(&pod)) {
      unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
      ::memcpy(mapped + 12, &pod, 4);
      ::memcpy(&a.sin6_addr, mapped, sizeof mapped);
      int off = 0;  // a mapped address is one of IPv4
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
      return real(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a);
    }
  }
  return real(fd, address, size);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int bind(int fd, const sockaddr* address,
                                                           socklen_t size) noexcept {
  static const auto real = reinterpret_cast<Bind>(::dlsym(RTLD_NEXT, "bind"));
  return address && size >= sizeof(sa_family_t) ? bind_to_pod(real, fd, address, size)
                                                : real(fd, address, size);
}
