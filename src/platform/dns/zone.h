// The cluster's names as a zone, and answers from it. Pure.
//
// NAME.NS.svc.cluster.local → the Service's cluster address; headless → its pods' addresses (and
// HOSTNAME.NAME.…); ExternalName → CNAME, with the target's addresses where the zone knows them.
// *.localhost → 127.0.0.1 (RFC 6761). A Zone is immutable; the server replaces it whole.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/client.h"

namespace proa::dns {

struct Records {
  std::vector<std::string> v4, v6;  // 4 and 16 raw bytes each
  std::string cname;                // lower case, without the last dot
};

struct Zone {
  std::string domain = "cluster.local";
  std::unordered_map<std::string, Records> names;  // full, lower case, without the last dot
  std::set<std::string> parents;                   // names that exist only because of longer ones
};

struct Answer {
  enum Kind { kReply, kForward, kDrop } kind = kDrop;
  std::string bytes;  // kReply
};

// One DNS message (RFC 1035). udp: replies longer than the client takes are cut, with TC.
Answer answer(std::string_view query, const Zone& zone, bool udp);

// SERVFAIL (2) or the like for a query that was well-formed enough to be forwarded.
std::string failure(std::string_view query, int rcode);

// Keeps Services and EndpointSlices and makes zones. Not synchronised. O(objects) for build().
class ZoneBuilder {
 public:
  explicit ZoneBuilder(std::string domain = "cluster.local") : domain_(std::move(domain)) {}
  void put(const client::Kind& kind, const json::Value& object);
  void drop(const client::Kind& kind, const client::Key& key);
  std::shared_ptr<const Zone> build() const;

 private:
  struct Service {
    std::string external_name;
    std::vector<std::string> addresses;
    bool headless = false, not_ready_too = false;
  };
  struct Endpoint {
    std::string address, hostname;
    bool ready = false;
  };
  struct Slice {
    std::string service;
    std::vector<Endpoint> endpoints;
  };
  std::string domain_;
  std::map<client::Key, Service> services_;
  std::map<client::Key, Slice> slices_;
};

}  // namespace proa::dns
