#include "models/worker/memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::models {
namespace {

size_t limit_in(const std::string& file) {
  auto text = read_file(file, 4096);
  if (!text.ok()) return 0;
  auto bytes = parse_int(trim(*text));
  // Version 1 writes a number near 2^63 for none, version 2 "max".
  return bytes && *bytes > 0 && *bytes < (int64_t{1} << 60) ? static_cast<size_t>(*bytes) : 0;
}

// The least limit from `path` up to the mount.
size_t least_limit(std::string mount, std::string path, const char* file) {
  size_t least = 0;
  for (;;) {
    size_t here = limit_in(str(mount, path, "/", file));
    if (here != 0) least = least == 0 ? here : std::min(least, here);
    size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return least;
    path.resize(slash);
  }
}

}  // namespace

size_t cgroup_memory_limit(const std::string& self_cgroup, const std::string& mount) {
  size_t least = 0;
  auto take = [&](size_t limit) {
    if (limit != 0) least = least == 0 ? limit : std::min(least, limit);
  };
  for (std::string_view line : split(self_cgroup, '\n')) {
    auto parts = split(line, ':');  // 0::/path, or 5:memory:/path
    if (parts.size() < 3) continue;
    std::string path(parts[2] == "/" ? "" : parts[2]);
    if (parts[1].empty())
      take(least_limit(mount, path, "memory.max"));
    else if (contains(parts[1], "memory"))
      take(least_limit(mount + "/memory", path, "memory.limit_in_bytes"));
  }
  return least;
}

size_t memory_limit() {
  if (const char* given = std::getenv("PROA_MEMORY_LIMIT_BYTES"))
    if (auto bytes = parse_int(given); bytes && *bytes > 0) return static_cast<size_t>(*bytes);
  auto self = read_file("/proc/self/cgroup", 65536);
  size_t limit = self.ok() ? cgroup_memory_limit(*self, "/sys/fs/cgroup") : 0;
  rlimit heap{};  // where there are no control groups, the limit is set so
  if (::getrlimit(RLIMIT_DATA, &heap) != 0 || heap.rlim_cur == RLIM_INFINITY) return limit;
  size_t most = static_cast<size_t>(heap.rlim_cur);
  return limit == 0 ? most : std::min(limit, most);
}

}  // namespace proa::models
