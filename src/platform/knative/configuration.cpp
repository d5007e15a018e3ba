#include "platform/knative/configuration.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "platform/knative/garbage.h"
#include "platform/knative/objects/names.h"
#include "platform/knative/settings/config_watch.h"
#include "platform/knative/settings/live.h"

namespace proa::knative {
namespace {

constexpr std::string_view kManager = "configuration-controller";

client::Condition ready_condition(const ConfigurationSnapshot& s, const std::string& created,
                                  const Object& revision) {
  if (s.name_taken)
    return {
        "Ready", "False", "RevisionFailed",
        str("Revision creation failed with message: revisions.serving.knative.dev \"", created,
            "\" already exists with other content: give spec.template.metadata.name a new name."),
        ""};
  if (!revision) return {"Ready", "Unknown", "", "", ""};
  const client::Condition c = read_condition(*revision, "Ready");
  if (c.status == "True") return {"Ready", "True", "", "", ""};
  if (c.status == "False")
    return {"Ready", "False", "RevisionFailed",
            str("Revision \"", created, "\" failed with message: ", c.message, "."), ""};
  return {"Ready", "Unknown", "", "", ""};
}

class ConfigurationReconciler {
 public:
  ConfigurationReconciler(client::Client& client, Clock& clock) : client_(client), clock_(clock) {}

  Result<client::Outcome> reconcile(const client::Key& key) {
    ConfigurationSnapshot s;
    TRY(s.configuration, find(client_, api::kConfiguration, key.ns, key.name));
    if (!s.configuration || client::deleting(*s.configuration)) return client::Outcome{};
    TRY_STATUS(observe(s, key));
    TRY_STATUS(ensure_revision(s, key));
    json::Value status = configuration_status(s, clock_.wall());
    tell(*s.configuration, status);
    TRY_STATUS(
        write_status(client_, api::kConfiguration, *s.configuration, std::move(status), kManager));
    return collect(s);
  }

 private:
  Status observe(ConfigurationSnapshot& s, const client::Key& key) {
    TRY(auto all,
        client_.list(api::kRevision, {key.ns, str(kConfigurationLabel, "=", key.name), ""}));
    for (auto& revision : all) {
      const json::Value* owner = client::controller_of(*revision);
      if (owner && (*owner)["uid"].str() == client::uid_of(*s.configuration))
        s.revisions.push_back(std::move(revision));
    }
    return {};
  }

  Status ensure_revision(ConfigurationSnapshot& s, const client::Key& key) {
    const std::string name = wanted_revision_name(*s.configuration);
    for (const auto& revision : s.revisions) {
      if (name_of(*revision) != name) continue;
      s.name_taken = generation_label(*revision) != generation_of(*s.configuration) &&
                     !same_content(*revision, *s.configuration);
      return {};
    }
    TRY(Object other, find(client_, api::kRevision, key.ns, name));
    if (other) {
      s.name_taken = true;
      return {};
    }
    auto made = client_.create(api::kRevision, revision_of(*s.configuration, clock_.wall()));
    if (!made.ok()) {
      client::record_event(client_, *s.configuration, kManager, "Warning", "CreationFailed",
                           "Failed to create Revision: " + made.error().message);
      return std::move(made).error().with_context("create Revision " + name);
    }
    client::record_event(client_, *s.configuration, kManager, "Normal", "Created",
                         "Created Revision \"" + name + "\"");
    s.revisions.push_back(*made);
    return {};
  }

  // A user who names revisions may apply an old template again: that is the same revision.
  static bool same_content(const json::Value& revision, const json::Value& configuration) {
    return revision["spec"]["containers"] ==
           configuration["spec"]["template"]["spec"]["containers"];
  }

  void tell(const json::Value& configuration, const json::Value& status) {
    const std::string& ready = status["latestReadyRevisionName"].str();
    if (!ready.empty() && ready != configuration["status"]["latestReadyRevisionName"].str())
      client::record_event(client_, configuration, kManager, "Normal", "LatestReadyUpdate",
                           "LatestReadyRevisionName updated to \"" + ready + "\"");
  }

