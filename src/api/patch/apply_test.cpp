#include "api/patch/apply.h"

#include "api/patch/fieldset.h"
#include "api/schema/schema_test.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

const KindDef& deployment() { return test_kind("apps/v1", "Deployment"); }

Applied apply(const json::Value& live, std::string fields, std::string_view manager = "a",
              bool force = false, std::string_view subresource = "",
              const KindDef& kind = deployment()) {
  auto r = server_side_apply(kind, live, js(std::move(fields)),
                             {manager, subresource, "2026-11-01T10:00:00Z"}, force);
  if (!r.ok()) ADD_FAILURE() << r.error().message;
  return std::move(r).value_or({});
}

std::string entry(const json::Value& object, std::string_view manager) {
  for (const json::Value& e : object["metadata"]["managedFields"].array())
    if (e["manager"].str() == manager) return json::dump(e["fieldsV1"]);
  return "none";
}

const char* kWeb =
    "{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'web', 'labels': {'x': "
    "'y'}}, 'spec': {'replicas': 1,"
    "'template': {'spec': {'containers': [{'name': 'c', 'image': 'i', 'ports': [{'containerPort': "
    "80}]}]}}}}";

TEST(Apply, CreatesWithTheAppliersFields) {
  Applied made = apply({}, kWeb);
  ASSERT_TRUE(made.changed);
  EXPECT_EQ(made.object["metadata"]["name"].str(), "web");
  EXPECT_EQ(entry(made.object, "a"),
            R"({"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:replicas":{},)"
            R"("f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},)"
            R"("f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},)"
            R"("f:containerPort":{}}}}}}}}})");
  const json::Value& first = made.object["metadata"]["managedFields"][0];
  EXPECT_EQ(first["operation"].str(), "Apply");
  EXPECT_EQ(first["apiVersion"].str(), "apps/v1");
}

TEST(Apply, TheSameAgainChangesNothing) {
  json::Value live = apply({}, kWeb).object;
  Applied again = apply(live, kWeb);
  EXPECT_FALSE(again.changed);
  EXPECT_TRUE(again.object.is_null());
  // Defaults and the server's own fields make no difference.
  live.ref("metadata").set("resourceVersion", "7");
  live.ref("spec").set("revisionHistoryLimit", 10);
  EXPECT_FALSE(apply(live, kWeb).changed);
}

TEST(Apply, RemovesWhatItsManagerGivesUp) {
  json::Value live = apply({}, kWeb).object;
  Applied next = apply(live,
                       "{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': "
                       "'web'}, 'spec': {'replicas': 1}}");
  ASSERT_TRUE(next.changed);
  EXPECT_FALSE(next.object["metadata"].has("labels"));
  EXPECT_FALSE(next.object["spec"].has("template"));
}

TEST(Apply, KeepsWhatAnotherManagerStillOwns) {
  json::Value live = apply({}, kWeb).object;
  live = apply(live, "{'metadata': {'labels': {'x': 'y', 'z': 'w'}}}", "b").object;
  Applied next = apply(live, "{'spec': {'replicas': 1}}");
  EXPECT_EQ(json::dump(next.object["metadata"]["labels"]), R"({"x":"y","z":"w"})");
}

