#include "foundation/obs/log.h"

#include <unistd.h>

#include <atomic>
#include <cmath>

#include "foundation/base/clock.h"

namespace proa::log {

namespace {
std::atomic<Level> lowest_level{Level::kInfo};
std::atomic<int> log_fd{2};

void append_value(std::string& line, std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"=\n\r\t\\") == std::string_view::npos) {
    line += value;
    return;
  }
  line += '"';
  for (char c : value) {
    if (c == '\n')
      line += "\\n";
    else if (c == '"' || c == '\\')
      (line += '\\') += c;
    else
      line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  line += '"';
}
}  // namespace

Field::Field(std::string_view k, double v) : key(k), value(str(std::round(v * 1000) / 1000)) {}

void set_level(Level lowest) { lowest_level = lowest; }
bool enabled(Level level) { return level >= lowest_level.load(std::memory_order_relaxed); }
void set_log_fd(int fd) { log_fd = fd; }

void write(Level level, std::string_view part, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  static const char* const kNames[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
  std::string line = rfc3339(real_clock().wall(), true);
  line.erase(23, 3);  // milliseconds
  line += ' ';
  line += kNames[static_cast<int>(level)];
  line += ' ';
  line += part;
  line += ": ";
  for (char c : message) line += c == '\n' ? ' ' : c;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  line += '\n';
  [[maybe_unused]] ssize_t n = ::write(log_fd.load(), line.data(), line.size());
}

}  // namespace proa::log
