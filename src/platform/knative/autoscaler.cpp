#include "platform/knative/autoscaler.h"

#include <vector>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/objects/objects.h"
#include "platform/knative/settings/config_watch.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "autoscaler";

int64_t ready_pods(const std::vector<Object>& pods) {
  int64_t n = 0;
  for (const auto& pod : pods)
    n += !client::deleting(*pod) && client::condition_is(*pod, "Ready", "True");
  return n;
}

Activity activity_of(const std::string& status) {
  return status == "True"    ? Activity::kActive
         : status == "False" ? Activity::kInactive
                             : Activity::kActivating;
}

}  // namespace

struct Autoscaler::Gauges {
  metrics::Gauge &desired, &actual, &panic, &stable_average, &panic_average, &target, &burst;
};

struct Autoscaler::Entry {
  Entry(const ScaleSpec& spec, Moment now, int64_t ready) : scaler(spec, now, ready) {}
  RevisionScaler scaler;
  int64_t ready = 0;
  std::string deployment;  // "" until the PodAutoscaler was seen
  Duration progress_deadline = std::chrono::seconds(600);
  bool woken = false;                  // a wake-up is on its way to the loop
  std::optional<MonoTime> cold_since;  // a request waits since then for the first pod
  std::unique_ptr<Gauges> gauges;
};

Autoscaler::Autoscaler(client::Client& client, async::Loop& loop, Clock& clock,
                       metrics::Registry& registry)
    : client_(client),
      loop_(loop),
      clock_(clock),
      registry_(registry),
      alive_(std::make_shared<bool>(true)) {}

Autoscaler::~Autoscaler() { stop(); }

void Autoscaler::stop() {
  *alive_ = false;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  host_ = nullptr;
}

Moment Autoscaler::now() const {
  const auto since = clock_.wall().time_since_epoch();
  return {clock_.mono(), std::chrono::duration_cast<std::chrono::seconds>(since).count()};
}

Autoscaler::Entry* Autoscaler::entry_for(const client::Key& revision) {
  auto it = entries_.find(revision);
  if (it != entries_.end()) return it->second.get();
  if (entries_.size() >= kMostRevisions) {
    log::warn("autoscaler", "too many revisions",
              {{"revision", revision.ns + "/" + revision.name}});
    return nullptr;
  }
  return entries_.emplace(revision, std::make_unique<Entry>(ScaleSpec{}, now(), 0))
      .first->second.get();
}

void Autoscaler::waiting(const client::Key& revision, int requests) {
  bool post = false;
  {
    std::lock_guard lock(mutex_);
    Entry* entry = entry_for(revision);
    if (!entry) return;
    entry->scaler.waiting(now().second, requests);
    if (entry->ready == 0 && !entry->cold_since) entry->cold_since = clock_.mono();
    post = !std::exchange(entry->woken, true);
  }
  if (!post) return;
  loop_.post([this, alive = alive_, revision] {
    if (*alive) wake(revision);
  });
}

void Autoscaler::report(const client::Key& revision, int64_t unix_second, double concurrency,
                        double requests) {
  std::lock_guard lock(mutex_);
  if (Entry* entry = entry_for(revision)) entry->scaler.report(unix_second, concurrency, requests);
}

// The way from zero: decide and scale at once, and leave the status to the controller.
void Autoscaler::wake(const client::Key& revision) {
  StepResult step;
  std::string deployment;
  {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(revision);
    if (it == entries_.end()) return;
    Entry& entry = *it->second;
    entry.woken = false;
    if (entry.deployment.empty()) return;  // its PodAutoscaler will come and find the record
    entry.scaler.decide(now(), entry.ready);
    if (entry.ready == 0) {
      auto current = client_.get(api::kDeployment, revision.ns, entry.deployment);
      const int64_t replicas = current.ok() ? (**current)["spec"]["replicas"].integer(1) : 0;
      step = entry.scaler.step(now(), {0, replicas, entry.progress_deadline});
      if (current.ok()) deployment = entry.deployment;
    }
  }
  if (!deployment.empty()) {
    Status done = scale(revision, deployment, step);
    if (!done.ok())
      log::warn("autoscaler", "cannot scale from zero", {{"error", done.error().message}});
  }
  if (host_) host_->enqueue("podautoscaler", revision);
}

