// The parts of an InferenceService's status that both modes share: conditions, and what is said
// when nothing was made (stopped, refused).
//
// Used by knative/status and standard/status. Pure.
#pragma once

#include <initializer_list>
#include <string>

#include "client/client.h"
#include "serving/spec/runtime.h"

namespace proa::serving {

// A new list of conditions; one whose status stays keeps its lastTransitionTime.
class Conditions {
 public:
  Conditions(const json::Value& before, std::string now) : before_(before), now_(std::move(now)) {}
  void set(const client::Condition& c);
  json::Value take() { return std::move(list_); }

 private:
  const json::Value& before_;
  std::string now_;
  json::Value list_{json::Array{}};
};

// Ready: the first that is False and says why, else the last that is Unknown, else True.
client::Condition roll_up(std::initializer_list<const client::Condition*> parts);

// Adds to `status`. `now` is RFC 3339.
void stopped_status(const json::Value& isvc, const std::string& now, json::Value& status);
void refused_status(const json::Value& isvc, const Refusal& refusal, const std::string& now,
                    json::Value& status);

// One line for people: which revision failed and why, and which one serves meanwhile ("" if none).
std::string failure_line(const std::string& revision, const std::string& cause,
                         const std::string& serving);

}  // namespace proa::serving
