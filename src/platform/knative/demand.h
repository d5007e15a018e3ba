// Demand: what the gateway sees of each revision's traffic, told to the autoscaler.
//
// The gateway is activator and queue-proxy in one, so it alone counts requests. Called on the
// gateway's threads; an implementation must be thread-safe and return at once.
#pragma once

#include <cstdint>

#include "client/client.h"

namespace proa::knative {

class DemandSink {
 public:
  virtual ~DemandSink() = default;

  // A request waits for a revision that has no ready pod. Called for the first such request at once
  // (0 → 1 must not wait for a tick) and again each second while any waits.
  virtual void waiting(const client::Key& revision, int requests) = 0;

  // Once a second for each revision with traffic, and once with zeros after the last:
  // concurrency is the time-weighted average over that second (waiting requests included),
  // requests is how many arrived in it.
  virtual void report(const client::Key& revision, int64_t unix_second, double concurrency,
                      double requests) = 0;
};

}  // namespace proa::knative
