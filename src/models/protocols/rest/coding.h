// Content codings of bodies (RFC 9110, section 8.4): gzip and deflate, both ways, bounded.
//
// Used by the REST face. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::protocols {

enum class Coding : uint8_t { kIdentity, kGzip, kDeflate };
const char* to_string(Coding coding);

// Of a Content-Encoding; kUnsupportedMedia for others.
Result<Coding> coding_of(std::string_view content_encoding);
// The best of an Accept-Encoding that is at hand; q=0 forbids.
Coding accepted_coding(std::string_view accept_encoding);

// kInvalid for damaged data, kTooLarge past `most` bytes.
Status decode(Coding coding, std::string_view data, size_t most, std::string& out);
Status encode(Coding coding, std::string_view data, std::string& out);

}  // namespace proa::protocols