void Autoscaler::arm() {
  timer_ = loop_.after(kTick, [this, alive = alive_] {
    if (!*alive) return;
    tick();
    arm();
  });
}

void Autoscaler::start(client::ControllerHost& host) {
  host_ = &host;
  arm();
}

void Autoscaler::tick() {
  std::vector<client::Key> due;
  const Moment moment = now();
  {
    std::lock_guard lock(mutex_);
    // Demand for what has no PodAutoscaler (any more) is forgotten after a window.
    std::erase_if(entries_, [&](const auto& e) {
      return e.second->deployment.empty() && e.second->scaler.quiet(moment.second);
    });
    for (auto& [key, entry] : entries_) {
      if (entry->deployment.empty()) continue;
      if (entry->scaler.quiet(moment.second)) entry->cold_since.reset();  // who waited has left
      entry->scaler.observe(moment, entry->ready);
      if (entry->scaler.decide(moment, entry->ready)) due.push_back(key);
      if (entry->gauges) {
        entry->gauges->stable_average.set(entry->scaler.stable_average(moment.second));
        entry->gauges->panic_average.set(entry->scaler.panic_average(moment.second));
        entry->gauges->panic.set(entry->scaler.decision().panicking ? 1 : 0);
      }
    }
  }
  if (host_)
    for (auto& key : due) host_->enqueue("podautoscaler", std::move(key));
}

Status Autoscaler::scale(const client::Key& key, const std::string& deployment,
                         const StepResult& step) {
  if (!step.scale_to) return {};
  json::Value patch;
  patch.ref("spec", "replicas") = *step.scale_to;
  auto done = client_.patch(api::kDeployment, key.ns, deployment, std::move(patch));
  if (!done.ok() && done.error().code != Code::kNotFound)
    return std::move(done).error().with_context("scale Deployment " + deployment);
  log::info("autoscaler", "scaled",
            {{"revision", key.ns + "/" + key.name}, {"pods", *step.scale_to}});
  return {};
}

json::Value Autoscaler::status_of(const json::Value& pa, const StepResult& step, bool initialized,
                                  int64_t ready) const {
  const std::string at = rfc3339(clock_.wall());
  json::Value status;
  status.set("observedGeneration", generation_of(pa));
  if (step.desired >= 0) status.set("desiredScale", step.desired);
  status.set("actualScale", ready);
  status.set("serviceName", name_of(pa));
  status.set("metricsServiceName", name_of(pa) + "-private");
  const client::Condition active{"Active", step.active.status, step.active.reason,
                                 step.active.message, ""};
  status.set("conditions", scale_conditions(pa["status"]["conditions"], active, initialized, at));
  return status;
}

void Autoscaler::show(Entry& entry, const client::Key& key, const json::Value& pa) {
  if (!entry.gauges) {
    const json::Value& labels = pa["metadata"]["labels"];
    metrics::Labels l{{"namespace_name", key.ns},
                      {"service_name", labels[kServiceLabel].str()},
                      {"configuration_name", labels[kConfigurationLabel].str()},
                      {"revision_name", key.name}};
    const bool rps = entry.scaler.spec().metric == Metric::kRps;
    entry.gauges.reset(new Gauges{
        registry_.gauge("autoscaler_desired_pods", "Pods that the autoscaler wants", l),
        registry_.gauge("autoscaler_actual_pods", "Pods that are ready", l),
        registry_.gauge("autoscaler_panic_mode", "1 while the autoscaler panics", l),
        registry_.gauge(
            rps ? "autoscaler_stable_requests_per_second" : "autoscaler_stable_request_concurrency",
            "Average over the stable window", l),
        registry_.gauge(
            rps ? "autoscaler_panic_requests_per_second" : "autoscaler_panic_request_concurrency",
            "Average over the panic window", l),
        registry_.gauge(
            rps ? "autoscaler_target_requests_per_second" : "autoscaler_target_concurrency_per_pod",
            "What one pod should take", l),
        registry_.gauge("autoscaler_excess_burst_capacity", "Room for a burst", l)});
  }
  entry.gauges->actual.set(static_cast<double>(entry.ready));
  entry.gauges->target.set(entry.scaler.spec().target);
  entry.gauges->burst.set(static_cast<double>(entry.scaler.decision().excess_burst_capacity));
}

