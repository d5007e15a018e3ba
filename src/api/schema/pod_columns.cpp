// What kubectl shows of a pod, from its status (rules observed from kubectl and the API's
// documents).
#include <algorithm>

#include "api/schema/computed_columns.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

std::string ended(const json::Value& terminated) {
  const std::string& reason = terminated["reason"].str();
  if (!reason.empty()) return reason;
  if (terminated["signal"].integer() != 0) return str("Signal:", terminated["signal"].integer());
  return str("ExitCode:", terminated["exitCode"].integer());
}

struct Restarts {
  int64_t count = 0;
  std::string last;  // when the last one ended, RFC 3339
  void add(const json::Value& status) {
    count += status["restartCount"].integer();
    last = std::max(last, status["lastState"]["terminated"]["finishedAt"].str());
  }
};

bool is_sidecar(const json::Value& pod, const std::string& name) {
  for (const json::Value& c : pod["spec"]["initContainers"].array())
    if (c["name"].str() == name) return c["restartPolicy"].str() == "Always";
  return false;
}

// The text of the first init container that is not through; "" if all are.
std::string initializing(const json::Value& pod, Restarts& restarts, Restarts& sidecars) {
  const json::Value& all = pod["status"]["initContainerStatuses"];
  size_t i = 0;
  for (const json::Value& status : all.array()) {
    bool sidecar = is_sidecar(pod, status["name"].str());
    restarts.add(status);
    if (sidecar) sidecars.add(status);
    const json::Value& state = status["state"];
    size_t at = i++;
    if (state["terminated"].is_object() && state["terminated"]["exitCode"].integer() == 0) continue;
    if (sidecar && status["started"].boolean()) continue;
    if (state["terminated"].is_object()) return "Init:" + ended(state["terminated"]);
    const std::string& reason = state["waiting"]["reason"].str();
    if (!reason.empty() && reason != "PodInitializing") return "Init:" + reason;
    return str("Init:", at, "/", pod["spec"]["initContainers"].size());
  }
  return "";
}

bool pod_ready(const json::Value& pod) {
  for (const json::Value& c : pod["status"]["conditions"].array())
    if (c["type"].str() == "Ready") return c["status"].str() == "True";
  return false;
}

}  // namespace

PodSummary summarize_pod(const json::Value& pod, WallTime now) {
  PodSummary out;
  const json::Value& status = pod["status"];
  out.total = static_cast<int64_t>(pod["spec"]["containers"].size());
  for (const json::Value& c : pod["spec"]["initContainers"].array())
    out.total += c["restartPolicy"].str() == "Always";
  out.status = status["phase"].str_or("");
  if (!status["reason"].str().empty()) out.status = status["reason"].str();
  for (const json::Value& c : status["conditions"].array())
    if (c["type"].str() == "PodScheduled" && c["reason"].str() == "SchedulingGated")
      out.status = "SchedulingGated";

  Restarts restarts, sidecars;
  std::string init = initializing(pod, restarts, sidecars);
  for (const json::Value& c : status["initContainerStatuses"].array())
    if (is_sidecar(pod, c["name"].str()) && c["started"].boolean() && c["ready"].boolean())
      out.ready++;
  if (!init.empty()) {
    out.status = init;
  } else {
    restarts = sidecars;
    bool running = false;
    const json::Array& all = status["containerStatuses"].array();
    // The first container's trouble is the one that shows, so from the last to the first.
    for (size_t i = all.size(); i-- > 0;) {
      const json::Value& state = all[i]["state"];
      restarts.add(all[i]);
      if (!state["waiting"]["reason"].str().empty()) {
        out.status = state["waiting"]["reason"].str();
      } else if (state["terminated"].is_object()) {
        out.status = ended(state["terminated"]);
      } else if (all[i]["ready"].boolean() && state["running"].is_object()) {
        running = true;
        out.ready++;
      }
    }
    if (out.status == "Completed" && running) out.status = pod_ready(pod) ? "Running" : "NotReady";
  }
  if (pod["metadata"].has("deletionTimestamp")) {
    const std::string& phase = status["phase"].str();
    if (status["reason"].str() == "NodeLost")
      out.status = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed")
      out.status = "Terminating";
  }
  out.restarts = restarts.count;
  out.restarts_text = str(restarts.count);
  if (restarts.count && !restarts.last.empty())
    out.restarts_text += str(" (", since(restarts.last, now), " ago)");
  return out;
}

std::optional<json::Value> pod_cell(std::string_view name, const json::Value& pod, WallTime now) {
  if (name == "podReady") {
    PodSummary s = summarize_pod(pod, now);
    return str(s.ready, "/", s.total);
  }
  if (name == "podStatus") return summarize_pod(pod, now).status;
  if (name == "podRestarts") return summarize_pod(pod, now).restarts_text;
  if (name == "podIP") {
    const json::Value& ips = pod["status"]["podIPs"];
    return ips.size() ? ips[0]["ip"].str_or("<none>") : pod["status"]["podIP"].str_or("<none>");
  }
  if (name == "readinessGates") {
    const json::Array& gates = pod["spec"]["readinessGates"].array();
    if (gates.empty()) return "<none>";
    size_t passed = 0;
    for (const json::Value& gate : gates)
      for (const json::Value& c : pod["status"]["conditions"].array())
        passed += c["type"] == gate["conditionType"] && c["status"].str() == "True";
    return str(passed, "/", gates.size());
  }
  return std::nullopt;
}

}  // namespace proa::api
