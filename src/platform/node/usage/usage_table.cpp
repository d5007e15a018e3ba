#include "platform/node/usage/usage_table.h"

#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {
namespace {

constexpr size_t kMostProcesses = 4096;  // of one container

struct Use {
  double cpu_seconds = 0, memory_bytes = 0;
};

// /proc/PID/stat: the name is in parentheses and may hold anything; after its last one come state,
// parent, …; user and system time, own and of the children waited for, are the 12th to 15th.
bool add_process(const std::string& folder, Use& use) {
  auto stat = read_file(folder + "/stat", 4096);
  if (!stat.ok()) return false;
  const size_t end = stat->rfind(')');
  if (end == std::string::npos || end + 2 >= stat->size()) return false;
  const auto fields = split(trim(std::string_view(*stat).substr(end + 2)), ' ');
  if (fields.size() < 22) return false;
  int64_t ticks = 0;
  for (size_t i = 11; i < 15; ++i) ticks += parse_int(fields[i]).value_or(0);
  use.cpu_seconds += static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  use.memory_bytes += static_cast<double>(parse_int(fields[21]).value_or(0)) *
                      static_cast<double>(::sysconf(_SC_PAGESIZE));
  return true;
}

}  // namespace

void UsageTable::started(const client::Key& pod, const std::string& container, pid_t pid,
                         int64_t nanos) {
  std::lock_guard lock(mutex_);
  pods_[pod][container] = {pid, nanos};
}

void UsageTable::ended(const client::Key& pod, const std::string& container) {
  std::lock_guard lock(mutex_);
  auto it = pods_.find(pod);
  if (it == pods_.end()) return;
  it->second.erase(container);
  if (it->second.empty()) pods_.erase(it);
}

std::vector<autoscaling::ContainerUse> UsageTable::usage(const client::Key& pod) {
  std::map<std::string, Process> processes;
  {
    std::lock_guard lock(mutex_);
    if (auto it = pods_.find(pod); it != pods_.end()) processes = it->second;
  }
  std::vector<autoscaling::ContainerUse> out;
  for (const auto& [name, process] : processes) {
    Use use;
    std::vector<pid_t> family{process.pid};
    for (size_t i = 0; i < family.size() && i < kMostProcesses; ++i) {
      const std::string folder = str(proc_, "/", family[i]);
      if (!add_process(folder, use)) continue;
      auto children = read_file(str(folder, "/task/", family[i], "/children"), 65536);
      if (!children.ok()) continue;
      for (std::string_view child : split(trim(*children), ' '))
        if (auto pid = parse_int(child)) family.push_back(static_cast<pid_t>(*pid));
    }
    if (use.memory_bytes > 0)
      out.push_back({name, use.cpu_seconds, use.memory_bytes, process.started});
  }
  return out;
}

}  // namespace proa::node
