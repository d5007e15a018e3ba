#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <random>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/dns/server.h"
#include "platform/dns/zone.h"

namespace proa::dns {
namespace {

std::string query(std::string_view name, uint16_t type, bool edns = false) {
  std::string q("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00", 11);
  q += edns ? '\1' : '\0';
  for (std::string_view label : split(name, '.')) q += static_cast<char>(label.size()), q += label;
  q += '\0', q += static_cast<char>(type >> 8), q += static_cast<char>(type), q += '\0', q += '\1';
  if (edns) q += std::string("\0\0\x29\x10\0\0\0\0\0\0\0", 11);
  return q;
}

// "NOERROR 127.96.0.1", "NXDOMAIN", "NOERROR cname:x.y 1.2.3.4", "FORWARD", "DROP".
std::string read_reply(const std::string& b, size_t from) {
  static const char* codes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  std::string out = codes[b[3] & 15];
  if (b[2] & 2) out += " TC";
  auto name = [&](size_t& at) {
    std::string n;
    while (b[at]) {
      if (static_cast<unsigned char>(b[at]) >= 0xc0) return at += 2, std::string("@");
      size_t l = static_cast<size_t>(b[at]);
      n += (n.empty() ? "" : ".") + b.substr(at + 1, l), at += l + 1;
    }
    return ++at, n;
  };
  size_t at = from;
  for (int i = 0; i < (b[6] << 8 | static_cast<unsigned char>(b[7])); ++i) {
    name(at);
    int type = b[at + 1];
    size_t size = static_cast<size_t>(static_cast<unsigned char>(b[at + 8]) << 8 |
                                      static_cast<unsigned char>(b[at + 9]));
    at += 10;
    char text[64] = "";
    if (type == 1) inet_ntop(AF_INET, b.data() + at, text, sizeof text);
    if (type == 28) inet_ntop(AF_INET6, b.data() + at, text, sizeof text);
    size_t n = at;
    out += type == 5 ? " cname:" + name(n) : std::string(" ") + text;
    at += size;
  }
  return out;
}

std::string ask(const Zone& zone, std::string_view name, uint16_t type = 1, bool udp = true) {
  std::string q = query(name, type);
  Answer a = answer(q, zone, udp);
  if (a.kind == Answer::kForward) return "FORWARD";
  if (a.kind == Answer::kDrop) return "DROP";
  EXPECT_EQ(a.bytes.substr(0, 2), q.substr(0, 2));
  return read_reply(a.bytes, q.size());
}

Zone cluster() {
  ZoneBuilder builder;
  auto put = [&](const char* yaml) {
    auto all = json::parse_yaml_stream(yaml);
    ASSERT_TRUE(all.ok()) << all.error().message;
    for (const auto& o : *all)
      builder.put(o["kind"].str() == "Service" ? api::kService : api::kEndpointSlice, o);
  };
  put(R"(
kind: Service
metadata: {name: web, namespace: test}
spec: {clusterIP: 127.96.1.2}
---
kind: Service
metadata: {name: knative-local-gateway, namespace: istio-system}
spec: {clusterIP: 127.96.0.20}
---
kind: Service
metadata: {name: iris, namespace: test}
spec: {type: ExternalName, externalName: knative-local-gateway.istio-system.svc.cluster.local}
---
kind: Service
metadata: {name: outside, namespace: test}
spec: {type: ExternalName, externalName: example.org.}
---
kind: Service
metadata: {name: loop, namespace: test}
spec: {type: ExternalName, externalName: loop.test.svc.cluster.local}
---
kind: Service
metadata: {name: pods, namespace: test}
spec: {clusterIP: None}
---
kind: EndpointSlice
metadata: {name: pods-1, namespace: test, labels: {kubernetes.io/service-name: pods}}
endpoints:
- {addresses: [127.10.0.1], hostname: p-0, conditions: {ready: true}}
- {addresses: [127.10.0.2], conditions: {ready: true}}
- {addresses: [127.10.0.3], conditions: {ready: false}}
---
kind: EndpointSlice
metadata: {name: web-1, namespace: test, labels: {kubernetes.io/service-name: web}}
endpoints: [{addresses: [127.10.0.9], conditions: {ready: true}}]
)");
  return builder.zone();
}

// Services a, b and c, headless or not, and slices of them that change owner, come and go.
TEST(Dns, KeepsInStepWithEveryChange) {
  std::mt19937 random(7);
  std::map<std::pair<bool, std::string>, json::Value> there;
  ZoneBuilder builder;
  const char* names[] = {"a", "b", "c"};
  for (int i = 0; i < 2000; ++i) {
    const bool service = random() % 2;
    const client::Kind& kind = service ? api::kService : api::kEndpointSlice;
    const std::string name = names[random() % 3], ns = random() % 2 ? "n" : "m";
    json::Value object;
    object.ref("metadata", "name") = name;
    object.ref("metadata", "namespace") = ns;
    object.ref("metadata", "labels", "kubernetes.io/service-name") = names[random() % 3];
    object.ref("spec", "clusterIP") = random() % 2 ? "None" : "127.96.0.9";
    json::Value endpoint = json::object({{"hostname", random() % 2 ? "h" : ""}});
    endpoint.set("addresses", json::Array{str("127.10.0.", random() % 4)});
    endpoint.ref("conditions", "ready") = random() % 3 != 0;
    object.set("endpoints", json::Array{endpoint});
    if (random() % 3 == 0) {
      builder.drop(kind, {ns, name});
      there.erase({service, ns + "/" + name});
    } else {
      builder.put(kind, object);
      there[{service, ns + "/" + name}] = object;
    }
    ZoneBuilder fresh;
    for (const auto& [key, value] : there)
      fresh.put(key.first ? api::kService : api::kEndpointSlice, value);
    ASSERT_EQ(builder.zone().names, fresh.zone().names) << "after change " << i;
    ASSERT_EQ(builder.zone().parents, fresh.zone().parents) << "after change " << i;
  }
}

TEST(Dns, AnswersTheClustersNames) {
  auto zone = cluster();
  const std::tuple<const char*, uint16_t, const char*> cases[] = {
      {"web.test.svc.cluster.local", 1, "NOERROR 127.96.1.2"},
      {"WEB.Test.svc.cluster.LOCAL", 1, "NOERROR 127.96.1.2"},
      {"web.test.svc.cluster.local", 28, "NOERROR"},
      {"web.test.svc.cluster.local", 255, "NOERROR 127.96.1.2"},
      {"web.test.svc.cluster.local", 16, "NOERROR"},
      {"iris.test.svc.cluster.local", 1,
       "NOERROR cname:knative-local-gateway.istio-system.svc.cluster.local 127.96.0.20"},
      {"iris.test.svc.cluster.local", 5,
       "NOERROR cname:knative-local-gateway.istio-system.svc.cluster.local"},
      {"outside.test.svc.cluster.local", 1, "NOERROR cname:example.org"},
      {"pods.test.svc.cluster.local", 1, "NOERROR 127.10.0.1 127.10.0.2"},
      {"p-0.pods.test.svc.cluster.local", 1, "NOERROR 127.10.0.1"},
      {"p-1.pods.test.svc.cluster.local", 1, "NXDOMAIN"},
      {"nothing.test.svc.cluster.local", 1, "NXDOMAIN"},
      {"web.test.svc.test.svc.cluster.local", 1, "NXDOMAIN"},
      {"web.test.svc.svc.cluster.local", 1, "NXDOMAIN"},
      {"example.org.cluster.local", 1, "NXDOMAIN"},
      {"test.svc.cluster.local", 1, "NOERROR"},
      {"cluster.local", 1, "NOERROR"},
      {"notcluster.local", 1, "FORWARD"},
      {"example.org", 1, "FORWARD"},
      {"web.test", 1, "FORWARD"},
      {"iris.test.localhost", 1, "NOERROR 127.0.0.1"},
      {"localhost", 28, "NOERROR"},
      {"1.0.10.127.in-addr.arpa", 12, "NXDOMAIN"},
  };
  for (const auto& [name, type, want] : cases)
    EXPECT_EQ(ask(zone, name, type), want) << name << " " << type;
}

TEST(Dns, ACircleOfExternalNamesEnds) {
  EXPECT_TRUE(ask(cluster(), "loop.test.svc.cluster.local").starts_with("NOERROR cname:"));
}

TEST(Dns, RefusesWhatIsNoQuestion) {
  auto zone = cluster();
  EXPECT_EQ(answer("", zone, true).kind, Answer::kDrop);
  std::string reply = query("web.test", 1);
  reply[2] = static_cast<char>(0x80);
  EXPECT_EQ(answer(reply, zone, true).kind, Answer::kDrop);
  std::string update = query("web.test", 1);
  update[2] = 0x28;
  EXPECT_EQ(read_reply(answer(update, zone, true).bytes, 12), "NOTIMP");
  std::string cut = query("web.test.svc.cluster.local", 1).substr(0, 20);
  EXPECT_EQ(read_reply(answer(cut, zone, true).bytes, 12), "FORMERR");
  std::string two = query("web.test", 1);
  two[5] = 2;
  EXPECT_EQ(read_reply(answer(two, zone, true).bytes, 12), "FORMERR");
}

TEST(Dns, CutsALongReplyOverUdpOnly) {
  Zone zone = cluster();
  for (int i = 0; i < 60; ++i)
    zone.names["pods.test.svc.cluster.local"].v4.push_back(
        std::string(4, static_cast<char>(i + 1)));
  EXPECT_EQ(ask(zone, "pods.test.svc.cluster.local"), "NOERROR TC");
  EXPECT_EQ(split(ask(zone, "pods.test.svc.cluster.local", 1, false), ' ').size(), 63u);
  Answer a = answer(query("pods.test.svc.cluster.local", 1, true), zone, true);
  EXPECT_EQ(a.bytes[2] & 2, 0);
  EXPECT_EQ(a.bytes[11], 1);  // OPT comes back
}

TEST(Dns, ReadsResolversAndLeavesItselfOut) {
  EXPECT_EQ(read_resolvers("# x\nnameserver 10.0.0.1\nnameserver\t127.96.0.10\noptions "
                           "ndots:5\nnameserver fe80::1 # y\n",
                           "127.96.0.10"),
            (std::vector<std::string>{"10.0.0.1", "fe80::1"}));
}

// No objects: the server's forwarding does not depend on them.
class NoObjects : public client::Client {
 public:
  Result<client::Object> get(const client::Kind&, std::string_view,
                             std::string_view) const override {
    return none();
  }
  Result<std::vector<client::Object>> list(const client::Kind&,
                                           const client::ListOptions&) const override {
    return none();
  }
  Result<client::Object> create(const client::Kind&, json::Value) override { return none(); }
  Result<client::Object> apply(const client::Kind&, json::Value,
                               const client::ApplyOptions&) override {
    return none();
  }
  Result<client::Object> patch(const client::Kind&, std::string_view, std::string_view, json::Value,
                               std::string_view) override {
    return none();
  }
  Status remove(const client::Kind&, std::string_view, std::string_view,
                const client::DeleteOptions&) override {
    return none();
  }
  std::unique_ptr<client::Watch> watch(const client::Kind&, std::string_view,
                                       std::function<void(const client::Event&)>) override {
    return std::make_unique<client::Watch>();
  }

