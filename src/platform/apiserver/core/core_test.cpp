// Core and EmbeddedClient, driven in process over a store without a disk.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"

namespace proa::apiserver {
namespace {

class CoreTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }

  void start(std::vector<Admission> admissions) {
    client_.reset();
    core_.reset();
    auto catalog = api::Catalog::built_in();
    ASSERT_TRUE(catalog.ok()) << catalog.error().message;
    catalog_ = std::move(*catalog);
    auto store = Store::open(std::make_unique<NoDisk>(100));
    ASSERT_TRUE(store.ok());
    store_ = std::move(*store);
    CoreOptions options;
    options.admissions = std::move(admissions);
    options.root_ca = "PEM";
    core_ = std::make_unique<Core>(*catalog_, *store_, clock_, std::move(options));
    client_ = std::make_unique<EmbeddedClient>(*core_);
    Status done = core_->bootstrap();
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  const api::KindDef& def(const client::Kind& kind) {
    refs_.push_back(catalog_->find(kind));
    CHECK(refs_.back());
    return *refs_.back();
  }
  static json::Value yaml(std::string_view text) {
    auto value = json::parse_yaml(text);
    CHECK(value.ok());
    return *value;
  }
  Answer<Written> create(const client::Kind& kind, std::string_view text,
                         WriteContext context = {}) {
    json::Value object = yaml(text);
    std::string ns = object["metadata"]["namespace"].str();
    return core_->create(def(kind), kind.namespaced ? (ns.empty() ? "default" : ns) : "",
                         std::move(object), context);
  }
  Answer<Written> merge(const client::Kind& kind, std::string_view name, std::string_view patch,
                        WriteContext context = {}) {
    return core_->patch(def(kind), kind.namespaced ? "default" : "", name, PatchType::kMerge,
                        yaml(patch), context);
  }
  json::Value get(const client::Kind& kind, std::string_view name) {
    auto item = core_->get(def(kind), kind.namespaced ? "default" : "", name);
    return item.ok() ? (*item)->value : json::Value();
  }

  FakeClock clock_;
  std::vector<api::KindRef> refs_;
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<EmbeddedClient> client_;
};

constexpr std::string_view kPodYaml = R"(
metadata: {name: p}
spec: {containers: [{name: c, image: x}]}
)";
constexpr std::string_view kDeploymentYaml = R"(
metadata: {name: d}
spec:
  replicas: 2
  selector: {matchLabels: {app: d}}
  template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: x}]}}
)";

TEST_F(CoreTest, ANewNamespaceHasItsAccountAndTheCaAndIsListed) {
  ASSERT_TRUE(create(api::kNamespace, "metadata: {name: team}").ok());
  auto ns = core_->get(def(api::kNamespace), "", "team");
  EXPECT_EQ((*ns)->value["status"]["phase"].str(), "Active");
  EXPECT_EQ((*ns)->value["spec"]["finalizers"][0].str(), "kubernetes");
  EXPECT_EQ((*ns)->value["metadata"]["labels"]["kubernetes.io/metadata.name"].str(), "team");
  EXPECT_TRUE(core_->get(def(api::kServiceAccount), "team", "default").ok());
  auto ca = core_->get(def(api::kConfigMap), "team", "kube-root-ca.crt");
  ASSERT_TRUE(ca.ok());
  EXPECT_EQ((*ca)->value["data"]["ca.crt"].str(), "PEM");
  EXPECT_TRUE(core_->get(def(api::kNamespace), "", "knative-serving").ok());
}

TEST_F(CoreTest, TheCaOfANamespaceComesBackWhenItIsDeleted) {
  ASSERT_TRUE(core_->remove(def(api::kConfigMap), "default", "kube-root-ca.crt", {}).ok());
  EXPECT_EQ(get(api::kConfigMap, "kube-root-ca.crt")["data"]["ca.crt"].str(), "PEM");
}

