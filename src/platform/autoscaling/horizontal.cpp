#include "platform/autoscaling/horizontal.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::autoscaling {
namespace {

constexpr std::string_view kManager = "horizontal-pod-autoscaler";

// A LabelSelector in list syntax.
std::string selector_text(const json::Value& selector) {
  std::vector<std::string> terms;
  for (const auto& [key, value] : selector["matchLabels"].object())
    terms.push_back(str(key, "=", value.str()));
  for (const auto& e : selector["matchExpressions"].array()) {
    const std::string &op = e["operator"].str(), &key = e["key"].str();
    std::vector<std::string> values;
    for (const auto& v : e["values"].array()) values.push_back(v.str());
    if (op == "Exists" || op == "DoesNotExist")
      terms.push_back((op == "Exists" ? "" : "!") + key);
    else
      terms.push_back(str(key, op == "NotIn" ? " notin (" : " in (", join(values, ","), ")"));
  }
  return join(terms, ",");
}

const std::string& ns_of(const json::Value& object) {
  return object["metadata"]["namespace"].str();
}

}  // namespace

Horizontal::Horizontal(client::Client& client, async::Loop& loop, Clock& clock, PodUsage& usage)
    : client_(client), loop_(loop), clock_(clock), usage_(usage) {}

Horizontal::~Horizontal() { stop(); }

void Horizontal::start(client::ControllerHost& host) {
  host_ = &host;
  arm();
}

void Horizontal::stop() {
  *alive_ = false;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  host_ = nullptr;
}

void Horizontal::arm() {
  timer_ = loop_.after(kRound, [this, alive = alive_] {
    if (!*alive) return;
    log_.forget_before(clock_.mono() - 4 * kRound);
    for (const auto& [key, entry] : entries_) host_->enqueue("horizontalpodautoscaler", key);
    arm();
  });
}

Horizontal::Target Horizontal::target_of(const json::Value& hpa) const {
  const json::Value& ref = hpa["spec"]["scaleTargetRef"];
  Target t;
  for (const client::Kind& kind : {api::kDeployment, api::kReplicaSet})
    if (ref["kind"].str() == kind.kind && ref["apiVersion"].str().starts_with("apps/"))
      t.kind = kind;
  if (!t.kind) {
    t.trouble = str("scaleTargetRef: ", ref["apiVersion"].str(), " ", ref["kind"].str(),
                    " is not scaled here: only Deployments and ReplicaSets of apps/v1 are");
    return t;
  }
  auto got = client_.get(*t.kind, ns_of(hpa), ref["name"].str());
  if (got.ok())
    t.object = *got;
  else
    t.trouble = got.error().message;
  return t;
}

PodSamples Horizontal::measure(const std::vector<client::Object>& pods) {
  PodSamples samples;
  for (const auto& pod : pods) {
    const client::Key key = client::key_of(*pod);
    auto looked = log_.look(usage_, key, clock_.mono(), clock_.wall());
    if (!looked.empty()) samples[key.name] = std::move(looked);
  }
  return samples;
}

void Horizontal::decide_by_metrics(const json::Value& hpa, const Target& target,
                                   const HpaSpec& spec, Entry& entry, HpaOutcome& out,
                                   std::string& why) {
  const std::string selector = selector_text((*target.object)["spec"]["selector"]);
  auto pods = client_.list(api::kPod, {ns_of(hpa), selector, ""});
  if (!pods.ok() || selector.empty()) {
    out.active = {"False", "InvalidSelector", "the HPA target's scale is missing a selector"};
    return;
  }
  const PodSamples samples = measure(*pods);
  std::vector<Proposal> proposals;
  for (const MetricTarget& metric : spec.metrics)
    proposals.push_back(propose(metric, out.current, *pods, samples, spec, clock_.wall()));
  Joined joined = join_proposals(proposals, out.current);
  out.active = joined.active;
  if (joined.currents.size() > 0) out.currents = std::move(joined.currents);
  for (const Proposal& p : proposals)
    if (!p.trouble.empty() && !client::condition_is(hpa, "ScalingActive", "False"))
      client::record_event(client_, hpa, kManager, "Warning", p.reason, p.trouble);
  if (!joined.trouble.empty()) return;
  Normalized n = normalize(spec, entry.history, out.current, joined.replicas, clock_.mono());
  out.desired = n.replicas;
  out.able = n.able;
  out.limited = n.limited;
  why = out.desired > out.current ? joined.metric + " above target" : "All metrics below target";
}

