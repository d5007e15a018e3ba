#include "platform/node/decisions/status.h"

#include <set>

#include "client/client.h"
#include "foundation/base/strings.h"
#include "platform/node/volumes/fields.h"

namespace proa::node {

namespace {
using State = ContainerObserved::State;

json::Value time_or_null(const std::string& time) {
  return time.empty() ? json::Value() : json::Value(time);
}

json::Value terminated_value(const Terminated& t) {
  json::Value v = json::object({{"exitCode", t.exit_code}, {"reason", t.reason}});
  if (t.signal) v.set("signal", t.signal);
  if (!t.message.empty()) v.set("message", t.message);
  v.set("startedAt", time_or_null(t.started_at));
  v.set("finishedAt", time_or_null(t.finished_at));
  if (!t.container_id.empty()) v.set("containerID", t.container_id);
  return v;
}

json::Value state_value(const ContainerObserved& c) {
  json::Value v;
  if (c.state == State::kRunning) {
    v.ref("running").set("startedAt", c.started_at);
  } else if (c.state == State::kTerminated) {
    v.set("terminated", terminated_value(c.terminated));
  } else {
    v.ref("waiting").set("reason", c.reason);
    if (!c.message.empty()) v.ref("waiting").set("message", c.message);
  }
  return v;
}

json::Value container_status(const ContainerObserved& c) {
  json::Value v = json::object({{"name", c.name},
                                {"image", c.image},
                                {"imageID", c.container_id.empty() ? "" : "proa://" + c.image},
                                {"ready", c.ready},
                                {"started", c.started},
                                {"restartCount", c.restarts},
                                {"state", state_value(c)},
                                {"lastState", json::Object{}}});
  if (!c.container_id.empty()) v.set("containerID", c.container_id);
  if (c.last) v.ref("lastState").set("terminated", terminated_value(*c.last));
  return v;
}

bool init_done(const ContainerObserved& c) {
  if (c.sidecar) return c.started;
  return c.state == State::kTerminated && c.terminated.exit_code == 0;
}

bool initialized(const PodObserved& o) {
  for (const auto& c : o.init)
    if (!init_done(c)) return false;
  return true;
}

std::string names(const std::vector<ContainerObserved>& list,
                  bool (*lacks)(const ContainerObserved&)) {
  std::string out;
  for (const auto& c : list)
    if (lacks(c)) out += (out.empty() ? "" : " ") + c.name;
  return out;
}

bool terminal(const std::string& phase) { return phase == "Succeeded" || phase == "Failed"; }

void set_conditions(json::Value& conditions, const json::Value& pod, const PodObserved& o,
                    const std::string& phase) {
  auto set = [&](const char* type, bool ok, std::string reason = "", std::string message = "") {
    client::set_condition(conditions, {type, ok ? "True" : "False", reason, message, ""}, o.now);
  };
  set("PodScheduled", true);
  set("PodReadyToStartContainers", o.sandbox_ready && !terminal(phase));
  std::string pending = names(o.init, [](const ContainerObserved& c) { return !init_done(c); });
  bool succeeded = phase == "Succeeded";
  if (initialized(o))
    set("Initialized", true, succeeded ? "PodCompleted" : "");
  else
    set("Initialized", false, "ContainersNotInitialized",
        str("containers with incomplete status: [", pending, "]"));
  std::string unready = names(o.containers, [](const ContainerObserved& c) { return !c.ready; });
  std::string reason, message;
  if (succeeded)
    reason = "PodCompleted";
  else if (phase == "Failed")
    reason = "PodFailed";
  else if (!unready.empty())
    reason = "ContainersNotReady", message = str("containers with unready status: [", unready, "]");
  bool ready = unready.empty() && !terminal(phase) && initialized(o);
  set("ContainersReady", ready, reason, message);
  for (const auto& gate : pod["spec"]["readinessGates"].array()) {
    const std::string& type = gate["conditionType"].str();
    if (!ready || client::condition_is(pod, type, "True")) continue;
    ready = false;
    reason = "ReadinessGatesNotReady";
    message = str("corresponding condition of pod readiness gate \"", type,
                  "\" does not exist or is not True.");
  }
  set("Ready", ready, reason, message);
}
// A condition of ours, for downloads that take so long that somebody may ask.
void set_model_fetched(json::Value& conditions, const PodObserved& o) {
  constexpr const char* kType = "proa.dev/ModelFetched";
  bool before = false;
  for (const auto& c : conditions.array()) before |= c["type"].str() == kType;
  for (const auto& c : o.init) {
    if (c.state == State::kRunning && !c.progress.empty())
      client::set_condition(conditions, {kType, "False", "Fetching", c.progress, ""}, o.now);
    else if (before && c.state == State::kTerminated && !c.progress.empty())
      client::set_condition(
          conditions,
          {kType, c.terminated.exit_code == 0 ? "True" : "False",
           c.terminated.exit_code == 0 ? "Fetched" : "FetchFailed", c.terminated.message, ""},
          o.now);
  }
}
}  // namespace

bool should_restart(const json::Value& pod, bool sidecar, bool init, int exit_code) {
  std::string policy = pod["spec"]["restartPolicy"].str_or("Always");
  if (sidecar) return true;
  if (init) return exit_code != 0 && policy != "Never";
  return policy == "Always" || (policy == "OnFailure" && exit_code != 0);
}

Terminated read_terminated(const json::Value& t) {
  return {static_cast<int>(t["exitCode"].integer()),
          static_cast<int>(t["signal"].integer()),
          t["reason"].str(),
          t["message"].str(),
          t["startedAt"].str(),
          t["finishedAt"].str(),
          t["containerID"].str()};
}

std::string pod_phase(const json::Value& pod, const PodObserved& o) {
  if (!o.failed_reason.empty()) return "Failed";
  bool never = pod["spec"]["restartPolicy"].str() == "Never";
  for (const auto& c : o.init)
    if (never && !c.sidecar && c.state == State::kTerminated && c.terminated.exit_code != 0)
      return "Failed";
  if (!initialized(o)) return "Pending";
  bool waiting = false, running = false, failed = false;
  for (const auto& c : o.containers) {
    if (c.state == State::kRunning)
      running = true;
    else if (c.state == State::kWaiting)
      (c.last ? running : waiting) = true;
    else if (should_restart(pod, false, false, c.terminated.exit_code))
      running = true;
    else
      failed |= c.terminated.exit_code != 0;
  }
  if (waiting) return "Pending";
  if (running || o.containers.empty()) return "Running";
  return failed ? "Failed" : "Succeeded";
}

std::string qos_class(const json::Value& pod) {
  bool any = false, guaranteed = true;
  for (const char* list : {"containers", "initContainers"})
    for (const auto& c : pod["spec"][list].array()) {
      const json::Value &limits = c["resources"]["limits"], &requests = c["resources"]["requests"];
      for (const char* r : {"cpu", "memory"}) {
        double limit = quantity(limits[r]),
               request = requests.has(r) ? quantity(requests[r]) : limit;
        any |= limit > 0 || request > 0;
        guaranteed &= limit > 0 && limit == request;
      }
    }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

json::Value pod_status(const json::Value& pod, const PodObserved& o, const json::Value& before) {
  std::string phase = pod_phase(pod, o);
  json::Value status = json::object({{"phase", phase},
                                     {"hostIP", o.host_ip},
                                     {"podIP", o.pod_ip},
                                     {"startTime", o.start_time},
                                     {"qosClass", qos_class(pod)}});
  status.set("hostIPs", json::array({json::object({{"ip", o.host_ip}})}));
  status.set("podIPs", json::array({json::object({{"ip", o.pod_ip}})}));
  if (!o.failed_reason.empty()) status.set("reason", o.failed_reason);
  if (!o.failed_message.empty()) status.set("message", o.failed_message);
  json::Value conditions = before["conditions"];
  set_conditions(conditions, pod, o, phase);
  set_model_fetched(conditions, o);
  status.set("conditions", std::move(conditions));
  json::Array init, containers;
  for (const auto& c : o.init) init.push_back(container_status(c));
  for (const auto& c : o.containers) containers.push_back(container_status(c));
  if (!init.empty()) status.set("initContainerStatuses", std::move(init));
  status.set("containerStatuses", std::move(containers));
  return status;
}

}  // namespace proa::node