TEST_F(CoreTest, RefusesInKubernetesWords) {
  auto missing = core_->get(def(api::kDeployment), "default", "x");
  EXPECT_EQ(missing.error().message(), "deployments.apps \"x\" not found");
  EXPECT_EQ(missing.error().status["details"]["group"].str(), "apps");
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  auto again = create(api::kPod, kPodYaml);
  EXPECT_EQ(again.error().message(), "pods \"p\" already exists");
  EXPECT_EQ(again.error().reason(), "AlreadyExists");
  auto nowhere = create(api::kConfigMap, "metadata: {name: a, namespace: nope}");
  EXPECT_EQ(nowhere.error().message(), "namespaces \"nope\" not found");
  EXPECT_EQ(nowhere.error().code(), 404);
  auto invalid = create(api::kConfigMap, "metadata: {name: Not_A_Name}");
  EXPECT_EQ(invalid.error().code(), 422);
  EXPECT_EQ(invalid.error().reason(), "Invalid");
  auto stale = merge(api::kPod, "p", "metadata: {resourceVersion: '1'}");
  EXPECT_EQ(stale.error().message(),
            "Operation cannot be fulfilled on pods \"p\": the object has been modified; please "
            "apply your changes to "
            "the latest version and try again");
}

TEST_F(CoreTest, APodGetsItsNodeStatusAndDefaults) {
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  json::Value pod = get(api::kPod, "p");
  EXPECT_EQ(pod["spec"]["nodeName"].str(), "proa");
  EXPECT_EQ(pod["spec"]["restartPolicy"].str(), "Always");
  EXPECT_EQ(pod["status"]["phase"].str(), "Pending");
  EXPECT_EQ(pod["status"]["qosClass"].str(), "BestEffort");
  EXPECT_TRUE(client::condition_is(pod, "PodScheduled", "True"));
  EXPECT_EQ(pod["metadata"]["uid"].str().size(), 36u);
}

TEST_F(CoreTest, GenerateNameMakesNamesApart) {
  auto a = create(api::kPod,
                  "metadata: {generateName: job-}\nspec: {containers: [{name: c, image: x}]}");
  auto b = create(api::kPod,
                  "metadata: {generateName: job-}\nspec: {containers: [{name: c, image: x}]}");
  ASSERT_TRUE(a.ok() && b.ok());
  std::string name = (*a).item->value["metadata"]["name"].str();
  EXPECT_TRUE(name.starts_with("job-"));
  EXPECT_EQ(name.size(), 9u);
  EXPECT_NE(name, (*b).item->value["metadata"]["name"].str());
}

TEST_F(CoreTest, GenerationFollowsTheSpecNotTheStatus) {
  ASSERT_TRUE(create(api::kDeployment, kDeploymentYaml).ok());
  EXPECT_EQ(get(api::kDeployment, "d")["metadata"]["generation"].integer(), 1);
  ASSERT_TRUE(merge(api::kDeployment, "d", "metadata: {labels: {a: b}}").ok());
  EXPECT_EQ(get(api::kDeployment, "d")["metadata"]["generation"].integer(), 1);
  ASSERT_TRUE(merge(api::kDeployment, "d", "spec: {replicas: 3}").ok());
  EXPECT_EQ(get(api::kDeployment, "d")["metadata"]["generation"].integer(), 2);
  WriteContext status;
  status.subresource = "status";
  ASSERT_TRUE(
      merge(api::kDeployment, "d", "{spec: {replicas: 9}, status: {replicas: 3}}", status).ok());
  json::Value d = get(api::kDeployment, "d");
  EXPECT_EQ(d["metadata"]["generation"].integer(), 2);
  EXPECT_EQ(d["spec"]["replicas"].integer(), 3);
  EXPECT_EQ(d["status"]["replicas"].integer(), 3);
  ASSERT_TRUE(merge(api::kDeployment, "d", "status: {replicas: 7}").ok());
  EXPECT_EQ(get(api::kDeployment, "d")["status"]["replicas"].integer(), 3);
}

