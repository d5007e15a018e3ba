#include "platform/workloads/garbage.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::workloads {
namespace {

bool has_finalizer(const json::Value& object, std::string_view finalizer) {
  for (const auto& f : object["metadata"]["finalizers"].array())
    if (f.str() == finalizer) return true;
  return false;
}

class Collector {
 public:
  Collector(client::Client& client, std::vector<client::Kind> kinds)
      : client_(client), kinds_(std::move(kinds)) {}

  const std::vector<client::Kind>& kinds() const { return kinds_; }

  std::vector<client::Key> note(size_t kind, const client::Event& event) {
    std::vector<client::Key> keys;
    for (auto& uid : graph_.note(kind, event)) keys.push_back({"", std::move(uid)});
    return keys;
  }

  Result<client::Outcome> reconcile(const std::string& uid) {
    auto node = graph_.find(uid);
    if (!node) return client::Outcome{};
    auto object = client_.get(kinds_[node->kind], node->key.ns, node->key.name);
    if (!object.ok()) {
      if (object.error().code == Code::kNotFound) return client::Outcome{};
      return std::move(object).error();
    }
    if (client::uid_of(**object) != uid) return client::Outcome{};
    const client::Kind& kind = kinds_[node->kind];
    Status done;
    if (!client::deleting(**object))
      done = check_owners(kind, **object);
    else if (has_finalizer(**object, kOrphanFinalizer))
      done = orphan(kind, **object);
    else if (has_finalizer(**object, kForegroundFinalizer))
      done = foreground(kind, **object);
    if (!done.ok()) return std::move(done).error();
    return client::Outcome{};
  }

 private:
  const client::Kind* kind_of(const json::Value& reference) const {
    std::string_view version = reference["apiVersion"].str();
    const size_t slash = version.find('/');
    const std::string_view group = slash == std::string_view::npos ? "" : version.substr(0, slash);
    for (const auto& kind : kinds_)
      if (kind.group == group && kind.kind == reference["kind"].str()) return &kind;
    return nullptr;
  }

  OwnerState state_of(const json::Value& reference, const std::string& ns) const {
    const client::Kind* kind = kind_of(reference);
    if (!kind) return OwnerState::kUnknown;
    auto owner = client_.get(*kind, kind->namespaced ? ns : "", reference["name"].str());
    if (!owner.ok())
      return owner.error().code == Code::kNotFound ? OwnerState::kGone : OwnerState::kUnknown;
    if (client::uid_of(**owner) != reference["uid"].str()) return OwnerState::kGone;
    if (client::deleting(**owner) && has_finalizer(**owner, kForegroundFinalizer))
      return OwnerState::kWaiting;
    return OwnerState::kSolid;
  }

  Status check_owners(const client::Kind& kind, const json::Value& object) {
    const json::Array& references = object["metadata"]["ownerReferences"].array();
    std::vector<OwnerState> states;
    bool blocks = false;
    for (const auto& r : references) {
      states.push_back(state_of(r, namespace_of(object)));
      blocks |= states.back() == OwnerState::kWaiting && r["blockOwnerDeletion"].boolean();
    }
    switch (judge(states, blocks)) {
      case Verdict::kKeep:
        return {};
      case Verdict::kRemove:
        return remove(kind, object, "Background");
      case Verdict::kRemoveForeground:
        return remove(kind, object, "Foreground");
      case Verdict::kDropReferences:
        break;
    }
    json::Value kept = json::Array();
    for (size_t i = 0; i < references.size(); ++i)
      if (states[i] == OwnerState::kSolid || states[i] == OwnerState::kUnknown)
        kept.push(references[i]);
    return set_meta(kind, object, "ownerReferences", std::move(kept));
  }

  // A dependent without dependents of its own needs no foreground deletion.
  Status remove(const client::Kind& kind, const json::Value& object, std::string propagation) {
    if (propagation == "Foreground" && graph_.dependents(client::uid_of(object)).empty())
      propagation = "Background";
    client::DeleteOptions options;
    options.propagation = std::move(propagation);
    options.uid = client::uid_of(object);
    log::debug("garbage", "remove",
               {{"kind", kind.kind}, {"ns", namespace_of(object)}, {"name", name_of(object)}});
    Status done = client_.remove(kind, namespace_of(object), name_of(object), options);
    // A conflict means that another object has the name by now: nothing is left to remove.
    if (!done.ok() && done.error().code == Code::kConflict) return {};
    return ignore_not_found(std::move(done));
  }

  Status set_meta(const client::Kind& kind, const json::Value& object, std::string_view field,
                  json::Value value) {
    json::Value patch;
    patch.ref("metadata", field) = value.size() ? std::move(value) : json::Value();
    patch.ref("metadata", "resourceVersion") = object["metadata"]["resourceVersion"];
    auto done = client_.patch(kind, namespace_of(object), name_of(object), std::move(patch));
    if (!done.ok() && done.error().code != Code::kNotFound) return std::move(done).error();
    return {};
  }

  Status drop_finalizer(const client::Kind& kind, const json::Value& object,
                        std::string_view finalizer) {
    json::Value kept = json::Array();
    for (const auto& f : object["metadata"]["finalizers"].array())
      if (f.str() != finalizer) kept.push(f);
    return set_meta(kind, object, "finalizers", std::move(kept));
  }

