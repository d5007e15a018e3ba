#include "api/schema/protobuf.h"

#include "api/schema/recorded_bodies.h"
#include "api/schema/schema_test.h"
#include "api/schema/validate.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

std::string unhex(std::string_view hex) {
  std::string out;
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return out;
}

std::string body(std::string_view name) {
  for (const Recorded& r : kRecorded)
    if (r.name == name) return unhex(r.hex);
  ADD_FAILURE() << "no recorded body " << name;
  return "";
}

std::string decoded(std::string_view name) {
  auto v = decode_protobuf(test_catalog(), body(name));
  if (!v.ok()) return v.error().message;
  return json::dump(*v);
}

TEST(Protobuf, ReadsTheNamespaceThatKubectlCreates) {
  EXPECT_EQ(
      decoded("namespaces"),
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kserve-test"},"spec":{},"status":{}})");
}

TEST(Protobuf, ReadsADeploymentWithPortsResourcesAndStrategy) {
  auto v = decode_protobuf(test_catalog(), body("deployments"));
  ASSERT_TRUE(v.ok()) << v.error().message;
  EXPECT_EQ((*v)["metadata"]["labels"]["app"].str(), "web");
  EXPECT_EQ((*v)["spec"]["replicas"].integer(), 3);
  EXPECT_EQ((*v)["spec"]["selector"]["matchLabels"]["app"].str(), "web");
  const json::Value& container = (*v)["spec"]["template"]["spec"]["containers"][0];
  EXPECT_EQ(
      json::dump(container),
      R"({"image":"nginx:1.25","name":"nginx","ports":[{"containerPort":80}],"resources":{}})");
}

TEST(Protobuf, ReadsMapsBytesQuantitiesAndEitherNumberOrText) {
  EXPECT_EQ(js(decoded("configmaps"))["data"]["a"].str(), "b");
  EXPECT_EQ(js(decoded("secrets"))["data"]["p"].str(), "eHl6");
  json::Value service = js(decoded("services"));
  EXPECT_EQ(service["spec"]["ports"][0]["port"].integer(), 80);
  EXPECT_EQ(service["spec"]["ports"][0]["targetPort"].integer(), 8080);
  EXPECT_EQ(service["spec"]["selector"]["app"].str(), "svc");
  EXPECT_EQ(json::dump(js(decoded("resourcequotas"))["spec"]["hard"]),
            R"({"cpu":"1500m","memory":"1Gi"})");
  EXPECT_EQ(js(decoded("poddisruptionbudgets"))["spec"]["minAvailable"].str(), "50%");
}

TEST(Protobuf, ReadsJobsTokensAndReviews) {
  json::Value job = js(decoded("jobs"));
  EXPECT_EQ(job["spec"]["template"]["spec"]["containers"][0]["command"][1].str(), "5");
  EXPECT_EQ(job["spec"]["template"]["spec"]["restartPolicy"].str(), "Never");
  EXPECT_EQ(js(decoded("token"))["kind"].str(), "TokenRequest");
  EXPECT_EQ(js(decoded("selfsubjectaccessreviews"))["spec"]["resourceAttributes"]["verb"].str(),
            "get");
}

TEST(Protobuf, EveryCutOfABodyIsAnErrorOrAnObjectButNeverACrash) {
  for (const Recorded& r : kRecorded) {
    std::string whole = unhex(r.hex);
    for (size_t n = 0; n < whole.size(); n++) {
      (void)decode_protobuf(test_catalog(), whole.substr(0, n));
      std::string bent = whole;
      bent[n] = static_cast<char>(bent[n] ^ 0x55);
      (void)decode_protobuf(test_catalog(), bent);
    }
  }
}

TEST(Protobuf, RefusesUnknownKindsAndBrokenBytes) {
  std::string unknown(
      "k8s\0\x0a\x09\x0a\x02v1\x12\x03"
      "Foo",
      15);
  auto v = decode_protobuf(test_catalog(), unknown);
  ASSERT_FALSE(v.ok());
  EXPECT_EQ(v.error().code, Code::kUnsupportedMedia);
  EXPECT_FALSE(decode_message(*test_catalog().body_type("v1", "Pod"), "\xff\xff").ok());
}

}  // namespace
}  // namespace proa::api
