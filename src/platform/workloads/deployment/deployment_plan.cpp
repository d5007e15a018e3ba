#include <algorithm>
#include <cmath>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/workloads/deployment/deployment.h"
#include "platform/workloads/deployment/deployment_status.h"

namespace proa::workloads {
namespace {

constexpr const char* kHashLabel = "pod-template-hash";
constexpr const char* kRevision = "deployment.kubernetes.io/revision";
constexpr const char* kHistory = "deployment.kubernetes.io/revision-history";
constexpr const char* kDesired = "deployment.kubernetes.io/desired-replicas";
constexpr const char* kMax = "deployment.kubernetes.io/max-replicas";

int64_t replicas_of(const json::Value& set) { return set["spec"]["replicas"].integer(); }

int64_t available_of(const json::Value& set) {
  return set["status"]["availableReplicas"].integer();
}

int64_t revision_of(const json::Value& object) {
  return parse_int(object["metadata"]["annotations"][kRevision].str()).value_or(0);
}

bool older(const Object& a, const Object& b) {
  const std::string& x = (*a)["metadata"]["creationTimestamp"].str();
  const std::string& y = (*b)["metadata"]["creationTimestamp"].str();
  if (x != y) return x < y;
  if (revision_of(*a) != revision_of(*b)) return revision_of(*a) < revision_of(*b);
  return name_of(*a) < name_of(*b);
}

int64_t resolve(const json::Value& value, int64_t total, bool up) {
  if (value.is_number()) return value.integer();
  std::string_view text = value.str();
  if (text.ends_with('%')) text.remove_suffix(1);
  const double part = static_cast<double>(parse_int(text).value_or(25) * total) / 100.0;
  return static_cast<int64_t>(up ? std::ceil(part) : std::floor(part));
}

bool recreates(const json::Value& deployment) {
  return deployment["spec"]["strategy"]["type"].str() == "Recreate";
}

// One planning run; its members are the snapshot in the shape that the rules speak of.
class Planner {
 public:
  explicit Planner(const DeploymentSnapshot& s) : snapshot_(s), deployment_(*s.deployment) {
    want_ = deployment_["spec"]["replicas"].integer(1);
    bounds_ = rolling_bounds(deployment_);
    for (const auto& set : s.sets) total_ += replicas_of(*set);
    new_ = find_new_set(deployment_, s.sets);
    for (const auto& set : s.sets)
      if (set != new_) old_.push_back(set);
    std::sort(old_.begin(), old_.end(), older);
  }

  DeploymentPlan run() {
    if (!client::deleting(deployment_)) step();
    const bool created = !plan_.create.is_null();
    plan_.status = deployment_status(
        {snapshot_.deployment, snapshot_.sets, new_, created ? name_of(plan_.create) : "", want_,
         recreates(deployment_) ? 0 : std::min(bounds_.unavailable, want_), snapshot_.now},
        &plan_.again);
    return std::move(plan_);
  }

 private:
  void step() {
    const bool paused = deployment_["spec"]["paused"].boolean();
    if (!paused) note_revision();
    const int64_t min_ready = deployment_["spec"]["minReadySeconds"].integer();
    if (new_ && (*new_)["spec"]["minReadySeconds"].integer() != min_ready)
      plan_.min_ready = min_ready;
    if (paused || resized()) {
      resize();
      return;
    }
    if (recreates(deployment_))
      recreate();
    else
      roll();
    if (old_total() == 0 && new_ && replicas_of(*new_) == want_) trim_history();
  }

  int64_t old_total() const {
    int64_t sum = 0;
    for (const auto& set : old_) sum += replicas_of(*set);
    return sum;
  }

  int64_t last_revision(bool old_only) const {
    int64_t last = 0;
    for (const auto& set : old_) last = std::max(last, revision_of(*set));
    if (!old_only && new_) last = std::max(last, revision_of(*new_));
    return last;
  }

  // The new ReplicaSet's revision is one above all old ones'; an old one that is current again
  // (a rollback) gets a new number and remembers its former ones.
  void note_revision() {
    const int64_t revision = last_revision(true) + 1;
    if (new_ && revision_of(*new_) < revision) {
      json::Value notes;
      notes.set(kRevision, str(revision));
      std::string history = (*new_)["metadata"]["annotations"][kHistory].str();
      if (revision_of(*new_) > 0) history += str(history.empty() ? "" : ",", revision_of(*new_));
      if (!history.empty()) notes.set(kHistory, history);
      plan_.set_annotations = std::move(notes);
    }
    const int64_t current = new_ ? std::max(revision, revision_of(*new_)) : revision;
    if (revision_of(deployment_) != current) plan_.revision = str(current);
  }

