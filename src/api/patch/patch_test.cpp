#include "api/patch/patch.h"

#include "api/schema/schema_test.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

TEST(JsonPatch, DoesEachOperationOfRfc6902) {
  json::Value v = js("{'a': [1, 2], 'b': {'c': 1}}");
  ASSERT_TRUE(json_patch(v, js("[{'op': 'add', 'path': '/a/1', 'value': 9}, {'op': 'add', 'path': "
                               "'/a/-', 'value': 3}, {'op': 'replace', 'path': '/b/c', 'value': 2},"
                               "{'op': 'copy', 'from': '/b', 'path': '/d'}, {'op': 'move', 'from': "
                               "'/b/c', 'path': '/x~1y'}, {'op': 'remove', 'path': '/a/0'},"
                               "{'op': 'test', 'path': '/d/c', 'value': 2}]"))
                  .ok());
  EXPECT_EQ(json::dump(v), R"({"a":[9,2,3],"b":{},"d":{"c":2},"x/y":2})");
}

TEST(JsonPatch, LeavesTheObjectAloneWhenItFails) {
  json::Value v = js("{'a': 1}");
  Status s = json_patch(v, js("[{'op': 'remove', 'path': '/a'}, {'op': 'remove', 'path': '/b'}]"));
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(s.error().code, Code::kUnprocessable);
  EXPECT_EQ(s.error().message, "JSON patch operation 1 (remove /b): nothing is at that path");
  EXPECT_EQ(json::dump(v), R"({"a":1})");
  EXPECT_EQ(json_patch(v, js("[{'op': 'test', 'path': '/a', 'value': 2}]")).error().code,
            Code::kUnprocessable);
  EXPECT_EQ(json_patch(v, js("[{'op': 'fly', 'path': '/a'}]")).error().code, Code::kInvalid);
  EXPECT_EQ(json_patch(v, js("{}")).error().code, Code::kInvalid);
}

TEST(JsonPatch, CannotGrowWithoutBound) {
  json::Value many = json::array({});
  for (int i = 0; i < 10'001; i++) many.push(js("{'op': 'test', 'path': '', 'value': {}}"));
  json::Value v = js("{}");
  EXPECT_EQ(json_patch(v, many).error().code, Code::kTooLarge);
  json::Value doubling = json::array({js("{'op': 'add', 'path': '/a', 'value': [1]}")});
  for (int i = 0; i < 64; i++) doubling.push(js("{'op': 'copy', 'from': '/a', 'path': '/a/-'}"));
  EXPECT_EQ(json_patch(v, doubling).error().code, Code::kTooLarge);
}

TEST(MergePatch, RemovesByNull) {
  json::Value v = js("{'a': {'b': 1, 'c': 2}, 'd': [1]}");
  merge_patch(v, js("{'a': {'b': null, 'e': {'f': null, 'g': 1}}, 'd': [2]}"));
  EXPECT_EQ(json::dump(v), R"({"a":{"c":2,"e":{"g":1}},"d":[2]})");
}

std::string strategic(std::string object, std::string patch) {
  json::Value v = js(std::move(object));
  Status s =
      strategic_merge_patch(*test_kind("apps/v1", "Deployment").type, v, js(std::move(patch)));
  return s.ok() ? json::dump(v) : s.error().message;
}

TEST(StrategicMerge, MergesContainersByName) {
  EXPECT_EQ(
      strategic("{'spec': {'template': {'spec': {'containers': [{'name': 'a', 'image': 'x'}, "
                "{'name': 'b'}]}}}}",
                "{'spec': {'template': {'spec': {'containers': [{'name': 'a', 'image': 'y'}, "
                "{'name': 'c'}, {'name': 'b', '$patch': 'delete'}]}}}}"),
      R"({"spec":{"template":{"spec":{"containers":[{"image":"y","name":"a"},{"name":"c"}]}}}})");
}

TEST(StrategicMerge, KnowsItsDirectives) {
  EXPECT_EQ(
      strategic(
          "{'spec': {'strategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 1}}}}",
          "{'spec': {'strategy': {'$retainKeys': ['type'], 'type': 'Recreate'}}}"),
      R"({"spec":{"strategy":{"type":"Recreate"}}})");
  EXPECT_EQ(
      strategic(
          "{'metadata': {'finalizers': ['a', 'b'], 'labels': {'x': 'y'}}}",
          "{'metadata': {'$deleteFromPrimitiveList/finalizers': ['a'], 'finalizers': ['c'], "
          "'$setElementOrder/finalizers': ['c', 'b'], 'labels': {'$patch': 'replace', 'z': 'w'}}}"),
      R"({"metadata":{"finalizers":["c","b"],"labels":{"z":"w"}}})");
  EXPECT_EQ(
      strategic("{'spec': {'template': {'spec': {'containers': [{'name': 'a'}, {'name': 'b'}]}}}}",
                "{'spec': {'template': {'spec': {'$setElementOrder/containers': [{'name': 'b'}, "
                "{'name': 'a'}], 'containers': [{'name': 'b', 'image': 'z'}]}}}}"),
      R"({"spec":{"template":{"spec":{"containers":[{"image":"z","name":"b"},{"name":"a"}]}}}})");
  EXPECT_EQ(strategic("{}", "{'spec': {'$what': 1}}"),
            "strategic merge patch: unknown directive $what");
  EXPECT_TRUE(contains(
      strategic("{}", "{'spec': {'template': {'spec': {'containers': [{'image': 'x'}]}}}}"),
      "has no name"));
}

TEST(StrategicMerge, ReplacesListsWithoutAStrategy) {
  EXPECT_EQ(strategic("{'spec': {'template': {'spec': {'tolerations': [{'key': 'a'}]}}}}",
                      "{'spec': {'template': {'spec': {'tolerations': [{'key': 'b'}]}}}}"),
            R"({"spec":{"template":{"spec":{"tolerations":[{"key":"b"}]}}}})");
}

}  // namespace
}  // namespace proa::api
