#include "platform/workloads/job.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

constexpr std::string_view kManager = "job-controller";

Result<std::vector<Object>> pods_of(const client::Client& client, const json::Value& job) {
  std::string selector = selector_text(job["spec"]["selector"]);
  if (selector.empty()) selector = "batch.kubernetes.io/controller-uid=" + client::uid_of(job);
  TRY(auto all, list_pods(client, namespace_of(job), selector));
  std::vector<Object> own;
  for (auto& pod : all)
    if (controlled_by(*pod, job)) own.push_back(std::move(pod));
  return own;
}

Status carry_out(client::Client& client, const json::Value& job, const JobPlan& plan) {
  for (const auto& pod : plan.remove) {
    TRY_STATUS(ignore_not_found(client.remove(api::kPod, namespace_of(*pod), name_of(*pod),
                                              {.uid = client::uid_of(*pod)})));
    client::record_event(client, job, kManager, "Normal", "SuccessfulDelete",
                         "Deleted pod: " + name_of(*pod));
  }
  for (int64_t index : plan.create) {
    auto pod = client.create(api::kPod, job_pod(job, index));
    if (!pod.ok()) {
      client::record_event(client, job, kManager, "Warning", "FailedCreate",
                           "Error creating: " + pod.error().message);
      return std::move(pod).error().with_context("create pod");
    }
    client::record_event(client, job, kManager, "Normal", "SuccessfulCreate",
                         "Created pod: " + name_of(**pod));
  }
  return {};
}

Result<client::Outcome> reconcile(client::Client& client, Clock& clock, const client::Key& key) {
  auto job = client.get(api::kJob, key.ns, key.name);
  if (!job.ok()) {
    if (job.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(job).error();
  }
  TRY(auto pods, pods_of(client, **job));
  JobPlan plan = plan_job(**job, pods, clock.wall());
  if (plan.remove_job) {
    client::DeleteOptions options;
    options.propagation = "Background";
    options.uid = client::uid_of(**job);
    TRY_STATUS(ignore_not_found(client.remove(api::kJob, key.ns, key.name, options)));
    return client::Outcome{};
  }
  if (!plan.defaults.is_null() && !client::deleting(**job)) {
    auto patched = client.patch(api::kJob, key.ns, key.name, plan.defaults);
    if (!patched.ok()) return std::move(patched).error().with_context("set the Job's selector");
  }
  Status done = carry_out(client, **job, plan);
  if (!done.ok()) return done.error();
  TRY_STATUS(write_status(client, api::kJob, **job, std::move(plan.status), kManager));
  for (const auto& e : plan.events)
    client::record_event(client, **job, kManager, e.type, e.reason, e.message);
  return client::Outcome{plan.again};
}

}  // namespace

client::ControllerSpec job_controller(client::Client& client, Clock& clock) {
  client::ControllerSpec spec;
  spec.name = "job";
  spec.watches.push_back({api::kJob, client::self()});
  spec.watches.push_back({api::kPod, client::owner(api::kJob)});
  spec.reconcile = [&client, &clock](const client::Key& key) {
    return reconcile(client, clock, key);
  };
  return spec;
}

}  // namespace proa::workloads
