// Probes: startup, readiness and liveness of one running container, as the kubelet does them, but
// looked at every 1…50 ms until the first success, so that a fast server is seen to be ready at
// once. Failures count once a period. Loop thread; nothing is called back after the destructor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "foundation/json/value.h"

namespace proa::node {

struct ProbeResult {
  bool ok = false;
  std::string message;
};
using ProbeDone = std::function<void(ProbeResult)>;

struct ProbeTarget {
  std::string address;  // the pod's
  json::Value ports;    // the container's, for named ports
  // Runs a command inside the container; limited to `timeout`.
  std::function<void(std::vector<std::string> command, Duration timeout, ProbeDone done)> exec;
};

struct ProbeEvents {
  std::function<void()> started;
  std::function<void(bool ready)> ready;
  std::function<void(std::string what, std::string message)>
      unhealthy;                                  // every failure that counts
  std::function<void(std::string what)> restart;  // liveness or startup gave up
};

// One attempt. Exactly one call of `done`, on the loop, never from inside.
void probe_once(async::Loop& loop, http::Client& http, const ProbeTarget& target,
                const json::Value& probe, ProbeDone done);

class Probes {
 public:
  Probes(async::Loop& loop, http::Client& http, const json::Value& container, ProbeTarget target,
         ProbeEvents events);
  ~Probes();

  // The container said something, perhaps that it listens: if nothing has answered yet, ask now.
  void look_again();

 private:
  struct One;
  struct Core;
  std::shared_ptr<Core> core_;
};

// The readiness probe to use for a container beside a queue-proxy: its own with a real port in it,
// or queue-proxy's SERVING_READINESS_PROBE, or a TCP connect to its first port (8080 if none).
json::Value serving_readiness_probe(const json::Value& pod, const json::Value& container);
// The same for a container that may be MLServer, which listens before it has loaded its models: a
// probe that only connects, to its port of HTTP or of gRPC, asks for its readiness instead.
json::Value mlserver_readiness_probe(json::Value probe, const json::Value& container);

}  // namespace proa::node
