// The cluster's names as a zone, and answers from it. Pure.
//
// NAME.NS.svc.cluster.local → the Service's cluster address; headless → its pods' addresses (and
// HOSTNAME.NAME.…); ExternalName → CNAME, with the target's addresses where the zone knows them.
// *.localhost → 127.0.0.1 (RFC 6761).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/client.h"

namespace proa::dns {

struct Records {
  std::vector<std::string> v4, v6;  // 4 and 16 raw bytes each
  std::string cname;                // lower case, without the last dot
  bool operator==(const Records&) const = default;
};

struct Zone {
  std::string domain = "cluster.local";
  std::unordered_map<std::string, Records> names;  // full, lower case, without the last dot
  std::map<std::string, int> parents;  // exist only because of so many longer ones
};

struct Answer {
  enum Kind { kReply, kForward, kDrop } kind = kDrop;
  std::string bytes;  // kReply
};

// One DNS message (RFC 1035). udp: replies longer than the client takes are cut, with TC.
Answer answer(std::string_view query, const Zone& zone, bool udp);

// SERVFAIL (2) or the like for a query that was well-formed enough to be forwarded.
std::string failure(std::string_view query, int rcode);

// Keeps a zone in step with Services and EndpointSlices: a change costs what its Service has of
// names, however many others there are. Not synchronised.
class ZoneBuilder {
 public:
  explicit ZoneBuilder(const std::string& domain = "cluster.local");
  void put(const client::Kind& kind, const json::Value& object);
  void drop(const client::Kind& kind, const client::Key& key);
  const Zone& zone() const { return zone_; }

 private:
  struct Endpoint {
    std::string address, hostname;
    bool ready = false;
  };
  struct Service {
    bool known = false;  // else there are slices alone
    std::string external_name;
    std::vector<std::string> addresses;
    bool headless = false, not_ready_too = false;
    std::map<std::string, std::vector<Endpoint>> slices;  // by the slice's name
    std::vector<std::string> names;                       // that it has in the zone
  };
  void put_service(const client::Key& key, const json::Value& spec);
  void put_slice(const client::Key& key, const json::Value& slice);
  void drop_slice(const client::Key& key);
  void take_out(const client::Key& key, Service& service);
  void put_in(const client::Key& key, Service& service);
  Records& records(Service& service, const std::string& name);

  Zone zone_;
  std::map<client::Key, Service> services_;
  std::map<client::Key, std::string> service_of_;  // slices
};

}  // namespace proa::dns
