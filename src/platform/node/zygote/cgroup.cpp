#include "platform/node/zygote/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "foundation/base/strings.h"

namespace proa::node {

namespace {
constexpr const char* kRoot = "/sys/fs/cgroup";

// "memory" → its folder below kRoot, from /proc/self/cgroup; "" is the v2 tree.
std::map<std::string, std::string> own_cgroups() {
  std::map<std::string, std::string> out;
  auto text = read_file("/proc/self/cgroup");
  if (!text.ok()) return out;
  for (auto line : split(*text, '\n')) {
    auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    for (auto controller : split(parts[1], ','))
      out[std::string(controller)] = std::string(parts[2] == "/" ? "" : parts[2]);
  }
  return out;
}

bool make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || (errno == EEXIST && ::access(path.c_str(), W_OK) == 0);
}

bool put(const std::string& path, std::string_view text) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Our folder in the unified tree, with the controllers switched on for its children.
bool find_v2(const std::string& root, const std::string& own, const std::string& name,
             CgroupTree& tree) {
  for (const std::string& base : {root, root + own}) {
    auto available = read_file(base + "/cgroup.controllers");
    if (!available.ok() || !contains(*available, "memory")) continue;
    put(base + "/cgroup.subtree_control", "+memory +cpu +pids");
    std::string path = str(base, "/", name);
    if (!make_folder(path)) continue;
    if (put(path + "/cgroup.subtree_control", "+memory +cpu +pids")) {
      tree.parents = {path};
      tree.v2 = true;
      tree.description = "cgroup v2: memory cpu pids";
      return true;
    }
    ::rmdir(path.c_str());
  }
  return false;
}
}  // namespace

CgroupTree find_cgroups(const std::string& name) {
  CgroupTree tree;
  auto own = own_cgroups();
  if (find_v2(kRoot, own[""], name, tree)) return tree;
  tree.description = "cgroup v1:";
  for (const char* controller : {"memory", "cpu", "pids"}) {
    if (!own.count(controller)) continue;
    std::string path = str(kRoot, "/", controller, own[controller], "/", name);
    if (!make_folder(path)) continue;
    if (std::string(controller) == "memory") put(path + "/memory.use_hierarchy", "1");
    tree.parents.push_back(path);
    tree.description += str(" ", controller);
  }
  if (tree.parents.empty()) tree.description = "no writable cgroup; resource limits by rlimits";
  return tree;
}

void clean_cgroups(const CgroupTree& tree) {
  for (const auto& parent : tree.parents) {
    auto children = list_dir(parent);
    if (!children.ok()) continue;
    for (const auto& child : *children) {
      std::string path = str(parent, "/", child);
      struct stat info {};
      if (::stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
      if (auto procs = read_file(path + "/cgroup.procs"); procs.ok())
        for (auto line : split(*procs, '\n'))
          if (auto pid = parse_int(line); pid && *pid > 1)
            ::kill(static_cast<pid_t>(*pid), SIGKILL);
      for (int i = 0; i < 50 && ::rmdir(path.c_str()) != 0 && errno == EBUSY; ++i) ::usleep(2000);
    }
  }
}

void clean_cgroups_beside(const CgroupTree& tree, const std::string& name) {
  for (const auto& parent : tree.parents) {
    size_t slash = parent.rfind('/');
    auto names = list_dir(parent.substr(0, slash));
    if (!names.ok()) continue;
    for (const auto& other : *names) {
      if (other == parent.substr(slash + 1)) continue;
      if (other != name && !other.starts_with(name + "-")) continue;
      CgroupTree old;
      old.parents = {str(parent.substr(0, slash + 1), other)};
      clean_cgroups(old);
      ::rmdir(old.parents[0].c_str());
    }
  }
}

Result<Cgroup> Cgroup::make(const std::vector<std::string>& parents, bool v2, std::string name) {
  Cgroup group;
  group.v2_ = v2;
  for (const auto& parent : parents) {
    Folder folder;
    folder.path = str(parent, "/", name);
    if (::mkdir(folder.path.c_str(), 0755) != 0 && errno != EEXIST)
      return errno_error(str("mkdir ", folder.path));
    folder.fd = Fd(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.fd) return errno_error(str("open ", folder.path));
    group.folders_.push_back(std::move(folder));
  }
  return group;
}

Status Cgroup::join() {
  for (const auto& folder : folders_) {
    Fd fd(::openat(folder.fd.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), "0", 1) != 1) return errno_error(str("join ", folder.path));
  }
  return {};
}

Status Cgroup::write(const char* file, const std::string& value) {
  for (const auto& folder : folders_) {
    Fd fd(::openat(folder.fd.get(), file, O_WRONLY | O_CLOEXEC));
    if (!fd) continue;
    if (::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
      return errno_error(str("write ", value, " to ", folder.path, "/", file));
    return {};
  }
  return {};
}

Status Cgroup::limit(const Launch& l) {
  constexpr uint64_t kPeriod = 100000;  // microseconds, the kernel's default
  uint64_t shares = std::clamp<uint64_t>(l.cpu_shares_millis * 1024 / 1000, 2, 262144);
  uint64_t quota = std::max<uint64_t>(l.cpu_millis * kPeriod / 1000, 1000);
  if (l.memory_bytes) {
    TRY_STATUS(write(v2_ ? "memory.max" : "memory.limit_in_bytes", str(l.memory_bytes)));
    if (v2_) TRY_STATUS(write("memory.swap.max", "0"));
  }
  if (l.cpu_millis)
    TRY_STATUS(v2_ ? write("cpu.max", str(quota, " ", kPeriod))
                   : write("cpu.cfs_quota_us", str(quota)));
  if (v2_)
    TRY_STATUS(write("cpu.weight", str(1 + ((shares - 2) * 9999) / 262142)));
  else
    TRY_STATUS(write("cpu.shares", str(shares)));
  if (l.pids) TRY_STATUS(write("pids.max", str(l.pids)));
  return {};
}

uint64_t Cgroup::oom_kills() const {
  for (const auto& folder : folders_) {
    auto text = read_file(folder.path + (v2_ ? "/memory.events" : "/memory.oom_control"));
    if (!text.ok()) continue;
    for (auto line : split(*text, '\n'))
      if (line.starts_with("oom_kill "))
        return static_cast<uint64_t>(parse_int(trim(line.substr(9))).value_or(0));
  }
  return 0;
}

void Cgroup::remove() {
  for (const auto& folder : folders_)
    for (int i = 0; i < 20 && ::rmdir(folder.path.c_str()) != 0 && errno == EBUSY; ++i)
      ::usleep(500);
  folders_.clear();
}

}  // namespace proa::node
