#include "client/client.h"

#include <gtest/gtest.h>

namespace proa::client {
namespace {

TEST(Condition, KeepsItsTimeWhileTheStatusStays) {
  json::Value conditions;
  set_condition(conditions, {"Ready", "False", "Starting", "one", ""}, "t1");
  set_condition(conditions, {"Active", "True"}, "t1");
  set_condition(conditions, {"Ready", "False", "StillStarting", "", ""}, "t2");
  ASSERT_EQ(conditions.size(), 2u);
  EXPECT_EQ(conditions[0]["type"].str(), "Active");
  EXPECT_EQ(conditions[1]["reason"].str(), "StillStarting");
  EXPECT_FALSE(conditions[1].has("message"));
  EXPECT_EQ(conditions[1]["lastTransitionTime"].str(), "t1");
  set_condition(conditions, {"Ready", "True"}, "t3");
  EXPECT_EQ(conditions[1]["lastTransitionTime"].str(), "t3");
}

TEST(Condition, StaysSortedEvenIfSomebodyElseWroteTheListUnsorted) {
  auto conditions = json::parse(R"([{"type":"Z","status":"True"},{"type":"A","status":"True"}])");
  set_condition(*conditions, {"M", "True"}, "t");
  EXPECT_EQ((*conditions)[0]["type"].str(), "A");
  EXPECT_EQ((*conditions)[1]["type"].str(), "M");
  EXPECT_EQ((*conditions)[2]["type"].str(), "Z");
}

TEST(Object, KnowsItsKeyOwnerAndDeletion) {
  auto owner = json::parse(
      R"({"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"r","uid":"u"}})");
  json::Value pod = json::object({{"metadata", json::object({{"name", "p"}, {"namespace", "n"}})}});
  EXPECT_EQ(key_of(pod), (Key{"n", "p"}));
  EXPECT_FALSE(deleting(pod));
  EXPECT_EQ(controller_of(pod), nullptr);
  pod.ref("metadata", "ownerReferences").push(owner_reference(*owner));
  ASSERT_NE(controller_of(pod), nullptr);
  EXPECT_EQ((*controller_of(pod))["uid"].str(), "u");
  EXPECT_TRUE((*controller_of(pod))["blockOwnerDeletion"].boolean());
  EXPECT_EQ(api_version_kind(*owner), "apps/v1/ReplicaSet");
}

}  // namespace
}  // namespace proa::client
