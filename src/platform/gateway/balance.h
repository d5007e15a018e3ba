// Which endpoint gets the next request: the ways of a Policy, as pure functions, and the tables of
// consistent hashing. Used by Backend, under its mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/clock.h"
#include "platform/gateway/policy.h"

namespace proa::gateway {

struct EndpointAddress {
  std::string address;
  uint16_t port = 0;
  std::string pod_namespace, pod_name, pod_uid;  // of targetRef; may be empty
  bool http2 = false;                            // takes HTTP/2 without TLS (h2c), as gRPC needs
  bool operator==(const EndpointAddress&) const = default;
};

struct Endpoint : EndpointAddress {
  explicit Endpoint(EndpointAddress a) : EndpointAddress(std::move(a)) {}
  // Guarded by the backend's mutex:
  int in_flight = 0;
  bool gone = false;         // no longer announced
  MonoTime aside_until{};    // refused a connection: not before then
  MonoTime ejected_until{};  // by outlier detection
  uint32_t ejections = 0, fails_5xx = 0, fails_gateway = 0, fails_local = 0;
  MonoTime since{};  // first announced
};
using Endpoints = std::span<const std::shared_ptr<Endpoint>>;

// What one endpoint gets at a time where nothing else bounds it: the rest waits here, where it can
// be given up, and not in the pod.
inline constexpr int kMostInFlight = 1024;

// May it take one more? limit 0: kMostInFlight.
bool has_room(const Endpoint& e, int limit, MonoTime now, bool ignore_ejection = false);

// Knative's way: two random choices without a limit, the first with room up to a limit of three,
// else round robin. -1 if none has room.
int choose(Endpoints endpoints, int limit, uint32_t random, uint32_t& round, MonoTime now);

// Where hashes fall: a ring with points by endpoint, or Maglev's table.
class HashTable {
 public:
  void build(Endpoints endpoints, const HashPolicy& policy);
  // The endpoint of the hash, else the next one with room.
  int choose(Endpoints endpoints, uint64_t hash, int limit, MonoTime now, bool panic) const;
  void clear();

 private:
  void build_maglev(Endpoints endpoints, uint32_t size);
  struct Point {
    uint64_t at;
    uint32_t endpoint;
  };
  std::vector<Point> ring_;
  std::vector<uint32_t> maglev_;
};

uint64_t hash_text(std::string_view text, uint64_t seed = 0);

// By the policy; `hash` for kConsistentHash, nullptr: none is known.
int choose_by(const Policy& policy, Endpoints endpoints, const HashTable& table, int limit,
              uint32_t random, uint32_t& round, const uint64_t* hash, MonoTime now);

// Outlier detection: notes an answer's status (0: no connection or a broken one; 504 from here:
// timed out) of an endpoint; true if it was ejected.
bool note_outcome(const OutlierDetection& policy, Endpoints endpoints, Endpoint& endpoint,
                  int status, MonoTime now);

}  // namespace proa::gateway
