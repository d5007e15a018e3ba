// Characters, names and lists of HTTP fields (RFC 9110, section 5). Used by the codecs here.
// Pure; thread-safe.
#pragma once

#include <string_view>

namespace proa::http {

bool is_token(std::string_view text);        // not empty, tchar only
bool is_field_value(std::string_view text);  // no control character but tab; any byte from 0x80
bool is_target(std::string_view text);       // not empty; no blank, control character or '#'
bool is_host(std::string_view text);         // name or address with an optional port; may be empty
bool same_name(std::string_view a, std::string_view b);  // ASCII, case ignored
std::string_view trim_blanks(std::string_view text);     // spaces and tabs on both ends

// "a, B ,c" has "b": the list's elements, case ignored.
bool list_has(std::string_view list, std::string_view element);

// Names that belong to one hop and are never passed on (RFC 9110, section 7.6.1).
bool is_hop_by_hop(std::string_view name);

}  // namespace proa::http
