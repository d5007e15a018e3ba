// The zygote's socket: SEQPACKET messages of text with descriptors beside them.
//
// First byte: what it is. Node to zygote: C configure, L launch "ID\nJSON", J launch inside another
// "ID\nOTHER\nJSON", K kill "ID\nSIGNAL", A outlive the node (answered by closing the descriptor
// that comes with it), P keep a descriptor. Zygote to node: H hello (JSON), S started "ID\nPID", E
// exited "ID\nSTATUS\nOOM", F failed "ID\nWHY". A text over kInline travels in a memfd, as the last
// descriptor, and the first byte is followed by '@'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/file.h"

namespace proa::node {

struct Packet {
  std::string text;
  std::vector<Fd> fds;
};

Status send_packet(int socket, std::string_view text, const std::vector<int>& fds = {});

// nullopt at end-of-file; kUnavailable if nothing is there (non-blocking socket).
Result<std::optional<Packet>> receive_packet(int socket);

}  // namespace proa::node
