// Logging: one line an event, written whole, readable by people and by tools.
//
//   2026-11-01T10:00:00.123Z INFO  node: pod started pod=kserve-test/iris ms=3
//
// Thread-safe. Goes to stderr unless set_log_fd() says otherwise.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "foundation/base/strings.h"

namespace proa::log {

enum class Level { kDebug, kInfo, kWarn, kError };

struct Field {
  template <typename T>
  Field(std::string_view k, const T& v) : key(k), value(str(v)) {}
  Field(std::string_view k, double v);  // three decimals at most
  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view part, std::string_view message, Fields fields = {});
void set_level(Level lowest);
bool enabled(Level level);
void set_log_fd(int fd);

inline void debug(std::string_view part, std::string_view message, Fields fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, part, message, fields);
}
inline void info(std::string_view part, std::string_view message, Fields fields = {}) {
  write(Level::kInfo, part, message, fields);
}
inline void warn(std::string_view part, std::string_view message, Fields fields = {}) {
  write(Level::kWarn, part, message, fields);
}
inline void error(std::string_view part, std::string_view message, Fields fields = {}) {
  write(Level::kError, part, message, fields);
}

}  // namespace proa::log
