// Node: runs the Pods that the API gives to this machine, as sandboxed processes.
//
// What a kubelet does on a cluster: it watches pods with spec.nodeName == its own, starts their
// containers through the zygote, probes them, restarts them, writes their status and their events,
// keeps their logs, and registers itself as a Node with a Lease. Everything happens on the loop
// given; start() is called before that loop runs or on its thread, stop() from any other thread.
#pragma once

#include <memory>

#include "client/client.h"
#include "foundation/async/loop.h"
#include "platform/apiserver/pod_logs.h"
#include "platform/node/options.h"
#include "platform/node/zygote/zygote.h"

namespace proa::node {

class Node {
 public:
  // client, loop and zygote must outlive this.
  Node(client::Client& client, async::Loop& loop, Zygote& zygote, NodeOptions options);
  ~Node();  // after stop(), or with the loop not running

  // Clears what an earlier run left behind, registers the Node, begins to watch. Errors: a data
  // folder that cannot be used, a pod network that is none.
  Status start();

  // Ends every process that it started (SIGTERM, after two seconds SIGKILL); the pods stay in the
  // API and are run again by the next start(). Waits; at most a few seconds.
  void stop();

  // Instead of stop(), and once the loop has ended: the running pods, for the process that replaces
  // this one. Nothing is ended but pods that are just being started.
  Result<Inheritance> hand_over();

  apiserver::PodLogs& pod_logs();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace proa::node
