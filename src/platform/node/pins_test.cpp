// Which pins of the model cache are still needed, by tables.
#include "platform/node/pins.h"

#include <gtest/gtest.h>

#include "foundation/json/yaml.h"

namespace proa::node {
namespace {

client::Object object(std::string_view yaml) {
  auto v = json::parse_yaml(yaml);
  EXPECT_TRUE(v.ok());
  return std::make_shared<const json::Value>(std::move(*v));
}

using Names = std::set<std::string>;

TEST(Pins, APodNeedsWhatItsInitializerIsTold) {
  PinUsers users;
  users.pods = {object("metadata: {namespace: n, labels: {serving.knative.dev/revision: r1}}"),
                object("{metadata: {namespace: n}, spec: {initContainers: [{env: [{name: "
                       "PROA_MODEL_PIN, value: n/app-77}]}]}}"),
                object("metadata: {namespace: n, name: other}")};
  EXPECT_EQ(needed_pins(users), (Names{"n/r1", "n/app-77"}));
}

TEST(Pins, ARevisionScaledToZeroNeedsItsPinUntilItIsPutAside) {
  PinUsers users;
  for (auto state : {"active", "pending", "reserve"})
    users.revisions.push_back(object(std::string("metadata: {namespace: n, name: r-") + state +
                                     ", labels: {serving.knative.dev/routingState: " + state +
                                     "}}"));
  users.revisions.push_back(object("metadata: {namespace: n, name: r-new}"));
  EXPECT_EQ(needed_pins(users), (Names{"n/r-active", "n/r-pending", "n/r-new"}));
}

TEST(Pins, OfADeploymentsReplicaSetsTheNewestAndThoseWithPods) {
  const auto set = [](const char* hash, int number, int replicas, int there) {
    return object(
        "metadata: {namespace: n, labels: {app: a, pod-template-hash: " + std::string(hash) +
        "}, ownerReferences: [{uid: d}], annotations: "
        "{deployment.kubernetes.io/revision: '" +
        std::to_string(number) + "'}}\nspec: {replicas: " + std::to_string(replicas) +
        "}\nstatus: {replicas: " + std::to_string(there) + "}");
  };
  PinUsers users;
  users.replica_sets = {set("old", 9, 0, 0), set("going", 10, 0, 1), set("new", 11, 0, 0)};
  EXPECT_EQ(needed_pins(users), (Names{"n/a-going", "n/a-new"}));
  users.replica_sets.push_back(set("back", 8, 2, 0));
  EXPECT_EQ(needed_pins(users), (Names{"n/a-going", "n/a-new", "n/a-back"}));
}

}  // namespace
}  // namespace proa::node
