// How a download's progress is told to people.
#include <cstdio>

#include "foundation/base/strings.h"
#include "models/storage/transfer/download.h"

namespace proa::storage {

std::string human_bytes(int64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double v = static_cast<double>(bytes);
  int u = 0;
  while (v >= 1024 && u < 4) {
    v /= 1024;
    ++u;
  }
  char text[32];
  std::snprintf(text, sizeof text, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
  return text;
}

std::string progress_line(const Progress& p) {
  std::string line = str("fetching ", p.file, ": ", human_bytes(p.bytes));
  if (p.total > 0) line += str(" of ", human_bytes(p.total), " (", p.bytes * 100 / p.total, " %)");
  line += str(", ", human_bytes(static_cast<int64_t>(p.rate)), "/s");
  if (p.left_s >= 0) line += str(", ", p.left_s, " s left");
  return line;
}

}  // namespace proa::storage
