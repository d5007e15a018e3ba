// CHECK: a broken invariant ends the process with the place and the condition. Never for bad input.
#pragma once

namespace proa {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace proa

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::proa::check_failed(__FILE__, __LINE__, #condition); \
  } while (0)
