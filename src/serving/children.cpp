#include "serving/children.h"

#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

constexpr const char* kManager = "inferenceservice-controller";

// Changes with the spec; of kinds that count no generations, with anything.
std::string version_of(const json::Value& object) {
  const auto& generation = object["metadata"]["generation"];
  if (!generation.is_null()) return str(generation.integer());
  return object["metadata"]["resourceVersion"].str();
}

std::string id_of(const client::Kind& kind, const std::string& name) {
  return str(kind.group, "/", kind.plural, "/", name);
}

}  // namespace

Result<client::Object> Children::apply(const json::Value& owner, const client::Kind& kind,
                                       json::Value plan) {
  const auto& name = plan["metadata"]["name"].str();
  const auto& ns = plan["metadata"]["namespace"].str();
  auto& memo = applied_[client::key_of(owner)][id_of(kind, name)];
  if (auto live = client_.get(kind, ns, name); live.ok() && memo.uid == client::uid_of(**live) &&
                                               memo.version == version_of(**live) &&
                                               memo.plan == plan)
    return *live;
  TRY(auto made, client_.apply(kind, plan, {kManager, "", false}));
  memo = {std::move(plan), client::uid_of(*made), version_of(*made)};
  return made;
}

bool Children::owns(const json::Value& owner, const json::Value& object) const {
  const auto* controller = client::controller_of(object);
  return controller && (*controller)["uid"].str() == client::uid_of(owner);
}

Status Children::remove(const json::Value& owner, const client::Kind& kind,
                        const std::string& name) {
  const auto key = client::key_of(owner);
  if (auto it = applied_.find(key); it != applied_.end()) it->second.erase(id_of(kind, name));
  auto live = client_.get(kind, key.ns, name);
  if (!live.ok() || client::deleting(**live) || !owns(owner, **live)) return {};
  auto removed = client_.remove(kind, key.ns, name);
  if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  return {};
}

void Children::forget(const client::Key& owner) { applied_.erase(owner); }

}  // namespace proa::serving
