#include "serving/status/conditions.h"

#include "foundation/base/strings.h"
#include "serving/status/model_status.h"

namespace proa::serving {

using client::Condition;

void Conditions::set(const Condition& c) {
  for (const auto& old : before_.array())
    if (old["type"].str() == c.type) {
      json::Value one = json::array({old});
      client::set_condition(one, c, now_);
      client::set_condition(list_, c, one[0]["lastTransitionTime"].str());
      return;
    }
  client::set_condition(list_, c, now_);
}

Condition roll_up(std::initializer_list<const Condition*> parts) {
  Condition ready{"Ready", "True", "", "", ""};
  for (const auto* part : parts) {
    if (part->status == "True") continue;
    const bool said = !ready.reason.empty() || !ready.message.empty();
    if (ready.status == "False" && (said || part->status != "False")) continue;
    ready.status = part->status;
    ready.reason = part->reason;
    ready.message = part->message;
  }
  return ready;
}

void stopped_status(const json::Value& isvc, const std::string& now, json::Value& status) {
  Conditions conditions(isvc["status"]["conditions"], now);
  for (const char* type : {"IngressReady", "PredictorReady", "Ready"})
    conditions.set({type, "False", "Stopped", "", ""});
  conditions.set({"Stopped", "True", "", "", "Info"});
  status.set("conditions", conditions.take());
  status.ref("modelStatus", "transitionStatus") = "";
}

void refused_status(const json::Value& isvc, const Refusal& refusal, const std::string& now,
                    json::Value& status) {
  const auto& before = isvc["status"];
  for (const char* kept : {"components", "url", "address"})
    if (before.has(kept)) status.set(kept, before[kept]);
  Conditions conditions(before["conditions"], now);
  const Condition predictor{"PredictorReady", "False", refusal.reason, refusal.detail, ""};
  const Condition ingress{"IngressReady", "Unknown", "Predictor ingress not created", "", ""};
  conditions.set(predictor);
  conditions.set(ingress);
  conditions.set(roll_up({&predictor, &ingress}));
  status.set("conditions", conditions.take());
  status.set("modelStatus", invalid_model_status(before["modelStatus"], refusal));
  status.set("observedGeneration", isvc["metadata"]["generation"]);
}

std::string failure_line(const std::string& revision, const std::string& cause,
                         const std::string& serving) {
  if (revision.empty() || serving.empty() || serving == revision) return cause;
  std::string_view text = cause;
  while (text.ends_with('.')) text.remove_suffix(1);
  return str("revision ", revision, " failed: ", text, "; ", serving, " serves on");
}

}  // namespace proa::serving
