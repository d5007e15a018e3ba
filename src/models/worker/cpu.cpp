#include "models/worker/cpu.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::models {
namespace {

size_t round_up(double cpus) {
  return cpus > 0 && cpus < 1e6 ? std::max<size_t>(1, static_cast<size_t>(std::ceil(cpus))) : 0;
}

double number_in(std::string_view text) { return parse_double(trim(text)).value_or(-1); }

size_t quota(double quota, double period) {
  return quota > 0 && period > 0 ? round_up(quota / period) : 0;
}

// Version 2: "200000 100000", or "max 100000".
size_t quota_v2(const std::string& folder) {
  auto text = read_file(folder + "/cpu.max", 4096);
  if (!text.ok()) return 0;
  auto parts = split(trim(*text), ' ');
  return parts.size() == 2 ? quota(number_in(parts[0]), number_in(parts[1])) : 0;
}

size_t quota_v1(const std::string& folder) {
  auto allowed = read_file(folder + "/cpu.cfs_quota_us", 4096);
  auto period = read_file(folder + "/cpu.cfs_period_us", 4096);
  return allowed.ok() && period.ok() ? quota(number_in(*allowed), number_in(*period)) : 0;
}

// The least quota from `path` up to the mount.
template <typename Quota>
size_t least_quota(const std::string& mount, std::string path, Quota quota_in) {
  size_t least = 0;
  for (;;) {
    size_t here = quota_in(mount + path);
    if (here != 0) least = least == 0 ? here : std::min(least, here);
    size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return least;
    path.resize(slash);
  }
}

}  // namespace

size_t parse_cpus(std::string_view text) {
  text = trim(text);
  bool milli = text.ends_with('m');
  if (milli) text.remove_suffix(1);
  double cpus = number_in(text);
  return round_up(milli ? cpus / 1000 : cpus);
}

size_t cgroup_cpu_limit(const std::string& self_cgroup, const std::string& mount) {
  size_t least = 0;
  for (std::string_view line : split(self_cgroup, '\n')) {
    auto parts = split(line, ':');  // 0::/path, or 4:cpu,cpuacct:/path
    if (parts.size() < 3) continue;
    std::string path(parts[2] == "/" ? "" : parts[2]);
    auto controllers = split(parts[1], ',');
    size_t here = 0;
    if (parts[1].empty())
      here = least_quota(mount, path, quota_v2);
    else if (std::find(controllers.begin(), controllers.end(), "cpu") != controllers.end())
      here = least_quota(mount + "/cpu", path, quota_v1);
    if (here != 0) least = least == 0 ? here : std::min(least, here);
  }
  return least;
}

size_t cpu_limit() {
  if (const char* given = std::getenv("PROA_CPU_LIMIT"))
    if (size_t cpus = parse_cpus(given); cpus != 0) return cpus;
  auto self = read_file("/proc/self/cgroup", 65536);
  size_t limit = self.ok() ? cgroup_cpu_limit(*self, "/sys/fs/cgroup") : 0;
  cpu_set_t set;
  CPU_ZERO(&set);
  size_t there = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    there = std::max<size_t>(1, static_cast<size_t>(CPU_COUNT(&set)));
  return limit == 0 ? there : std::min(limit, there);
}

}  // namespace proa::models
