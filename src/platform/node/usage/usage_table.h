// UsageTable: which processes a pod's containers are, and what they use by /proc: the process that
// the node started and all that it started in turn.
//
// The node notes starts and ends on its loop; the autoscaler asks on the controllers'. Made by app/
// before both, so that it outlives them. Thread-safe.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <string>

#include "platform/autoscaling/pod_usage.h"

namespace proa::node {

class UsageTable : public autoscaling::PodUsage {
 public:
  explicit UsageTable(std::string proc = "/proc") : proc_(std::move(proc)) {}

  void started(const client::Key& pod, const std::string& container, pid_t pid, int64_t nanos);
  void ended(const client::Key& pod, const std::string& container);

  std::vector<autoscaling::ContainerUse> usage(const client::Key& pod) override;

 private:
  struct Process {
    pid_t pid = 0;
    int64_t started = 0;
  };
  const std::string proc_;
  std::mutex mutex_;
  std::map<client::Key, std::map<std::string, Process>> pods_;
};

}  // namespace proa::node
