// Checksums of files: CRC-32C (RFC 3720 B.4, by the processor where it can) and MD5, as Google
// Cloud Storage gives them: base64 of the big-endian value, and of the 16 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::storage {

uint32_t crc32c(uint32_t so_far, std::string_view bytes);  // begin with 0
Result<std::string> crc32c_of_file(const std::string& path);
Result<std::string> md5_of_file(const std::string& path);

}  // namespace proa::storage
