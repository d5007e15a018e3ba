// Create, update, patch and apply. Every one ends in store_new() or modify().
#include "api/kinds.h"
#include "api/patch/apply.h"
#include "api/patch/patch.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/core/core_state.h"

namespace proa::apiserver {
namespace {

std::string quoted_kinds(const api::KindDef& kind, std::string_view problem) {
  return str(kind.kind.kind, " in version \"", kind.kind.version, "\" cannot be handled as a ",
             kind.kind.kind, ": ", problem);
}

Failure unsupported_patch(const api::KindDef& kind) {
  return failure(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
      &kind);
}

Done apply_patch(const api::KindDef& kind, PatchType type, const json::Value& patch,
                 json::Value& object) {
  if (type != PatchType::kJson && !patch.is_object())
    return bad_request("a merge patch must be a JSON object");
  switch (type) {
    case PatchType::kJson: {
      Status status = api::json_patch(object, patch);
      if (!status.ok() && status.error().code == Code::kUnprocessable)
        return failure(422, "Invalid",
                       str("the server rejected our request due to an error in our request: ",
                           status.error().message),
                       &kind);
      TRY_STATUS(std::move(status));
      break;
    }
    case PatchType::kMerge:
      api::merge_patch(object, patch);
      break;
    case PatchType::kStrategic:
      if (kind.crd) return unsupported_patch(kind);
      TRY_STATUS(api::strategic_merge_patch(*kind.type, object, patch));
      break;
  }
  if (!object.is_object())
    return bad_request("the patch makes the object something else than a JSON object");
  return Ok{};
}

Failure uid_mismatch(const api::KindDef& kind, std::string_view name, std::string_view wanted,
                     std::string_view is) {
  return conflict(
      kind, name,
      str("Precondition failed: UID in precondition: ", wanted, ", UID in object meta: ", is));
}

bool knows_subresource(const api::KindDef& kind, std::string_view name) {
  if (name.empty()) return true;
  if (name == "status") return kind.has_status;
  if (name == "scale") return !kind.scale.spec.empty();
  return name == "finalize" && is_kind(kind, api::kNamespace);
}

}  // namespace

// ---- checks -------------------------------------------------------------------------------------

Done Core::State::check_envelope(const api::KindDef& kind, std::string_view ns,
                                 std::string_view name, json::Value& object) const {
  if (!object.is_object()) return bad_request("the body is no JSON object");
  const std::string& version = object["apiVersion"].str();
  const std::string& type = object["kind"].str();
  if (!version.empty() && version != kind.kind.api_version())
    return bad_request(str("the API version in the data (", version,
                           ") does not match the expected API version (", kind.kind.api_version(),
                           ")"));
  if (!type.empty() && type != kind.kind.kind)
    return bad_request(str("the kind in the data (", type, ") does not match the expected kind (",
                           kind.kind.kind, ")"));
  if (!object["metadata"].is_null() && !object["metadata"].is_object())
    return bad_request("metadata must be an object");
  json::Value& meta = object.ref("metadata");
  const std::string& own = meta["namespace"].str();
  if (kind.kind.namespaced && !own.empty() && own != ns)
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  if (kind.kind.namespaced && ns.empty())
    return bad_request("an empty namespace may not be set during creation");
  const std::string& given = meta["name"].str();
  if (!name.empty() && !given.empty() && given != name)
    return bad_request(str("the name of the object (", given,
                           ") does not match the name on the URL (", name, ")"));
  if (kind.kind.namespaced) meta.set("namespace", ns);
  object.set("apiVersion", kind.kind.api_version());  // moves the members: `meta` is no more
  object.set("kind", kind.kind.kind);
  return Ok{};
}

Done Core::State::check_namespace(const api::KindDef& kind, std::string_view ns,
                                  const json::Value& object) const {
  if (!kind.kind.namespaced) return Ok{};
  Item item = store.get("namespaces", store_key("", ns));
  if (!item) {
    api::KindRef namespaces = catalog.find(api::kNamespace);
    return not_found(namespaces ? *namespaces : kind, ns);
  }
  if (!client::deleting(item->value)) return Ok{};
  Failure refused = forbidden(
      kind, object["metadata"]["name"].str(),
      str("unable to create new content in namespace ", ns, " because it is being terminated"));
  refused.status.ref("details", "causes") =
      json::array({json::object({{"reason", "NamespaceTerminating"},
                                 {"message", str("namespace ", ns, " is being terminated")},
                                 {"field", "metadata.namespace"}})});
  return refused;
}

Done Core::State::clean(const api::KindDef& kind, json::Value& object,
                        WriteContext& context) const {
  if (!kind.crd) TRY_STATUS(api::check_types(kind, object));
  std::vector<std::string> unknown = api::prune(kind, object);
  if (unknown.empty()) return Ok{};
  if (context.validation == api::FieldValidation::kStrict)
    return bad_request(quoted_kinds(kind, api::strict_error(unknown)));
  if (context.validation == api::FieldValidation::kWarn)
    for (const std::string& path : unknown) context.warnings.push_back(api::unknown_warning(path));
  return Ok{};
}

Done Core::State::admit(const api::KindDef& kind, json::Value& object, const json::Value* old,
                        WriteContext& context, bool mutate) const {
  auto [begin, end] = admissions.equal_range(str(kind.kind.plural, ".", kind.kind.group));
  for (auto it = begin; it != end; ++it) {
    const Admission& admission = *it->second;
    if (mutate && admission.mutate) TRY_STATUS(admission.mutate(object, old));
    if (mutate || !admission.validate) continue;
    TRY(Warnings warnings, admission.validate(object, old));
    context.warnings.insert(context.warnings.end(), warnings.begin(), warnings.end());
  }
  return Ok{};
}

Done Core::State::validate(const api::KindDef& kind, const json::Value& object) const {
  Errors errors = api::validate_metadata(kind, object);
  Errors more = api::validate(kind, object);
  errors.insert(errors.end(), more.begin(), more.end());
  if (!errors.empty()) return invalid(kind, object["metadata"]["name"].str(), errors);
  return Ok{};
}

void Core::State::to_storage(const api::KindDef& kind, json::Value& object) const {
  if (kind.storage) return;
  for (const api::KindRef& other : catalog.all())
    if (other->storage && other->kind == kind.kind)
      object.set("apiVersion", other->kind.api_version());
}

// ---- create -------------------------------------------------------------------------------------

Answer<Written> Core::create(const Def& kind, std::string_view ns, json::Value object,
                             WriteContext& context) {
  TRY_STATUS(state_->check_envelope(kind, ns, "", object));
  if (!object["metadata"]["resourceVersion"].str().empty())
    return bad_request("resourceVersion should not be set on objects to be created");
  TRY_STATUS(state_->check_namespace(kind, ns, object));
  TRY_STATUS(state_->clean(kind, object, context));
  return state_->insert(kind, ns, std::move(object), context, false);
}

// `tracked`: managedFields are right already.
Answer<Written> Core::State::insert(const api::KindDef& kind, std::string_view ns,
                                    json::Value object, WriteContext& context, bool tracked) {
  const std::string base = object["metadata"]["generateName"].str().substr(0, 58);
  const bool generated = object["metadata"]["name"].str().empty() && !base.empty();
  const std::string time = now();
  if (generated) object.ref("metadata", "name") = base + random_suffix();
  prepare_create(kind, object, ns, time);
  api::default_fields(kind, object);
  TRY_STATUS(admit(kind, object, nullptr, context, true));
  complete_create(kind, object, time);
  api::default_fields(kind, object);
  TRY_STATUS(validate(kind, object));
  TRY_STATUS(admit(kind, object, nullptr, context, false));
  if (!tracked) {
    json::Value given = std::move(object.ref("metadata", "managedFields"));  // nobody's to say
    object.ref("metadata").erase("managedFields");
    api::track_update(kind, json::Value(), object, {context.manager, context.subresource, time});
  }
  for (int attempt = 0;; ++attempt) {
    Answer<Written> written = store_new(kind, ns, object, context);
    if (written.ok() || !generated || attempt == kAttempts ||
        written.error().reason() != "AlreadyExists")
      return written;
    object.ref("metadata", "name") = base + random_suffix();
  }
}

Answer<Written> Core::State::store_new(const api::KindDef& kind, std::string_view ns,
                                       json::Value object, WriteContext& context) {
  const std::string name = object["metadata"]["name"].str();
  if (find(kind, ns, name).item) return already_exists(kind, name);
  TRY_STATUS(before_crd_write(kind, object));
  const bool service = is_kind(kind, api::kService);
  if (service)
    if (Errors errors = addresses.assign(object); !errors.empty())
      return invalid(kind, name, errors);
  if (context.dry_run) {
    if (service) addresses.release(object);
    Written dry;
    dry.item = detached(std::move(object), 0);
    dry.created = true;
    return dry;
  }
  to_storage(kind, object);
  json::Value addressed = service ? object : json::Value();
  auto item = store.put(resource_of(kind), store_key(kind.kind.namespaced ? ns : "", name),
                        std::move(object), 0);
  if (!item.ok()) {
    if (service) addresses.release(addressed);
    if (item.error().code == Code::kAlreadyExists) return already_exists(kind, name);
    return std::move(item).error();
  }
  after_create(kind, *item);
  Written written;
  written.item = convert(kind, *item);
  written.created = true;
  written.revision = (*item)->revision;
  return written;
}

// ---- update -------------------------------------------------------------------------------------

Done Core::State::finish_update(const api::KindDef& kind, json::Value& object,
                                const json::Value& old, WriteContext& context, bool tracked) const {
  const std::string& name = old["metadata"]["name"].str();
  const bool whole = context.subresource.empty() || context.subresource == "scale";
  prepare_update(kind, object, old, context.subresource);
  if (context.subresource != "finalize")
    api::default_fields(kind, object);  // finalizers have a default
  if (whole) TRY_STATUS(admit(kind, object, &old, context, true));
  TRY_STATUS(validate(kind, object));
  if (whole) {
    if (Errors errors = forbidden_changes(kind, object, old); !errors.empty())
      return invalid(kind, name, errors);
    TRY_STATUS(admit(kind, object, &old, context, false));
    bump_generation(kind, object, old);
  }
  TRY_STATUS(before_crd_write(kind, object));
  if (!tracked) api::track_update(kind, old, object, {context.manager, context.subresource, now()});
  return Ok{};
}

Answer<Written> Core::State::modify(const api::KindDef& kind, std::string_view ns,
                                    std::string_view name, WriteContext& context, bool tracked,
                                    const Change& change) {
  if (!knows_subresource(kind, context.subresource)) return no_such_path();
  const size_t warned = context.warnings.size();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    context.warnings.resize(warned);
    Found found = find(kind, ns, name);
    if (!found.item) return not_found(kind, name);
    const json::Value& old = found.item->value;
    Written written;
    written.item = found.item;
    if (found.built_in) {
      context.warnings.push_back(str(name, " is built in; its definition stays as it is"));
      return written;
    }
    const std::string& uid = old["metadata"]["uid"].str();
    if (!context.uid.empty() && context.uid != uid)
      return uid_mismatch(kind, name, context.uid, uid);
    TRY(std::optional<json::Value> object, change(old));
    if (!object) return written;
    const std::string& given = (*object)["metadata"]["resourceVersion"].str();
    if (!given.empty() && given != old["metadata"]["resourceVersion"].str())
      return modified(kind, name);
    const std::string& wanted = (*object)["metadata"]["uid"].str();
    if (!wanted.empty() && wanted != uid) return uid_mismatch(kind, name, wanted, uid);
    TRY_STATUS(finish_update(kind, *object, old, context, tracked));
    object->ref("metadata").set("resourceVersion", old["metadata"]["resourceVersion"]);
    const bool goes = removable(kind, *object);
    if (!goes && api::same_object(old, *object)) return written;
    if (context.dry_run) {
      written.item = detached(std::move(*object), found.item->revision);
      return written;
    }
    to_storage(kind, *object);
    const std::string table = resource_of(kind),
                      key = store_key(kind.kind.namespaced ? ns : "", name);
    auto item = goes ? store.remove(table, key, found.stored->revision)
                     : store.put(table, key, std::move(*object), found.stored->revision);
    if (!item.ok()) {
      if (item.error().code == Code::kConflict || item.error().code == Code::kNotFound) continue;
      return std::move(item).error();
    }
    if (goes)
      after_remove(kind, *item);
    else
      after_update(kind, *item);
    written.item = convert(kind, *item);
    written.removed = goes;
    written.revision = (*item)->revision;
    return written;
  }
  return modified(kind, name);
}

