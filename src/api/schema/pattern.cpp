#include "api/schema/pattern.h"

#include <regex.h>

#include <string>

namespace proa::api {
namespace {

// "(?:a|\d)" → "(a|[0-9])"; false for look-around, lazy repeats and other Perl forms.
bool to_posix(std::string_view in, std::string& out) {
  bool set = false;
  for (size_t i = 0; i < in.size(); i++) {
    char c = in[i];
    if (c == '\\' && i + 1 < in.size()) {
      char next = in[++i];
      if (next == 'd')
        out += set ? "0-9" : "[0-9]";
      else if (next == 'w')
        out += set ? "A-Za-z0-9_" : "[A-Za-z0-9_]";
      else if (next == 's')
        out += set ? " \t\n\r\f\v" : "[ \t\n\r\f\v]";
      else if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
               (next >= '0' && next <= '9'))
        return false;
      else if (set && next != ']' && next != '\\' && next != '-')
        out += next;
      else if (set)
        return false;
      else {
        out += '\\';
        out += next;
      }
      continue;
    }
    if (set) {
      set = c != ']';
    } else if (c == '[') {
      set = true;
      out += c;
      if (i + 1 < in.size() && in[i + 1] == '^') out += in[++i];
      continue;
    } else if (c == '(' && i + 1 < in.size() && in[i + 1] == '?') {
      if (i + 2 >= in.size() || in[i + 2] != ':') return false;
      i += 2;
    } else if ((c == '?' || c == '+') && i &&
               (in[i - 1] == '*' || in[i - 1] == '+' || in[i - 1] == '?')) {
      return false;
    } else if (c == '{' && in.size() > i + 5 && in.find('}', i) != in.npos &&
               in.find('}', i) - i > 8) {
      return false;  // a repeat too large to build
    }
    out += c;
  }
  return !set;
}

}  // namespace

std::optional<bool> pattern_matches(std::string_view pattern, std::string_view text) {
  if (pattern.size() > 1024 || text.size() > 4096 || text.find('\0') != text.npos)
    return std::nullopt;
  std::string posix;
  if (!to_posix(pattern, posix)) return std::nullopt;
  regex_t compiled;
  if (regcomp(&compiled, posix.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return std::nullopt;
  int rc = regexec(&compiled, std::string(text).c_str(), 0, nullptr, 0);
  regfree(&compiled);
  return rc == 0;
}

}  // namespace proa::api
