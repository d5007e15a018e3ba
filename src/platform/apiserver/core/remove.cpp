// Deletion and the scale subresource.
#include "api/kinds.h"
#include "api/patch/apply.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/core_state.h"

namespace proa::apiserver {
namespace {

bool is_protected(const api::KindDef& kind, std::string_view name) {
  return is_kind(kind, api::kNamespace) &&
         (name == "default" || name == "kube-system" || name == "kube-public");
}

Done check_preconditions(const api::KindDef& kind, std::string_view name, const json::Value& object,
                         const RemoveOptions& options) {
  const json::Value& meta = object["metadata"];
  if (!options.uid.empty() && options.uid != meta["uid"].str())
    return conflict(kind, name,
                    str("Precondition failed: UID in precondition: ", options.uid,
                        ", UID in object meta: ", meta["uid"].str()));
  if (!options.resource_version.empty() &&
      options.resource_version != meta["resourceVersion"].str())
    return conflict(
        kind, name,
        str("Precondition failed: ResourceVersion in precondition: ", options.resource_version,
            ", ResourceVersion in object meta: ", meta["resourceVersion"].str()));
  return Ok{};
}

// The value at a CRD's simple path, ".spec.replicas".
const json::Value* at_path(const json::Value& object, std::string_view path) {
  const json::Value* at = &object;
  for (std::string_view part : split(path, '.'))
    if (!part.empty()) at = &(*at)[part];
  return at;
}

void set_path(json::Value& object, std::string_view path, json::Value value) {
  json::Value* at = &object;
  for (std::string_view part : split(path, '.'))
    if (!part.empty()) at = &at->ref(part);
  *at = std::move(value);
}

// {matchLabels: {a: b}} or text → "a=b"
std::string selector_text(const json::Value& selector) {
  if (selector.is_string()) return selector.str();
  auto parsed = api::LabelSelector::from(selector);
  return parsed.ok() ? parsed->text() : "";
}

}  // namespace

Answer<Written> Core::remove(const Def& kind, std::string_view ns, std::string_view name,
                             const RemoveOptions& options) {
  const std::string& how = options.propagation;
  if (!how.empty() && how != "Background" && how != "Foreground" && how != "Orphan")
    return bad_request(
        str("propagationPolicy must be Background, Foreground or Orphan, not ", how));
  if (is_protected(kind, name)) return forbidden(kind, name, "this namespace may not be deleted");
  const std::string table = resource_of(kind),
                    key = store_key(kind.kind.namespaced ? ns : "", name);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    State::Found found = state_->find(kind, ns, name);
    if (!found.item) return not_found(kind, name);
    if (found.built_in) return forbidden(kind, name, "it is built in and cannot be deleted");
    const json::Value& old = found.stored->value;
    TRY_STATUS(check_preconditions(kind, name, old, options));
    int64_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(state_->clock.wall().time_since_epoch())
            .count();
    std::optional<json::Value> next =
        mark_deleted(kind, old, options.grace_period_seconds, options.propagation, seconds);
    Written written;
    written.item = found.item;
    written.removed = !next;
    if (options.dry_run || (next && api::same_object(old, *next))) return written;
    auto item = next ? state_->store.put(table, key, std::move(*next), found.stored->revision)
                     : state_->store.remove(table, key, found.stored->revision);
    if (!item.ok()) {
      if (item.error().code == Code::kConflict || item.error().code == Code::kNotFound) continue;
      return std::move(item).error();
    }
    if (written.removed) state_->after_remove(kind, *item);
    written.item = state_->convert(kind, *item);
    written.revision = (*item)->revision;
    return written;
  }
  return modified(kind, name);
}

json::Value scale_of(const api::KindDef& kind, const json::Value& object) {
  const json::Value& meta = object["metadata"];
  json::Value out = json::object({{"apiVersion", "autoscaling/v1"}, {"kind", "Scale"}});
  for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
    if (meta.has(field)) out.ref("metadata").set(field, meta[field]);
  out.ref("spec", "replicas") = at_path(object, kind.scale.spec)->integer();
  out.ref("status", "replicas") = at_path(object, kind.scale.status)->integer();
  if (!kind.scale.selector.empty()) {
    const json::Value* selector = at_path(object, kind.scale.selector);
    if (selector->is_null()) selector = &object["spec"]["selector"];
    if (std::string text = selector_text(*selector); !text.empty())
      out.ref("status", "selector") = text;
  }
  return out;
}

Answer<Written> Core::State::modify_scale(const api::KindDef& kind, std::string_view ns,
                                          std::string_view name, WriteContext& context,
                                          const std::function<Done(json::Value& scale)>& change) {
  return modify(kind, ns, name, context, false,
                [&](const json::Value& old) -> Answer<std::optional<json::Value>> {
                  json::Value scale = scale_of(kind, old);
                  TRY_STATUS(change(scale));
                  const json::Value& replicas = scale["spec"]["replicas"];
                  if (!replicas.is_null() && (!replicas.is_int() || replicas.integer() < 0))
                    return invalid(kind, name,
                                   {{"FieldValueInvalid", "spec.replicas",
                                     str("Invalid value: ", json::dump(replicas),
                                         ": must be greater than or equal to 0")}});
                  const std::string revision = scale["metadata"]["resourceVersion"].str();
                  json::Value object = old;
                  set_path(object, kind.scale.spec, replicas.integer());
                  if (!revision.empty()) object.ref("metadata").set("resourceVersion", revision);
                  return std::optional<json::Value>(std::move(object));
                });
}

}  // namespace proa::apiserver
