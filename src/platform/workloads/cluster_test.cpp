// The workload controllers against the real API server, in process; the tests play the node.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "foundation/async/loop.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/apiserver/core/embedded_client.h"
#include "platform/apiserver/store/no_disk.h"
#include "platform/workloads/objects/common.h"
#include "platform/workloads/workloads.h"

namespace proa::workloads {
namespace {

class Cluster : public testing::Test {
 protected:
  void SetUp() override {
    catalog_ = std::move(api::Catalog::built_in()).value();
    store_ = std::move(apiserver::Store::open(std::make_unique<apiserver::NoDisk>())).value();
    core_ = std::make_unique<apiserver::Core>(*catalog_, *store_, clock_, apiserver::CoreOptions{});
    ASSERT_TRUE(core_->bootstrap().ok());
    client_ = std::make_unique<apiserver::EmbeddedClient>(*core_);
    host_ = std::make_unique<client::ControllerHost>(*client_, loop_);
    Options options;
    for (const auto& kind : catalog_->all()) options.kinds.push_back(kind->kind);
    options.volumes_dir = testing::TempDir() + "/volumes";
    for (auto& spec : controllers(*client_, clock_, options)) host_->add(std::move(spec));
    host_->start();
    create("{apiVersion: v1, kind: Node, metadata: {name: proa}}", api::kNode);
    create("{apiVersion: v1, kind: Namespace, metadata: {name: test}}", api::kNamespace);
    settle();
  }
  void TearDown() override { host_.reset(); }

  void settle() {
    for (int quiet = 0, turns = 0; quiet < 3; ++turns) {
      ASSERT_LT(turns, 5000) << "the controllers do not come to rest";
      loop_.run_once(Duration(0));
      quiet = host_->idle() ? quiet + 1 : 0;
    }
  }
  void advance(Duration by) {
    clock_.advance(by);
    settle();
  }

  Object create(std::string_view yaml, const client::Kind& kind) {
    auto value = json::parse_yaml(yaml);
    CHECK(value.ok());
    auto made = client_->create(kind, std::move(*value));
    EXPECT_TRUE(made.ok()) << made.error().message;
    settle();
    return made.ok() ? *made : nullptr;
  }
  json::Value get(const client::Kind& kind, std::string_view name, std::string_view ns = "test") {
    auto got = client_->get(kind, kind.namespaced ? ns : "", name);
    return got.ok() ? **got : json::Value();
  }
  std::vector<Object> list(const client::Kind& kind) {
    return std::move(client_->list(kind, {"test", "", ""})).value();
  }
  void patch(const client::Kind& kind, std::string_view name, std::string_view yaml,
             std::string_view subresource = "") {
    auto done = client_->patch(kind, kind.namespaced ? "test" : "", name,
                               std::move(json::parse_yaml(yaml)).value(), subresource);
    ASSERT_TRUE(done.ok()) << done.error().message;
    settle();
  }

  // The node: pods that are to run get ready, those that are to go, go.
  void run_pods(bool ready = true) {
    for (const auto& pod : list(api::kPod)) {
      if (client::deleting(*pod)) {
        auto gone = client_->remove(api::kPod, "test", name_of(*pod), {.grace_period_seconds = 0});
        ASSERT_TRUE(gone.ok()) << gone.error().message;
      } else if (!pod_finished(*pod) && pod_ready(*pod) != ready) {
        patch(api::kPod, name_of(*pod),
              str("{status: {phase: Running, podIP: 127.10.0.", ++address_,
                  ", conditions: [{type: Ready, status: '", ready ? "True" : "False",
                  "', lastTransitionTime: '", rfc3339(clock_.wall()), "'}]}}"),
              "status");
      }
    }
    settle();
  }
  void end_pods(std::string_view phase) {
    for (const auto& pod : list(api::kPod))
      if (!pod_finished(*pod) && !client::deleting(*pod))
        patch(api::kPod, name_of(*pod), str("{status: {phase: ", phase, "}}"), "status");
  }
  std::vector<std::string> events(std::string_view reason) {
    std::vector<std::string> out;
    for (const auto& e : list(api::kEvent))
      if ((*e)["reason"].str() == reason) out.push_back((*e)["message"].str());
    return out;
  }

  FakeClock clock_;
  async::Loop loop_{clock_};
  std::unique_ptr<api::Catalog> catalog_;
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::Core> core_;
  std::unique_ptr<apiserver::EmbeddedClient> client_;
  std::unique_ptr<client::ControllerHost> host_;
  int address_ = 0;
};

constexpr const char* kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: test}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: one, ports: [{name: web, containerPort: 8080}]}]}
)";

