#include "platform/knative/revision.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "revision-controller";

class RevisionReconciler {
 public:
  RevisionReconciler(client::Client& client, Clock& clock)
      : client_(client), clock_(clock), applier_(client, std::string(kManager)) {}

  Result<client::Outcome> reconcile(const client::Key& key) {
    RevisionSnapshot s;
    TRY(s.revision, find(client_, api::kRevision, key.ns, key.name));
    if (!s.revision || client::deleting(*s.revision)) {
      templates_.erase(key);
      return client::Outcome{};
    }
    TRY_STATUS(ensure_children(s, key));
    TRY(s.pods,
        client_.list(api::kPod,
                     {key.ns, str(kRevisionUidLabel, "=", client::uid_of(*s.revision)), ""}));
    json::Value status = revision_status(s, clock_.wall());
    tell(*s.revision, status);
    TRY_STATUS(write_status(client_, api::kRevision, *s.revision, std::move(status), kManager));
    return client::Outcome{};
  }

 private:
  Status ensure_children(RevisionSnapshot& s, const client::Key& key) {
    const json::Value& revision = *s.revision;
    const std::string deployment = child_name(key.name, "-deployment");
    TRY(s.deployment, find(client_, api::kDeployment, key.ns, deployment));
    TRY_STATUS(ensure_deployment(s, key));
    TRY(s.autoscaler, find(client_, api::kPodAutoscaler, key.ns, key.name));
    TRY(s.autoscaler,
        applier_.ensure(api::kPodAutoscaler, revision_autoscaler(revision), s.autoscaler));
    for (bool is_private : {true, false}) {
      json::Value service = revision_service(revision, is_private);
      TRY(Object have, find(client_, api::kService, key.ns, name_of(service)));
      TRY(have, applier_.ensure(api::kService, std::move(service), have));
    }
    return {};
  }

  // The replicas are the autoscaler's, so a change of them alone is no reason to write.
  Status ensure_deployment(RevisionSnapshot& s, const client::Key& key) {
    if (s.deployment && !client::controller_of(*s.deployment))
      return {};  // the status says NotOwned
    auto& seen = templates_[key];
    if (s.deployment && seen.uid == client::uid_of(*s.deployment) &&
        seen.revision == (*s.revision)["metadata"]["annotations"] &&
        seen.pods == (*s.deployment)["spec"]["template"])
      return {};
    int64_t replicas = initial_scale(*s.revision);
    if (s.deployment) replicas = (*s.deployment)["spec"]["replicas"].integer(replicas);
    auto applied = client_.apply(
        api::kDeployment,
        revision_deployment(*s.revision, replicas, *settings_.deployment.get(&client_)),
        {std::string(kManager), ""});
    if (!applied.ok()) return std::move(applied).error().with_context("apply Deployment");
    s.deployment = *applied;
    seen = {client::uid_of(**applied), (*s.revision)["metadata"]["annotations"],
            (**applied)["spec"]["template"]};
    return {};
  }

  int64_t initial_scale(const json::Value& revision) {
    const json::Value& notes = revision["metadata"]["annotations"];
    const auto config = settings_.autoscaler.get(&client_);
    const ScaleSpec spec = scale_spec(notes, 0, true, *config);
    int64_t scale = std::max(spec.min_scale, spec.initial_scale);
    if (scaled_by_hpa(notes, *config)) scale = std::max<int64_t>(1, scale);
    return spec.max_scale > 0 ? std::min(scale, spec.max_scale) : scale;
  }

  void tell(const json::Value& revision, const json::Value& status) {
    const json::Value after = json::object({{"status", status}});
    const client::Condition now = read_condition(after, "Ready");
    if (now.status == read_condition(revision, "Ready").status) return;
    if (now.status == "True")
      client::record_event(client_, revision, kManager, "Normal", "RevisionReady",
                           "Revision becomes ready upon all resources being ready");
    if (now.status == "False")
      client::record_event(client_, revision, kManager, "Warning", "RevisionFailed",
                           str(now.reason, ": ", now.message));
  }

  struct Seen {
    std::string uid;
    json::Value revision, pods;  // the revision's annotations, and the template as it is stored
  };
  client::Client& client_;
  Clock& clock_;
  Applier applier_;
  std::map<client::Key, Seen> templates_;
  LiveSettings settings_;
};

}  // namespace

client::ControllerSpec revision_controller(client::Client& client, Clock& clock) {
  auto reconciler = std::make_shared<RevisionReconciler>(client, clock);
  client::ControllerSpec spec;
  spec.name = "revision";
  spec.watches.push_back({api::kRevision, client::self()});
  spec.watches.push_back({api::kPodAutoscaler, client::owner(api::kRevision), true});
  spec.watches.push_back({api::kService, client::owner(api::kRevision), true});
  spec.watches.push_back({api::kDeployment, client::owner(api::kRevision), true});
  spec.watches.push_back({api::kPod, client::label(kRevisionLabel), true});
  spec.reconcile = [reconciler](const client::Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::knative
