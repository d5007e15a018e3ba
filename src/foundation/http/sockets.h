// TCP sockets by textual address: listening, connecting without blocking, naming peers.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "foundation/base/file.h"
#include "foundation/base/result.h"

namespace proa::http {

// Errors name address, port and cause.
Result<Fd> listen_on(const std::string& address, uint16_t port, bool reuse_port);
Result<uint16_t> local_port(int fd);
std::string address_text(const sockaddr_storage& address);  // "127.0.0.1:80", "[::1]:80"
bool is_ip_address(const std::string& text);
// Non-blocking; connected at once or later (writable, then socket_error()).
Result<Fd> start_connect(const std::string& address, uint16_t port);
// The twin of a loopback address: a Unix socket by its name (abstract, so that it goes with its
// process), which costs about half of TCP inside a machine. A server that offers it listens on
// both.
Result<Fd> listen_twin(const std::string& address, uint16_t port);
Result<Fd> connect_twin(const std::string& address, uint16_t port);  // non-blocking; at once or not
int socket_error(int fd);                                            // and clears it
// Bytes that the peer's kernel has acknowledged on this connection, handshake not counted;
// UINT64_MAX if unknown, as for a twin.
uint64_t acknowledged_bytes(int fd);

}  // namespace proa::http
