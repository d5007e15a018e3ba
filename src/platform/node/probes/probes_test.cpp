#include "platform/node/probes/probes.h"

#include <gtest/gtest.h>

namespace proa::node {
namespace {

json::Value read(const char* text) { return std::move(json::parse(text)).value(); }

TEST(ReadinessProbe, AsksMlserverWhereItsPortAloneSaysNothing) {
  const json::Value container =
      read(R"({"env": [{"name": "MLSERVER_HTTP_PORT", "value": "8085"}]})");
  EXPECT_EQ(json::dump(mlserver_readiness_probe(
                read(R"({"periodSeconds": 3, "tcpSocket": {"port": 8085}})"), container)),
            R"({"httpGet":{"path":"/v2/health/ready","port":8085},"periodSeconds":3})");
}

TEST(ReadinessProbe, AsksMlserverByHttpForGrpcToo) {
  const json::Value container =
      read(R"({"env": [{"name": "MLSERVER_GRPC_PORT", "value": "9001"}]})");
  EXPECT_EQ(
      json::dump(mlserver_readiness_probe(read(R"({"tcpSocket": {"port": 9001}})"), container)),
      R"({"httpGet":{"path":"/v2/health/ready","port":8080}})");
}

TEST(ReadinessProbe, OfAUsersOwnOrOfAnotherPortStays) {
  for (const char* text : {R"({"tcpSocket":{"port":9000}})", R"({"exec":{"command":["true"]}})",
                           R"({"httpGet":{"path":"/mine","port":8080}})"})
    EXPECT_EQ(json::dump(mlserver_readiness_probe(read(text), read("{}"))), text);
}

}  // namespace
}  // namespace proa::node
