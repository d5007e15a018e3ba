#include "serving/status/model_status.h"

#include "foundation/base/strings.h"
#include "serving/spec/config.h"

namespace proa::serving {
namespace {

constexpr size_t kMostMessage = 1024;

// The last line with something in it: what a program says before it ends.
std::string cause_line(std::string_view message) {
  std::string_view last;
  for (auto line : split(message, '\n'))
    if (!trim(line).empty()) last = trim(line);
  return shorten(last, kMostMessage);
}

const json::Value& spec_of(const json::Value& pod, std::string_view container) {
  static const json::Value none;
  for (const char* list : {"containers", "initContainers"})
    for (const auto& c : pod["spec"][list].array())
      if (c["name"].str() == container) return c;
  return none;
}

Failure ended(const json::Value& pod, std::string_view container, const json::Value& t) {
  Failure f{"ModelLoadFailed", cause_line(t["message"].str()), pod["metadata"]["name"].str(),
            t["finishedAt"].str(), t["exitCode"].integer()};
  if (t["reason"].str() == "OOMKilled") {
    const auto& limit = spec_of(pod, container)["resources"]["limits"]["memory"].str();
    f.message = str("out of memory: the model does not fit into the memory limit",
                    limit.empty() ? "" : " of ", limit, " of container ", container);
  } else if (f.message.empty()) {
    f.message = str("container ", container, " ended with exit code ", f.exit_code);
  }
  return f;
}

bool start_error(std::string_view reason) {
  for (auto r : {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerError",
                 "CreateContainerConfigError", "RunContainerError", "ErrImageNeverPull"})
    if (reason == r) return true;
  return false;
}

std::optional<Failure> container_failure(const json::Value& pod, const json::Value& cs) {
  const auto& name = cs["name"].str();
  const auto& terminated = cs["state"]["terminated"];
  if (terminated.is_object() && terminated["exitCode"].integer() != 0)
    return ended(pod, name, terminated);
  const auto& waiting = cs["state"]["waiting"];
  if (waiting["reason"].str() == "CrashLoopBackOff") {
    const auto& last = cs["lastState"]["terminated"];
    if (last.is_object()) return ended(pod, name, last);
    return Failure{"ModelLoadFailed", cause_line(waiting["message"].str()),
                   pod["metadata"]["name"].str(), "", 0};
  }
  if (start_error(waiting["reason"].str()))
    return Failure{"RuntimeUnhealthy",
                   str(waiting["reason"].str(), ": ", cause_line(waiting["message"].str())),
                   pod["metadata"]["name"].str(), "", 0};
  // Restarted at once, and not ready since: what ended it is still the best answer.
  const auto& last = cs["lastState"]["terminated"];
  if (last.is_object() && last["exitCode"].integer() != 0 && !cs["ready"].boolean())
    return ended(pod, name, last);
  return std::nullopt;
}

const json::Value* status_of(const json::Value& pod, const char* list, std::string_view name) {
  for (const auto& cs : pod["status"][list].array())
    if (cs["name"].str() == name) return &cs;
  return nullptr;
}

const json::Value* init_status(const json::Value& pod) {
  return status_of(pod, "initContainerStatuses", kInitContainer);
}

// The model's container; of a custom predictor it may have another name.
const json::Value* model_container_status(const json::Value& pod) {
  if (auto* cs = status_of(pod, "containerStatuses", kModelContainer)) return cs;
  for (const auto& cs : pod["status"]["containerStatuses"].array())
    if (cs["name"].str() != "queue-proxy") return &cs;
  return nullptr;
}

json::Value failure_info(const Failure& f, const std::string& revision) {
  json::Value out = json::object({{"reason", f.reason}, {"message", f.message}});
  if (!f.location.empty()) out.set("location", f.location);
  if (!revision.empty()) out.set("modelRevisionName", revision);
  if (!f.time.empty()) out.set("time", f.time);
  if (f.exit_code != 0) out.set("exitCode", f.exit_code);
  return out;
}

struct State {
  const char* target;
  const char* transition;
  std::optional<Failure> failure;
};

State pods_state(const ModelInput& in) {
  for (const auto& pod : in.pods)
    if (auto failure = failure_of(*pod)) return {"FailedToLoad", "BlockedByFailedLoad", failure};
  for (const auto& pod : in.pods)
    if (auto* init = init_status(*pod); init && (*init)["state"]["running"].is_object())
      return {"Loading", "InProgress", {}};
  return {"Pending", "InProgress", {}};
}

State state_of(const ModelInput& in) {
  const bool was_loaded = in.before && (*in.before)["states"]["activeModelState"].str() == "Loaded";
  if (in.ready && in.newest_serves && (!in.pods.empty() || was_loaded))
    return {"Loaded", "UpToDate", {}};
  if (!in.pods.empty()) return pods_state(in);
  if (in.knative_failed) return {"FailedToLoad", "BlockedByFailedLoad", {}};
  return {"Pending", "InProgress", {}};
}

int64_t count_ready(const std::vector<client::Object>& pods) {
  int64_t n = 0;
  for (const auto& p : pods) n += client::condition_is(*p, "Ready", "True") ? 1 : 0;
  return n;
}

int64_t count_failed(const std::vector<client::Object>& pods) {
  int64_t n = 0;
  for (const auto& p : pods) n += failure_of(*p) ? 1 : 0;
  return n;
}

}  // namespace

std::optional<Failure> failure_of(const json::Value& pod) {
  if (client::deleting(pod) || client::condition_is(pod, "Ready", "True")) return std::nullopt;
  if (auto* init = init_status(pod))
    if (auto f = container_failure(pod, *init)) return f;
  if (auto* main = model_container_status(pod))
    if (auto f = container_failure(pod, *main)) return f;
  if (pod["status"]["phase"].str() == "Failed")
    return Failure{"RuntimeUnhealthy", cause_line(pod["status"]["message"].str()),
                   pod["metadata"]["name"].str(), "", 0};
  return std::nullopt;
}

json::Value model_status(const ModelInput& in) {
  static const json::Value none;
  const json::Value& before = in.before ? *in.before : none;
  const State now = state_of(in);
  const bool loaded = now.target == std::string_view("Loaded");
  json::Value out;
  out.ref("transitionStatus") = now.transition;
  out.ref("states", "activeModelState") =
      loaded ? "Loaded" : before["states"]["activeModelState"].str();
  out.ref("states", "targetModelState") = now.target;
  out.ref("copies", "failedCopies") = count_failed(in.pods);
  if (const auto ready = count_ready(in.pods); ready > 0) out.ref("copies", "totalCopies") = ready;
  if (now.failure) {
    out.set("lastFailureInfo", failure_info(*now.failure, in.revision));
  } else if (const auto& last = before["lastFailureInfo"];
             !loaded && !in.revision.empty() && last["modelRevisionName"].str() == in.revision) {
    out.set("lastFailureInfo", last);
  }
  return out;
}

client::Condition model_fetched(const ModelInput& in, const json::Value& conditions_before) {
  client::Condition out{"ModelFetched", "Unknown", "Fetching", "", "Info"};
  for (const auto& pod : in.pods) {
    const auto* init = init_status(*pod);
    if (!init) continue;
    const auto& ended = (*init)["state"]["terminated"];
    if (ended.is_object() && ended["exitCode"].integer() == 0 &&
        ended["message"].str().starts_with("sha256:")) {
      out.status = "True";
      out.reason = "Fetched";
      out.message = shorten(replace_all(ended["message"].str(), "\n", "; "), kMostMessage);
      return out;
    }
    const auto& said = client::condition(*pod, "proa.dev/ModelFetched");
    if ((*init)["state"]["running"].is_object() && said["status"].str() == "False")
      out.message = said["message"].str();
  }
  if (!out.message.empty()) return out;
  if (in.pods.empty())  // scaled to zero: what was loaded last
    for (const auto& c : conditions_before.array())
      if (c["type"].str() == out.type && c["status"].str() == "True")
        return {"ModelFetched", "True", c["reason"].str(), c["message"].str(), "Info"};
  return {};
}

json::Value invalid_model_status(const json::Value& before, const Refusal& refusal) {
  json::Value out;
  out.ref("transitionStatus") = "InvalidSpec";
  out.ref("states", "activeModelState") = before["states"]["activeModelState"].str();
  out.ref("states", "targetModelState") = "FailedToLoad";
  out.ref("lastFailureInfo", "reason") = refusal.reason;
  out.ref("lastFailureInfo", "message") = refusal.message;
  return out;
}

}  // namespace proa::serving
