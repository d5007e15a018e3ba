// What KServe's controllers v0.20 make of these InferenceServices, and what ours make: every
// object, field by field, at each step, and the status. A difference that is not in the table of
// accepted ones fails, and so does one in the table that is no longer there.
#include <algorithm>
#include <map>
#include <set>

#include "serving/controller_fixture.h"
#include "serving/standard/routes.h"
#include "serving/testdata.h"

namespace proa::serving {
namespace {

constexpr const char* kNamespace = "golden";

struct Accepted {
  const char *cases, *path;  // patterns with *; the path is "KIND NAME field.field"
  const char* reason;
};

const std::vector<Accepted>& accepted() {
  static const std::vector<Accepted> table = {
      {"*", "Deployment * metadata.annotations.serving.proa.dev/template",
       "says of what the template was made: canaryTrafficPercent works in Standard mode too"},
      {"*", "Deployment * spec.template.spec.enableServiceLinks",
       "this API server writes a pod's default into every pod template"},
      {"std-storage-spec/*", "InferenceService sk-ss spec.predictor.model.resources*",
       "the resources of inferenceservice-config are filled in; KServe's run had none there"},
      {"std-storage-spec/pod", "Pod * spec.initContainers[storage-initializer].imagePullPolicy",
       "the initializer's image is there; KServe pulls it always in this case alone"},
      {"kn-no-runtime/*", "InferenceService norun status.conditions[*",
       "KServe leaves the conditions Unknown and without a word although the cause is known"},
      {"kn-no-runtime/*", "InferenceService norun status.observedGeneration",
       "the spec was seen, and refused"},
      {"kn-canary/2-created", "InferenceService sk-canary status.conditions[*",
       "not Ready until Knative has seen the new spec; KServe shows the state of the spec before"},
      {"kn-canary/2-*", "Event InferenceServiceNotReady *", "as above"},
  };
  return table;
}

// `*` is any text.
bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == pattern.npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  for (size_t i = star; i <= text.size(); ++i)
    if (fits(pattern.substr(star + 1), text.substr(i))) return true;
  return false;
}

using Fields = std::map<std::string, std::string>;

std::string key_of_item(const json::Value& item, size_t index) {
  for (const char* key : {"name", "type", "host", "mountPath"})
    if (item[key].is_string()) return item[key].str();
  return str(index);
}

void flatten(const json::Value& v, const std::string& path, Fields& out) {
  if (v.is_object() && v.size() > 0) {
    for (const auto& [key, value] : v.object()) flatten(value, str(path, ".", key), out);
  } else if (v.is_array() && v.size() > 0) {
    for (size_t i = 0; i < v.size(); ++i)
      flatten(v[i], str(path, "[", key_of_item(v[i], i), "]"), out);
  } else if (!v.is_null()) {
    out[path] = json::dump(v);
  }
}

bool volatile_field(std::string_view path) {
  for (auto part : {".uid", ".resourceVersion", ".creationTimestamp", ".generation",
                    ".managedFields", ".metadata.namespace", ".lastTransitionTime", ".clusterIP",
                    ".ipFamil", ".internalTrafficPolicy", ".involvedObject", ".count",
                    ".firstTimestamp", ".lastTimestamp", ".eventTime", ".reporting"})
    if (contains(path, part) && !contains(path, ".template.metadata.namespace")) return true;
  return false;
}

bool status_counts(const json::Value& object) { return object["kind"].str() == "InferenceService"; }

void add(const json::Value& object, Fields& out) {
  const auto& kind = object["kind"].str();
  const auto name = kind == "Event" ? object["reason"].str() : object["metadata"]["name"].str();
  json::Value v = object;
  if (!status_counts(v)) v.erase("status");
  if (kind == "Event") v.erase("metadata");
  Fields fields;
  flatten(v, "", fields);
  for (const auto& [path, value] : fields)
    if (!volatile_field(path)) out[str(kind, " ", name, " ", path.substr(1))] = value;
}

class GoldenCases : public ControllerFixture {
 protected:
  // All objects of the namespace that KServe's case may have.
  Fields ours() {
    Fields out;
    for (const auto& kind :
         {api::kInferenceService, api::kDeployment, api::kService, api::kKnService,
          api::kVirtualService, api::kEvent, api::kPodAutoscaler, api::kHorizontalPodAutoscaler,
          standard::kIngressKind, standard::kHttpRouteKind}) {
      auto list = client_->list(kind, {kNamespace});
      if (!list.ok()) continue;
      for (const auto& o : *list) add(*o, out);
    }
    return out;
  }

