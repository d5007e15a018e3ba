#include "platform/workloads/deployment/deployment.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

constexpr std::string_view kManager = "deployment-controller";

Result<std::vector<Object>> sets_of(const client::Client& client, const json::Value& deployment) {
  TRY(auto all, client.list(api::kReplicaSet, {namespace_of(deployment),
                                               selector_text(deployment["spec"]["selector"]), ""}));
  std::vector<Object> own;
  for (auto& set : all)
    if (controlled_by(*set, deployment)) own.push_back(std::move(set));
  return own;
}

Result<DeploymentSnapshot> observe(const client::Client& client, Object deployment, WallTime now) {
  DeploymentSnapshot s;
  TRY(s.sets, sets_of(client, *deployment));
  s.now = now;
  if ((*deployment)["spec"]["strategy"]["type"].str() == "Recreate") {
    const Object current = find_new_set(*deployment, s.sets);
    TRY(auto pods, list_pods(client, namespace_of(*deployment),
                             selector_text((*deployment)["spec"]["selector"])));
    for (const auto& pod : pods)
      if (!pod_finished(*pod) && !(current && controlled_by(*pod, *current))) ++s.old_pods;
  }
  s.deployment = std::move(deployment);
  return s;
}

Status scale_set(client::Client& client, const json::Value& deployment, const Scaling& scaling,
                 const Bounds& bounds, const json::Value& notes) {
  const int64_t want = deployment["spec"]["replicas"].integer(1);
  const bool recreate = deployment["spec"]["strategy"]["type"].str() == "Recreate";
  if (scaling.set) {
    json::Value patch;
    patch.ref("spec", "replicas") = scaling.to;
    if (notes.is_object()) patch.ref("metadata", "annotations") = notes;
    patch.ref("metadata", "annotations", "deployment.kubernetes.io/desired-replicas") = str(want);
    patch.ref("metadata", "annotations", "deployment.kubernetes.io/max-replicas") =
        str(want + (recreate ? 0 : bounds.surge));
    auto done =
        client.patch(api::kReplicaSet, namespace_of(deployment), scaling.name, std::move(patch));
    if (!done.ok()) return std::move(done).error().with_context("scale ReplicaSet " + scaling.name);
  }
  client::record_event(client, deployment, kManager, "Normal", "ScalingReplicaSet",
                       str("Scaled ", scaling.to > scaling.from ? "up" : "down", " replica set ",
                           scaling.name, " from ", scaling.from, " to ", scaling.to));
  return {};
}

Status annotate(client::Client& client, const client::Kind& kind, const json::Value& object,
                const json::Value& notes) {
  json::Value patch;
  patch.ref("metadata", "annotations") = notes;
  auto done = client.patch(kind, namespace_of(object), name_of(object), std::move(patch));
  if (!done.ok()) return std::move(done).error().with_context("annotate " + name_of(object));
  return {};
}

Status carry_out(client::Client& client, const DeploymentSnapshot& s, const DeploymentPlan& plan) {
  const json::Value& deployment = *s.deployment;
  const Bounds bounds = rolling_bounds(deployment);
  if (!plan.create.is_null()) {
    auto made = client.apply(api::kReplicaSet, plan.create, {std::string(kManager), ""});
    if (!made.ok()) {
      client::record_event(client, deployment, kManager, "Warning", "ReplicaSetCreateError",
                           "Failed to create new replica set \"" + name_of(plan.create) +
                               "\": " + made.error().message);
      return std::move(made).error().with_context("create ReplicaSet " + name_of(plan.create));
    }
  }
  const Object current = find_new_set(deployment, s.sets);
  bool noted = plan.set_annotations.is_null();
  for (const auto& scaling : plan.scale) {
    const bool with_notes = !noted && current && scaling.set == current;
    TRY_STATUS(scale_set(client, deployment, scaling, bounds,
                         with_notes ? plan.set_annotations : json::Value()));
    noted |= with_notes;
  }
  if (!noted && current)
    TRY_STATUS(annotate(client, api::kReplicaSet, *current, plan.set_annotations));
  if (plan.min_ready && current) {
    json::Value patch;
    patch.ref("spec", "minReadySeconds") = *plan.min_ready;
    auto done = client.patch(api::kReplicaSet, namespace_of(deployment), name_of(*current),
                             std::move(patch));
    if (!done.ok()) return std::move(done).error().with_context("set minReadySeconds");
  }
  for (const auto& set : plan.remove)
    TRY_STATUS(ignore_not_found(client.remove(api::kReplicaSet, namespace_of(*set), name_of(*set),
                                              {.uid = client::uid_of(*set)})));
  if (!plan.revision.empty())
    TRY_STATUS(annotate(client, api::kDeployment, deployment,
                        json::object({{"deployment.kubernetes.io/revision", plan.revision}})));
  return {};
}

Result<client::Outcome> reconcile(client::Client& client, Clock& clock, const client::Key& key) {
  auto deployment = client.get(api::kDeployment, key.ns, key.name);
  if (!deployment.ok()) {
    if (deployment.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(deployment).error();
  }
  TRY(auto snapshot, observe(client, *deployment, clock.wall()));
  DeploymentPlan plan = plan_deployment(snapshot);
  TRY_STATUS(carry_out(client, snapshot, plan));
  // The status that tells of it is not what a request waits for.
  if (plan.create.is_null() && !plan.scale.empty()) return client::Outcome{plan.again, true};
  TRY_STATUS(write_status(client, api::kDeployment, *snapshot.deployment, std::move(plan.status),
                          kManager));
  return client::Outcome{plan.again};
}

}  // namespace

client::ControllerSpec deployment_controller(client::Client& client, Clock& clock) {
  client::ControllerSpec spec;
  spec.name = "deployment";
  spec.watches.push_back({api::kDeployment, client::self()});
  spec.watches.push_back({api::kReplicaSet, client::owner(api::kDeployment), true});
  // Pods matter to Recreate only when they are gone; their ReplicaSet tells by then.
  spec.watches.push_back({api::kPod, [](const client::Event& event) {
                            std::vector<client::Key> keys;
                            if (event.type != client::Event::kDeleted) return keys;
                            const json::Value* owner = client::controller_of(*event.object);
                            const std::string& hash =
                                (*event.object)["metadata"]["labels"]["pod-template-hash"].str();
                            if (!owner || (*owner)["kind"].str() != "ReplicaSet" || hash.empty())
                              return keys;
                            std::string name = (*owner)["name"].str();
                            if (!name.ends_with("-" + hash)) return keys;
                            name.resize(name.size() - hash.size() - 1);
                            keys.push_back({namespace_of(*event.object), std::move(name)});
                            return keys;
                          },
                          true});
  spec.reconcile = [&client, &clock](const client::Key& key) {
    return reconcile(client, clock, key);
  };
  return spec;
}

}  // namespace proa::workloads