void Autoscaler::drop(const client::Key& key) {
  std::lock_guard lock(mutex_);
  std::erase_if(by_deployment_,
                [&](const auto& e) { return e.first.ns == key.ns && e.second == key.name; });
  auto it = entries_.find(key);
  if (it == entries_.end()) return;
  if (it->second->gauges) {
    it->second->gauges->desired.set(0);
    it->second->gauges->actual.set(0);
  }
  entries_.erase(it);
}

std::vector<client::Key> Autoscaler::scalers_of(const client::Key& deployment) const {
  std::vector<client::Key> keys;
  std::lock_guard lock(mutex_);
  auto [begin, end] = by_deployment_.equal_range(deployment);
  for (auto it = begin; it != end; ++it) keys.push_back({deployment.ns, it->second});
  return keys;
}

// A Revision's pods carry its label; those of a Deployment that stands alone its selector's.
Result<std::vector<Object>> Autoscaler::pods_of(const json::Value& pa,
                                                const Object& deployment) const {
  if (pa["metadata"]["labels"].has(kRevisionLabel))
    return client_.list(api::kPod, {namespace_of(pa), str(kRevisionLabel, "=", name_of(pa)), ""});
  std::vector<std::string> terms;
  if (deployment)
    for (const auto& [key, value] : (*deployment)["spec"]["selector"]["matchLabels"].object())
      terms.push_back(str(key, "=", value.str()));
  if (terms.empty()) return std::vector<Object>{};
  return client_.list(api::kPod, {namespace_of(pa), join(terms, ","), ""});
}

void Autoscaler::tell_cold_start(const json::Value& pa, const Object& deployment, Duration took) {
  const json::Value& labels = pa["metadata"]["labels"];
  registry_
      .histogram("autoscaler_cold_start_seconds",
                 "From the first request that waits for a pod to the first pod that is ready",
                 {{"namespace_name", namespace_of(pa)},
                  {"service_name", labels[kServiceLabel].str()},
                  {"configuration_name", labels[kConfigurationLabel].str()},
                  {"revision_name", name_of(pa)}},
                 {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300})
      .observe(seconds(took));
  Object about = deployment;
  if (labels.has(kRevisionLabel)) {
    auto revision = find(client_, api::kRevision, namespace_of(pa), name_of(pa));
    if (revision.ok() && *revision) about = *revision;
  }
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  if (about)
    client::record_event(client_, *about, kManager, "Normal", "ColdStart",
                         str("a pod was ready ", format_duration(millis),
                             " after the first request that waited for it"));
}

// Taken up here for the first time: a revision of before this process, or a new one.
void Autoscaler::first_sight(Entry& entry, const json::Value& pa, Moment moment, int64_t ready) {
  const client::Condition active = read_condition(pa, "Active");
  auto since = parse_rfc3339(client::condition(pa, "Active")["lastTransitionTime"].str());
  if (since)
    entry.scaler.restore(activity_of(active.status), clock_.wall() - *since,
                         client::condition_is(pa, "ScaleTargetInitialized", "True"), moment.mono);
  if (ready > 1) entry.scaler.panic(moment, ready);
  const client::Key key = client::key_of(pa);
  entry.deployment = pa["spec"]["scaleTargetRef"]["name"].str();
  if (!pa["metadata"]["labels"].has(kRevisionLabel))
    by_deployment_.emplace(client::Key{key.ns, entry.deployment}, key.name);
}