  void compare(const std::string& step, const std::vector<json::Value>& golden, const Fields& got) {
    Fields want;
    for (const auto& object : golden) add(object, want);
    std::set<std::string> paths;
    for (const auto& [path, value] : want) paths.insert(path);
    for (const auto& [path, value] : got) paths.insert(path);
    for (const auto& path : paths) {
      const auto w = std::as_const(want).find(path), g = got.find(path);
      const std::string kserve = w == want.end() ? "-" : w->second;
      const std::string own = g == got.end() ? "-" : g->second;
      if (kserve == own || accept(step, path)) continue;
      ADD_FAILURE() << step << " " << path << ": KServe " << kserve << ", here " << own;
    }
  }

  bool accept(const std::string& step, const std::string& path) {
    for (size_t i = 0; i < accepted().size(); ++i) {
      const auto& a = accepted()[i];
      if (!fits(a.cases, step) || !fits(a.path, path)) continue;
      used().insert(i);
      return true;
    }
    return false;
  }
  static std::set<size_t>& used() {
    static std::set<size_t> indices;
    return indices;
  }

  bool has(const std::string& file) const {
    const std::string here = __FILE__;
    return exists(here.substr(0, here.rfind('/')) + "/testdata/golden/" + file);
  }

  void use_gateway_api() {
    auto map = client_->get(api::kConfigMap, kConfigNamespace, kConfigName);
    ASSERT_TRUE(map.ok());
    auto ingress = json::parse((**map)["data"]["ingress"].str());
    ASSERT_TRUE(ingress.ok());
    ingress->set("enableGatewayApi", true);
    json::Value change;
    change.ref("data", "ingress") = json::dump(*ingress);
    ASSERT_TRUE(client_->patch(api::kConfigMap, kConfigNamespace, kConfigName, change, "").ok());
    settle();
  }

  // The children's status, which nobody writes here, as KServe's case has it.
  void make_ready(const std::vector<json::Value>& golden) {
    for (const auto& object : golden) {
      const auto& kind = object["kind"].str();
      if (!object.has("status") || kind == "InferenceService") continue;
      json::Value v = json::object({{"apiVersion", object["apiVersion"]},
                                    {"kind", object["kind"]},
                                    {"metadata", json::object({{"name", object["metadata"]["name"]},
                                                               {"namespace", kNamespace}})},
                                    {"status", object["status"]}});
      const client::Kind what = kind == "Deployment"  ? api::kDeployment
                                : kind == "HTTPRoute" ? standard::kHttpRouteKind
                                                      : api::kKnService;
      for (auto& parent : v.ref("status").ref("parents").make_array())
        for (auto& c : parent.ref("conditions").make_array())
          c.set("lastTransitionTime", "2026-11-01T10:00:00Z");
      if (v["status"]["parents"].size() == 0) v.ref("status").erase("parents");
      auto done = client_->apply(what, v, {"test", "status"});
      EXPECT_TRUE(done.ok()) << done.error().message;
      settle();
    }
    settle();
  }

  void pod_of(const std::string& name, const json::Value& isvc) {
    const bool standard = isvc["metadata"]["annotations"][kModeAnnotation].str() == "Standard";
    const auto owner = isvc["metadata"]["name"].str() + "-predictor";
    auto made = client_->get(standard ? api::kDeployment : api::kKnService, kNamespace, owner);
    ASSERT_TRUE(made.ok());
    json::Value pod = (**made)["spec"]["template"];
    pod.set("apiVersion", "v1");
    pod.set("kind", "Pod");
    pod.ref("metadata", "name") = owner + "-pod";
    pod.ref("metadata", "namespace") = kNamespace;
    auto created = client_->create(api::kPod, pod);
    ASSERT_TRUE(created.ok()) << created.error().message;
    Fields got, trimmed;
    add(**created, got);
    for (const auto& [path, value] : got)
      if (!cluster_noise(path)) trimmed[path] = value;
    compare(name + "/pod", testdata("golden/" + name + "/pod.yaml"), trimmed);
  }

