// Rollouts played through: the plan decides, the test is the ReplicaSets, their pods and time.
#include "platform/workloads/deployment/deployment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"

namespace proa::workloads {
namespace {

struct Set {
  json::Value object;
  int64_t pods = 0, ready = 0;
};

class World {
 public:
  World(unsigned seed, int64_t replicas, std::string_view strategy) : random_(seed) {
    deployment_ =
        std::move(json::parse_yaml(
                      str("{metadata: {name: d, namespace: n, uid: u}, spec: {replicas: ", replicas,
                          ", selector: {matchLabels: {app: d}}, strategy: ", strategy,
                          ", template: {metadata: {labels: {app: d}}, spec: {containers: "
                          "[{name: c, image: one}]}}}}")))
            .value();
  }

  void image(int n) {
    deployment_.ref("spec", "template", "spec", "containers") =
        json::array({json::object({{"name", "c"}, {"image", str("image-", n)}})});
  }
  void resize(int64_t replicas) { deployment_.ref("spec", "replicas") = replicas; }

  void plan() {
    DeploymentSnapshot s;
    s.deployment = std::make_shared<json::Value>(deployment_);
    for (Set& set : sets_) s.sets.push_back(std::make_shared<json::Value>(set.object));
    const Object current = find_new_set(deployment_, s.sets);
    for (const Set& set : sets_)
      if (!current || name(set) != (*current)["metadata"]["name"].str()) s.old_pods += set.pods;
    s.now = WallTime(std::chrono::seconds(1'700'000'000 + ++turn_));
    DeploymentPlan p = plan_deployment(s);
    if (!p.create.is_null()) {
      p.create.ref("metadata", "creationTimestamp") = rfc3339(s.now);
      p.create.ref("metadata", "uid") = str("uid-", turn_);
      sets_.push_back({p.create, 0, 0});
    }
    const std::string want = str(deployment_["spec"]["replicas"].integer());
    for (const Scaling& scaling : p.scale)
      for (Set& set : sets_)
        if (scaling.set && name(set) == scaling.name) {
          set.object.ref("spec", "replicas") = scaling.to;
          set.object.ref("metadata", "annotations", "deployment.kubernetes.io/desired-replicas") =
              want;
        }
    for (const Object& gone : p.remove)
      std::erase_if(sets_, [&](const Set& set) { return name(set) == name_of(*gone); });
    if (!p.revision.empty())
      deployment_.ref("metadata", "annotations", "deployment.kubernetes.io/revision") = p.revision;
    if (p.set_annotations.is_object() && current)
      for (Set& set : sets_)
        if (name(set) == name_of(*current))
          for (const auto& [k, v] : p.set_annotations.object())
            set.object.ref("metadata", "annotations", k) = v;
    deployment_.set("status", p.status);
  }

  // One thing happens: a ReplicaSet makes or removes its pods, or a pod becomes ready.
  void happen(bool new_ones_get_ready = true) {
    if (sets_.empty()) return;
    Set& set = sets_[random_() % sets_.size()];
    const int64_t want = set.object["spec"]["replicas"].integer();
    const bool newest =
        set.object["spec"]["template"]["spec"] == deployment_["spec"]["template"]["spec"];
    if (set.pods != want) {
      set.pods = want;
      set.ready = std::min(set.ready, want);  // those that serve nothing go first
    } else if (set.ready < set.pods && (new_ones_get_ready || !newest)) {
      ++set.ready;
    }
    json::Value status;
    status.set("replicas", set.pods);
    status.set("readyReplicas", set.ready);
    status.set("availableReplicas", set.ready);
    set.object.set("status", std::move(status));
  }

  int64_t ready() const {
    int64_t sum = 0;
    for (const Set& set : sets_) sum += set.ready;
    return sum;
  }
  int64_t pods() const {
    int64_t sum = 0;
    for (const Set& set : sets_) sum += set.object["spec"]["replicas"].integer();
    return sum;
  }
  int64_t kinds_running() const {
    return std::count_if(sets_.begin(), sets_.end(), [](const Set& s) { return s.pods > 0; });
  }
  bool complete() const {
    return client::condition(deployment_, "Progressing")["reason"].str() ==
               "NewReplicaSetAvailable" &&
           deployment_["status"]["updatedReplicas"].integer() ==
               deployment_["spec"]["replicas"].integer();
  }
  size_t sets() const { return sets_.size(); }

 private:
  static const std::string& name(const Set& set) { return set.object["metadata"]["name"].str(); }
  std::mt19937 random_;
  json::Value deployment_;
  std::vector<Set> sets_;
  int64_t turn_ = 0;
};

struct Case {
  const char* strategy;
  int64_t replicas, surge, unavailable;
};

TEST(Rollout, NeverHasTooFewReadyNorTooManyPods) {
  const Case cases[] = {
      {"{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", 1, 1, 0},
      {"{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", 4, 1, 0},
      {"{type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}", 8, 2, 2},
      {"{type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", 3, 0, 1},
      {"{type: RollingUpdate, rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}", 5, 5, 0},
  };
  for (const Case& c : cases)
    for (unsigned seed = 1; seed <= 4; ++seed) {
      World world(seed, c.replicas, c.strategy);
      for (int i = 0; i < 400 && !world.complete(); ++i) world.plan(), world.happen();
      ASSERT_EQ(world.ready(), c.replicas) << c.strategy;
      for (int version = 1; version <= 5; ++version) {
        world.image(version);
        // The third is changed again before it is through.
        const int steps = version == 3 ? 4 : 250;
        for (int i = 0; i < steps; ++i) {
          world.plan();
          world.happen();
          ASSERT_GE(world.ready(), c.replicas - c.unavailable) << c.strategy << " seed " << seed;
          ASSERT_LE(world.pods(), c.replicas + c.surge) << c.strategy << " seed " << seed;
        }
        ASSERT_TRUE(version == 3 || world.complete()) << c.strategy << " seed " << seed;
      }
    }
}

TEST(Rollout, OneThatNeverGetsReadyCostsNothing) {
  World world(3, 3, "{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}");
  for (int i = 0; i < 100; ++i) world.plan(), world.happen();
  world.image(2);
  for (int i = 0; i < 300; ++i) {
    world.plan();
    world.happen(false);
    ASSERT_EQ(world.ready(), 3);
    ASSERT_LE(world.pods(), 4);
  }
  world.image(3);  // and the way out of it is open
  for (int i = 0; i < 300; ++i) world.plan(), world.happen();
  EXPECT_TRUE(world.complete());
}

TEST(Rollout, ScalingInTheMiddleKeepsWhatIsReady) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    World world(seed, 4, "{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}");
    for (int i = 0; i < 100; ++i) world.plan(), world.happen();
    world.image(2);
    for (int i = 0; i < 6; ++i) world.plan(), world.happen();
    world.resize(8);
    for (int i = 0; i < 400; ++i) {
      world.plan();
      world.happen();
      ASSERT_GE(world.ready(), 4) << seed;
      ASSERT_LE(world.pods(), 9) << seed;
    }
    EXPECT_TRUE(world.complete()) << seed;
    EXPECT_EQ(world.ready(), 8);
  }
}

TEST(Rollout, RecreateNeverRunsTwoVersionsAtOnce) {
  World world(5, 3, "{type: Recreate}");
  for (int i = 0; i < 100; ++i) world.plan(), world.happen();
  world.image(2);
  for (int i = 0; i < 200; ++i) {
    world.plan();
    world.happen();
    ASSERT_LE(world.kinds_running(), 1);
  }
  EXPECT_TRUE(world.complete());
}

TEST(Rollout, KeepsTenOldReplicaSetsUnlessToldOtherwise) {
  World world(9, 1, "{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}");
  for (int version = 1; version <= 20; ++version) {
    world.image(version);
    for (int i = 0; i < 120; ++i) world.plan(), world.happen();
  }
  EXPECT_EQ(world.sets(), 11u);
}

}  // namespace
}  // namespace proa::workloads