TEST(Apply, ConflictsAreNamedAndForceTakesTheField) {
  json::Value live = apply({}, kWeb).object;
  Applied clash = apply(live, "{'spec': {'replicas': 5}}", "b");
  EXPECT_FALSE(clash.changed);
  EXPECT_EQ(conflict_message(clash.conflicts),
            "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
  EXPECT_EQ(conflict_status(deployment(), "web", clash.conflicts)["code"].integer(), 409);
  Applied taken = apply(live, "{'spec': {'replicas': 5}}", "b", true);
  EXPECT_EQ(taken.object["spec"]["replicas"].integer(), 5);
  EXPECT_FALSE(contains(entry(taken.object, "a"), "replicas"));
  // The same value is shared, not fought over.
  EXPECT_TRUE(apply(live, "{'spec': {'replicas': 1}}", "b").changed);
}

TEST(Apply, SeveralConflictsAreListedByManager) {
  json::Value live = apply({}, kWeb).object;
  json::Value updated = live;
  updated.ref("spec").set("paused", true);
  track_update(deployment(), live, updated, {"kubectl-edit", "", "2026-11-01T11:00:00Z"});
  Applied clash = apply(updated, "{'spec': {'replicas': 5, 'paused': false}}", "b");
  EXPECT_EQ(
      conflict_message(clash.conflicts),
      "Apply failed with 2 conflicts: conflicts with \"a\":\n- .spec.replicas\n"
      "conflicts with \"kubectl-edit\" using apps/v1 at 2026-11-01T11:00:00Z:\n- .spec.paused");
}

TEST(Apply, StatusBelongsToItsSubresource) {
  json::Value live = apply({}, kWeb).object;
  Applied no = apply(live, "{'status': {'replicas': 3}}", "s");
  EXPECT_FALSE(no.changed);
  Applied yes = apply(live,
                      "{'spec': {'replicas': 9}, 'status': {'replicas': 3, 'conditions': [{'type': "
                      "'Available', 'status': 'True'}]}}",
                      "s", true, "status");
  ASSERT_TRUE(yes.changed);
  EXPECT_EQ(yes.object["status"]["replicas"].integer(), 3);
  EXPECT_EQ(yes.object["spec"]["replicas"].integer(), 1);
  EXPECT_EQ(yes.object["metadata"]["managedFields"][1]["subresource"].str(), "status");
  EXPECT_FALSE(apply(yes.object, kWeb).changed);
}

TEST(Apply, MergesListsByTheirKeysInTheAppliedOrder) {
  json::Value live =
      apply({}, "{'spec': {'template': {'spec': {'containers': [{'name': 'a'}, {'name': 'b'}]}}}}")
          .object;
  Applied next = apply(live,
                       "{'spec': {'template': {'spec': {'containers': [{'name': 'x', 'image': "
                       "'i'}, {'name': 'b', 'image': 'j'}]}}}}",
                       "b");
  EXPECT_EQ(json::dump(next.object["spec"]["template"]["spec"]["containers"]),
            R"([{"name":"a"},{"image":"i","name":"x"},{"image":"j","name":"b"}])");
}

TEST(Apply, AtomicPartsAreReplacedWhole) {
  json::Value live = apply({}, "{'spec': {'selector': {'matchLabels': {'a': 'b'}}}}").object;
  EXPECT_EQ(entry(live, "a"), R"({"f:spec":{"f:selector":{}}})");
  json::Value next = apply(live, "{'spec': {'selector': {'matchLabels': {'c': 'd'}}}}").object;
  EXPECT_EQ(json::dump(next["spec"]["selector"]["matchLabels"]), R"({"c":"d"})");
}

TEST(Apply, AnEqualQuantityInOtherWordsIsNoChange) {
  const char* text =
      "{'spec': {'template': {'spec': {'containers': [{'name': 'a', 'resources': {'limits': "
      "{'cpu': '1000m'}}}]}}}}";
  json::Value live = apply({}, text).object;
  live.ref("spec", "template", "spec")
      .ref("containers")
      .make_array()[0]
      .ref("resources", "limits")
      .set("cpu", "1");
  EXPECT_FALSE(apply(live, text).changed);
}

TEST(Apply, AnEmptyMapThatIsFilledLaterKeepsWhatIsPutIn) {
  std::string none =
      "{'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'web'}, 'spec': "
      "{'template': {'metadata': {'annotations': {}}}}}";
  json::Value live = apply({}, none.c_str()).object;
  std::string one = none;
  one.replace(one.find("'annotations': {}"), 17, "'annotations': {'a': 'b'}");
  Applied filled = apply(live, one.c_str());
  const json::Value& meta = filled.object["spec"]["template"]["metadata"];
  EXPECT_EQ(meta["annotations"]["a"].str(), "b");
  Applied emptied = apply(filled.object, none.c_str());
  EXPECT_FALSE(emptied.object["spec"]["template"]["metadata"]["annotations"].has("a"));
}

TEST(Apply, RefusesManagedFieldsAndNamelessManagers) {
  EXPECT_FALSE(server_side_apply(deployment(), {}, js("{'metadata': {'managedFields': [{}]}}"),
                                 {"a", "", "t"}, false)
                   .ok());
  EXPECT_FALSE(server_side_apply(deployment(), {}, js("{}"), {"", "", "t"}, false).ok());
}

TEST(Apply, CustomResourcesOwnMapsByEntryAndConditionsByType) {
  const KindDef& isvc = test_kind("serving.kserve.io/v1beta1", "InferenceService");
  json::Value live =
      apply({}, "{'metadata': {'name': 'x'}, 'spec': {'predictor': {'minReplicas': 0}}}", "a",
            false, "", isvc)
          .object;
  Applied status =
      apply(live, "{'status': {'url': 'u', 'conditions': [{'type': 'Ready', 'status': 'True'}]}}",
            "c", true, "status", isvc);
  EXPECT_EQ(
      entry(status.object, "c"),
      R"({"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}}},)"
      R"("f:url":{}}})");
  Applied gone = apply(status.object, "{'status': {'url': 'u'}}", "c", true, "status", isvc);
  EXPECT_FALSE(gone.object["status"].has("conditions"));
}

