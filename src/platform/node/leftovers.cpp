#include "platform/node/leftovers.h"

#include <signal.h>
#include <unistd.h>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::node {

namespace {
// Field 22 of /proc/PID/stat, in clock ticks since boot; "" if there is no such process.
std::string start_time(pid_t pid) {
  auto stat = read_file(str("/proc/", pid, "/stat"), 8192);
  if (!stat.ok()) return "";
  size_t close = stat->rfind(')');
  if (close == std::string::npos) return "";
  auto fields = split(std::string_view(*stat).substr(close + 2), ' ');
  return fields.size() > 19 ? std::string(fields[19]) : "";
}

std::string boot() {
  std::string id = read_file("/proc/sys/kernel/random/boot_id", 100).value_or("");
  return std::string(trim(id));
}
}  // namespace

void record_processes(const std::string& dir, const std::vector<pid_t>& pids) {
  std::string text;
  for (pid_t pid : pids) text += str(pid, " ", start_time(pid), " ", boot(), "\n");
  if (auto s = write_file(dir + "/processes", text); !s.ok()) log::warn("node", s.error().message);
}

void forget_processes(const std::string& dir) { ::unlink((dir + "/processes").c_str()); }

void clean_leftovers(const std::string& dir) {
  auto text = read_file(dir + "/processes", 1 << 20);
  if (!text.ok()) return;
  for (auto line : split(*text, '\n')) {
    auto fields = split(line, ' ');
    auto pid = parse_int(fields[0]);
    if (fields.size() < 3 || !pid || *pid <= 1 || fields[2] != boot()) continue;
    auto id = static_cast<pid_t>(*pid);
    if (fields[1].empty() || start_time(id) != fields[1]) continue;
    log::warn("node", "ending a process that an earlier run left", {{"pid", *pid}});
    ::kill(id, SIGKILL);
    ::kill(-id, SIGKILL);
  }
  forget_processes(dir);
}

}  // namespace proa::node
