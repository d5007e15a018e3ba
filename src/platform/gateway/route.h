// The route table: host → rules → weighted destinations. What a request needs to know, in one
// lookup.
//
// A Table is immutable and shared: workers read it without a lock, the builder (table_builder.h)
// replaces it whole. Matching is pure; requests are seen through RequestFacts, which copies
// nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "foundation/base/clock.h"
#include "platform/gateway/backend.h"
#include "platform/gateway/pattern.h"

namespace proa::gateway {

using NameValue = std::pair<std::string, std::string>;

struct TextMatch {
  enum Kind { kAny, kExact, kPrefix, kRegex } kind = kAny;
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
  uint16_t port = 0;                  // of the authority; 0: any
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
  HeaderChange request, response;  // the destination's own, after the rule's
};

struct Rewrite {
  std::string uri, authority;
  std::shared_ptr<const Pattern> uri_pattern;
  std::string uri_replacement;
};
struct Redirect {
  std::string uri, authority, scheme;
  uint16_t port = 0;
  int code = 301;
};
struct DirectResponse {
  int status = 200;
  std::string body;
};
struct Retries {
  int attempts = 0;
  Duration per_try{0};  // 0: none
  bool on_5xx = false, on_gateway_error = false;
};

struct Rule {
  std::vector<Match> matches;  // empty: every request
  std::vector<Destination> destinations;
  uint32_t total_weight = 0;
  HeaderChange request, response;
  std::string authority;  // what Host becomes; "" keeps it
  Rewrite rewrite;
  std::optional<Redirect> redirect;
  std::optional<DirectResponse> direct;
  Duration timeout{0};  // 0: the backend's
  Retries retries;
  std::string name;  // for logs
};

struct RequestFacts {
  std::string_view method, path, query, authority, scheme;
  uint16_t port = 0;  // in the authority; 0 if none
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
  std::string source;  // "VirtualService ns/name", for messages
  Matched match(const RequestFacts& facts) const;
};

bool matches(const Match& match, const RequestFacts& facts, size_t* prefix);

// Which destination a random number falls on; nullptr if all weights are zero and there are
// several.
const Destination* pick(const Rule& rule, uint32_t random);

// The path and query to send upstream, after rewrite.
std::string rewritten_target(const Rule& rule, size_t prefix, std::string_view path,
                             std::string_view query);

// "Iris.NS.example.com:8080" → "iris.ns.example.com" in `buffer` if letters must change; port by
// reference.
std::string_view bare_host(std::string_view authority, std::string& buffer, uint16_t& port);

class Table {
 public:
  const Host* find(std::string_view bare_host) const;  // lower case, without port
  size_t size() const { return hosts_.size(); }
  void put(std::string name, std::shared_ptr<const Host> host);  // builder only; the first stays
  std::vector<std::string> hosts(size_t most) const;
  std::vector<std::string> warnings;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  std::unordered_map<std::string, std::shared_ptr<const Host>, Hash, std::equal_to<>> hosts_;
  bool wildcards_ = false;
};

}  // namespace proa::gateway
