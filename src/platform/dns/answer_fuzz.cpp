// Any bytes as a query: no crash, and whatever is answered is a reply to it.
#include <cstdlib>

#include "platform/dns/zone.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const proa::dns::Zone zone = [] {
    proa::dns::Zone z;
    z.parents = {"cluster.local", "svc.cluster.local", "a.svc.cluster.local"};
    z.names["x.a.svc.cluster.local"].v4 = {std::string(4, '\1')};
    z.names["y.a.svc.cluster.local"].cname = "x.a.svc.cluster.local";
    z.names["z.a.svc.cluster.local"].cname = "z.a.svc.cluster.local";
    return z;
  }();
  std::string_view query(reinterpret_cast<const char*>(data), size);
  for (bool udp : {true, false}) {
    auto reply = proa::dns::answer(query, zone, udp);
    if (reply.kind != proa::dns::Answer::kReply) continue;
    if (reply.bytes.size() < 12 || reply.bytes.substr(0, 2) != query.substr(0, 2)) std::abort();
    if (!(reply.bytes[2] & 0x80) || (udp && reply.bytes.size() > 4096)) std::abort();
  }
  proa::dns::failure(query, 2);
  return 0;
}