Answer<Written> Core::update(const Def& kind, std::string_view ns, std::string_view name,
                             json::Value object, WriteContext& context) {
  if (context.subresource == "scale")
    return state_->modify_scale(kind, ns, name, context, [&](json::Value& scale) -> Done {
      scale = object;
      return Ok{};
    });
  TRY_STATUS(state_->check_envelope(kind, ns, name, object));
  object.ref("metadata").set("name", name);
  TRY_STATUS(state_->clean(kind, object, context));
  if (kind.crd && object["metadata"]["resourceVersion"].str().empty() &&
      state_->find(kind, ns, name).item)
    return invalid(kind, name,
                   {{"FieldValueInvalid", "metadata.resourceVersion",
                     "Invalid value: 0: must be specified for an update"}});
  return state_->modify(kind, ns, name, context, false,
                        [&](const json::Value&) -> Answer<std::optional<json::Value>> {
                          return std::optional<json::Value>(object);
                        });
}

Answer<Written> Core::patch(const Def& kind, std::string_view ns, std::string_view name,
                            PatchType type, const json::Value& patch, WriteContext& context) {
  if (context.subresource == "scale")
    return state_->modify_scale(kind, ns, name, context, [&](json::Value& scale) {
      return apply_patch(kind, type == PatchType::kStrategic ? PatchType::kMerge : type, patch,
                         scale);
    });
  return state_->modify(kind, ns, name, context, false,
                        [&](const json::Value& old) -> Answer<std::optional<json::Value>> {
                          json::Value object = old;
                          TRY_STATUS(apply_patch(kind, type, patch, object));
                          TRY_STATUS(state_->check_envelope(kind, ns, name, object));
                          TRY_STATUS(state_->clean(kind, object, context));
                          return std::optional<json::Value>(std::move(object));
                        });
}

