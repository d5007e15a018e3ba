#include "platform/workloads/replicaset.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/workloads/objects/selector_index.h"

namespace proa::workloads {
namespace {

constexpr int64_t kMostAtOnce = 500;  // pods made or removed in one reconcile
constexpr std::string_view kManager = "replicaset-controller";

int64_t deletion_cost(const json::Value& pod) {
  return parse_int(
             pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"].str())
      .value_or(0);
}

int phase_rank(const json::Value& pod) {
  const std::string& phase = pod["status"]["phase"].str();
  return phase == "Running" ? 2 : phase == "Unknown" ? 1 : 0;
}

json::Value status_of(const json::Value& rs, const std::vector<Object>& active, WallTime now,
                      std::optional<Duration>* again) {
  int64_t ready = 0, available = 0, labeled = 0;
  for (const auto& pod : active) {
    ready += pod_ready(*pod);
    available += pod_available(*pod, rs["spec"]["minReadySeconds"].integer(), now, again);
    labeled +=
        has_labels((*pod)["metadata"]["labels"], rs["spec"]["template"]["metadata"]["labels"]);
  }
  json::Value status;
  status.set("replicas", active.size());
  set_count(status, "fullyLabeledReplicas", labeled);
  set_count(status, "readyReplicas", ready);
  set_count(status, "availableReplicas", available);
  status.set("observedGeneration", generation_of(rs));
  return status;
}

Status adopt(client::Client& client, const json::Value& rs, const std::vector<Object>& pods) {
  for (const auto& pod : pods) {
    json::Value owners = (*pod)["metadata"]["ownerReferences"];
    owners.push(client::owner_reference(rs));
    json::Value patch;
    patch.ref("metadata", "ownerReferences") = std::move(owners);
    auto done = client.patch(api::kPod, namespace_of(*pod), name_of(*pod), std::move(patch));
    if (!done.ok() && done.error().code != Code::kNotFound)
      return std::move(done).error().with_context("adopt pod " + name_of(*pod));
  }
  return {};
}

Status create_pods(client::Client& client, const json::Value& rs, int64_t count) {
  for (int64_t i = 0; i < std::min(count, kMostAtOnce); ++i) {
    json::Value wanted = pod_of(rs, rs["spec"]["template"]);
    const std::string name = wanted["metadata"]["name"].str();
    auto pod = client.create(api::kPod, std::move(wanted));
    if (!pod.ok()) {
      // Without the name's random end: a message that is new each time would be a change each time.
      pod = error(pod.error().code, replace_all(pod.error().message, name, name_of(rs) + "-"));
      client::record_event(client, rs, kManager, "Warning", "FailedCreate",
                           "Error creating: " + pod.error().message);
      return std::move(pod).error().with_context("create pod");
    }
    client::record_event(client, rs, kManager, "Normal", "SuccessfulCreate",
                         "Created pod: " + name_of(**pod));
  }
  return {};
}

Status remove_pods(client::Client& client, const json::Value& rs, const std::vector<Object>& pods) {
  int64_t left = kMostAtOnce;
  for (const auto& pod : pods) {
    if (left-- == 0) break;
    client::DeleteOptions options;
    options.uid = client::uid_of(*pod);
    TRY_STATUS(
        ignore_not_found(client.remove(api::kPod, namespace_of(*pod), name_of(*pod), options)));
    client::record_event(client, rs, kManager, "Normal", "SuccessfulDelete",
                         "Deleted pod: " + name_of(*pod));
  }
  return {};
}

void add_failure(json::Value& status, const Status& outcome, std::string_view reason,
                 Clock& clock) {
  if (outcome.ok()) return;
  client::set_condition(
      status.ref("conditions"),
      {"ReplicaFailure", "True", std::string(reason), outcome.error().message, ""},
      rfc3339(clock.wall()));
}

Result<client::Outcome> reconcile(client::Client& client, Clock& clock, const client::Key& key) {
  auto rs = client.get(api::kReplicaSet, key.ns, key.name);
  if (!rs.ok()) {
    if (rs.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(rs).error();
  }
  TRY(auto pods, list_pods(client, key.ns, selector_text((**rs)["spec"]["selector"])));
  ReplicaSetPlan plan = plan_replicaset(**rs, pods, clock.wall());
  TRY_STATUS(adopt(client, **rs, plan.adopt));
  Status created = create_pods(client, **rs, plan.create);
  Status removed = remove_pods(client, **rs, plan.remove);
  if (plan.create > kMostAtOnce) plan.again = std::chrono::milliseconds(1);
  // The status that counts them is not what a request waits for.
  if (created.ok() && removed.ok() && plan.create > 0)
    return client::Outcome{plan.again, plan.create <= kMostAtOnce};
  add_failure(plan.status, created, "FailedCreate", clock);
  add_failure(plan.status, removed, "FailedDelete", clock);
  TRY_STATUS(write_status(client, api::kReplicaSet, **rs, std::move(plan.status), kManager));
  TRY_STATUS(created);
  TRY_STATUS(removed);
  return client::Outcome{plan.again};
}

// A pod without controller may be one that a ReplicaSet should adopt.
std::vector<client::Key> keys_of_pod(const SelectorIndex& sets, const client::Event& event) {
  const json::Value& pod = *event.object;
  if (const json::Value* owner = client::controller_of(pod)) {
    if ((*owner)["kind"].str() != "ReplicaSet") return {};
    return {{namespace_of(pod), (*owner)["name"].str()}};
  }
  if (event.type == client::Event::kDeleted) return {};
  return sets.selecting(namespace_of(pod), pod["metadata"]["labels"]);
}

}  // namespace

bool goes_first(const json::Value& a, const json::Value& b) {
  const bool a_placed = !a["spec"]["nodeName"].str().empty();
  const bool b_placed = !b["spec"]["nodeName"].str().empty();
  if (a_placed != b_placed) return !a_placed;
  if (phase_rank(a) != phase_rank(b)) return phase_rank(a) < phase_rank(b);
  if (pod_ready(a) != pod_ready(b)) return !pod_ready(a);
  if (deletion_cost(a) != deletion_cost(b)) return deletion_cost(a) < deletion_cost(b);
  // RFC 3339 text in UTC sorts like the time it stands for.
  const std::string& a_since = client::condition(a, "Ready")["lastTransitionTime"].str();
  const std::string& b_since = client::condition(b, "Ready")["lastTransitionTime"].str();
  if (a_since != b_since) return a_since > b_since;
  if (restarts(a) != restarts(b)) return restarts(a) > restarts(b);
  const std::string& a_made = a["metadata"]["creationTimestamp"].str();
  const std::string& b_made = b["metadata"]["creationTimestamp"].str();
  if (a_made != b_made) return a_made > b_made;
  return name_of(a) < name_of(b);
}

ReplicaSetPlan plan_replicaset(const json::Value& rs, const std::vector<Object>& pods,
                               WallTime now) {
  ReplicaSetPlan plan;
  std::vector<Object> active;
  const bool going = client::deleting(rs);
  for (const auto& pod : pods) {
    const json::Value* controller = client::controller_of(*pod);
    if (controller && (*controller)["uid"].str() != client::uid_of(rs)) continue;
    if (!pod_active(*pod)) continue;
    if (!controller && going) continue;
    if (!controller) plan.adopt.push_back(pod);
    active.push_back(pod);
  }
  plan.status = status_of(rs, active, now, &plan.again);
  if (going) return plan;
  const int64_t want = std::max<int64_t>(0, rs["spec"]["replicas"].integer(1));
  const int64_t have = static_cast<int64_t>(active.size());
  if (have < want) plan.create = want - have;
  if (have > want) {
    std::sort(active.begin(), active.end(),
              [](const Object& a, const Object& b) { return goes_first(*a, *b); });
    plan.remove.assign(active.begin(), active.begin() + (have - want));
    std::vector<Object> kept(active.begin() + (have - want), active.end());
    plan.status = status_of(rs, kept, now, &plan.again);
  }
  return plan;
}

json::Value pod_of(const json::Value& owner, const json::Value& pod_template) {
  json::Value pod = json::object({{"apiVersion", "v1"}, {"kind", "Pod"}});
  json::Value& meta = pod.ref("metadata");
  for (const char* key : {"labels", "annotations", "finalizers"})
    if (pod_template["metadata"].has(key)) meta.set(key, pod_template["metadata"][key]);
  meta.set("generateName", name_of(owner) + "-");
  meta.set("namespace", namespace_of(owner));
  meta.set("ownerReferences", json::array({client::owner_reference(owner)}));
  pod.set("spec", pod_template["spec"]);
  return pod;
}

client::ControllerSpec replicaset_controller(client::Client& client, Clock& clock) {
  client::ControllerSpec spec;
  spec.name = "replicaset";
  auto sets = std::make_shared<SelectorIndex>(selects);
  spec.watches.push_back({api::kReplicaSet, [sets](const client::Event& e) {
                            sets->note(e);
                            return std::vector<client::Key>{client::key_of(*e.object)};
                          }});
  spec.watches.push_back(
      {api::kPod, [sets](const client::Event& e) { return keys_of_pod(*sets, e); }, true});
  spec.reconcile = [&client, &clock](const client::Key& key) {
    return reconcile(client, clock, key);
  };
  return spec;
}

}  // namespace proa::workloads