  // spec.replicas changed since the ReplicaSets were last scaled.
  bool resized() const {
    for (const auto& set : snapshot_.sets) {
      if (replicas_of(*set) == 0) continue;
      auto desired = parse_int((*set)["metadata"]["annotations"][kDesired].str());
      if (desired && *desired != want_) return true;
    }
    return false;
  }

  void scale(const Object& set, int64_t to) {
    if (replicas_of(*set) != to) plan_.scale.push_back({set, name_of(*set), replicas_of(*set), to});
  }

  void resize() {
    std::vector<Object> active;
    for (const auto& set : snapshot_.sets)
      if (replicas_of(*set) > 0) active.push_back(set);
    std::sort(active.begin(), active.end(), older);
    if (active.size() <= 1) {
      Object set = !active.empty() ? active[0] : new_;
      if (set)
        scale(set, want_);
      else if (!deployment_["spec"]["paused"].boolean())
        create(want_);
    } else if (new_ && replicas_of(*new_) == want_ && available_of(*new_) == want_) {
      for (const auto& set : old_) scale(set, 0);
    } else {
      spread(active);
    }
  }

  // In the middle of a rollout the change is shared out in proportion to the ReplicaSets' sizes.
  void spread(std::vector<Object>& active) {
    const int64_t allowed = want_ > 0 ? want_ + (recreates(deployment_) ? 0 : bounds_.surge) : 0;
    int64_t add = allowed - total_;
    const bool up = add > 0;
    std::stable_sort(active.begin(), active.end(), [up](const Object& a, const Object& b) {
      if (replicas_of(*a) != replicas_of(*b)) return replicas_of(*a) > replicas_of(*b);
      return up ? older(b, a) : older(a, b);
    });
    int64_t added = 0;
    std::vector<int64_t> sizes;
    for (const auto& set : active) {
      const double share =
          static_cast<double>(replicas_of(*set) * add) / static_cast<double>(total_);
      int64_t change = std::llround(share);
      change = add > 0 ? std::min(change, add - added) : std::max(change, add - added);
      change = std::max(change, -replicas_of(*set));
      sizes.push_back(replicas_of(*set) + change);
      added += change;
    }
    sizes[0] = std::max<int64_t>(0, sizes[0] + (add - added));
    for (size_t i = 0; i < active.size(); ++i) scale(active[i], sizes[i]);
  }

  void recreate() {
    for (const auto& set : old_) scale(set, 0);
    if (old_total() > 0 || snapshot_.old_pods > 0) return;
    if (!new_)
      create(want_);
    else
      scale(new_, want_);
  }

  void roll() {
    grow_new();
    if (old_total() > 0) shrink_old();
  }

  int64_t new_size() const {
    const int64_t have = new_ ? replicas_of(*new_) : 0;
    if (have >= want_) return want_;
    const int64_t room = want_ + bounds_.surge - total_;
    return room <= 0 ? have : have + std::min(room, want_ - have);
  }

  void grow_new() {
    if (!new_)
      create(new_size());
    else
      scale(new_, new_size());
  }

  void shrink_old() {
    const int64_t least = want_ - std::min(bounds_.unavailable, want_);
    const int64_t fresh = new_ ? replicas_of(*new_) - available_of(*new_) : 0;
    int64_t may_go = total_ - least - fresh;
    if (may_go <= 0) return;
    std::vector<int64_t> sizes;
    int64_t available = new_ ? available_of(*new_) : 0;
    for (const auto& set : old_) {  // first those that serve nothing anyway
      const int64_t sick = std::max<int64_t>(0, replicas_of(*set) - available_of(*set));
      const int64_t drop = std::min(sick, may_go);
      may_go -= drop;
      sizes.push_back(replicas_of(*set) - drop);
      available += std::min(available_of(*set), sizes.back());
    }
    int64_t healthy = available - least;
    for (size_t i = 0; i < old_.size() && healthy > 0; ++i) {
      const int64_t drop = std::min(sizes[i], healthy);
      sizes[i] -= drop;
      healthy -= drop;
    }
    for (size_t i = 0; i < old_.size(); ++i) scale(old_[i], sizes[i]);
  }

