// Whether a text matches a schema's pattern (ECMA 262 as far as POSIX extended expressions go).
//
// Used by validation. Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>

namespace proa::api {

// nullopt: the pattern uses what POSIX cannot express, or the text is longer than 4 KiB.
std::optional<bool> pattern_matches(std::string_view pattern, std::string_view text);

}  // namespace proa::api
