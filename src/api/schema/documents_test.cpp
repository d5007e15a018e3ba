// OpenAPI, discovery and custom resource definitions.
#include "api/schema/crd.h"
#include "api/schema/discovery.h"
#include "api/schema/openapi.h"
#include "api/schema/schema_test.h"
#include "api/schema/validate.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

// Every $ref of a document points to a schema that is in it.
void check_refs(const json::Value& at, const json::Value& schemas) {
  if (at.has("$ref")) {
    EXPECT_TRUE(schemas.has(at["$ref"].str().substr(21))) << at["$ref"].str();
  }
  for (const auto& [key, v] : at.object()) check_refs(v, schemas);
  for (const json::Value& v : at.array()) check_refs(v, schemas);
}

TEST(OpenApi, EveryDocumentIsCompleteInItself) {
  json::Value index = openapi_index(test_catalog());
  for (const auto& [path, entry] : index["paths"].object()) {
    auto text = openapi_document(test_catalog(), path);
    ASSERT_TRUE(text.ok()) << path;
    json::Value doc = *json::parse(*text);
    check_refs(doc, doc["components"]["schemas"]);
    EXPECT_TRUE(contains(entry["serverRelativeURL"].str(), openapi_hash(test_catalog(), path)));
  }
  EXPECT_FALSE(openapi_document(test_catalog(), "apis/none/v1").ok());
}

TEST(OpenApi, SaysThatPatchTakesFieldValidation) {
  json::Value doc = *json::parse(*openapi_document(test_catalog(), "apis/apps/v1"));
  const json::Value& patch =
      doc["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"]["kind"].str(), "Deployment");
  bool found = false;
  for (const json::Value& p : patch["parameters"].array())
    found |= p["name"].str() == "fieldValidation";
  EXPECT_TRUE(found);
  EXPECT_TRUE(patch["requestBody"]["content"].has("application/strategic-merge-patch+json"));
  const json::Value& containers =
      doc["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
  EXPECT_EQ(containers["x-kubernetes-patch-merge-key"].str(), "name");
}

TEST(Discovery, ListsGroupsResourcesAndSubresources) {
  json::Value groups = api_group_list(test_catalog());
  EXPECT_TRUE(contains(json::dump(groups), "serving.kserve.io/v1beta1"));
  auto list = api_resource_list(test_catalog(), "", "v1");
  ASSERT_TRUE(list.ok());
  std::string text = json::dump(*list);
  for (const char* name : {"\"pods\"", "\"pods/log\"", "\"pods/status\"", "\"namespaces\""})
    EXPECT_TRUE(contains(text, name)) << name;
  EXPECT_FALSE(api_resource_list(test_catalog(), "none", "v1").ok());
  auto group = api_group(test_catalog(), "serving.kserve.io");
  EXPECT_EQ((*group)["preferredVersion"]["version"].str(), "v1beta1");
  EXPECT_GE(aggregated_discovery(test_catalog(), false)["items"].size(), 15u);
}

TEST(Crd, IsShownWithColumnsNamesAndConditions) {
  auto crds = all_crds(test_catalog(), "2026-11-01T10:00:00Z");
  EXPECT_GE(crds.size(), 22u);
  auto crd =
      to_crd(test_catalog(), "serving.kserve.io", "inferenceservices", "2026-11-01T10:00:00Z");
  ASSERT_TRUE(crd.ok());
  EXPECT_EQ((*crd)["metadata"]["name"].str(), "inferenceservices.serving.kserve.io");
  EXPECT_EQ((*crd)["spec"]["versions"][0]["additionalPrinterColumns"].size(), 7u);
  EXPECT_EQ((*crd)["status"]["conditions"][1]["type"].str(), "Established");
  EXPECT_LT(json::dump(*crd).size(), 600'000u);
}

const char* kCrd =
    R"({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",)"
    R"( "metadata": {"name": "cakes.bake.io"},
 "spec": {"group": "bake.io", "scope": "Namespaced", "names": {"plural": "cakes", "kind": "Cake",)"
    R"( "shortNames": ["ck"]},
 "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {},)"
    R"( "scale": {"specReplicasPath": ".spec.layers", "statusReplicasPath": ".status.layers"}},
 "additionalPrinterColumns": [{"name": "Layers", "type": "integer", "jsonPath": ".spec.layers"}],
 "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",)"
    R"( "required": ["flavour"], "properties": {
 "flavour": {"type": "string", "enum": ["lemon", "plum"]}, "layers": {"type": "integer",)"
    R"( "format": "int32", "default": 1, "minimum": 1},
 "toppings": {"type": "array", "x-kubernetes-list-type": "map",)"
    R"( "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object",)"
    R"( "properties": {"name": {"type": "string"}, "n": {"x-kubernetes-int-or-string": true}}}},
 "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},)"
    R"( "status": {"type": "object", "properties": {"layers": {"type": "integer"}}}}}}}]}})";

TEST(Crd, ThatAUserPostsBecomesAKind) {
  json::Value crd = *json::parse(kCrd);
  auto kinds = from_crd(crd);
  ASSERT_TRUE(kinds.ok()) << kinds.error().message;
  auto made = Catalog::built_in();
  Catalog& catalog = **made;
  uint64_t before = catalog.generation();
  ASSERT_TRUE(catalog.add(kinds->at(0)));
  EXPECT_GT(catalog.generation(), before);
  KindRef kind = catalog.find_kind("bake.io/v1", "Cake");
  ASSERT_TRUE(kind);
  EXPECT_EQ(kind->list_kind, "CakeList");
  json::Value cake =
      js("{'metadata': {'name': 'x', 'labels': {'a': 'b'}}, 'spec': {'flavour': 'mud', 'x': 1, "
         "'extra': {'y': 1}}}");
  EXPECT_EQ(prune(*kind, cake), (std::vector<std::string>{"spec.x"}));
  default_fields(*kind, cake);
  EXPECT_EQ(cake["spec"]["layers"].integer(), 1);
  auto errors = validate(*kind, cake);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].text(),
            R"(spec.flavour: Unsupported value: "mud": supported values: "lemon", "plum")");
  EXPECT_TRUE(openapi_document(catalog, "apis/bake.io/v1").ok());
  accept_crd(crd, "2026-11-01T10:00:00Z");
  EXPECT_EQ(crd["status"]["storedVersions"][0].str(), "v1");
  catalog.remove_crd("bake.io", "cakes");
  EXPECT_FALSE(catalog.find_kind("bake.io/v1", "Cake"));
}

TEST(Crd, ThatIsWrongIsRefusedWithTheField) {
  json::Value crd = *json::parse(kCrd);
  crd.ref("metadata").set("name", "other");
  EXPECT_TRUE(from_crd(crd).error().message.starts_with("metadata.name"));
  crd = *json::parse(kCrd);
  crd.ref("spec").set("scope", "World");
  EXPECT_TRUE(from_crd(crd).error().message.starts_with("spec.scope"));
}

}  // namespace
}  // namespace proa::api
