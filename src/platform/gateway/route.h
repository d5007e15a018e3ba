// The route table: host → rules → weighted destinations. What a request needs to know, in one
// lookup.
//
// A Table is immutable and shared: workers read it without a lock, the builder
// (config/table_builder.h) publishes a changed copy. Matching is pure; requests are seen through
// RequestFacts, which copies nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "foundation/base/clock.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/pattern.h"

namespace proa::gateway {

using NameValue = std::pair<std::string, std::string>;

struct TextMatch {
  // kPathPrefix: whole path elements ("/a" takes "/a" and "/a/b", not "/ab"); text has no final
  // '/'.
  enum Kind { kAny, kExact, kPrefix, kRegex, kPathPrefix } kind = kAny;
  std::string text;
  std::shared_ptr<const Pattern> pattern;  // for kRegex
  bool ignore_case = false;
  bool matches(std::string_view value) const;
};

struct HeaderMatch {
  std::string name;
  TextMatch value;  // kAny: present
};

// What a rule asks of a request; all parts must hold.
struct Match {
  TextMatch uri, authority, method, scheme;
  std::vector<HeaderMatch> headers, without_headers, query;
  uint16_t port = 0;                  // of the authority, else of the listener; 0: any
  uint16_t listener_port = 0;         // of the listener, else of the authority; 0: any
  std::vector<std::string> gateways;  // "NS/NAME" or "mesh"; empty: the VirtualService's
};

struct HeaderChange {
  std::vector<NameValue> set, add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

// One way a request can go. `why` says why there is no backend.
struct Destination {
  std::shared_ptr<Backend> backend;
  uint32_t weight = 0;
  std::string why;
  int status = 503;                // what is answered when there is no backend
  HeaderChange request, response;  // the destination's own, after the rule's
};

// Of the path: uri replaces the part that a prefix match took (all of it after another match), or
// with whole_path all of it; with elements, slashes are kept single where the parts meet.
struct Rewrite {
  std::string uri, authority;
  bool whole_path = false, elements = false;
  std::shared_ptr<const Pattern> uri_pattern;
  std::string uri_replacement;
  bool empty() const { return uri.empty() && !uri_pattern; }
};
struct Redirect {
  std::string uri, authority, scheme;
  bool prefix_only = false;  // uri replaces the matched prefix only, as Rewrite with elements
  uint16_t port = 0;         // 0: see below
  // What port 0 means: the request's own, as its authority has it; that of the scheme (none
  // written); the listener's.
  enum Port { kAsRequested, kOfScheme, kOfListener } derive = kAsRequested;
  int code = 301;
};
struct DirectResponse {
  int status = 200;
  std::string body;
};

// Parts of a million.
inline constexpr uint32_t kMillion = 1'000'000;

struct Retries {
  bool defined = false;  // the rule says; else the gateway's own (broken connections only)
  int attempts = 0;      // after the first; defined and 0: never again, whatever happened
  Duration per_try{0};   // 0: none
  Duration backoff{0};   // the first pause; 0: the gateway's; doubles
  bool on_5xx = false, on_gateway_error = false, on_reset = false, on_connect_failure = false;
  bool on_refused_stream = false, on_retriable_4xx = false;  // 409
  // By grpc-status.
  bool on_cancelled = false, on_deadline_exceeded = false, on_internal = false;
  bool on_resource_exhausted = false, on_unavailable = false;
  std::vector<int> statuses;   // further HTTP statuses
  bool same_endpoint = false;  // may go to the one that failed
};

// A failure made on purpose. Shares are parts of a million; the delay comes before the abort.
struct Fault {
  Duration delay{0};
  uint32_t delay_share = 0;
  int status = 0;        // HTTP; 0: none
  int grpc_status = -1;  // -1: none
  uint32_t abort_share = 0;
};

// A copy of the request, whose response is thrown away.
struct Mirror {
  Destination to;  // weight is of no meaning
  uint32_t share = kMillion;
};

// Answers preflights itself (OPTIONS with Origin and Access-Control-Request-Method) and adds
// headers to responses when the origin is allowed. "*" in a list: all.
struct Cors {
  std::vector<TextMatch> origins;
  std::vector<std::string> methods, headers, expose;
  std::optional<Duration> max_age;
  bool credentials = false;
  bool forward_unmatched = true;  // a preflight of another origin goes upstream; else 200 without
};

// For timeouts: there is none, not even the backend's.
inline constexpr Duration kNoTimeout = Duration::max();

struct Rule {
  std::vector<Match> matches;  // empty: every request
  std::vector<Destination> destinations;
  uint32_t total_weight = 0;
  HeaderChange request, response;
  std::string authority;  // what Host becomes; "" keeps it
  Rewrite rewrite;
  std::optional<Redirect> redirect;
  std::optional<DirectResponse> direct;
  Duration timeout{0};  // of the whole exchange; 0: the backend's
  Retries retries;
  std::optional<Fault> fault;
  std::vector<Mirror> mirrors;
  std::shared_ptr<const Cors> cors;
  std::string name;  // for logs
};

struct RequestFacts {
  std::string_view method, path, query, authority, scheme;
  uint16_t port = 0;  // in the authority; 0 if none
  // Logical number of the port it came by (Listener::port); 0: not known, or a cluster address.
  uint16_t listener = 0;
  const void* headers = nullptr;
  // The first value; data() is nullptr if absent.
  std::string_view (*header)(const void* headers, std::string_view name) = nullptr;
};

struct Matched {
  const Rule* rule = nullptr;
  size_t prefix = 0;  // bytes of the path that a prefix match took
};

// All that answers one host name.
struct Host {
  std::string name;    // canonical: authority matches are made against it
  bool local = false;  // reached through the cluster-local gateway
  std::vector<Rule> rules;
  std::string source;  // "VirtualService ns/name", "Gateway ns/name", …, for messages
  Matched match(const RequestFacts& facts) const;
};

// Where bytes go that are not HTTP (TCP listeners, TLS by SNI).
struct Tunnel {
  std::vector<Destination> destinations;
  uint32_t total_weight = 0;
  std::string name;  // for logs
};

bool matches(const Match& match, const RequestFacts& facts, size_t* prefix);

// Which destination a random number falls on; nullptr if all weights are zero and there are
// several.
const Destination* pick(const Rule& rule, uint32_t random);
const Destination* pick(const Tunnel& tunnel, uint32_t random);

// The path and query to send upstream, after rewrite.
std::string rewritten_target(const Rule& rule, size_t prefix, std::string_view path,
                             std::string_view query);

// The path of a redirect's location, without the query, which is kept as it came.
std::string redirected_path(const Redirect& redirect, size_t prefix, std::string_view path);

// "Iris.NS.example.com:8080" → "iris.ns.example.com" in `buffer` if letters must change; port by
// reference.
std::string_view bare_host(std::string_view authority, std::string& buffer, uint16_t& port);

// An immutable map in shards below branches: a changed copy shares all but those that changed
// (TableEditor in table.h makes one), so that a change costs what it touches.
class Table {
 public:
  // bare_host: lower case, without port. What is served everywhere (Routes, Services, hosts of the
  // mesh) is found for listener 0, 80 and 443; what Gateways serve on a port, for that port (port
  // 80's for 0 as well). Exact names first, then the longest wildcard.
  const Host* find(std::string_view bare_host, uint16_t listener = 0) const;
  // sni: lower case; "" if the client sent none, or for TCP.
  const Tunnel* tunnel(uint16_t listener, std::string_view sni) const;
  size_t size() const { return size_; }
  std::vector<std::string> hosts(size_t most) const;
  // What objects ask for that is not carried out.
  const std::vector<std::string>& warnings() const;

 private:
  friend class TableEditor;
  struct Entry {
    std::string name;
    std::shared_ptr<const Host> host;  // one of the two
    std::shared_ptr<const Tunnel> tunnel;
  };
  struct Shard {
    std::vector<uint64_t> hashes;  // of entries, in the same order
    std::vector<Entry> entries;
  };
  static constexpr size_t kShards = 64, kBranches = 128;
  struct Branch {
    std::array<std::shared_ptr<const Shard>, kShards> shards;
  };
  static uint64_t hash_of(uint16_t scope, std::string_view name, bool tunnel);
  const Entry* entry(uint16_t scope, std::string_view name, bool tunnel) const;
  std::array<std::shared_ptr<const Branch>, kBranches> branches_;
  std::shared_ptr<const std::vector<std::string>> warnings_;
  // How many wildcard names each scope has; scopes without any are not searched for them.
  std::map<uint16_t, size_t> wildcards_;
  size_t size_ = 0;
};

}  // namespace proa::gateway