TEST_F(Cluster, AnEventEndsAnHourAfterItWasLastSeen) {
  create(str("{apiVersion: v1, kind: Event, metadata: {name: e, namespace: test}, involvedObject: "
             "{kind: Pod, "
             "name: p, namespace: test}, reason: R, type: Normal, lastTimestamp: '",
             rfc3339(clock_.wall()), "'}"),
         api::kEvent);
  advance(std::chrono::minutes(59));
  EXPECT_TRUE(client_->get(api::kEvent, "test", "e").ok());
  advance(std::chrono::minutes(2));
  EXPECT_FALSE(client_->get(api::kEvent, "test", "e").ok());
}

TEST_F(Cluster, DeploymentMakesAReplicaSetAndItsPods) {
  create(kWeb, api::kDeployment);
  ASSERT_EQ(list(api::kReplicaSet).size(), 1u);
  ASSERT_EQ(list(api::kPod).size(), 2u);
  EXPECT_TRUE(client::condition_is(get(api::kDeployment, "web"), "Available", "False"));
  run_pods();
  const json::Value web = get(api::kDeployment, "web");
  EXPECT_TRUE(client::condition_is(web, "Available", "True"));
  EXPECT_EQ(client::condition(web, "Progressing")["reason"].str(), "NewReplicaSetAvailable");
  EXPECT_EQ(web["status"]["readyReplicas"].integer(), 2);
  EXPECT_EQ(web["status"]["observedGeneration"].integer(), web["metadata"]["generation"].integer());
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"].str(), "1");
  const std::string set = name_of(*list(api::kReplicaSet)[0]);
  EXPECT_EQ(events("ScalingReplicaSet"),
            std::vector<std::string>{"Scaled up replica set " + set + " from 0 to 2"});
  EXPECT_EQ(events("SuccessfulCreate").size(), 2u);
}

