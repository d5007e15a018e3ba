// The text forms of protocol 0: quoted strings, raw-unicode-escape, numbers as lines. And Latin-1.
#pragma once

#include <string>
#include <string_view>

#include "foundation/base/result.h"

namespace proa::pickle {

Result<std::string> unquote(std::string_view line);             // 'a\x00b' → bytes
Result<std::string> raw_unicode_escape(std::string_view line);  // a\u00e9 → UTF-8
void append_utf8(std::string& out, uint32_t code_point);
Result<std::string> to_latin1(std::string_view utf8);  // one byte a character

}  // namespace proa::pickle