void Horizontal::carry_out(const json::Value& hpa, const Target& target, Entry& entry,
                           const HpaSpec& spec, const std::string& why, HpaOutcome& out) {
  if (out.desired == out.current) return;
  json::Value patch;
  patch.ref("spec", "replicas") = out.desired;
  auto done = client_.patch(*target.kind, ns_of(hpa), client::key_of(*target.object).name,
                            std::move(patch));
  if (!done.ok()) {
    out.able = {
        "False", "FailedUpdateScale",
        "the HPA controller was unable to update the target scale: " + done.error().message};
    client::record_event(
        client_, hpa, kManager, "Warning", "FailedRescale",
        str("New size: ", out.desired, "; reason: ", why, "; error: ", done.error().message));
    out.desired = out.current;
    return;
  }
  out.scaled = true;
  out.able = {"True", "SucceededRescale",
              str("the HPA controller was able to update the target scale to ", out.desired)};
  client::record_event(client_, hpa, kManager, "Normal", "SuccessfulRescale",
                       str("New size: ", out.desired, "; reason: ", why));
  log::info("hpa", "scaled",
            {{"hpa", ns_of(hpa) + "/" + client::key_of(hpa).name}, {"pods", out.desired}});
  note_change(spec, entry.history, out.current, out.desired, clock_.mono());
}

HpaOutcome Horizontal::decide(const json::Value& hpa, const Target& target, Entry& entry) {
  HpaOutcome out;
  if (!target.object) {
    out.current = hpa["status"]["currentReplicas"].integer();
    out.desired = hpa["status"]["desiredReplicas"].integer();
    const std::string message =
        "the HPA controller was unable to get the target's current scale: " + target.trouble;
    out.able = {"False", "FailedGetScale", message};
    if (!client::condition_is(hpa, "AbleToScale", "False"))
      client::record_event(client_, hpa, kManager, "Warning", "FailedGetScale", target.trouble);
    return out;
  }
  const HpaSpec spec = hpa_spec(hpa);
  out.current = out.desired = (*target.object)["spec"]["replicas"].integer(1);
  out.able = {"True", "SucceededGetScale",
              "the HPA controller was able to get the target's current scale"};
  if (entry.history.recommendations.empty())  // a restart must not shrink what it does not know
    entry.history.recommendations.push_back({clock_.mono(), out.current});
  std::string why;
  if (out.current == 0 && spec.min != 0) {
    out.active = {"False", "ScalingDisabled",
                  "scaling is disabled since the replica count of the target is zero"};
  } else if (out.current > spec.max) {
    why = "Current number of replicas above Spec.MaxReplicas";
    out.desired = spec.max;
  } else if (out.current < spec.min) {
    why = "Current number of replicas below Spec.MinReplicas";
    out.desired = spec.min;
  } else {
    decide_by_metrics(hpa, target, spec, entry, out, why);
  }
  carry_out(hpa, target, entry, spec, why, out);
  return out;
}

Result<client::Outcome> Horizontal::reconcile(const client::Key& key) {
  auto hpa = client_.get(api::kHorizontalPodAutoscaler, key.ns, key.name);
  if (!hpa.ok() && hpa.error().code != Code::kNotFound) return std::move(hpa).error();
  if (!hpa.ok() || client::deleting(**hpa)) {
    entries_.erase(key);
    return client::Outcome{};
  }
  if (entries_.size() >= kMost && !entries_.contains(key)) {
    client::record_event(client_, **hpa, kManager, "Warning", "TooMany",
                         str("there are more than ", kMost, " autoscalers already"));
    return client::Outcome{};
  }
  Entry& entry = entries_[key];
  const int64_t generation = (**hpa)["metadata"]["generation"].integer();
  if (entry.uid != client::uid_of(**hpa)) entry = Entry{{}, client::uid_of(**hpa), {}, -1};
  const MonoTime now = clock_.mono();
  if (entry.generation == generation && now - entry.decided < kRound / 2) return client::Outcome{};
  entry.generation = generation;
  entry.decided = now;
  const Target target = target_of(**hpa);
  HpaOutcome outcome = decide(**hpa, target, entry);
  json::Value status = hpa_status(**hpa, outcome, clock_.wall());
  if (status == (**hpa)["status"]) return client::Outcome{};
  json::Value fields = json::object({{"apiVersion", api::kHorizontalPodAutoscaler.api_version()},
                                     {"kind", api::kHorizontalPodAutoscaler.kind}});
  fields.ref("metadata", "name") = key.name;
  fields.ref("metadata", "namespace") = key.ns;
  fields.set("status", std::move(status));
  auto written = client_.apply(api::kHorizontalPodAutoscaler, std::move(fields),
                               {std::string(kManager), "status"});
  if (!written.ok() && written.error().code != Code::kNotFound)
    return std::move(written).error().with_context("write status of HorizontalPodAutoscaler");
  return client::Outcome{};
}

client::ControllerSpec Horizontal::controller() {
  client::ControllerSpec spec;
  spec.name = "horizontalpodautoscaler";
  spec.watches.push_back({api::kHorizontalPodAutoscaler, client::self()});
  spec.reconcile = [this](const client::Key& key) { return reconcile(key); };
  return spec;
}

}  // namespace proa::autoscaling