TEST_F(Cluster, DeploymentRollsToANewTemplateAndBack) {
  create(kWeb, api::kDeployment);
  run_pods();
  patch(api::kDeployment, "web",
        "{spec: {template: {spec: {containers: [{name: c, image: two}]}}}}");
  for (int i = 0; i < 6; ++i) {
    int64_t ready = 0;
    for (const auto& pod : list(api::kPod)) ready += pod_ready(*pod) && !client::deleting(*pod);
    EXPECT_GE(ready, 2);
    run_pods();
  }
  ASSERT_EQ(list(api::kReplicaSet).size(), 2u);
  ASSERT_EQ(list(api::kPod).size(), 2u);
  for (const auto& pod : list(api::kPod))
    EXPECT_EQ((*pod)["spec"]["containers"][0]["image"].str(), "two");
  EXPECT_EQ(
      get(api::kDeployment, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
          .str(),
      "2");
  patch(api::kDeployment, "web",
        "{spec: {template: {spec: {containers: [{name: c, image: one, "
        "ports: [{name: web, containerPort: 8080}]}]}}}}");
  for (int i = 0; i < 6; ++i) run_pods();
  EXPECT_EQ(list(api::kReplicaSet).size(), 2u) << "the old ReplicaSet is used again";
  EXPECT_EQ(
      get(api::kDeployment, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
          .str(),
      "3");
}

TEST_F(Cluster, DeploymentScalesFromZeroAndBack) {
  create(kWeb, api::kDeployment);
  run_pods();
  patch(api::kDeployment, "web", "{spec: {replicas: 0}}");
  run_pods();
  EXPECT_EQ(list(api::kPod).size(), 0u);
  patch(api::kDeployment, "web", "{spec: {replicas: 1}}");
  EXPECT_EQ(list(api::kPod).size(), 1u);
}

TEST_F(Cluster, DeletingADeploymentRemovesAllThatItOwns) {
  create(kWeb, api::kDeployment);
  run_pods();
  ASSERT_TRUE(client_->remove(api::kDeployment, "test", "web", {}).ok());
  settle();
  run_pods();
  EXPECT_TRUE(list(api::kReplicaSet).empty());
  EXPECT_TRUE(list(api::kPod).empty());
}

TEST_F(Cluster, ForegroundDeletionKeepsTheOwnerUntilItsDependentsAreGone) {
  create(kWeb, api::kDeployment);
  run_pods();
  ASSERT_TRUE(client_->remove(api::kDeployment, "test", "web", {.propagation = "Foreground"}).ok());
  settle();
  EXPECT_FALSE(get(api::kDeployment, "web").is_null());
  run_pods();
  EXPECT_TRUE(get(api::kDeployment, "web").is_null());
  EXPECT_TRUE(list(api::kPod).empty());
}

TEST_F(Cluster, OrphansStayWithoutAnOwner) {
  create(kWeb, api::kDeployment);
  ASSERT_TRUE(client_->remove(api::kDeployment, "test", "web", {.propagation = "Orphan"}).ok());
  settle();
  EXPECT_TRUE(get(api::kDeployment, "web").is_null());
  ASSERT_EQ(list(api::kReplicaSet).size(), 1u);
  EXPECT_EQ((*list(api::kReplicaSet)[0])["metadata"]["ownerReferences"].size(), 0u);
}

TEST_F(Cluster, ServiceGetsTheEndpointsOfItsPods) {
  create(kWeb, api::kDeployment);
  create(
      "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: test}, "
      "spec: {selector: {app: web}, "
      "ports: [{port: 80, targetPort: web}]}}",
      api::kService);
  ASSERT_EQ(list(api::kEndpointSlice).size(), 1u);
  EXPECT_EQ((*list(api::kEndpointSlice)[0])["endpoints"].size(), 0u);
  run_pods();
  ASSERT_EQ(list(api::kEndpointSlice).size(), 1u);
  const json::Value slice = *list(api::kEndpointSlice)[0];
  ASSERT_EQ(slice["endpoints"].size(), 2u);
  EXPECT_EQ(slice["ports"][0]["port"].integer(), 8080);
  EXPECT_EQ(slice["metadata"]["labels"]["kubernetes.io/service-name"].str(), "web");
  EXPECT_TRUE(slice["endpoints"][0]["conditions"]["ready"].boolean());
  EXPECT_EQ(slice["endpoints"][0]["nodeName"].str(), "proa");
  const std::string first = slice["endpoints"][0]["targetRef"]["name"].str();
  ASSERT_TRUE(client_->remove(api::kPod, "test", first, {}).ok());
  settle();
  for (const auto& e : (*list(api::kEndpointSlice)[0])["endpoints"].array()) {
    if (e["targetRef"]["name"].str() == first) {
      EXPECT_FALSE(e["conditions"]["ready"].boolean());
      EXPECT_TRUE(e["conditions"]["terminating"].boolean());
    }
  }
}

TEST_F(Cluster, JobRunsToCompletionAndIsRemovedAfterItsTime) {
  create(
      "{apiVersion: batch/v1, kind: Job, metadata: {name: load, namespace: test}, "
      "spec: {ttlSecondsAfterFinished: 60, "
      "template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: x}]}}}}",
      api::kJob);
  ASSERT_EQ(list(api::kPod).size(), 1u);
  EXPECT_EQ((*list(api::kPod)[0])["metadata"]["labels"]["batch.kubernetes.io/job-name"].str(),
            "load");
  run_pods();
  EXPECT_EQ(get(api::kJob, "load")["status"]["ready"].integer(), 1);
  end_pods("Succeeded");
  const json::Value job = get(api::kJob, "load");
  EXPECT_TRUE(client::condition_is(job, "Complete", "True"));
  EXPECT_EQ(job["status"]["succeeded"].integer(), 1);
  EXPECT_FALSE(job["status"]["completionTime"].str().empty());
  EXPECT_EQ(events("Completed"), std::vector<std::string>{"Job completed"});
  advance(std::chrono::seconds(61));
  EXPECT_TRUE(get(api::kJob, "load").is_null());
  run_pods();
  EXPECT_TRUE(list(api::kPod).empty());
}

TEST_F(Cluster, JobGivesUpAfterItsBackoffLimit) {
  create(
      "{apiVersion: batch/v1, kind: Job, metadata: {name: bad, namespace: test}, spec: "
      "{backoffLimit: 1, "
      "template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}",
      api::kJob);
  end_pods("Failed");
  EXPECT_EQ(list(api::kPod).size(), 2u);
  end_pods("Failed");
  const json::Value job = get(api::kJob, "bad");
  EXPECT_EQ(client::condition(job, "Failed")["reason"].str(), "BackoffLimitExceeded");
  EXPECT_EQ(job["status"]["failed"].integer(), 2);
}

TEST_F(Cluster, ClaimIsBoundAtOnceToANewVolume) {
  create(
      "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: test}, "
      "spec: {accessModes: "
      "[ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
      api::kPersistentVolumeClaim);
  const json::Value claim = get(api::kPersistentVolumeClaim, "data");
  EXPECT_EQ(claim["status"]["phase"].str(), "Bound");
  const std::string volume = "pvc-" + client::uid_of(claim);
  EXPECT_EQ(claim["spec"]["volumeName"].str(), volume);
  EXPECT_EQ(get(api::kPersistentVolume, volume)["status"]["phase"].str(), "Bound");
  ASSERT_TRUE(client_->remove(api::kPersistentVolumeClaim, "test", "data", {}).ok());
  settle();
  EXPECT_TRUE(get(api::kPersistentVolume, volume).is_null());
}

TEST_F(Cluster, DeletingANamespaceRemovesWhatIsInIt) {
  create(kWeb, api::kDeployment);
  create("{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: test}}",
         api::kConfigMap);
  run_pods();
  ASSERT_TRUE(client_->remove(api::kNamespace, "", "test", {}).ok());
  settle();
  EXPECT_FALSE(get(api::kNamespace, "test").is_null()) << "its pods still run";
  run_pods();
  advance(std::chrono::seconds(1));
  EXPECT_TRUE(get(api::kNamespace, "test").is_null());
  EXPECT_TRUE(list(api::kConfigMap).empty());
}

}  // namespace
}  // namespace proa::workloads