 private:
  static Error none() { return error(Code::kNotFound, "none"); }
};

struct UdpSocket {
  Fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
  uint16_t port = 0;
  UdpSocket() {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
    socklen_t n = sizeof a;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&a), &n);
    port = ntohs(a.sin_port);
  }
  void send(std::string_view bytes, uint16_t to) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_addr.s_addr = htonl(INADDR_LOOPBACK), a.sin_port = htons(to);
    ::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&a), sizeof a);
  }
  std::string receive(async::Loop& loop, sockaddr_in* from = nullptr) {
    char buffer[4096];
    for (int i = 0; i < 500; ++i) {
      socklen_t size = sizeof *from;
      ssize_t n = ::recvfrom(fd.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(from),
                             from ? &size : nullptr);
      if (n >= 0) return std::string(buffer, static_cast<size_t>(n));
      loop.run_once(std::chrono::milliseconds(10));
    }
    return "nothing came";
  }
};

TEST(DnsServer, ForwardsToTheResolverAndPassesItsAnswerOn) {
  async::Loop loop;
  NoObjects objects;
  UdpSocket resolver, pod;
  ServerOptions options;
  options.address = "127.0.0.1", options.port = 0,
  options.resolvers = {str("127.0.0.1:", resolver.port)};
  Server server(loop, objects, options);
  ASSERT_TRUE(server.start().ok());
  std::string q = query("example.org", 1);
  pod.send(q, server.port());
  sockaddr_in from{};
  EXPECT_EQ(resolver.receive(loop, &from), q);
  std::string reply = q;
  reply[2] = static_cast<char>(0x81);
  resolver.send("xx" + reply.substr(2), ntohs(from.sin_port));  // not an answer to this
  resolver.send(reply, ntohs(from.sin_port));
  EXPECT_EQ(pod.receive(loop), reply);
}