Answer<Written> Core::apply(const Def& kind, std::string_view ns, std::string_view name,
                            json::Value fields, WriteContext& context) {
  if (context.subresource == "scale")
    return state_->modify_scale(kind, ns, name, context, [&](json::Value& scale) -> Done {
      api::merge_patch(scale, fields);
      return Ok{};
    });
  TRY_STATUS(state_->check_envelope(kind, ns, name, fields));
  fields.ref("metadata").set("name", name);
  TRY_STATUS(state_->clean(kind, fields, context));
  const std::string revision = fields["metadata"]["resourceVersion"].str();
  if (context.uid.empty()) context.uid = fields["metadata"]["uid"].str();
  for (const char* key : {"resourceVersion", "uid"}) fields.ref("metadata").erase(key);
  const std::string time = state_->now();
  const api::Writer writer{context.manager, context.subresource, time};
  auto change = [&](const json::Value& old) -> Answer<std::optional<json::Value>> {
    if (!revision.empty() && revision != old["metadata"]["resourceVersion"].str())
      return modified(kind, name);
    TRY(api::Applied applied, api::server_side_apply(kind, old, fields, writer, context.force));
    if (!applied.conflicts.empty())
      return Failure(api::conflict_status(kind, name, applied.conflicts));
    if (!applied.changed) return std::optional<json::Value>();
    return std::optional<json::Value>(std::move(applied.object));
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (state_->find(kind, ns, name).item) {
      Answer<Written> written = state_->modify(kind, ns, name, context, true, change);
      if (written.ok() || written.error().code() != 404) return written;
      continue;  // it went away meanwhile
    }
    if (!context.subresource.empty()) return not_found(kind, name);
    if (!revision.empty() || !context.uid.empty()) return modified(kind, name);
    TRY_STATUS(state_->check_namespace(kind, ns, fields));
    TRY(api::Applied applied,
        api::server_side_apply(kind, json::Value(), fields, writer, context.force));
    Answer<Written> written = state_->insert(kind, ns, std::move(applied.object), context, true);
    if (written.ok() || written.error().reason() != "AlreadyExists") return written;
  }
  return modified(kind, name);
}

}  // namespace proa::apiserver
