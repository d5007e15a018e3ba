#include "platform/knative/scaling/revision_scaler.h"

#include <algorithm>

namespace proa::knative {
namespace {

// The gateway is the activator and in every request's path from the start, so that the grace
// period, which waits for a path to be switched, has passed for a new revision.
constexpr Duration kAlways = std::chrono::hours(24);

}  // namespace

RevisionScaler::RevisionScaler(const ScaleSpec& spec, Moment now, int64_t ready)
    : spec_(spec),
      stable_(spec.stable_window, spec.aggregation),
      panic_(spec.panic_window, spec.aggregation),
      decision_(first_decision(spec, ready, now.mono)),
      activity_since_(now.mono),
      proxied_since_(now.mono - kAlways) {}

void RevisionScaler::respec(const ScaleSpec& spec, Moment now) {
  const bool other_metric = spec.metric != spec_.metric || spec.aggregation != spec_.aggregation;
  if (other_metric || spec.stable_window != spec_.stable_window ||
      spec.panic_window != spec_.panic_window) {
    // What is known is carried over as one value, so that a change of windows drops no pod.
    const bool known = !other_metric && !stable_.empty(now.second);
    const double stable = stable_.average(now.second), panic = panic_.average(now.second);
    stable_ = Window(spec.stable_window, spec.aggregation);
    panic_ = Window(spec.panic_window, spec.aggregation);
    guessed_second_ = -1;
    if (known) {
      stable_.record(now.second - 1, stable);
      panic_.record(now.second - 1, panic);
    }
  }
  spec_ = spec;
}

void RevisionScaler::restore(Activity activity, Duration for_how_long, bool initialized,
                             MonoTime now) {
  activity_ = activity;
  activity_since_ = now - std::max(for_how_long, Duration::zero());
  proxied_since_ = now - kAlways;
  initialized_ = initialized;
}

void RevisionScaler::panic(Moment now, int64_t ready) {
  decision_ = first_decision(spec_, ready, now.mono);
}

void RevisionScaler::record(int64_t second, double value) {
  stable_.record(second, value);
  panic_.record(second, value);
}

void RevisionScaler::report(int64_t second, double concurrency, double requests) {
  double value = spec_.metric == Metric::kRps ? requests : concurrency;
  if (second == guessed_second_) {
    value -= guess_;
    guessed_second_ = -1;
  }
  record(second, value);
}

void RevisionScaler::waiting(int64_t second, double requests) {
  const double already = second == guessed_second_ ? guess_ : 0;
  const double guess = std::max(already, requests);
  record(second, guess - already);
  guessed_second_ = second;
  guess_ = guess;
}

void RevisionScaler::observe(Moment now, int64_t ready) {
  // The report of the second that just ended may still be on its way; the one before has come.
  if (ready > 0 && stable_.last() < now.second - 2) record(now.second - 2, 0);
}

bool RevisionScaler::decide(Moment now, int64_t ready) {
  DeciderInput in;
  in.spec = spec_;
  in.state = decision_.state;
  in.now = now.mono;
  in.ready_pods = ready;
  in.stable_average = stable_average(now.second);
  in.panic_average = panic_average(now.second);
  // A window that once held something and ran empty says zero; one that never did says nothing.
  in.has_data = stable_.last() >= 0;
  Decision next = knative::decide(in);
  if (!next.valid) return false;
  const bool changed = next.desired != decision_.desired ||
                       (next.excess_burst_capacity < 0) != (decision_.excess_burst_capacity < 0);
  decision_ = std::move(next);
  return changed;
}

void RevisionScaler::become(Activity activity, MonoTime now) {
  if (activity == activity_) return;
  activity_ = activity;
  activity_since_ = now;
}

int64_t RevisionScaler::min_ready() const {
  const int64_t min = spec_.reachable ? spec_.min_scale : 0;
  if (!initialized_ && spec_.reachable) return std::max(min, spec_.initial_scale);
  return std::max<int64_t>(1, min);
}

Duration RevisionScaler::proxied(MonoTime now) const {
  return proxied_since_ ? now - *proxied_since_ : Duration(-1);
}

StepResult RevisionScaler::step(Moment now, const StepInput& in) {
  StepResult out;
  out.desired = bounded(spec_, initialized_, decision_.desired);
  int64_t want = out.desired;
  bool apply = want > 0;
  const bool timed_out = activity_ == Activity::kActivating && want < 0 && in.replicas > 0;
  if (want == 0 || timed_out) {
    ZeroStep zero = step_to_zero(
        {spec_, activity_, now.mono - activity_since_, proxied(now.mono), in.progress_deadline});
    out.again = zero.again;
    if (want == 0 || zero.want == 0) {
      want = zero.want;
      apply = zero.apply;
    }
  }
  const int64_t least = min_ready();
  if (in.ready >= least && least > 0) initialized_ = true;
  // A revision without ready pods that wants none, and whose first pods are not due, is inactive
  // too.
  if (least == 0 && want <= 0) initialized_ = true;
  out.active = active_condition(activity_, want, in.ready, least == 0 && want > 0 ? 1 : least);
  become(out.active.activity, now.mono);
  if (want == 0 && out.desired != 0) out.desired = 0;
  const bool proxies = (decision_.desired < 0 && activity_ == Activity::kInactive) || want == 0 ||
                       decision_.excess_burst_capacity < 0;
  if (!proxies)
    proxied_since_.reset();
  else if (!proxied_since_)
    proxied_since_ = now.mono;
  if (apply && want >= 0 && want != in.replicas) out.scale_to = want;
  return out;
}

}  // namespace proa::knative