  Status orphan(const client::Kind& kind, const json::Value& object) {
    const std::string& uid = client::uid_of(object);
    for (const auto& child : graph_.dependents(uid)) {
      auto node = graph_.find(child);
      if (!node) continue;
      auto dependent = client_.get(kinds_[node->kind], node->key.ns, node->key.name);
      if (!dependent.ok()) continue;
      json::Value kept = json::Array();
      for (const auto& r : (**dependent)["metadata"]["ownerReferences"].array())
        if (r["uid"].str() != uid) kept.push(r);
      TRY_STATUS(set_meta(kinds_[node->kind], **dependent, "ownerReferences", std::move(kept)));
    }
    return drop_finalizer(kind, object, kOrphanFinalizer);
  }

  Status foreground(const client::Kind& kind, const json::Value& object) {
    const std::string& uid = client::uid_of(object);
    bool blocked = false;
    for (const auto& child : graph_.dependents(uid)) {
      auto node = graph_.find(child);
      if (!node) continue;
      auto dependent = client_.get(kinds_[node->kind], node->key.ns, node->key.name);
      if (!dependent.ok() || client::uid_of(**dependent) != child) continue;
      for (const auto& r : (**dependent)["metadata"]["ownerReferences"].array())
        blocked |= r["uid"].str() == uid && r["blockOwnerDeletion"].boolean();
      if (!client::deleting(**dependent)) TRY_STATUS(check_owners(kinds_[node->kind], **dependent));
    }
    if (blocked) return {};  // the last dependent's end brings us back
    return drop_finalizer(kind, object, kForegroundFinalizer);
  }

  client::Client& client_;
  const std::vector<client::Kind> kinds_;
  OwnerGraph graph_;
};

}  // namespace

void OwnerGraph::forget(const std::string& uid) {
  auto it = nodes_.find(uid);
  if (it == nodes_.end()) return;
  for (const auto& owner : it->second.owners) {
    auto children = children_.find(owner);
    if (children == children_.end()) continue;
    children->second.erase(uid);
    if (children->second.empty()) children_.erase(children);
  }
  nodes_.erase(it);
}

std::vector<std::string> OwnerGraph::note(size_t kind, const client::Event& event) {
  const json::Value& object = *event.object;
  const std::string uid = client::uid_of(object);
  std::vector<std::string> look;
  std::lock_guard lock(mutex_);
  if (event.type == client::Event::kDeleted) {
    if (auto children = children_.find(uid); children != children_.end())
      look.assign(children->second.begin(), children->second.end());
    if (auto self = nodes_.find(uid); self != nodes_.end())  // owners may wait for it
      look.insert(look.end(), self->second.owners.begin(), self->second.owners.end());
    forget(uid);
    return look;
  }
  std::vector<std::string> owners;
  for (const auto& r : object["metadata"]["ownerReferences"].array())
    owners.push_back(r["uid"].str());
  const bool waits = client::deleting(object) && (has_finalizer(object, kForegroundFinalizer) ||
                                                  has_finalizer(object, kOrphanFinalizer));
  if (owners.empty() && !waits) {
    if (auto self = nodes_.find(uid); self != nodes_.end()) look = self->second.owners;
    forget(uid);
    return look;
  }
  auto self = nodes_.find(uid);
  if (self != nodes_.end() && self->second.owners == owners) {
    if (waits) look.push_back(uid);
    return look;  // ordinary changes of the object are nothing to us
  }
  if (self != nodes_.end()) look = self->second.owners;
  forget(uid);
  nodes_[uid] = Entry{{kind, client::key_of(object)}, owners};
  for (const auto& owner : owners) children_[owner].insert(uid);
  look.push_back(uid);
  return look;
}

std::optional<OwnerGraph::Node> OwnerGraph::find(const std::string& uid) const {
  std::lock_guard lock(mutex_);
  auto it = nodes_.find(uid);
  if (it == nodes_.end()) return std::nullopt;
  return it->second.node;
}

std::vector<std::string> OwnerGraph::dependents(const std::string& owner_uid) const {
  std::lock_guard lock(mutex_);
  auto it = children_.find(owner_uid);
  if (it == children_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

Verdict judge(const std::vector<OwnerState>& owners, bool blocks_owner) {
  bool solid = false, gone = false, waiting = false;
  for (OwnerState s : owners) {
    solid |= s == OwnerState::kSolid || s == OwnerState::kUnknown;
    gone |= s == OwnerState::kGone;
    waiting |= s == OwnerState::kWaiting;
  }
  if (solid) return gone || waiting ? Verdict::kDropReferences : Verdict::kKeep;
  if (waiting) return blocks_owner ? Verdict::kRemoveForeground : Verdict::kRemove;
  return gone ? Verdict::kRemove : Verdict::kKeep;
}

client::ControllerSpec garbage_controller(client::Client& client, std::vector<client::Kind> kinds) {
  auto collector = std::make_shared<Collector>(client, std::move(kinds));
  client::ControllerSpec spec;
  spec.name = "garbage-collector";
  for (size_t i = 0; i < collector->kinds().size(); ++i)
    spec.watches.push_back({collector->kinds()[i], [collector, i](const client::Event& e) {
                              return collector->note(i, e);
                            }});
  spec.reconcile = [collector](const client::Key& key) { return collector->reconcile(key.name); };
  return spec;
}

}  // namespace proa::workloads
