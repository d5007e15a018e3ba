// Cgroup: the folder (v2) or folders (v1: one a controller) that hold one container's limits.
//
// CgroupTree is found once by the node; the zygote makes a Cgroup for each process it prepares. A
// spare process is already inside its own, since moving a process costs milliseconds on some
// kernels. Descriptors stay open so that limits can be written from inside the sandbox.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "platform/node/zygote/launch.h"

namespace proa::node {

struct CgroupTree {
  std::vector<std::string> parents;  // existing folders, ours alone
  bool v2 = false;
  std::string description;  // "cgroup v1: memory cpu pids", or why there is none
};

// Makes a folder `name` where this process may. Empty parents if it may nowhere.
CgroupTree find_cgroups(const std::string& name);

// Kills what is left in the children of `tree`, and removes them.
void clean_cgroups(const CgroupTree& tree);

// Likewise with its sibling trees named "NAME-…", of earlier and later owners, itself not.
void clean_cgroups_beside(const CgroupTree& tree, const std::string& name);

class Cgroup {
 public:
  static Result<Cgroup> make(const std::vector<std::string>& parents, bool v2, std::string name);
  Status join();                       // moves the calling process
  Status limit(const Launch& launch);  // memory, cpu, pids, as far as the controllers are there
  uint64_t oom_kills() const;
  void remove();  // after its last process has been reaped

 private:
  struct Folder {
    std::string path;
    Fd fd;
  };
  Status write(const char* file, const std::string& value);  // in the first folder that has it
  bool v2_ = false;
  std::vector<Folder> folders_;
};

}  // namespace proa::node
