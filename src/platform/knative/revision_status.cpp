#include <array>

#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/revision.h"

namespace proa::knative {
namespace {

// Waiting reasons that do not pass by themselves soon and are not the container's own doing.
constexpr std::array<std::string_view, 8> kMissing{
    "ImagePullBackOff",           "ErrImagePull",        "ErrImageNeverPull",
    "InvalidImageName",           "ImageInspectError",   "RegistryUnavailable",
    "CreateContainerConfigError", "CreateContainerError"};

std::string exit_message(const json::Value& terminated) {
  std::string text(trim(terminated["message"].str()));
  if (text.empty()) text = terminated["reason"].str_or("the container ended without a message");
  return "Container failed with: " + text;
}

std::optional<PodFailure> exit_failure(const json::Value& terminated) {
  if (terminated.is_null()) return std::nullopt;
  const int64_t code = terminated["exitCode"].integer();
  if (code == 0 && terminated["reason"].str() != "OOMKilled") return std::nullopt;
  return PodFailure{true, str("ExitCode", code), exit_message(terminated)};
}

std::optional<PodFailure> container_failure(const json::Value& status, bool init) {
  if (status["ready"].boolean()) return std::nullopt;
  const json::Value& state = status["state"];
  if (auto failure = exit_failure(state["terminated"])) return failure;
  if (state["running"].is_object() && !init) {
    // Running again after a crash, and not ready yet: what it died of is still the news.
    return exit_failure(status["lastState"]["terminated"]);
  }
  const json::Value& waiting = state["waiting"];
  if (waiting["reason"].str() == "CrashLoopBackOff" ||
      waiting["reason"].str() == "RunContainerError") {
    if (auto failure = exit_failure(status["lastState"]["terminated"])) return failure;
    return PodFailure{true, waiting["reason"].str(), waiting["message"].str()};
  }
  for (std::string_view reason : kMissing)
    if (waiting["reason"].str() == reason)
      return PodFailure{false, waiting["reason"].str(), waiting["message"].str()};
  return std::nullopt;
}

std::optional<PodFailure> pod_failure(const json::Value& pod) {
  for (const auto& c : pod["status"]["initContainerStatuses"].array())
    if (auto failure = container_failure(c, true)) return failure;
  for (const auto& c : pod["status"]["containerStatuses"].array())
    if (c["name"].str() != "queue-proxy")
      if (auto failure = container_failure(c, false)) return failure;
  const json::Value& scheduled = client::condition(pod, "PodScheduled");
  if (scheduled["status"].str() == "False")
    return PodFailure{false, scheduled["reason"].str_or("Unschedulable"),
                      scheduled["message"].str()};
  if (pod["status"]["phase"].str() == "Failed")
    return PodFailure{true, pod["status"]["reason"].str_or("PodFailed"),
                      pod["status"]["message"].str()};
  return std::nullopt;
}

struct Health {
  client::Condition resources, container;
};

Health unknown() {
  return {{"ResourcesAvailable", "Unknown", "Deploying", "", ""},
          {"ContainerHealthy", "Unknown", "Deploying", "", ""}};
}

Health judge(const RevisionSnapshot& s, bool ever_ready, bool any_ready) {
  if (ever_ready || any_ready)
    return {{"ResourcesAvailable", "True", "", "", ""}, {"ContainerHealthy", "True", "", "", ""}};
  Health health = unknown();
  if (s.deployment) {
    const json::Value& stuck = client::condition(*s.deployment, "ReplicaFailure");
    const json::Value& progress = client::condition(*s.deployment, "Progressing");
    if (stuck["status"].str() == "True")
      health.resources = {"ResourcesAvailable", "False", stuck["reason"].str(),
                          stuck["message"].str(), ""};
    else if (progress["status"].str() == "False")
      health.resources = {"ResourcesAvailable", "False", "ProgressDeadlineExceeded",
                          progress["message"].str_or("Initial scale was never achieved"), ""};
    const json::Value* owner = client::controller_of(*s.deployment);
    if (!owner || (*owner)["uid"].str() != client::uid_of(*s.revision))
      health.resources = {"ResourcesAvailable", "False", "NotOwned",
                          str("There is an existing Deployment \"", name_of(*s.deployment),
                              "\" that we do not own."),
                          ""};
  }
  if (auto failure = find_failure(s.pods)) {
    client::Condition& c = failure->container ? health.container : health.resources;
    c = {c.type, "False", failure->reason, failure->message, ""};
  } else if (client::condition_is(*s.revision, "ContainerHealthy", "False") && !s.pods.empty()) {
    // Between two attempts the pod looks healthy for a moment; the last word stays until it is.
    health.container = read_condition(*s.revision, "ContainerHealthy");
  }
  return health;
}

json::Value container_statuses(const json::Value& revision) {
  json::Value list = json::Array();
  for (const auto& c : revision["spec"]["containers"].array())
    list.push(json::object({{"name", c["name"].str_or("user-container")}}));
  return list;
}

}  // namespace

std::optional<PodFailure> find_failure(const std::vector<Object>& pods) {
  for (const auto& pod : pods)
    if (!client::deleting(*pod))
      if (auto failure = pod_failure(*pod)) return failure;
  return std::nullopt;
}

json::Value revision_status(const RevisionSnapshot& s, WallTime now) {
  const json::Value& revision = *s.revision;
  const std::string at = rfc3339(now);
  json::Value status;
  status.set("observedGeneration", generation_of(revision));
  json::Value conditions = revision["status"]["conditions"];
  const bool initialized =
      s.autoscaler && client::condition_is(*s.autoscaler, "ScaleTargetInitialized", "True");
  bool any_ready = false;
  for (const auto& pod : s.pods)
    any_ready |= !client::deleting(*pod) && client::condition_is(*pod, "Ready", "True");
  // Initial scale is what counts where it is more than one; the autoscaler knows.
  const ScaleSpec spec = scale_spec(revision["metadata"]["annotations"], 0, true, {});
  Health health =
      judge(s, initialized, any_ready && std::max(spec.min_scale, spec.initial_scale) <= 1);
  client::Condition active{"Active", "Unknown", "Deploying", "", "Info"};
  if (s.autoscaler && !client::condition(*s.autoscaler, "Active").is_null()) {
    active = read_condition(*s.autoscaler, "Active");
    active.severity = "Info";
  }
  client::set_condition(conditions, active, at);
  client::set_condition(conditions, health.resources, at);
  client::set_condition(conditions, health.container, at);
  client::set_condition(conditions, happy(conditions, {"ContainerHealthy", "ResourcesAvailable"}),
                        at);
  status.set("conditions", std::move(conditions));
  status.set("containerStatuses", container_statuses(revision));
  if (s.autoscaler) {
    const json::Value& pa = (*s.autoscaler)["status"];
    if (pa.has("actualScale")) status.set("actualReplicas", pa["actualScale"]);
    if (pa.has("desiredScale")) status.set("desiredReplicas", pa["desiredScale"]);
  }
  return status;
}

}  // namespace proa::knative