TEST_F(CoreTest, ScaleIsReadAndWritten) {
  ASSERT_TRUE(create(api::kDeployment, kDeploymentYaml).ok());
  auto scale = core_->get_scale(def(api::kDeployment), "default", "d");
  ASSERT_TRUE(scale.ok());
  EXPECT_EQ((*scale)["spec"]["replicas"].integer(), 2);
  EXPECT_EQ((*scale)["status"]["selector"].str(), "app=d");
  auto done =
      client_->patch(api::kDeployment, "default", "d", yaml("spec: {replicas: 5}"), "scale");
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(get(api::kDeployment, "d")["spec"]["replicas"].integer(), 5);
  auto bad =
      client_->patch(api::kDeployment, "default", "d", yaml("spec: {replicas: -1}"), "scale");
  EXPECT_EQ(bad.error().code, Code::kUnprocessable);
}

TEST_F(CoreTest, AServiceGetsAnAddressOfItsOwnAndGivesItBack) {
  auto a = create(api::kService, "metadata: {name: a}\nspec: {ports: [{port: 80}]}");
  auto b = create(api::kService, "metadata: {name: b}\nspec: {ports: [{port: 80}]}");
  ASSERT_TRUE(a.ok() && b.ok());
  std::string ip = (*a).item->value["spec"]["clusterIP"].str();
  EXPECT_TRUE(ip.starts_with("127.96."));
  EXPECT_NE(ip, (*b).item->value["spec"]["clusterIP"].str());
  auto taken = create(api::kService,
                      str("metadata: {name: c}\nspec: {clusterIP: ", ip, ", ports: [{port: 80}]}"));
  EXPECT_EQ(taken.error().code(), 422);
  ASSERT_TRUE(core_->remove(def(api::kService), "default", "a", {}).ok());
  EXPECT_TRUE(create(api::kService,
                     str("metadata: {name: c}\nspec: {clusterIP: ", ip, ", ports: [{port: 80}]}"))
                  .ok());
  auto headless = create(api::kService, "metadata: {name: h}\nspec: {clusterIP: None}");
  ASSERT_TRUE(headless.ok());
  EXPECT_EQ((*headless).item->value["spec"]["clusterIPs"][0].str(), "None");
  EXPECT_EQ(get(api::kService, "kubernetes")["spec"]["clusterIP"].str(), "127.96.0.1");
}

TEST_F(CoreTest, ServicesMoveWhenTheirNetworkDoes) {
  ASSERT_TRUE(create(api::kService, "metadata: {name: a}\nspec: {ports: [{port: 80}]}").ok());
  ASSERT_TRUE(create(api::kService, "metadata: {name: h}\nspec: {clusterIP: None}").ok());
  client_.reset();
  core_.reset();
  CoreOptions options;
  options.service_network = "127.97";
  core_ = std::make_unique<Core>(*catalog_, *store_, clock_, std::move(options));
  Status done = core_->bootstrap();
  ASSERT_TRUE(done.ok()) << done.error().message;
  const json::Value moved = get(api::kService, "a")["spec"];
  EXPECT_TRUE(moved["clusterIP"].str().starts_with("127.97."));
  EXPECT_EQ(moved["clusterIPs"][0].str(), moved["clusterIP"].str());
  EXPECT_EQ(get(api::kService, "h")["spec"]["clusterIP"].str(), "None");
  EXPECT_EQ(get(api::kService, "kubernetes")["spec"]["clusterIP"].str(), "127.97.0.1");
}

TEST_F(CoreTest, APodIsDeletedInTwoStepsAndAtOnceWithGraceZero) {
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  auto marked = core_->remove(def(api::kPod), "default", "p", {});
  ASSERT_TRUE(marked.ok());
  EXPECT_FALSE(marked->removed);
  EXPECT_EQ(get(api::kPod, "p")["metadata"]["deletionGracePeriodSeconds"].integer(), 30);
  RemoveOptions now;
  now.grace_period_seconds = 0;
  auto gone = core_->remove(def(api::kPod), "default", "p", now);
  ASSERT_TRUE(gone.ok());
  EXPECT_TRUE(gone->removed);
  EXPECT_TRUE(get(api::kPod, "p").is_null());
}