  Result<client::Outcome> collect(const ConfigurationSnapshot& s) {
    GarbagePlan plan =
        plan_garbage(*s.configuration, s.revisions, *settings_.get(&client_), clock_.wall());
    for (const auto& r : plan.remove) {
      Status done = client_.remove(api::kRevision, namespace_of(*r), name_of(*r));
      if (!done.ok() && done.error().code != Code::kNotFound) return std::move(done).error();
    }
    return client::Outcome{plan.again};
  }

  client::Client& client_;
  Clock& clock_;
  Live<GarbageSettings> settings_{"config-gc", parse_garbage};
};

}  // namespace

std::string wanted_revision_name(const json::Value& configuration) {
  const std::string& own = configuration["spec"]["template"]["metadata"]["name"].str();
  return own.empty() ? revision_name(name_of(configuration), generation_of(configuration)) : own;
}

json::Value revision_of(const json::Value& configuration, WallTime now) {
  const json::Value& pods = configuration["spec"]["template"];
  const json::Value& labels = configuration["metadata"]["labels"];
  json::Value r =
      shell_of(api::kRevision, namespace_of(configuration), wanted_revision_name(configuration));
  json::Value& meta = r.ref("metadata");
  meta.set("labels", pods["metadata"]["labels"]);
  for (const char* key : {kServiceLabel, kServiceUidLabel})
    if (labels.has(key)) meta.ref("labels", key) = labels[key];
  meta.ref("labels", kConfigurationLabel) = name_of(configuration);
  meta.ref("labels", kConfigurationUidLabel) = client::uid_of(configuration);
  meta.ref("labels", kGenerationLabel) = str(generation_of(configuration));
  meta.ref("labels", kRoutingStateLabel) = "pending";
  meta.set("annotations", pods["metadata"]["annotations"]);
  meta.ref("annotations", kRoutingModified) = rfc3339(now);
  for (const char* key : {"serving.knative.dev/creator"})
    if (configuration["metadata"]["annotations"].has(key))
      meta.ref("annotations", key) = configuration["metadata"]["annotations"][key];
  meta.set("ownerReferences", json::array({client::owner_reference(configuration)}));
  r.set("spec", pods["spec"]);
  return r;
}

std::string latest_ready(const std::vector<Object>& revisions) {
  const json::Value* best = nullptr;
  for (const auto& r : revisions)
    if (client::condition_is(*r, "Ready", "True") && !client::deleting(*r) &&
        (!best || generation_label(*r) > generation_label(*best)))
      best = r.get();
  return best ? name_of(*best) : "";
}

json::Value configuration_status(const ConfigurationSnapshot& s, WallTime now) {
  const json::Value& configuration = *s.configuration;
  const std::string created = wanted_revision_name(configuration);
  Object revision;
  bool last_is_there = false;
  const std::string& last = configuration["status"]["latestReadyRevisionName"].str();
  for (const auto& r : s.revisions) {
    if (name_of(*r) == created) revision = r;
    last_is_there |= name_of(*r) == last && !client::deleting(*r);
  }
  std::string ready = latest_ready(s.revisions);
  // One that was ready and is troubled now still takes the traffic, while there is none better.
  if (ready.empty() && last_is_there) ready = last;
  json::Value status;
  status.set("observedGeneration", generation_of(configuration));
  status.set("latestCreatedRevisionName", created);
  if (!ready.empty()) status.set("latestReadyRevisionName", ready);
  json::Value conditions = configuration["status"]["conditions"];
  client::set_condition(conditions, ready_condition(s, created, revision), rfc3339(now));
  status.set("conditions", std::move(conditions));
  return status;
}

client::ControllerSpec configuration_controller(client::Client& client, Clock& clock) {
  auto reconciler = std::make_shared<ConfigurationReconciler>(client, clock);
  client::ControllerSpec spec;
  spec.name = "configuration";
  auto config = std::make_shared<ConfigWatch>(std::vector<std::string>{"config-gc"});
  config->add_to(spec, api::kConfiguration);
  spec.watches.push_back({api::kRevision, client::owner(api::kConfiguration), true});
  spec.reconcile = [reconciler](const client::Key& key) { return reconciler->reconcile(key); };
  return spec;
}

}  // namespace proa::knative
