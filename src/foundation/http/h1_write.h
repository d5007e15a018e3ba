// Writes HTTP/1.x heads and chunk frames. Field names and values that would break the framing are
// left out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/http/http.h"
#include "foundation/http/stream.h"

namespace proa::http {

void append_status_line(std::string& out, int status);
void append_field(std::string& out, std::string_view name, std::string_view value);
void append_chunk_size(std::string& out, size_t size);  // "1f\r\n"
void append_length(std::string& out, uint64_t length);  // "content-length: 31\r\n"
// What the fields given say of framing.
struct Given {
  std::string_view length, date;
};
// All but hop-by-hop and framing fields.
Given append_end_to_end(std::string& out, const Headers& headers);
// False for 1xx, 204, 304.
bool may_have_body(int status);

}  // namespace proa::http
