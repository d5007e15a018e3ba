#include <algorithm>
#include <set>

#include "foundation/base/strings.h"
#include "platform/workloads/job.h"
#include "platform/workloads/replicaset.h"

namespace proa::workloads {
namespace {

using std::chrono::seconds;

constexpr const char* kIndex = "batch.kubernetes.io/job-completion-index";
constexpr Duration kFirstBackoff = seconds(10);
constexpr Duration kLastBackoff = seconds(360);
constexpr int64_t kMostAtOnce = 500;

bool indexed(const json::Value& job) { return job["spec"]["completionMode"].str() == "Indexed"; }

bool finished(const json::Value& job) {
  return client::condition_is(job, "Complete", "True") ||
         client::condition_is(job, "Failed", "True");
}

std::optional<WallTime> finish_time(const json::Value& pod) {
  std::optional<WallTime> last;
  for (const auto& c : pod["status"]["containerStatuses"].array()) {
    auto at = time_at(c["state"]["terminated"], "finishedAt");
    if (at && (!last || *at > *last)) last = at;
  }
  return last;
}

int64_t index_of(const json::Value& pod) {
  return parse_int(pod["metadata"]["annotations"][kIndex].str()).value_or(-1);
}

std::string ranges(const std::set<int64_t>& indexes) {  // 0,2-4
  std::string out;
  for (auto it = indexes.begin(); it != indexes.end();) {
    int64_t first = *it, last = first;
    while (++it != indexes.end() && *it == last + 1) last = *it;
    if (!out.empty()) out += ',';
    out += first == last ? str(first) : str(first, last == first + 1 ? "," : "-", last);
  }
  return out;
}

class Planner {
 public:
  Planner(const json::Value& job, const std::vector<Object>& pods, WallTime now)
      : job_(job), spec_(job["spec"]), now_(now), text_now_(rfc3339(now)) {
    for (const auto& pod : pods) take(pod);
    succeeded_ = std::max(succeeded_, job["status"]["succeeded"].integer());
    failed_ = std::max(failed_, job["status"]["failed"].integer());
    if (indexed(job)) succeeded_ = static_cast<int64_t>(done_.size());
    status_ = job["status"];
    status_.make_object();
  }

  JobPlan run() {
    if (finished(job_)) {
      after_finish();
    } else if (!client::deleting(job_)) {
      advance();
    }
    write_counts();
    plan_.status = std::move(status_);
    return std::move(plan_);
  }

 private:
  void take(const Object& pod) {
    const std::string& phase = (*pod)["status"]["phase"].str();
    if (phase == "Succeeded") {
      ++succeeded_;
      done_.insert(index_of(*pod));
    } else if (phase == "Failed") {
      ++failed_;
      if (auto at = finish_time(*pod); at && (!last_failure_ || *at > *last_failure_))
        last_failure_ = at;
    } else if (client::deleting(*pod)) {
      ++terminating_;
    } else {
      active_.push_back(pod);
      ready_ += pod_ready(*pod);
      restarts_ += restarts(*pod);
      taken_.insert(index_of(*pod));
    }
  }

  void after_finish() {
    for (const auto& pod : active_) plan_.remove.push_back(pod);
    if (!spec_["ttlSecondsAfterFinished"].is_int()) return;
    std::optional<WallTime> since = time_at(job_["status"], "completionTime");
    for (const char* type : {"Complete", "Failed"})
      if (!since && client::condition_is(job_, type, "True"))
        since = time_at(client::condition(job_, type), "lastTransitionTime");
    if (!since) return;
    const Duration left = *since + seconds(spec_["ttlSecondsAfterFinished"].integer()) - now_;
    if (left <= Duration::zero())
      plan_.remove_job = true;
    else
      wait(left);
  }

  void advance() {
    if (spec_["suspend"].boolean()) return suspend();
    resume();
    const bool timed = spec_["activeDeadlineSeconds"].is_int();
    auto started = time_at(status_, "startTime");
    if (timed && started) {
      const Duration left = *started + seconds(spec_["activeDeadlineSeconds"].integer()) - now_;
      if (left <= Duration::zero())
        return fail("DeadlineExceeded", "Job was active longer than specified deadline");
      wait(left);
    }
    const int64_t limit = spec_["backoffLimit"].integer(6);
    const bool in_place = spec_["template"]["spec"]["restartPolicy"].str() == "OnFailure";
    if (failed_ > limit || (in_place && restarts_ > 0 && restarts_ >= limit))
      return fail("BackoffLimitExceeded", "Job has reached the specified backoff limit");
    if (complete()) return succeed();
    size_up();
  }

  bool complete() const {
    if (spec_["completions"].is_int()) return succeeded_ >= spec_["completions"].integer();
    return succeeded_ > 0 && active_.empty();
  }

  int64_t wanted() const {
    const int64_t parallel = spec_["parallelism"].integer(1);
    if (!spec_["completions"].is_int())
      return succeeded_ > 0 ? static_cast<int64_t>(active_.size()) : parallel;
    return std::min(parallel, std::max<int64_t>(0, spec_["completions"].integer() - succeeded_));
  }

  void size_up() {
    const int64_t have = static_cast<int64_t>(active_.size());
    const int64_t want = wanted();
    if (have > want) {
      std::sort(active_.begin(), active_.end(),
                [](const Object& a, const Object& b) { return goes_first(*a, *b); });
      plan_.remove.assign(active_.begin(), active_.begin() + (have - want));
    }
    if (have >= want || !backed_off()) return;
    const int64_t missing =
        std::min(want - have - std::min(terminating_, want - have), kMostAtOnce);
    int64_t next = 0;
    for (int64_t i = 0; i < missing; ++i) {
      if (!indexed(job_)) {
        plan_.create.push_back(-1);
        continue;
      }
      while (done_.count(next) || taken_.count(next)) ++next;
      plan_.create.push_back(next++);
    }
  }