TEST(TrackUpdate, GivesChangedFieldsToTheUpdater) {
  json::Value made =
      js("{'metadata': {'name': 'web', 'labels': {'a': 'b'}}, 'spec': {'replicas': 1}}");
  track_update(deployment(), {}, made, {"kubectl-create", "", "2026-11-01T10:00:00Z"});
  EXPECT_EQ(entry(made, "kubectl-create"),
            R"({"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:replicas":{}}})");
  json::Value scaled = made;
  scaled.ref("spec").set("replicas", 2);
  track_update(deployment(), made, scaled, {"scaler", "", "2026-11-01T11:00:00Z"});
  EXPECT_EQ(entry(scaled, "scaler"), R"({"f:spec":{"f:replicas":{}}})");
  EXPECT_EQ(entry(scaled, "kubectl-create"), R"({"f:metadata":{"f:labels":{".":{},"f:a":{}}}})");
  json::Value same = scaled;
  track_update(deployment(), scaled, same, {"other", "", "2026-11-01T12:00:00Z"});
  EXPECT_TRUE(same_object(scaled, same));
  json::Value cleared = scaled;
  cleared.ref("metadata").set("managedFields", json::array({json::object({})}));
  track_update(deployment(), scaled, cleared, {"other", "", "2026-11-01T12:00:00Z"});
  EXPECT_FALSE(cleared["metadata"].has("managedFields"));
}

TEST(FieldSet, UnionMinusAndCommonFollowTheLeaves) {
  FieldSet a = js("{'f:a': {}, 'f:m': {'.': {}, 'f:x': {}}}"),
           b = js("{'f:m': {'f:x': {}, 'f:y': {}}}");
  EXPECT_EQ(json::dump(set_union(a, b)), R"({"f:a":{},"f:m":{".":{},"f:x":{},"f:y":{}}})");
  EXPECT_EQ(json::dump(set_minus(a, b)), R"({"f:a":{},"f:m":{}})");
  EXPECT_EQ(json::dump(set_common(a, b)), R"({"f:m":{"f:x":{}}})");
}

TEST(SameObject, IgnoresTimesAndVersionOnly) {
  EXPECT_TRUE(same_object(js("{'metadata': {'resourceVersion': '1', 'name': 'a'}}"),
                          js("{'metadata': {'resourceVersion': '2', 'name': 'a'}}")));
  EXPECT_FALSE(same_object(js("{'metadata': {'name': 'a'}, 'spec': {}}"),
                           js("{'metadata': {'name': 'a'}}")));
}

}  // namespace
}  // namespace proa::api