  void trim_history() {
    const int64_t keep = deployment_["spec"]["revisionHistoryLimit"].integer(10);
    std::vector<Object> gone;
    for (const auto& set : old_)
      if (replicas_of(*set) == 0 && (*set)["status"]["replicas"].integer() == 0 &&
          !client::deleting(*set))
        gone.push_back(set);
    std::sort(gone.begin(), gone.end(),
              [](const Object& a, const Object& b) { return revision_of(*a) < revision_of(*b); });
    const int64_t surplus = static_cast<int64_t>(old_.size()) - keep;
    for (int64_t i = 0; i < surplus && i < static_cast<int64_t>(gone.size()); ++i)
      plan_.remove.push_back(gone[i]);
  }

  void create(int64_t size) {
    const json::Value& pods = deployment_["spec"]["template"];
    const std::string hash = template_hash(pods);
    json::Value set =
        shell_of(api::kReplicaSet, namespace_of(deployment_), name_of(deployment_) + "-" + hash);
    json::Value& meta = set.ref("metadata");
    meta.set("labels", pods["metadata"]["labels"]);
    meta.ref("labels", kHashLabel) = hash;
    for (const auto& [key, value] : deployment_["metadata"]["annotations"].object())
      if (key != "kubectl.kubernetes.io/last-applied-configuration" &&
          !key.starts_with("deployment.kubernetes.io/"))
        meta.ref("annotations", key) = value;
    meta.ref("annotations", kRevision) = str(last_revision(false) + 1);
    meta.ref("annotations", kDesired) = str(want_);
    meta.ref("annotations", kMax) = str(want_ + (recreates(deployment_) ? 0 : bounds_.surge));
    meta.set("ownerReferences", json::array({client::owner_reference(deployment_)}));
    json::Value& spec = set.ref("spec");
    spec.set("replicas", size);
    if (deployment_["spec"]["minReadySeconds"].integer() > 0)
      spec.set("minReadySeconds", deployment_["spec"]["minReadySeconds"]);
    spec.set("selector", deployment_["spec"]["selector"]);
    spec.ref("selector", "matchLabels", kHashLabel) = hash;
    spec.set("template", pods);
    spec.ref("template", "metadata", "labels", kHashLabel) = hash;
    plan_.create = std::move(set);
    if (size > 0) plan_.scale.push_back({nullptr, name_of(plan_.create), 0, size});
  }

  const DeploymentSnapshot& snapshot_;
  const json::Value& deployment_;
  int64_t want_ = 0, total_ = 0;
  Bounds bounds_;
  Object new_;
  std::vector<Object> old_;
  DeploymentPlan plan_;
};

}  // namespace

Bounds rolling_bounds(const json::Value& deployment) {
  const json::Value& rolling = deployment["spec"]["strategy"]["rollingUpdate"];
  const int64_t total = deployment["spec"]["replicas"].integer(1);
  const json::Value quarter("25%");
  Bounds b;
  b.surge = resolve(rolling.has("maxSurge") ? rolling["maxSurge"] : quarter, total, true);
  b.unavailable =
      resolve(rolling.has("maxUnavailable") ? rolling["maxUnavailable"] : quarter, total, false);
  if (b.surge == 0 && b.unavailable == 0) b.unavailable = 1;
  return b;
}

std::string template_hash(const json::Value& pod_template) {
  return name_hash(json::dump(pod_template));
}

Object find_new_set(const json::Value& deployment, const std::vector<Object>& sets) {
  const json::Value& wanted = deployment["spec"]["template"];
  const std::string hash = template_hash(wanted);
  std::vector<Object> sorted = sets;
  std::sort(sorted.begin(), sorted.end(), older);
  for (const auto& set : sorted)
    if ((*set)["metadata"]["labels"][kHashLabel].str() == hash) return set;
  for (const auto& set : sorted) {
    json::Value have = (*set)["spec"]["template"];
    if (have["metadata"]["labels"].has(kHashLabel))
      have.ref("metadata", "labels").erase(kHashLabel);
    if (have == wanted) return set;
  }
  return nullptr;
}

DeploymentPlan plan_deployment(const DeploymentSnapshot& snapshot) {
  return Planner(snapshot).run();
}

}  // namespace proa::workloads