TEST_F(CoreTest, FinalizersHoldADeletedObjectUntilTheyAreGone) {
  ASSERT_TRUE(create(api::kConfigMap, "metadata: {name: c, finalizers: [a.b/hold]}").ok());
  ASSERT_FALSE(core_->remove(def(api::kConfigMap), "default", "c", {})->removed);
  EXPECT_FALSE(get(api::kConfigMap, "c")["metadata"]["deletionTimestamp"].str().empty());
  EXPECT_EQ(
      merge(api::kConfigMap, "c", "metadata: {finalizers: [a.b/hold, x.y/new]}").error().code(),
      422);
  auto done = merge(api::kConfigMap, "c", "metadata: {finalizers: null}");
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->removed);
  EXPECT_TRUE(get(api::kConfigMap, "c").is_null());
}

TEST_F(CoreTest, ForegroundAndOrphanLeaveTheirFinalizers) {
  ASSERT_TRUE(create(api::kDeployment, kDeploymentYaml).ok());
  RemoveOptions options;
  options.propagation = "Foreground";
  ASSERT_TRUE(core_->remove(def(api::kDeployment), "default", "d", options).ok());
  EXPECT_EQ(get(api::kDeployment, "d")["metadata"]["finalizers"][0].str(), "foregroundDeletion");
  options.propagation = "Nonsense";
  EXPECT_EQ(core_->remove(def(api::kDeployment), "default", "d", options).error().code(), 400);
}

TEST_F(CoreTest, ANamespaceGoesWhenItIsFinalizedAndTakesNothingNewBefore) {
  ASSERT_TRUE(create(api::kNamespace, "metadata: {name: team}").ok());
  ASSERT_TRUE(core_->remove(def(api::kNamespace), "", "team", {}).ok());
  auto ns = core_->get(def(api::kNamespace), "", "team");
  EXPECT_EQ((*ns)->value["status"]["phase"].str(), "Terminating");
  auto refused = create(api::kConfigMap, "metadata: {name: a, namespace: team}");
  EXPECT_EQ(refused.error().code(), 403);
  EXPECT_TRUE(contains(refused.error().message(), "because it is being terminated"));
  ASSERT_TRUE(
      client_->patch(api::kNamespace, "", "team", yaml("spec: {finalizers: []}"), "finalize").ok());
  EXPECT_FALSE(core_->get(def(api::kNamespace), "", "team").ok());
  EXPECT_EQ(core_->remove(def(api::kNamespace), "", "default", {}).error().code(), 403);
}

TEST_F(CoreTest, ApplyOwnsItsFieldsAndWritesNothingWhenNothingChanges) {
  auto fields = [&](std::string_view data) {
    return yaml(str(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: ", data,
        "}"));
  };
  ASSERT_TRUE(client_->apply(api::kConfigMap, fields("{a: '1', b: '2'}"), {.manager = "one"}).ok());
  int64_t before = store_->revision();
  int events = 0;
  auto watch = client_->watch(api::kConfigMap, "default", [&](const client::Event&) { ++events; });
  const int initial = events;
  ASSERT_TRUE(client_->apply(api::kConfigMap, fields("{a: '1', b: '2'}"), {.manager = "one"}).ok());
  EXPECT_EQ(store_->revision(), before);
  EXPECT_EQ(events, initial);
  ASSERT_TRUE(client_->apply(api::kConfigMap, fields("{a: '1'}"), {.manager = "one"}).ok());
  EXPECT_FALSE(get(api::kConfigMap, "c")["data"].has("b"));
  EXPECT_EQ(events, initial + 1);
  WriteContext other;
  other.manager = "two";
  auto conflict = core_->apply(def(api::kConfigMap), "default", "c", fields("{a: '9'}"), other);
  ASSERT_FALSE(conflict.ok());
  EXPECT_EQ(conflict.error().code(), 409);
}