TEST(DnsServer, SaysServfailWhenNoResolverAnswers) {
  async::Loop loop;
  NoObjects objects;
  UdpSocket silent, pod;
  ServerOptions options;
  options.address = "127.0.0.1", options.port = 0,
  options.resolvers = {str("127.0.0.1:", silent.port)};
  options.try_timeout = std::chrono::milliseconds(1);
  Server server(loop, objects, options);
  ASSERT_TRUE(server.start().ok());
  std::string q = query("example.org", 1);
  pod.send(q, server.port());
  EXPECT_EQ(read_reply(pod.receive(loop), q.size()), "SERVFAIL");
}

TEST(DnsServer, AnswersOverTcp) {
  async::Loop loop;
  NoObjects objects;
  ServerOptions options;
  options.address = "127.0.0.1", options.port = 0, options.resolvers = {"127.0.0.1:9"};
  Server server(loop, objects, options);
  ASSERT_TRUE(server.start().ok());
  Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in a{};
  a.sin_family = AF_INET, a.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  a.sin_port = htons(server.port());
  ASSERT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  std::string q = query("x.localhost", 1);
  std::string framed = std::string(1, '\0') + static_cast<char>(q.size()) + q;
  ASSERT_EQ(::send(fd.get(), framed.data(), framed.size(), 0), static_cast<ssize_t>(framed.size()));
  char buffer[512];
  ssize_t n = -1;
  for (int i = 0; i < 500 && n < 0; ++i) {
    loop.run_once(std::chrono::milliseconds(10));
    n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  }
  ASSERT_GT(n, 14);
  EXPECT_EQ(read_reply(std::string(buffer + 2, static_cast<size_t>(n - 2)), q.size()),
            "NOERROR 127.0.0.1");
}

}  // namespace
}  // namespace proa::dns
