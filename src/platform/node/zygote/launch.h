// Launch: everything the zygote needs to know to start one process: program, sandbox, limits.
//
// Made by the node, sent as JSON over the zygote's socket, read in the forked child. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "foundation/json/value.h"

namespace proa::node {

struct Mount {
  enum class Kind { kBind, kTmpfs };
  Kind kind = Kind::kBind;
  std::string source;    // host path, for kBind
  std::string sub_path;  // below source; never leaves it; made as a folder if it is absent
  std::string target;    // absolute path inside the sandbox
  bool read_only = false;
  uint64_t size_bytes = 0;  // for kTmpfs; 0: half of the memory
};

struct Launch {
  std::string id;      // never used again, names the process in every message
  std::string join;    // id of a running one: start inside its namespaces instead of in new ones
  std::string native;  // name in the program table: called without exec; "" executes argv
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a slash
  std::vector<std::string> env;   // "NAME=VALUE"
  std::string cwd = "/";
  std::string hostname;
  std::vector<Mount> mounts;
  std::vector<std::pair<std::string, std::string>>
      files;  // path in the sandbox → content, read-only
  std::vector<std::pair<std::string, std::string>> links;  // path in the sandbox → target
  uint32_t uid = 65534, gid = 65534;
  std::vector<uint32_t> groups;
  bool root_inside = false;  // shows itself as uid 0 inside, by a user namespace
  bool read_all = false;     // may read files whatever their mode says (as root only): proa fetch
  bool held = false;  // native programs: everything is made ready, main waits for Zygote::release()
  bool tells_end = false;    // native programs: it has exited when main returns, see Zygote::launch
  bool host_root = false;    // show the host's /etc too
  bool may_execute = false;  // native programs: may become another program

  uint64_t memory_bytes = 0;  // 0: no limit
  uint64_t cpu_millis = 0;    // 0: no limit
  uint64_t cpu_shares_millis = 0;
  uint64_t pids = 4096;
  uint64_t open_files = 65536;
};

json::Value to_json(const Launch& launch);
Result<Launch> launch_from_json(std::string_view text);

// What the node tells the zygote once, before the first launch.
struct ZygoteConfig {
  std::string root_dir;                     // an empty folder, where sandbox roots are mounted
  std::vector<std::string> cgroup_parents;  // folders; a folder for each container is made in each
  bool cgroup_v2 = false;
  int spares = 2;  // prepared processes kept ready for the next launch
};

json::Value to_json(const ZygoteConfig& config);
Result<ZygoteConfig> zygote_config_from_json(std::string_view text);

}  // namespace proa::node
