// Handover: listening sockets go from one process to the one that replaces it, so that no
// connection is refused meanwhile.
//
//   old: bind_handover(path) ── accept_taker() ──▶ send_sockets(): names, descriptors ──▶ drains
//   new: take_sockets(path) ── the same sockets; nobody listening at path: none
//
// Blocking calls; used by app/ before a Gateway runs, and when it is to end. Addresses that begin
// with '@' are app's own: descriptors that go along, but are no listening sockets.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/clock.h"
#include "foundation/base/file.h"
#include "foundation/base/result.h"

namespace proa::gateway {

// A listening socket of the gateway: of which Listener, and the real port.
struct NamedSocket {
  std::string address;  // Listener::address
  uint16_t port = 0;    // Listener::port
  uint16_t bound = 0;
  Fd fd;
};

// Binds a Unix socket at `path` (0600; one that is left over is replaced).
Result<Fd> bind_handover(const std::string& path);
// The next process that asks on `listening`, of this user or of root, and that speaks this version
// of the handover. kDeadline if none came within `most`.
Result<Fd> accept_taker(int listening, Duration most);
// Sends the sockets, and returns once it has them.
Status send_sockets(int to, const std::vector<NamedSocket>& sockets, Duration most);
// Both.
Status give_sockets(int listening, const std::vector<NamedSocket>& sockets, Duration most);
// Asks the process at `path`. None there: an empty list.
Result<std::vector<NamedSocket>> take_sockets(const std::string& path,
                                              Duration most = std::chrono::seconds(5));

}  // namespace proa::gateway
