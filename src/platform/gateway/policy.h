// How requests are sent to the endpoints of one backend: what a DestinationRule (or a Gateway API
// policy) says of a host, a port or a subset.
//
// Made by gateway/config, one immutable Policy shared by all backends that it applies to; carried
// out by Backend (balance, ejection, limits) and Exchange (hash, TLS, timeouts). All fields have
// the meaning and, where zero, the default of Istio's fields of the same name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/clock.h"

namespace proa::gateway {

enum class Balance {
  kDefault,  // as choose() in backend.h has it: Knative's for revisions, two random choices else
  kRoundRobin,
  kRandom,
  kLeastRequest,
  kConsistentHash,
};

// What of a request decides its endpoint, with Balance::kConsistentHash. Requests without it are
// spread at random.
struct HashPolicy {
  enum Kind { kHeader, kCookie, kSourceIp, kQueryParameter } kind = kSourceIp;
  std::string name;         // of the header, cookie or parameter
  std::string cookie_path;  // kCookie with a ttl: made and set if the request has none
  bool make_cookie = false;
  Duration cookie_ttl{0};   // 0 with make_cookie: a session cookie
  bool maglev = false;      // else a ring
  uint32_t table_size = 0;  // 0: 1024 for the ring's least size, 65537 for maglev
  bool operator==(const HashPolicy&) const = default;
};

// Ejection of endpoints that fail.
struct OutlierDetection {
  uint32_t consecutive_5xx = 5;             // 0: off; 502, 503 and 504 count here as well
  uint32_t consecutive_gateway_errors = 0;  // 502, 503, 504, no connection; 0: off
  uint32_t consecutive_local_failures = 0;  // no connection, timed out; with split only
  bool split_local = false;
  Duration interval = std::chrono::seconds(10);
  Duration base_ejection = std::chrono::seconds(30);  // times the number of ejections so far
  uint32_t most_ejected_percent = 10;                 // at least one endpoint may be
  uint32_t least_healthy_percent = 0;                 // below: nothing is ejected any more
  bool operator==(const OutlierDetection&) const = default;
};

// 0: no limit, or the gateway's own.
struct ConnectionPool {
  uint32_t most_connections = 0;  // to all endpoints together; HTTP/1.1
  Duration connect_timeout{0};
  Duration idle_timeout{0};
  Duration most_connection_age{0};
  bool keepalive = false;
  uint32_t keepalive_probes = 0;
  Duration keepalive_time{0}, keepalive_interval{0};
  uint32_t most_pending = 0;   // waiting for a connection; more: 503
  uint32_t most_requests = 0;  // in hand at once; more: 503
  uint32_t most_requests_per_connection = 0;
  uint32_t most_retries = 0;  // in hand at once
  uint32_t most_streams = 0;  // of one HTTP/2 connection
  enum Upgrade { kAsDeclared, kNever, kAlways } http2 = kAsDeclared;
  bool as_client = false;  // the client's HTTP version is used upstream
  bool operator==(const ConnectionPool&) const = default;
};

struct UpstreamTls {
  std::string server_name;                     // SNI; "": the destination's host
  std::string certificate, key;                // PEM; for MUTUAL
  std::string ca;                              // PEM; "": the system's
  std::vector<std::string> alternative_names;  // one must be in the certificate; empty: server_name
  bool verify = true;
  bool operator==(const UpstreamTls&) const = default;
};

struct Policy {
  Balance balance = Balance::kDefault;
  HashPolicy hash;
  bool has_outlier = false;
  OutlierDetection outlier;
  ConnectionPool pool;
  std::shared_ptr<const UpstreamTls> tls;  // nullptr: plain
  Duration warmup{0};                      // a new endpoint's share grows over this time
  uint8_t proxy_protocol = 0;              // 1 or 2: that header first on a connection
};

bool operator==(const Policy& a, const Policy& b);

}  // namespace proa::gateway