TEST_F(CoreTest, AStatusApplyTouchesOnlyTheStatus) {
  ASSERT_TRUE(create(api::kDeployment, kDeploymentYaml).ok());
  json::Value fields =
      yaml("{metadata: {name: d, namespace: default}, spec: {replicas: 8}, status: {replicas: 1}}");
  auto done = client_->apply(api::kDeployment, fields, {.manager = "m", .subresource = "status"});
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ((**done)["status"]["replicas"].integer(), 1);
  EXPECT_EQ((**done)["spec"]["replicas"].integer(), 2);
}

TEST_F(CoreTest, DryRunDecidesEverythingAndWritesNothing) {
  WriteContext dry;
  dry.dry_run = true;
  int64_t before = store_->revision();
  auto pod = create(api::kPod, kPodYaml, dry);
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ(pod->item->value["spec"]["restartPolicy"].str(), "Always");
  EXPECT_EQ(store_->revision(), before);
  EXPECT_TRUE(get(api::kPod, "p").is_null());
}

TEST_F(CoreTest, UnknownFieldsAreRefusedToldOrDropped) {
  constexpr std::string_view text = "{metadata: {name: c}, data: {a: b}, nonsense: 1}";
  WriteContext strict;
  strict.validation = api::FieldValidation::kStrict;
  auto refused = create(api::kConfigMap, text, strict);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message(),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "
            "unknown field \"nonsense\"");
  WriteContext warn;
  warn.validation = api::FieldValidation::kWarn;
  auto told = core_->create(def(api::kConfigMap), "default", yaml(text), warn);
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(warn.warnings, std::vector<std::string>{"unknown field \"nonsense\""});
  EXPECT_FALSE(get(api::kConfigMap, "c").has("nonsense"));
}

TEST_F(CoreTest, AdmissionMutatesValidatesAndWarns) {
  Admission admission;
  admission.kind = api::kConfigMap;
  admission.mutate = [](json::Value& object, const json::Value*) -> Result<void> {
    object.ref("metadata", "labels", "seen") = "yes";
    return {};
  };
  admission.validate = [](const json::Value& object, const json::Value* old) -> Result<Warnings> {
    if (object["data"].has("bad"))
      return error(Code::kForbidden, "admission webhook \"w\" denied the request: bad");
    return Warnings{old ? "updated" : "created"};
  };
  start({admission});
  WriteContext context;
  auto made = core_->create(def(api::kConfigMap), "default", yaml("metadata: {name: c}"), context);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->item->value["metadata"]["labels"]["seen"].str(), "yes");
  EXPECT_EQ(context.warnings, Warnings{"created"});
  auto denied = merge(api::kConfigMap, "c", "data: {bad: x}");
  EXPECT_EQ(denied.error().code(), 403);
  EXPECT_EQ(denied.error().message(), "admission webhook \"w\" denied the request: bad");
}

TEST_F(CoreTest, ListsBySelectorsAndInPages) {
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(
        create(api::kConfigMap, str("metadata: {name: c", i, ", labels: {odd: '", i % 2, "'}}"))
            .ok());
  ListQuery query;
  query.ns = "default";
  query.labels = *api::LabelSelector::parse("odd=0");
  query.limit = 2;
  auto page = core_->list(def(api::kConfigMap), query);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->items.size(), 2u);
  ASSERT_FALSE(page->continue_token.empty());
  query.continue_token = page->continue_token;
  auto rest = core_->list(def(api::kConfigMap), query);
  ASSERT_EQ(rest->items.size(), 1u);
  EXPECT_EQ(rest->items[0]->value["metadata"]["name"].str(), "c4");
  EXPECT_TRUE(rest->continue_token.empty());
  query.continue_token = "rubbish";
  EXPECT_EQ(core_->list(def(api::kConfigMap), query).error().code(), 400);
  ListQuery one;
  one.fields = *api::FieldSelector::parse("metadata.name=c3");
  EXPECT_EQ(core_->list(def(api::kConfigMap), one)->items.size(), 1u);
}

