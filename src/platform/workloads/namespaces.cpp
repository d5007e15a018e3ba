#include "platform/workloads/namespaces.h"

#include <algorithm>
#include <map>

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::workloads {
namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(50);
constexpr Duration kNodeGrace = std::chrono::seconds(40);
constexpr std::string_view kManager = "namespace-controller";

struct Content {
  size_t left = 0;
  std::string what;  // "pods has 2 resource instances, …"
};

Result<Content> empty_out(client::Client& client, const std::string& ns,
                          const std::vector<client::Kind>& kinds) {
  Content content;
  for (const auto& kind : kinds) {
    if (!kind.namespaced) continue;
    auto objects = client.list(kind, {ns, "", ""});
    if (!objects.ok()) {
      if (objects.error().code == Code::kNotFound) continue;  // the kind is no longer served
      return std::move(objects).error();
    }
    for (const auto& object : *objects) {
      if (client::deleting(*object)) continue;
      client::DeleteOptions options;
      options.propagation = "Background";
      TRY_STATUS(ignore_not_found(client.remove(kind, ns, name_of(*object), options)));
    }
    auto after = client.list(kind, {ns, "", ""});
    if (!after.ok() || after->empty()) continue;
    content.left += after->size();
    if (!content.what.empty()) content.what += ", ";
    content.what += str(kind.plural, kind.group.empty() ? "" : ".", kind.group, " has ",
                        after->size(), " resource instances");
  }
  return content;
}

Status finish(client::Client& client, const json::Value& ns) {
  json::Value patch;
  patch.ref("spec", "finalizers") = json::Array();
  auto done = client.patch(api::kNamespace, "", name_of(ns), std::move(patch), "finalize");
  if (!done.ok() && done.error().code != Code::kNotFound)
    return std::move(done).error().with_context("finalize namespace");
  return {};
}

Status tell(client::Client& client, const json::Value& ns, const Content& content, WallTime now) {
  json::Value status = ns["status"];
  status.set("phase", "Terminating");
  client::set_condition(status.ref("conditions"),
                        {"NamespaceContentRemaining", "True", "SomeResourcesRemain",
                         "Some resources are remaining: " + content.what, ""},
                        rfc3339(now));
  return write_status(client, api::kNamespace, ns, std::move(status), kManager);
}

Result<client::Outcome> reconcile(client::Client& client, Clock& clock,
                                  const std::vector<client::Kind>& kinds, const client::Key& key) {
  auto ns = client.get(api::kNamespace, "", key.name);
  if (!ns.ok()) {
    if (ns.error().code == Code::kNotFound) return client::Outcome{};
    return std::move(ns).error();
  }
  if (!client::deleting(**ns)) {
    if (client.get(api::kServiceAccount, key.name, "default").ok()) return client::Outcome{};
    auto made =
        client.apply(api::kServiceAccount, shell_of(api::kServiceAccount, key.name, "default"),
                     {"serviceaccount-controller", ""});
    if (!made.ok()) return std::move(made).error().with_context("create service account default");
    return client::Outcome{};
  }
  TRY(auto content, empty_out(client, key.name, kinds));
  if (content.left == 0) {
    TRY_STATUS(finish(client, **ns));
    return client::Outcome{};
  }
  TRY_STATUS(tell(client, **ns, content, clock.wall()));
  return client::Outcome{kLookAgain};
}

class PodCollector {
 public:
  PodCollector(client::Client& client, Clock& clock, size_t most)
      : client_(client), clock_(clock), most_finished_(most) {}

  Result<client::Outcome> reconcile(const client::Key& key) {
    auto pod = client_.get(api::kPod, key.ns, key.name);
    if (!pod.ok()) {
      if (pod.error().code == Code::kNotFound) return client::Outcome{};
      return std::move(pod).error();
    }
    if (pod_finished(**pod)) TRY_STATUS(trim());
    const std::string& node = (**pod)["spec"]["nodeName"].str();
    Duration missing = Duration::zero();
    const bool there = node.empty() || client_.get(api::kNode, "", node).ok();
    if (there)
      missing_since_.erase(node);
    else
      missing = clock_.mono() - missing_since_.try_emplace(node, clock_.mono()).first->second;
    switch (judge_pod(**pod, there, missing)) {
      case PodFate::kKeep:
        return client::Outcome{};
      case PodFate::kWait:
        return client::Outcome{kNodeGrace - missing};
      case PodFate::kRemoveNow:
        break;
    }
    TRY_STATUS(remove(**pod));
    return client::Outcome{};
  }

 private:
  Status remove(const json::Value& pod) {
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.uid = client::uid_of(pod);
    return ignore_not_found(client_.remove(api::kPod, namespace_of(pod), name_of(pod), options));
  }

  Status trim() {
    TRY(auto pods, client_.list(api::kPod, {}));
    if (pods.size() <= most_finished_) return {};
    std::vector<Object> done;
    for (auto& pod : pods)
      if (pod_finished(*pod) && !client::deleting(*pod)) done.push_back(std::move(pod));
    if (done.size() <= most_finished_) return {};
    std::sort(done.begin(), done.end(), [](const Object& a, const Object& b) {
      return (*a)["metadata"]["creationTimestamp"].str() <
             (*b)["metadata"]["creationTimestamp"].str();
    });
    for (size_t i = 0; i < done.size() - most_finished_; ++i) TRY_STATUS(remove(*done[i]));
    return {};
  }

  client::Client& client_;
  Clock& clock_;
  const size_t most_finished_;
  std::map<std::string, MonoTime> missing_since_;
};

}  // namespace

