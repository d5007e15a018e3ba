#include "serving/spec/merge.h"

#include "foundation/base/strings.h"

namespace proa::serving {
namespace {

std::string_view merge_key(std::string_view field) {
  for (auto named : {"containers", "initContainers", "env", "volumes", "imagePullSecrets",
                     "resourceClaims", "ephemeralContainers"})
    if (field == named) return "name";
  if (field == "volumeMounts") return "mountPath";
  if (field == "volumeDevices") return "devicePath";
  if (field == "ports") return "containerPort";
  if (field == "topologySpreadConstraints") return "topologyKey";
  if (field == "hostAliases") return "ip";
  return {};
}

// The order is that of Kubernetes' strategic merge patch: the patch's items keep theirs, the others
// of the base keep theirs, and what only the patch has comes before what only the base has.
void merge_list(json::Array& base, const json::Array& patch, std::string_view key) {
  constexpr size_t kNew = SIZE_MAX;
  json::Array merged;
  std::vector<bool> taken(base.size());
  size_t next = 0;  // the first of the base that is not yet placed
  const auto place_base_until = [&](size_t end) {
    for (; next < end; ++next)
      if (!taken[next]) merged.push_back(std::move(base[next])), taken[next] = true;
  };
  std::vector<size_t> at(patch.size(), kNew);
  for (size_t p = 0; p < patch.size(); ++p)
    for (size_t b = 0; b < base.size(); ++b)
      if (!patch[p][key].is_null() && base[b][key] == patch[p][key]) at[p] = b;
  for (size_t p = 0; p < patch.size(); ++p)
    if (at[p] != kNew) taken[at[p]] = true;  // placed with the patch's
  for (size_t p = 0; p < patch.size(); ++p) {
    if (at[p] == kNew) {
      merged.push_back(patch[p]);
      continue;
    }
    place_base_until(at[p]);
    strategic_merge(base[at[p]], patch[p]);
    merged.push_back(base[at[p]]);
  }
  place_base_until(base.size());
  base = std::move(merged);
}

// An env entry has either a value or a valueFrom: the patch's wins.
void drop_other_env_source(json::Value& base, const json::Value& patch) {
  if (patch.has("valueFrom")) base.erase("value");
  if (patch.has("value")) base.erase("valueFrom");
}

// The inside of {{…}}: a value, or nullptr if it is nothing we know.
const json::Value* resolve(std::string_view expression, const json::Value& metadata) {
  static const json::Value none("<no value>");
  const auto present = [&](const json::Value& v) { return v.is_string() ? &v : &none; };
  if (expression == ".Name") return present(metadata["name"]);
  if (expression == ".Namespace") return present(metadata["namespace"]);
  for (auto [text, field] :
       {std::pair{".Labels", "labels"}, std::pair{".Annotations", "annotations"}}) {
    const std::string dotted = str(text, "."), indexed = str("index ", text, " \"");
    if (expression.starts_with(dotted))
      return present(metadata[field][expression.substr(dotted.size())]);
    if (expression.starts_with(indexed) && expression.ends_with('"'))
      return present(metadata[field][expression.substr(indexed.size(),
                                                       expression.size() - indexed.size() - 1)]);
  }
  return nullptr;
}

Result<std::string> fill(std::string_view text, const json::Value& metadata) {
  std::string out;
  for (;;) {
    const auto open = text.find("{{");
    out += text.substr(0, open);
    if (open == text.npos) return out;
    const auto close = text.find("}}", open);
    if (close == text.npos) return error(Code::kInvalid, "placeholder without closing braces");
    const auto expression = trim(text.substr(open + 2, close - open - 2));
    const auto* value = resolve(expression, metadata);
    if (!value)
      return error(
          Code::kInvalid,
          str("placeholder {{", shorten(expression, 80),
              "}} is not known; there are .Name, .Namespace, .Labels.x and .Annotations.x"));
    out += value->str();
    text.remove_prefix(close + 2);
  }
}

}  // namespace

void strategic_merge(json::Value& base, const json::Value& patch, std::string_view field) {
  if (patch.is_object() && base.is_object()) {
    drop_other_env_source(base, patch);
    for (const auto& [key, value] : patch.object()) {
      if (value.is_null())
        base.erase(key);
      else if (base[key].is_null())
        base.set(key, value);
      else
        strategic_merge(base.ref(key), value, key);
    }
    return;
  }
  const auto key = merge_key(field);
  if (patch.is_array() && base.is_array() && !key.empty())
    return merge_list(base.make_array(), patch.array(), key);
  base = patch;
}

Status fill_placeholders(json::Value& v, const json::Value& metadata) {
  if (v.is_object()) {
    for (auto& [key, value] : v.make_object()) TRY_STATUS(fill_placeholders(value, metadata));
  } else if (v.is_array()) {
    for (auto& item : v.make_array()) TRY_STATUS(fill_placeholders(item, metadata));
  } else if (v.is_string() && contains(v.str(), "{{")) {
    TRY(v, fill(v.str(), metadata));
  }
  return {};
}

}  // namespace proa::serving
