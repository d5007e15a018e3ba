#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/kinds.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/node/volumes/fields.h"
#include "platform/node/volumes/payload.h"

namespace proa::node {
namespace {

json::Value parse(std::string_view text) { return json::parse(text).value(); }

TEST(Quantity, ReadsEverySuffix) {
  EXPECT_DOUBLE_EQ(*parse_quantity("500m"), 0.5);
  EXPECT_DOUBLE_EQ(*parse_quantity("2Gi"), 2147483648.0);
  EXPECT_DOUBLE_EQ(*parse_quantity("1.5"), 1.5);
  EXPECT_DOUBLE_EQ(*parse_quantity("1e3"), 1000);
  EXPECT_DOUBLE_EQ(*parse_quantity("128M"), 128e6);
  EXPECT_FALSE(parse_quantity("").has_value());
  EXPECT_FALSE(parse_quantity("abc").has_value());
}

const char* kPod = R"({"metadata":{"name":"p","namespace":"n","uid":"u","labels":{"a":"1","b":"x"}},
  "spec":{"containers":[{"name":"c","resources":{"limits":{"memory":"1Gi"},"requests":{"cpu":"250m"}}}]}})";

TEST(PodField, KnowsWhatThePodMayAsk) {
  json::Value pod = parse(kPod);
  PodFacts facts{"127.10.0.2", "127.0.0.1", "proa", 2, 4096};
  for (auto [path, value] :
       std::vector<std::pair<const char*, const char*>>{{"metadata.name", "p"},
                                                        {"metadata.namespace", "n"},
                                                        {"metadata.uid", "u"},
                                                        {"metadata.labels['a']", "1"},
                                                        {"metadata.labels['none']", ""},
                                                        {"metadata.labels", "a=\"1\"\nb=\"x\""},
                                                        {"status.podIP", "127.10.0.2"},
                                                        {"status.hostIP", "127.0.0.1"},
                                                        {"spec.nodeName", "proa"},
                                                        {"spec.serviceAccountName", "default"}})
    EXPECT_EQ(pod_field(pod, facts, path).value_or("?"), value) << path;
  EXPECT_FALSE(pod_field(pod, facts, "spec.secret").ok());
  const json::Value& c = pod["spec"]["containers"][0];
  auto resource = [&](const char* name, const char* divisor) {
    return resource_field(c, facts, json::object({{"resource", name}, {"divisor", divisor}}))
        .value_or("?");
  };
  EXPECT_EQ(resource("limits.memory", "1Mi"), "1024");
  EXPECT_EQ(resource("requests.cpu", "1m"), "250");
  EXPECT_EQ(resource("requests.cpu", "0"), "1");
  EXPECT_EQ(resource("limits.cpu", "1"), "2");
}

class PayloadTest : public ::testing::Test {
 protected:
  Result<Payload> make(const char* volume) {
    Lookup lookup = [this](const client::Kind& kind,
                           const std::string& name) -> Result<client::Object> {
      auto it = objects_.find(std::string(kind.kind) + "/" + name);
      if (it == objects_.end())
        return error(Code::kNotFound, str(lower(kind.kind), " \"", name, "\" not found"));
      return it->second;
    };
    return volume_payload({pod_, facts_, lookup, [this](std::string w) { warned_ += w; }},
                          parse(volume));
  }
  void add(const char* name, const char* text) {
    objects_[name] = std::make_shared<const json::Value>(parse(text));
  }
  json::Value pod_ = parse(kPod);
  PodFacts facts_;
  std::map<std::string, client::Object> objects_;
  std::string warned_;
};

TEST_F(PayloadTest, TakesKeysItemsAndModes) {
  add("ConfigMap/cm", R"({"data":{"a":"1","b":"2"},"binaryData":{"c":"AAE="}})");
  add("Secret/s", R"({"data":{"k":"aGk="}})");
  auto all = make(R"({"name":"v","configMap":{"name":"cm","defaultMode":420}})");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->size(), 3u);
  EXPECT_EQ(all->at("c").content, std::string("\0\1", 2));
  auto items = make(R"({"name":"v","configMap":{"name":"cm",
    "items":[{"key":"b","path":"x/y","mode":256}]}})");
  ASSERT_TRUE(items.ok());
  EXPECT_EQ(items->at("x/y"), (PayloadFile{"2", 0400}));
  EXPECT_EQ(make(R"({"name":"v","secret":{"secretName":"s"}})")->at("k").content, "hi");
  auto projected = make(R"({"name":"v","projected":{"sources":[
    {"secret":{"name":"s"}},{"configMap":{"name":"cm"}},
    {"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}},
    {"serviceAccountToken":{"path":"token"}}]}})");
  ASSERT_TRUE(projected.ok());
  EXPECT_EQ(projected->size(), 5u);
  EXPECT_TRUE(contains(warned_, "serviceAccountToken is left out"));
}

TEST_F(PayloadTest, RefusesWhatIsAbsentUnlessOptionalAndPathsThatLeave) {
  add("ConfigMap/cm", R"({"data":{"a":"1"}})");
  EXPECT_EQ(make(R"({"name":"v","configMap":{"name":"no"}})").error().message,
            "configmap \"no\" not found");
  EXPECT_TRUE(make(R"({"name":"v","configMap":{"name":"no","optional":true}})")->empty());
  EXPECT_FALSE(
      make(R"({"name":"v","configMap":{"name":"cm","items":[{"key":"z","path":"z"}]}})").ok());
  for (const char* path : {"../x", "/x", "a/../../x", "..data", ""})
    EXPECT_FALSE(make(str(R"({"name":"v","configMap":{"name":"cm","items":[{"key":"a","path":")",
                          path, "\"}]}}")
                          .c_str())
                     .ok())
        << path;
}

TEST(WritePayload, ReplacesAllFilesAtOnceAndOnlyWhenTheyChange) {
  char name[] = "/tmp/proa-payload-XXXXXX";
  std::string dir = ::mkdtemp(name);
  EXPECT_TRUE(*write_payload(dir, {{"a", {"1", 0644}}, {"d/e", {"2", 0600}}}));
  EXPECT_EQ(read_file(dir + "/a").value_or(""), "1");
  EXPECT_EQ(read_file(dir + "/d/e").value_or(""), "2");
  EXPECT_FALSE(*write_payload(dir, {{"a", {"1", 0644}}, {"d/e", {"2", 0600}}}));
  EXPECT_TRUE(*write_payload(dir, {{"a", {"3", 0644}}}));
  EXPECT_EQ(read_file(dir + "/a").value_or(""), "3");
  EXPECT_FALSE(exists(dir + "/d"));
  EXPECT_EQ(list_dir(dir)->size(), 3u);  // ..data, its folder, a
  (void)remove_tree(dir);
}

}  // namespace
}  // namespace proa::node
