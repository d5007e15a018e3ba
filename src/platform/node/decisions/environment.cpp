#include "platform/node/decisions/environment.h"

#include "api/kinds.h"
#include "foundation/base/strings.h"

namespace proa::node {

std::string expand_references(std::string_view text,
                              const std::map<std::string, std::string>& values) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char next = text[i + 1];
    if (next == '$') {
      out += '$';
      ++i;
      continue;
    }
    size_t close = next == '(' ? text.find(')', i) : text.npos;
    if (close == text.npos) {
      out += '$';
      continue;
    }
    std::string name(text.substr(i + 2, close - i - 2));
    auto it = values.find(name);
    out += it == values.end() ? std::string(text.substr(i, close - i + 1)) : it->second;
    i = close;
  }
  return out;
}

namespace {
class Builder {
 public:
  void set(const std::string& name, std::string value) {
    values_[name] = value;
    for (auto& [n, v] : list_)
      if (n == name) {
        v = std::move(value);
        return;
      }
    list_.emplace_back(name, std::move(value));
  }
  const std::map<std::string, std::string>& values() const { return values_; }
  Environment take() { return std::move(list_); }

 private:
  Environment list_;
  std::map<std::string, std::string> values_;
};

Result<std::string> value_of(const client::Object& object, bool secret, const std::string& key) {
  const json::Value& v = (*object)["data"][key];
  if (!secret) return v.str();
  auto bytes = unbase64(v.str());
  if (!bytes) return error(Code::kInvalid, str("key ", key, " is not base64"));
  return *bytes;
}

// nullopt: an optional one that is not there.
Result<std::optional<std::string>> from_key(const json::Value& ref, const client::Kind& kind,
                                            const Lookup& lookup, const std::string& ns) {
  const std::string &name = ref["name"].str(), &key = ref["key"].str();
  bool optional = ref["optional"].boolean();
  auto found = lookup(kind, name);
  if (!found.ok()) {
    if (optional && found.error().code == Code::kNotFound) return std::optional<std::string>{};
    return found.error();
  }
  if (!(**found)["data"].has(key)) {
    if (optional) return std::optional<std::string>{};
    return error(Code::kNotFound,
                 str("couldn't find key ", key, " in ", kind.kind, " ", ns, "/", name));
  }
  TRY(std::string value, value_of(*found, kind == api::kSecret, key));
  return std::optional<std::string>(std::move(value));
}

Status add_all(Builder& out, const json::Value& source, const Lookup& lookup) {
  for (auto [field, kind] :
       {std::pair{"configMapRef", api::kConfigMap}, std::pair{"secretRef", api::kSecret}}) {
    if (!source.has(field)) continue;
    auto found = lookup(kind, source[field]["name"].str());
    if (!found.ok()) {
      if (source[field]["optional"].boolean() && found.error().code == Code::kNotFound) continue;
      return found.error();
    }
    for (const auto& [key, unused] : (**found)["data"].object()) {
      TRY(std::string value, value_of(*found, kind == api::kSecret, key));
      out.set(source["prefix"].str() + key, std::move(value));
    }
  }
  return {};
}

const json::Value& container_named(const json::Value& pod, const std::string& name,
                                   const json::Value& otherwise) {
  for (const char* list : {"containers", "initContainers"})
    for (const auto& c : pod["spec"][list].array())
      if (c["name"].str() == name) return c;
  return otherwise;
}
}  // namespace

Result<Environment> container_environment(const json::Value& pod, const json::Value& container,
                                          const PodFacts& facts, const Environment& base,
                                          const Lookup& lookup) {
  Builder out;
  const std::string& ns = pod["metadata"]["namespace"].str();
  for (const auto& [name, value] : base) out.set(name, value);
  for (const auto& source : container["envFrom"].array()) TRY_STATUS(add_all(out, source, lookup));
  for (const auto& e : container["env"].array()) {
    const std::string& name = e["name"].str();
    const json::Value& from = e["valueFrom"];
    if (!from.is_object()) {
      out.set(name, expand_references(e["value"].str(), out.values()));
    } else if (from.has("fieldRef")) {
      TRY(std::string value, pod_field(pod, facts, from["fieldRef"]["fieldPath"].str()));
      out.set(name, std::move(value));
    } else if (from.has("resourceFieldRef")) {
      const json::Value& ref = from["resourceFieldRef"];
      TRY(std::string value,
          resource_field(container_named(pod, ref["containerName"].str(), container), facts, ref));
      out.set(name, std::move(value));
    } else {
      bool secret = from.has("secretKeyRef");
      TRY(auto value, from_key(from[secret ? "secretKeyRef" : "configMapKeyRef"],
                               secret ? api::kSecret : api::kConfigMap, lookup, ns));
      if (value) out.set(name, std::move(*value));
    }
  }
  return out.take();
}

std::vector<std::string> expand_list(const json::Value& list, const Environment& environment) {
  std::map<std::string, std::string> values(environment.begin(), environment.end());
  std::vector<std::string> out;
  for (const auto& item : list.array()) out.push_back(expand_references(item.str(), values));
  return out;
}

}  // namespace proa::node
