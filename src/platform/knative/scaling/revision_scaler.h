// RevisionScaler: all that scaling one revision remembers: its two windows, the decider's state,
// and whether it is active. No I/O, no clock: time comes in with each call. Not synchronised.
#pragma once

#include <optional>

#include "platform/knative/scaling/decider.h"
#include "platform/knative/scaling/scale_to_zero.h"
#include "platform/knative/scaling/window.h"

namespace proa::knative {

struct Moment {
  MonoTime mono;
  int64_t second = 0;  // unix
};

struct StepInput {
  int64_t ready = 0;     // ready pods
  int64_t replicas = 0;  // what the Deployment asks for now
  Duration progress_deadline = std::chrono::seconds(600);
};

struct StepResult {
  int64_t desired = -1;             // as the PodAutoscaler's status says it; -1: not known yet
  std::optional<int64_t> scale_to;  // set: write this to the Deployment
  ActiveCondition active;
  std::optional<Duration> again;  // step again then
};

class RevisionScaler {
 public:
  RevisionScaler(const ScaleSpec& spec, Moment now, int64_t ready);

  void respec(const ScaleSpec& spec, Moment now);
  // What a PodAutoscaler's status said before this process started.
  void restore(Activity activity, Duration for_how_long, bool initialized, MonoTime now);

  void panic(Moment now, int64_t ready);  // a restart that finds several ready pods keeps them

  void report(int64_t second, double concurrency, double requests);
  void waiting(int64_t second, double requests);  // replaced by that second's report once it comes
  void observe(Moment now, int64_t ready);        // pods without reports had no requests

  // Decides; true if it came to something else than before, so that a step is due.
  bool decide(Moment now, int64_t ready);
  StepResult step(Moment now, const StepInput& input);

  const ScaleSpec& spec() const { return spec_; }
  const Decision& decision() const { return decision_; }
  Activity activity() const { return activity_; }
  bool initialized() const { return initialized_; }
  bool quiet(int64_t second) const { return stable_.empty(second); }
  // Over the seconds that have ended, and what is known of the present one.
  double stable_average(int64_t second) const { return stable_.average(second - 1); }
  double panic_average(int64_t second) const { return panic_.average(second - 1); }

 private:
  void record(int64_t second, double value);
  void become(Activity activity, MonoTime now);
  int64_t min_ready() const;
  Duration proxied(MonoTime now) const;

  ScaleSpec spec_;
  Window stable_, panic_;
  Decision decision_;
  Activity activity_ = Activity::kActivating;
  MonoTime activity_since_;
  std::optional<MonoTime> proxied_since_;
  bool initialized_ = false;
  int64_t guessed_second_ = -1;  // waiting() recorded `guess_` for it
  double guess_ = 0;
};

}  // namespace proa::knative