TEST_F(CoreTest, AWatchSeesAllOfAnObjectsLife) {
  std::string seen;
  auto watch = client_->watch(api::kPod, "", [&](const client::Event& event) {
    seen += event.type == client::Event::kAdded      ? "A"
            : event.type == client::Event::kModified ? "M"
                                                     : "D";
    EXPECT_EQ(event.type != client::Event::kAdded, event.old != nullptr);
  });
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  ASSERT_TRUE(merge(api::kPod, "p", "metadata: {labels: {a: b}}").ok());
  ASSERT_TRUE(client_->remove(api::kPod, "default", "p", {.grace_period_seconds = 0}).ok());
  EXPECT_EQ(seen, "AMD");
}

TEST_F(CoreTest, AUsersDefinitionIsServedAndTakesItsObjectsWithIt) {
  auto crd = create(api::kCustomResourceDefinition, R"(
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
)");
  ASSERT_TRUE(crd.ok()) << crd.error().message();
  constexpr client::Kind kWidget{"example.com", "v1", "Widget", "widgets"};
  ASSERT_TRUE(create(kWidget, "{metadata: {name: w}, spec: {size: 3, other: 4}}").ok());
  EXPECT_FALSE(get(kWidget, "w")["spec"].has("other"));
  EXPECT_EQ(create(kWidget, "{metadata: {name: v}, spec: {size: big}}").error().code(), 422);
  ASSERT_TRUE(
      core_->remove(def(api::kCustomResourceDefinition), "", "widgets.example.com", {}).ok());
  EXPECT_FALSE(catalog_->find(kWidget));
}

TEST_F(CoreTest, OurOwnDefinitionsAreListed) {
  auto crds = core_->list(def(api::kCustomResourceDefinition), {});
  ASSERT_TRUE(crds.ok());
  bool found = false;
  for (const Item& item : crds->items)
    found = found || item->value["metadata"]["name"].str() == "inferenceservices.serving.kserve.io";
  EXPECT_TRUE(found);
  EXPECT_TRUE(
      core_->get(def(api::kCustomResourceDefinition), "", "inferenceservices.serving.kserve.io")
          .ok());
}

TEST_F(CoreTest, ThePodSpecAndTheSelectorAreFixed) {
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  EXPECT_EQ(merge(api::kPod, "p", "spec: {hostname: other}").error().code(), 422);
  ASSERT_TRUE(create(api::kDeployment, kDeploymentYaml).ok());
  EXPECT_EQ(merge(api::kDeployment, "d", "spec: {selector: {matchLabels: {x: y}}}").error().code(),
            422);
}

TEST_F(CoreTest, AJobGetsItsSelector) {
  ASSERT_TRUE(create(api::kJob, R"(
metadata: {name: j}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}
)")
                  .ok());
  json::Value job = get(api::kJob, "j");
  EXPECT_EQ(job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"],
            job["metadata"]["uid"]);
  EXPECT_EQ(job["spec"]["template"]["metadata"]["labels"]["job-name"].str(), "j");
  EXPECT_EQ(job["spec"]["backoffLimit"].integer(), 6);
}

TEST_F(CoreTest, RecordedEventsAreCounted) {
  ASSERT_TRUE(create(api::kPod, kPodYaml).ok());
  json::Value pod = get(api::kPod, "p");
  for (int i = 0; i < 3; ++i)
    client::record_event(*client_, pod, "kubelet", "Normal", "Pulled", "image there");
  auto events =
      client_->list(api::kEvent, {.ns = "default", .field_selector = "involvedObject.name=p"});
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*(*events)[0])["count"].integer(), 3);
}

}  // namespace
}  // namespace proa::apiserver
