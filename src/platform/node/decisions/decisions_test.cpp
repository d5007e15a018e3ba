#include <gtest/gtest.h>

#include "client/client.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "platform/node/decisions/addresses.h"
#include "platform/node/decisions/backoff.h"
#include "platform/node/decisions/environment.h"
#include "platform/node/decisions/images.h"
#include "platform/node/decisions/status.h"

namespace proa::node {
namespace {

using State = ContainerObserved::State;

TEST(ImageTable, FindsTheLongestPattern) {
  ImageTable table;
  EXPECT_TRUE(table.problems().empty());
  struct Case {
    const char* image;
    ImageUse::Kind kind;
    const char* program;
  };
  for (const Case& c :
       std::vector<Case>{{"kserve/sklearnserver:v0.15.0", ImageUse::Kind::kNative, "proa serve"},
                         {"registry.local:5000/kserve/sklearnserver@sha256:1",
                          ImageUse::Kind::kNative, "proa serve"},
                         {"nvcr.io/nvidia/tritonserver:23.05-py3", ImageUse::Kind::kNative,
                          "proa serve"},
                         {"kserve/storage-initializer", ImageUse::Kind::kNative, "proa fetch"},
                         {"peterevans/vegeta:latest", ImageUse::Kind::kSandbox, "vegeta"},
                         {"gcr.io/knative-releases/knative.dev/serving/cmd/queue@sha256:2",
                          ImageUse::Kind::kPlatform, ""},
                         {"ubuntu:22.04", ImageUse::Kind::kSandbox, ""},
                         {"docker.io/library/ubuntu", ImageUse::Kind::kSandbox, ""},
                         {"acme/ubuntu-tool", ImageUse::Kind::kUnknown, ""}}) {
    EXPECT_EQ(table.find(c.image).kind, c.kind) << c.image;
    EXPECT_EQ(table.find(c.image).program, c.program) << c.image;
  }
  ImageTable own(json::object({{"x", "*a => one\n*aa => two # longer\nnonsense\n"}}));
  EXPECT_EQ(own.find("baa").program, "two");
  EXPECT_EQ(own.problems().size(), 1u);
}

TEST(ImageTable, ARuleMayHaveArguments) {
  ImageUse use = ImageTable().find("openvino/model_server:latest");
  EXPECT_EQ(use.program, "proa serve");
  EXPECT_EQ(use.args, std::vector<std::string>{"--framework=openvino"});
  ImageTable own(json::object({{"x", "mine => proa serve --framework=onnx --workers 2"}}));
  EXPECT_EQ(own.find("mine").args,
            (std::vector<std::string>{"--framework=onnx", "--workers", "2"}));
}

TEST(ImageName, DropsTagAndDigestButNotThePort) {
  EXPECT_EQ(image_name("host:5000/a/b:1"), "host:5000/a/b");
  EXPECT_EQ(image_name("host:5000/a"), "host:5000/a");
  EXPECT_EQ(full_image_name("a/b@sha256:x"), "docker.io/a/b");
  EXPECT_EQ(full_image_name("localhost/a"), "localhost/a");
}

TEST(Environment, ExpandsReferencesAsTheKubeletDoes) {
  std::map<std::string, std::string> v = {{"A", "1"}};
  for (auto [in, out] : std::vector<std::pair<const char*, const char*>>{{"$(A)", "1"},
                                                                         {"$$(A)", "$(A)"},
                                                                         {"$(B)", "$(B)"},
                                                                         {"a$", "a$"},
                                                                         {"$(A", "$(A"},
                                                                         {"$A", "$A"},
                                                                         {"x$(A)$(A)y", "x11y"}})
    EXPECT_EQ(expand_references(in, v), out) << in;
}

TEST(Backoff, StartsAtOnceThenDoublesToTheCapAndForgets) {
  using std::chrono::seconds;
  Backoff b(seconds(10), seconds(300));
  for (int want : {0, 10, 20, 40, 80, 160, 300, 300})
    EXPECT_EQ(b.next(seconds(1)), Duration(seconds(want)));
  EXPECT_EQ(b.next(seconds(601)), Duration(0));
}

TEST(Addresses, AreGivenInTurnAndReused) {
  auto a = Addresses::make("127.10.0.0/29");
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(a->take(), "127.10.0.2");
  EXPECT_EQ(a->take("127.10.0.5"), "127.10.0.5");
  a->give_back("127.10.0.2");
  EXPECT_EQ(a->take(), "127.10.0.3");
  EXPECT_EQ(a->take(), "127.10.0.4");
  EXPECT_EQ(a->take(), "127.10.0.6");
  EXPECT_EQ(a->take(), "127.10.0.2");
  EXPECT_FALSE(a->take().has_value());
  EXPECT_FALSE(Addresses::make("127.10.0.0").ok());
}

ContainerObserved container(State state, int exit_code = 0, bool last = false) {
  ContainerObserved c;
  c.name = "c";
  c.state = state;
  c.ready = c.started = state == State::kRunning;
  c.terminated.exit_code = exit_code;
  if (last) c.last = Terminated{};
  return c;
}

json::Value pod_with(const char* policy) {
  json::Value pod;
  pod.ref("spec", "restartPolicy") = policy;
  return pod;
}

TEST(PodPhase, FollowsItsContainers) {
  struct Case {
    const char* policy;
    std::vector<ContainerObserved> init, containers;
    const char* phase;
  };
  auto waiting = container(State::kWaiting), running = container(State::kRunning),
       ok = container(State::kTerminated, 0), bad = container(State::kTerminated, 1),
       crashing = container(State::kWaiting, 0, true);
  for (const Case& c : std::vector<Case>{{"Always", {}, {waiting}, "Pending"},
                                         {"Always", {running}, {waiting}, "Pending"},
                                         {"Always", {ok}, {running}, "Running"},
                                         {"Always", {}, {running, waiting}, "Pending"},
                                         {"Always", {}, {crashing}, "Running"},
                                         {"Always", {}, {ok}, "Running"},
                                         {"OnFailure", {}, {ok}, "Succeeded"},
                                         {"OnFailure", {}, {bad}, "Running"},
                                         {"Never", {}, {bad, ok}, "Failed"},
                                         {"Never", {}, {ok, ok}, "Succeeded"},
                                         {"Never", {}, {ok, running}, "Running"},
                                         {"Never", {bad}, {waiting}, "Failed"},
                                         {"OnFailure", {bad}, {waiting}, "Pending"}}) {
    PodObserved o;
    o.init = c.init;
    o.containers = c.containers;
    EXPECT_EQ(pod_phase(pod_with(c.policy), o), c.phase) << c.policy;
  }
}

TEST(PodStatus, SaysHowFarALongDownloadIsAndHowItEnded) {
  const auto fetched = [](const json::Value& status) {
    return client::condition(json::object({{"status", status}}), "proa.dev/ModelFetched");
  };
  PodObserved o;
  o.now = "2026-01-01T00:00:00Z";
  o.init = {container(State::kRunning)};
  json::Value pod = pod_with("Always"), status = pod_status(pod, o, {});
  EXPECT_TRUE(fetched(status).is_null());  // most take no time
  o.init[0].progress = "fetching a: 1 %";
  status = pod_status(pod, o, status);
  EXPECT_EQ(fetched(status)["status"].str(), "False");
  EXPECT_EQ(fetched(status)["message"].str(), "fetching a: 1 %");
  o.init[0].state = State::kTerminated;
  o.init[0].terminated.message = "sha256:1 /mnt/models";
  status = pod_status(pod, o, status);
  EXPECT_EQ(fetched(status)["status"].str(), "True");
  EXPECT_EQ(fetched(status)["message"].str(), "sha256:1 /mnt/models");
}

TEST(PodStatus, KeepsTransitionTimesAndIsEqualForEqualInput) {
  PodObserved o;
  o.containers = {container(State::kRunning)};
  o.containers[0].ready = false;
  o.sandbox_ready = true;
  o.now = "2026-01-01T00:00:00Z";
  json::Value pod = pod_with("Always");
  json::Value first = pod_status(pod, o, {});
  EXPECT_EQ(
      client::condition(first["conditions"].is_null() ? first : json::object({{"status", first}}),
                        "Ready")["reason"]
          .str(),
      "ContainersNotReady");
  o.now = "2026-01-01T00:00:05Z";
  EXPECT_EQ(pod_status(pod, o, first), first);
  o.containers[0].ready = true;
  json::Value second = json::object({{"status", pod_status(pod, o, first)}});
  EXPECT_EQ(client::condition(second, "Ready")["status"].str(), "True");
  EXPECT_EQ(client::condition(second, "Ready")["lastTransitionTime"].str(), o.now);
  EXPECT_EQ(client::condition(second, "PodScheduled")["lastTransitionTime"].str(),
            "2026-01-01T00:00:00Z");
}

TEST(QosClass, ComesFromRequestsAndLimits) {
  auto qos = [](const char* resources) {
    return qos_class(
        json::parse(str(R"({"spec":{"containers":[{"resources":)", resources, "}]}}")).value());
  };
  EXPECT_EQ(qos("{}"), "BestEffort");
  EXPECT_EQ(qos(R"({"limits":{"cpu":"1","memory":"1Gi"}})"), "Guaranteed");
  EXPECT_EQ(qos(R"({"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m"}})"), "Burstable");
}

}  // namespace
}  // namespace proa::node