  static bool cluster_noise(std::string_view path) {
    for (auto part : {"kube-api-access", "/var/run/secrets/kubernetes.io", "enableServiceLinks",
                      "preemptionPolicy", "priority", "tolerations", "serviceAccount", "nodeName"})
      if (contains(path, part)) return true;
    return false;
  }

  void run(const std::string& name) {
    if (name.starts_with("gateway-")) {
      if (!client_->list(standard::kHttpRouteKind, {}).ok()) GTEST_SKIP() << "no HTTPRoute here";
      use_gateway_api();
    }
    json::Value last;
    int step = 0;
    for (auto input : testdata("golden/" + name + "/input.yaml")) {
      input.ref("metadata", "namespace") = kNamespace;
      if (input["kind"].str() == "Secret") {
        ASSERT_TRUE(client_->apply(api::kSecret, input, {"kubectl"}).ok());
        continue;
      }
      ++step;
      last = input;
      auto done = client_->apply(api::kInferenceService, input, {"kubectl"});
      if (has(name + "/rejected.yaml")) {
        ASSERT_FALSE(done.ok());
        EXPECT_EQ(done.error().message,
                  testdata("golden/" + name + "/rejected.yaml")[0]["message"].str());
        return;
      }
      ASSERT_TRUE(done.ok()) << done.error().message;
      settle();
      const auto created = testdata(str("golden/", name, "/", step, "-created.yaml"));
      compare(str(name, "/", step, "-created"), created, ours());
      const auto ready = testdata(str("golden/", name, "/", step, "-ready.yaml"));
      make_ready(ready);
      make_ready(ready);  // routes come when the Deployment is ready
      compare(str(name, "/", step, "-ready"), ready, ours());
    }
    if (has(name + "/pod.yaml")) pod_of(name, last);
  }

  void SetUp() override {
    ControllerFixture::SetUp();
    ASSERT_TRUE(
        client_
            ->apply(
                api::kNamespace,
                yaml(str("{apiVersion: v1, kind: Namespace, metadata: {name: ", kNamespace, "}}")),
                {"test"})
            .ok());
  }
};

TEST_F(GoldenCases, KnSklearn) { run("kn-sklearn"); }
TEST_F(GoldenCases, KnCanary) { run("kn-canary"); }
TEST_F(GoldenCases, KnPvc) { run("kn-pvc"); }
TEST_F(GoldenCases, KnScaleConcurrency) { run("kn-scale-conc"); }
TEST_F(GoldenCases, KnScaleCpu) { run("kn-scale-cpu"); }
TEST_F(GoldenCases, KnNoRuntime) { run("kn-no-runtime"); }
TEST_F(GoldenCases, KnStopped) { run("kn-stopped"); }
TEST_F(GoldenCases, KnStrategy) { run("kn-strategy"); }
TEST_F(GoldenCases, StdSklearn) { run("std-sklearn"); }
TEST_F(GoldenCases, StdPvc) { run("std-pvc"); }
TEST_F(GoldenCases, StdHpaExternal) { run("std-hpa-external"); }
TEST_F(GoldenCases, StdStorageSpec) { run("std-storage-spec"); }
TEST_F(GoldenCases, GatewayStdSklearn) { run("gateway-std-sklearn"); }

// After all of the above: the table names nothing that does not happen.
TEST_F(GoldenCases, XEveryAcceptedDifferenceOccurs) {
  if (used().empty()) GTEST_SKIP() << "runs after the cases";
  for (size_t i = 0; i < accepted().size(); ++i)
    EXPECT_TRUE(used().contains(i)) << accepted()[i].cases << " " << accepted()[i].path;
}

}  // namespace
}  // namespace proa::serving