PodFate judge_pod(const json::Value& pod, bool node_exists, Duration node_missing_for) {
  if (client::deleting(pod) && pod["spec"]["nodeName"].str().empty()) return PodFate::kRemoveNow;
  if (node_exists) return PodFate::kKeep;
  return node_missing_for >= kNodeGrace ? PodFate::kRemoveNow : PodFate::kWait;
}

client::ControllerSpec namespace_controller(client::Client& client, Clock& clock,
                                            std::vector<client::Kind> namespaced) {
  client::ControllerSpec spec;
  spec.name = "namespace";
  spec.watches.push_back({api::kNamespace, client::self()});
  spec.watches.push_back({api::kServiceAccount, [](const client::Event& event) {
                            std::vector<client::Key> keys;
                            if (event.type == client::Event::kDeleted &&
                                name_of(*event.object) == "default")
                              keys.push_back({"", namespace_of(*event.object)});
                            return keys;
                          }});
  spec.reconcile = [&client, &clock, kinds = std::move(namespaced)](const client::Key& key) {
    return reconcile(client, clock, kinds, key);
  };
  return spec;
}

client::ControllerSpec pod_collector(client::Client& client, Clock& clock, size_t most_finished) {
  auto collector = std::make_shared<PodCollector>(client, clock, most_finished);
  client::ControllerSpec spec;
  spec.name = "pod-garbage-collector";
  // Only pods that end, or that have a node we may not know, concern it.
  spec.watches.push_back({api::kPod, [](const client::Event& event) {
                            std::vector<client::Key> keys;
                            const json::Value& pod = *event.object;
                            const bool first = event.type == client::Event::kAdded;
                            const bool ended =
                                pod_finished(pod) && !(event.old && pod_finished(*event.old));
                            const bool going =
                                client::deleting(pod) && pod["spec"]["nodeName"].str().empty();
                            if (event.type != client::Event::kDeleted && (first || ended || going))
                              keys.push_back(client::key_of(pod));
                            return keys;
                          }});
  spec.reconcile = [collector](const client::Key& key) { return collector->reconcile(key); };
  return spec;
}

}  // namespace proa::workloads
