// What app/ decides about the node.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "foundation/base/clock.h"
#include "platform/node/handover.h"
#include "platform/node/usage/usage_table.h"

namespace proa::node {

struct NodeOptions {
  std::string name = "proa";
  std::string
      data_dir;  // absolute; the node uses pods/, volumes/, models/, logs/pods/, run/ below it
  std::string pod_cidr = "127.10.0.0/16";
  std::string host_ip = "127.0.0.1";
  std::string dns_address = "127.96.0.10", cluster_domain = "cluster.local";
  std::string kubernetes_host = "127.96.0.1", kubernetes_port = "443";  // for pods' environment
  double cpu = 0;                                                       // 0: all of the machine
  uint64_t memory_bytes = 0;                                            // 0: all of the machine
  int most_pods = 500;

  // For `proa fetch`: its environment, and URI prefixes served from folders (which it may read).
  std::map<std::string, std::string> fetch_env, mirrors;

  // For `proa serve`: the folder with the libraries of engines, shown to it read-only; "": none.
  std::string engines_dir;
  // The interpreter with MLServer, for model servers that are MLServer's: PROA_PYTHON; "": none.
  std::string python;

  // Told at once when a pod (by uid) begins or ceases to be ready, ahead of its status; may be
  // empty. Called on the node's loop.
  std::function<void(const std::string& pod_uid, bool ready)> on_ready;

  // Told which processes the containers are; may be null, else it must outlive the node.
  UsageTable* usage = nullptr;

  // May be null. From the node that this one replaces: its containers run on.
  std::shared_ptr<Inheritance> inherited;

  Duration backoff_first = std::chrono::seconds(10);
  Duration backoff_cap = std::chrono::minutes(5);
  int spares = 6;           // prepared processes kept for the next start
  std::string tool_binary;  // the program behind tools such as vegeta; "": this one
};

// Where a container sees the model cache; PROA_MODEL_CACHE says it.
inline constexpr const char* kModelCachePath = "/var/cache/proa/models";

// Where a model server sees the engines' libraries; PROA_ENGINES_DIR says it.
inline constexpr const char* kEnginesPath = "/proa/engines";

}  // namespace proa::node
