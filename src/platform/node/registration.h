// The Node object and its Lease: what this machine has, how it isolates, that it lives.
#pragma once

#include "platform/node/context.h"

namespace proa::node {

struct Machine {
  double cpus = 1;
  uint64_t memory_bytes = 0;
  std::string hostname, kernel, os_image, machine_id, boot_id, architecture;
};
Machine read_machine();

json::Value node_object(const NodeOptions& options, const std::string& isolation,
                        const std::string& limits);
// before: the status there is, for its transition times.
json::Value node_status(const NodeOptions& options, const Machine& machine,
                        const std::string& isolation, const std::string& limits,
                        const json::Value& before, const std::string& now);
json::Value node_lease(const std::string& name, WallTime now);

// Writes all three; an error is logged.
void register_node(NodeContext& context, const Machine& machine, const std::string& limits);
void renew_lease(NodeContext& context);

}  // namespace proa::node