StepResult Autoscaler::decide_step(const json::Value& pa, const Object& deployment, int64_t ready,
                                   bool* initialized, std::optional<Duration>* cold_start) {
  const client::Key key = client::key_of(pa);
  const json::Value& spec = pa["spec"];
  const ScaleSpec wanted =
      scale_spec(pa["metadata"]["annotations"], spec["containerConcurrency"].integer(),
                 spec["reachability"].str() != "Unreachable", *config_.get(&client_));
  const Moment moment = now();
  std::lock_guard lock(mutex_);
  Entry* entry = entry_for(key);
  if (!entry) return {};
  entry->scaler.respec(wanted, moment);
  if (entry->deployment.empty()) first_sight(*entry, pa, moment, ready);
  entry->ready = ready;
  if (ready > 0 && entry->cold_since) {
    *cold_start = moment.mono - *entry->cold_since;
    entry->cold_since.reset();
  }
  if (deployment && (*deployment)["spec"]["progressDeadlineSeconds"].is_int())
    entry->progress_deadline =
        std::chrono::seconds((*deployment)["spec"]["progressDeadlineSeconds"].integer());
  entry->scaler.observe(moment, ready);
  entry->scaler.decide(moment, ready);
  const int64_t replicas = deployment ? (*deployment)["spec"]["replicas"].integer(1) : 0;
  StepResult step = entry->scaler.step(moment, {ready, replicas, entry->progress_deadline});
  *initialized = entry->scaler.initialized();
  show(*entry, key, pa);
  if (entry->gauges && step.desired >= 0)
    entry->gauges->desired.set(static_cast<double>(step.desired));
  return step;
}

Result<client::Outcome> Autoscaler::reconcile(const client::Key& key) {
  TRY(Object pa, find(client_, api::kPodAutoscaler, key.ns, key.name));
  if (!pa || client::deleting(*pa) ||
      scaled_by_hpa((*pa)["metadata"]["annotations"], *config_.get(&client_))) {
    drop(key);
    return client::Outcome{};
  }
  const std::string target = (*pa)["spec"]["scaleTargetRef"]["name"].str();
  {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(key);
    if (it == entries_.end() && entries_.size() >= kMostRevisions)
      return error(Code::kExhausted, "too many revisions to scale");
  }
  TRY(Object deployment, find(client_, api::kDeployment, key.ns, target));
  TRY(auto pods, pods_of(*pa, deployment));
  const int64_t ready = ready_pods(pods);
  bool initialized = false;
  std::optional<Duration> cold_start;
  StepResult step = decide_step(*pa, deployment, ready, &initialized, &cold_start);
  if (deployment) TRY_STATUS(scale(key, target, step));
  TRY_STATUS(write_status(client_, api::kPodAutoscaler, *pa,
                          status_of(*pa, step, initialized, ready), kManager));
  if (cold_start) tell_cold_start(*pa, deployment, *cold_start);
  return client::Outcome{step.again};
}

namespace {

bool serves(const Object& pod) {
  return pod && !client::deleting(*pod) && client::condition_is(*pod, "Ready", "True");
}

// Only a pod that becomes ready, stops being it, or goes, is news.
std::vector<client::Key> keys_of_pod(const client::Event& event) {
  const std::string& revision = (*event.object)["metadata"]["labels"][kRevisionLabel].str();
  if (revision.empty()) return {};
  const bool before = event.old && serves(event.old);
  const bool after = event.type != client::Event::kDeleted && serves(event.object);
  if (event.type != client::Event::kDeleted && before == after) return {};
  return {{namespace_of(*event.object), revision}};
}

// A Deployment tells by its status how many of its pods are ready.
bool says_something(const client::Event& event) {
  if (event.type != client::Event::kModified || !event.old) return true;
  const json::Value &before = *event.old, &after = *event.object;
  return before["status"]["readyReplicas"] != after["status"]["readyReplicas"] ||
         before["spec"]["replicas"] != after["spec"]["replicas"];
}

}  // namespace

client::ControllerSpec Autoscaler::controller() {
  client::ControllerSpec spec;
  spec.name = "podautoscaler";
  auto config = std::make_shared<ConfigWatch>(std::vector<std::string>{"config-autoscaler"});
  config->add_to(spec, api::kPodAutoscaler);
  spec.watches.push_back({api::kPod, keys_of_pod, true});
  spec.watches.push_back({api::kDeployment, [this](const client::Event& event) {
                            if (!says_something(event)) return std::vector<client::Key>{};
                            return scalers_of(client::key_of(*event.object));
                          },
                          true});
  spec.reconcile = [this](const client::Key& key) { return reconcile(key); };
  return spec;
}

}  // namespace proa::knative
