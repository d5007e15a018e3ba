#include "platform/knative/objects/objects.h"

#include "foundation/base/strings.h"
#include "platform/knative/objects/names.h"

namespace proa::knative {

const std::string& name_of(const json::Value& object) { return object["metadata"]["name"].str(); }

const std::string& namespace_of(const json::Value& object) {
  return object["metadata"]["namespace"].str();
}

int64_t generation_of(const json::Value& object) {
  return object["metadata"]["generation"].integer();
}

int64_t generation_label(const json::Value& revision) {
  return parse_int(revision["metadata"]["labels"][kGenerationLabel].str()).value_or(0);
}

json::Value shell_of(const client::Kind& kind, std::string_view ns, std::string_view name) {
  json::Value v = json::object({{"apiVersion", kind.api_version()}, {"kind", kind.kind}});
  v.ref("metadata", "name") = name;
  if (kind.namespaced) v.ref("metadata", "namespace") = ns;
  return v;
}

Result<Object> find(const client::Client& client, const client::Kind& kind, std::string_view ns,
                    std::string_view name) {
  auto found = client.get(kind, ns, name);
  if (!found.ok() && found.error().code == Code::kNotFound) return Object();
  return found;
}

Status write_status(client::Client& client, const client::Kind& kind, const json::Value& object,
                    json::Value status, std::string_view manager) {
  if (object["status"] == status) return {};
  json::Value fields = shell_of(kind, namespace_of(object), name_of(object));
  fields.set("status", std::move(status));
  auto written = client.apply(kind, std::move(fields), {std::string(manager), "status"});
  if (!written.ok() && written.error().code != Code::kNotFound)
    return std::move(written).error().with_context(
        str("write status of ", kind.kind, " ", name_of(object)));
  return {};
}

Result<Object> Applier::ensure(const client::Kind& kind, json::Value fields, const Object& current,
                               bool* created) {
  const std::string key = id(kind, client::key_of(fields));
  std::string text = json::dump(fields);
  if (created) *created = current == nullptr;
  if (auto it = seen_.find(key);
      it != seen_.end() && current && it->second.uid == client::uid_of(*current) &&
      it->second.generation == generation_of(*current) && it->second.fields == text)
    return current;
  const std::string name = name_of(fields);
  auto applied = client_.apply(kind, std::move(fields), {manager_, ""});
  if (!applied.ok())
    return std::move(applied).error().with_context(str("apply ", kind.kind, " ", name));
  seen_[key] = {client::uid_of(**applied), std::move(text), generation_of(**applied)};
  return applied;
}

client::Condition read_condition(const json::Value& object, std::string_view type) {
  const json::Value& c = client::condition(object, type);
  return {std::string(type), c["status"].str_or("Unknown"), c["reason"].str(), c["message"].str(),
          c["severity"].str()};
}

json::Value scale_conditions(json::Value conditions, client::Condition active, bool initialized,
                             const std::string& at) {
  active.type = "Active";
  client::set_condition(conditions, active, at);
  client::set_condition(conditions, {"SKSReady", "True", "", "", ""}, at);
  client::set_condition(
      conditions, {"ScaleTargetInitialized", initialized ? "True" : "Unknown", "", "", ""}, at);
  client::set_condition(conditions,
                        happy(conditions, {"Active", "SKSReady", "ScaleTargetInitialized"}), at);
  return conditions;
}

client::Condition happy(const json::Value& conditions,
                        std::initializer_list<std::string_view> types) {
  const json::Value object = json::object({{"status", json::object({{"conditions", conditions}})}});
  client::Condition unknown;
  for (std::string_view type : types) {
    client::Condition c = read_condition(object, type);
    if (c.status == "False") return {"Ready", "False", c.reason, c.message, ""};
    if (c.status == "Unknown" && unknown.status.empty())
      unknown = {"Ready", "Unknown", c.reason, c.message, ""};
  }
  if (!unknown.status.empty()) return unknown;
  return {"Ready", "True", "", "", ""};
}

void merge_into(json::Value& into, const json::Value& more) {
  for (const auto& [key, value] : more.object()) into.set(key, value);
}

}  // namespace proa::knative
