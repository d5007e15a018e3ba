// Texts too long for a socket's message travel as files without a name, whose descriptor is sent.
// Stateless; any thread. The caller owns the descriptor.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/file.h"
#include "foundation/base/result.h"

namespace proa {

// `name` is what /proc shows. Errors: the system's.
Result<Fd> memory_file(const char* name, std::string_view text);
// All of the file, from its beginning. Errors: kTooLarge above `most` bytes, with `what` before it.
Result<std::string> read_memory_file(int fd, size_t most, std::string_view what);

}  // namespace proa
