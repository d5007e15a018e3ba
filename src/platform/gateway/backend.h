// A Backend is one revision (or one port of a Service) as the gateway sees it: its ready endpoints,
// how many requests each has in hand, and the bounded queue of those that wait (the activator).
//
// The queue is served in order of arrival. While endpoints are there and yet the first has waited
// for longer than kStanding, arrivals exceed what can be served: then the latest are served first,
// so that as many answers as before reach somebody who still waits for them.
//
//   acquire ──▶ granted (endpoint) ──▶ release
//      └─────▶ queued ──▶ Waiter::granted()  when an endpoint appears or has room
//      └─────▶ full
//
// Shared by all workers: every call takes the backend's own mutex for some tens of nanoseconds,
// since containerConcurrency must hold over all of them. Time comes in as an argument. The decision
// which endpoint to take is in balance.h, pure.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/client.h"
#include "foundation/base/clock.h"
#include "foundation/obs/metrics.h"
#include "platform/gateway/balance.h"
#include "platform/gateway/policy.h"

namespace proa::gateway {

// A request that may have to wait. granted() is called with the backend's mutex held, on any
// thread: it may only post to its own loop, where take() then gives the endpoint.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void granted() = 0;

 private:
  friend class Backend;
  enum class State { kIdle, kQueued, kGranted } state_ = State::kIdle;
  Waiter *previous_ = nullptr, *next_ = nullptr;
  MonoTime since_{};
  std::shared_ptr<Endpoint> grant_;
  std::optional<uint64_t> hash_;
};

struct BackendOptions {
  int container_concurrency = 0;  // of each endpoint; 0: unlimited
  Duration timeout = std::chrono::seconds(300);
  size_t most_waiting = 10000;
  std::shared_ptr<const Policy> policy;  // null: none
  bool operator==(const BackendOptions&) const;
};

struct Sample {
  double concurrency = 0;  // time-weighted mean since the last sample
  uint64_t requests = 0;   // arrived since the last sample
  int waiting = 0;         // in the queue now
  bool no_endpoints = false;
};

inline constexpr Duration kStanding = std::chrono::milliseconds(1000);

enum class Admit { kGranted, kQueued, kFull };

// This backend's metrics; made at its first request.
struct BackendMetrics {
  metrics::Counter* requests[6] = {};  // by response code class; 0: no response
  metrics::Histogram* latency[6] = {};
  metrics::Gauge* queue = nullptr;
  metrics::Histogram* activation = nullptr;
};

class Backend {
 public:
  // revision: the requests are reported to the autoscaler under this key. name: for messages and
  // logs.
  Backend(client::Key key, bool revision, std::string name);

  const client::Key& key() const { return key_; }
  bool is_revision() const { return revision_; }
  const std::string& name() const { return name_; }
  std::string service_name, configuration_name;  // Knative's, for metrics; set before it is shared
  const BackendMetrics& measures(metrics::Registry& registry);
  bool reported = false;  // control thread only: the last report was not zero

  void configure(const BackendOptions& options, MonoTime now);
  BackendOptions options() const;
  std::shared_ptr<const Policy> policy() const;

  // The ready endpoints, whole. Those put aside that are announced again are taken back.
  void announce(std::vector<EndpointAddress> endpoints, MonoTime now);
  size_t endpoints() const;

  // A request arrives (once) and leaves (once): what concurrency counts, waiting included. arrive()
  // gives the backend's timeout; leave() releases the endpoint that the request has in hand, if
  // any.
  Duration arrive(MonoTime now);
  void leave(MonoTime now, Endpoint* endpoint = nullptr);

  // kGranted: *endpoint is set. kQueued with *cold: no endpoint is announced at all. front: a
  // retry, which is served before those that came later. avoid: not this one, if there is another.
  Admit acquire(Waiter& waiter, MonoTime now, uint32_t random, std::shared_ptr<Endpoint>* endpoint,
                bool* cold, bool front = false, const Endpoint* avoid = nullptr,
                std::optional<uint64_t> hash = {});
  // arrive() and a grant in one, if that needs no waiting and the policy asks for nothing special
  // (TLS, hashing, HTTP/2 …). False: nothing has happened.
  bool try_enter(MonoTime now, uint32_t random, std::shared_ptr<Endpoint>* endpoint,
                 Duration* timeout);
  // Of an answer, for outlier detection; 0: no connection, or it broke.
  void outcome(Endpoint& endpoint, int status, MonoTime now);
  // A retry because of an answer's status: false if too many are in hand. retry_over() for each
  // true.
  bool retry_begins();
  void retry_over();
  std::shared_ptr<Endpoint> take(Waiter& waiter);  // after granted(); nullptr if it was cancelled
  void cancel(Waiter& waiter, MonoTime now);       // leaves the queue, or gives the grant back
  void release(Endpoint& endpoint, MonoTime now);  // its request is over
  // Refused. true: the caller must call wake(now) at `until` (false: someone does already).
  bool put_aside(Endpoint& endpoint, MonoTime now, MonoTime until);
  void wake(MonoTime now);  // serves the queue if there is room now

  Sample sample(MonoTime now);
  int waiting() const { return queued_.load(std::memory_order_relaxed); }
  // true for exactly one caller after the queue became non-empty with no endpoint announced.
  bool claim_first_wait();

 private:
  void make_measures(metrics::Registry& registry);
  void count(MonoTime now, int by);
  void serve(MonoTime now);
  int pick(MonoTime now, uint32_t random, const uint64_t* hash);
  bool at_limit() const;
  void give_back(Endpoint& endpoint);
  void unlink(Waiter& waiter);

  const client::Key key_;
  const bool revision_;
  const std::string name_;
  mutable std::mutex mutex_;
  BackendOptions options_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  Waiter *head_ = nullptr, *tail_ = nullptr;
  std::atomic<int> queued_{0};
  uint32_t round_ = 0, random_ = 2463534242u;
  HashTable table_;
  bool special_ = false;              // the policy asks for more than the short way does
  std::atomic<bool> watched_{false};  // outlier detection
  uint32_t in_hand_ = 0, retrying_ = 0;
  MonoTime served_since_{};  // there have been endpoints since then
  std::once_flag measured_;
  BackendMetrics measures_;
  bool told_ = false;  // the autoscaler knows of the queue
  // Time-weighted concurrency.
  int present_ = 0;
  double area_ = 0;
  uint64_t arrived_ = 0;
  MonoTime counted_{}, sampled_{};
};

}  // namespace proa::gateway