  // After a failure the next pod waits 10 s, doubling to 6 min.
  bool backed_off() {
    if (failed_ == 0 || !last_failure_) return true;
    Duration delay = kFirstBackoff;
    for (int64_t i = 1; i < failed_ && delay < kLastBackoff; ++i) delay *= 2;
    const Duration left = *last_failure_ + std::min(delay, kLastBackoff) - now_;
    if (left <= Duration::zero()) return true;
    wait(left);
    return false;
  }

  void suspend() {
    for (const auto& pod : active_) plan_.remove.push_back(pod);
    if (client::condition_is(job_, "Suspended", "True")) return;
    set("Suspended", "True", "JobSuspended", "Job suspended");
    status_.erase("startTime");
    plan_.events.push_back({"Normal", "Suspended", "Job suspended"});
  }

  void resume() {
    if (client::condition_is(job_, "Suspended", "True")) {
      set("Suspended", "False", "JobResumed", "Job resumed");
      plan_.events.push_back({"Normal", "Resumed", "Job resumed"});
    }
    if (!status_.has("startTime")) status_.set("startTime", text_now_);
  }

  void succeed() {
    const char* message = "Reached expected number of succeeded pods";
    set("SuccessCriteriaMet", "True", "CompletionsReached", message);
    set("Complete", "True", "CompletionsReached", message);
    status_.set("completionTime", text_now_);
    for (const auto& pod : active_) plan_.remove.push_back(pod);
    plan_.events.push_back({"Normal", "Completed", "Job completed"});
  }

  void fail(const char* reason, const char* message) {
    set("FailureTarget", "True", reason, message);
    set("Failed", "True", reason, message);
    for (const auto& pod : active_) plan_.remove.push_back(pod);
    plan_.events.push_back({"Warning", reason, message});
  }

  void set(const char* type, const char* status, const char* reason, const char* message) {
    client::set_condition(status_.ref("conditions"), {type, status, reason, message, ""},
                          text_now_);
    if (plan_.again && std::string_view(type) != "Suspended") plan_.again.reset();
  }

  void write_counts() {
    for (const char* key : {"active", "succeeded", "failed", "ready", "terminating"})
      status_.erase(key);
    const int64_t leaving = static_cast<int64_t>(plan_.remove.size());
    const int64_t active =
        static_cast<int64_t>(active_.size()) - leaving + static_cast<int64_t>(plan_.create.size());
    set_count(status_, "active", active);
    set_count(status_, "succeeded", succeeded_);
    set_count(status_, "failed", failed_);
    status_.set("ready", leaving ? std::min(ready_, active) : ready_);
    status_.set("terminating", terminating_ + leaving);
    if (indexed(job_)) {
      const std::string done = ranges(done_);
      if (done.empty())
        status_.erase("completedIndexes");
      else
        status_.set("completedIndexes", done);
    }
    if (!status_.has("uncountedTerminatedPods"))
      status_.set("uncountedTerminatedPods", json::Object());
  }

  void wait(Duration d) {
    if (!plan_.again || d < *plan_.again) plan_.again = d;
  }

  const json::Value& job_;
  const json::Value& spec_;
  const WallTime now_;
  const std::string text_now_;
  std::vector<Object> active_;
  int64_t succeeded_ = 0, failed_ = 0, ready_ = 0, restarts_ = 0, terminating_ = 0;
  std::set<int64_t> done_, taken_;
  std::optional<WallTime> last_failure_;
  json::Value status_;
  JobPlan plan_;
};

}  // namespace

JobPlan plan_job(const json::Value& job, const std::vector<Object>& pods, WallTime now) {
  JobPlan plan = Planner(job, pods, now).run();
  plan.defaults = job_defaults(job);
  return plan;
}

json::Value job_defaults(const json::Value& job) {
  const json::Value& spec = job["spec"];
  json::Value patch;
  const std::string& uid = client::uid_of(job);
  if (spec["manualSelector"].boolean() || spec["selector"]["matchLabels"].size() > 0) return patch;
  patch.ref("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid") = uid;
  json::Value& labels = patch.ref("spec", "template", "metadata", "labels");
  labels.set("batch.kubernetes.io/controller-uid", uid);
  labels.set("controller-uid", uid);
  labels.set("batch.kubernetes.io/job-name", name_of(job));
  labels.set("job-name", name_of(job));
  return patch;
}

json::Value job_pod(const json::Value& job, int64_t index) {
  json::Value pod = pod_of(job, job["spec"]["template"]);
  json::Value& labels = pod.ref("metadata", "labels");
  const std::string& uid = client::uid_of(job);
  if (!job["spec"]["manualSelector"].boolean()) {
    labels.set("batch.kubernetes.io/controller-uid", uid);
    labels.set("controller-uid", uid);
    labels.set("batch.kubernetes.io/job-name", name_of(job));
    labels.set("job-name", name_of(job));
  }
  if (index < 0) return pod;
  labels.set(kIndex, str(index));
  pod.ref("metadata", "annotations", kIndex) = str(index);
  pod.ref("metadata", "generateName") = str(name_of(job), "-", index, "-");
  for (const char* list : {"containers", "initContainers"}) {
    if (!pod["spec"].has(list)) continue;
    for (auto& container : pod.ref("spec", list).make_array())
      container.ref("env").push(
          json::object({{"name", "JOB_COMPLETION_INDEX"}, {"value", str(index)}}));
  }
  return pod;
}

}  // namespace proa::workloads
