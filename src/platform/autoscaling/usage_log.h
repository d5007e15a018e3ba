// UsageLog: turns what containers have used so far into how fast they use it, by looking now and
// then. Not synchronised; no I/O of its own.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "platform/autoscaling/pod_usage.h"
#include "platform/autoscaling/replicas.h"

namespace proa::autoscaling {

class UsageLog {
 public:
  // Looks at a pod, and says what it used since up to kWindow ago.
  std::vector<Sample> look(PodUsage& source, const client::Key& pod, MonoTime now, WallTime wall);
  void forget_before(MonoTime time);  // pods that were last looked at before then

  static constexpr Duration kWindow = std::chrono::seconds(15);

 private:
  struct Look {
    MonoTime at;
    double cpu_seconds = 0;
  };
  struct Run {
    int64_t started = 0;
    std::deque<Look> looks;
  };
  struct Pod {
    MonoTime at;
    std::map<std::string, Run> runs;  // by container
  };
  std::map<client::Key, Pod> pods_;
};

}  // namespace proa::autoscaling
