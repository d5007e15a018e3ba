#include "api/schema/crd.h"

#include <algorithm>
#include <set>

#include "api/schema/jsonpath.h"
#include "api/schema/openapi.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

// What a CRD writes out of Kubernetes' own types; below this they are open objects, so that the
// objects stay small. The server itself checks by the full tables.
constexpr int kShownDepth = 4;

Value texts(const std::vector<std::string_view>& list) {
  Value out = json::array({});
  for (std::string_view t : list) out.push(t);
  return out;
}

Value version_of(const KindDef& def, bool stored) {
  Value schema = structural_schema(*def.type, kShownDepth);
  // metadata is described by the API itself.
  if (schema["properties"].has("metadata"))
    schema.ref("properties").set("metadata", json::object({{"type", "object"}}));
  Value out = json::object({{"name", def.kind.version},
                            {"served", true},
                            {"storage", stored},
                            {"schema", json::object({{"openAPIV3Schema", std::move(schema)}})}});
  Value subresources = json::object({});
  if (def.has_status) subresources.set("status", json::object({}));
  if (!def.scale.status.empty()) {
    Value scale = json::object(
        {{"specReplicasPath", def.scale.spec}, {"statusReplicasPath", def.scale.status}});
    if (!def.scale.selector.empty()) scale.set("labelSelectorPath", def.scale.selector);
    subresources.set("scale", std::move(scale));
  }
  if (subresources.size()) out.set("subresources", std::move(subresources));
  Value columns = json::array({});
  for (const Column& c : def.columns) {
    Value column = json::object({{"name", c.name}, {"type", c.type}, {"jsonPath", c.path}});
    if (c.priority) column.set("priority", c.priority);
    if (!c.description.empty()) column.set("description", c.description);
    columns.push(std::move(column));
  }
  if (columns.size()) out.set("additionalPrinterColumns", std::move(columns));
  return out;
}

Value names_of(const KindDef& def) {
  Value out = json::object({{"plural", def.kind.plural},
                            {"singular", def.singular},
                            {"kind", def.kind.kind},
                            {"listKind", def.list_kind}});
  if (!def.short_names.empty()) out.set("shortNames", texts(def.short_names));
  if (!def.categories.empty()) out.set("categories", texts(def.categories));
  return out;
}

Error bad(std::string_view field, std::string_view why) {
  return error(Code::kUnprocessable, str(field, ": ", why));
}

class SchemaReader {
 public:
  explicit SchemaReader(TypeStore& store) : store_(store) {}

  Result<const Type*> read(const Value& s, const std::string& at, int depth) {
    if (depth > 100) return bad(at, "Invalid value: nested too deeply");
    if (store_.size() > 50'000) return bad(at, "Too long: the schema has too many parts");
    if (s["x-kubernetes-int-or-string"].boolean()) return store_.scalar(Base::kIntOrString);
    const std::string& type = s["type"].str();
    if (type == "string") return store_.scalar(Base::kString);
    if (type == "boolean") return store_.scalar(Base::kBool);
    if (type == "number") return store_.scalar(Base::kDouble);
    if (type == "integer")
      return store_.scalar(s["format"].str() == "int32" ? Base::kInt32 : Base::kInt64);
    if (type == "array") return list(s, at, depth);
    bool open = s["x-kubernetes-preserve-unknown-fields"].boolean();
    if (type.empty() && open) return store_.scalar(Base::kAny);
    if (type != "object")
      return bad(at + ".type", str("Unsupported value: \"", shorten(type, 50), "\""));
    if (s["additionalProperties"].is_object()) {
      TRY(const Type* item,
          read(s["additionalProperties"], at + ".additionalProperties", depth + 1));
      Type& made = store_.make();
      made.base = Base::kMap;
      made.item = item;
      made.item_rules = rules(s["additionalProperties"]);
      made.atomic = s["x-kubernetes-map-type"].str() == "atomic";
      return &made;
    }
    bool embedded = s["x-kubernetes-embedded-resource"].boolean();
    if (!s.has("properties") && (open || s["additionalProperties"].boolean()) && !embedded)
      return store_.scalar(Base::kAny);
    return object(s, at, depth, open, embedded);
  }

 private:
  Result<const Type*> list(const Value& s, const std::string& at, int depth) {
    if (!s["items"].is_object()) return bad(at + ".items", "Required value: must be specified");
    TRY(const Type* item, read(s["items"], at + ".items", depth + 1));
    Type& made = store_.make();
    made.base = Base::kList;
    made.item = item;
    made.item_rules = rules(s["items"]);
    const std::string& kind = s["x-kubernetes-list-type"].str();
    if (kind == "set") made.list_type = ListType::kSet;
    if (kind == "map") {
      made.list_type = ListType::kMap;
      for (const Value& key : s["x-kubernetes-list-map-keys"].array())
        made.keys.push_back(store_.keep(key.str()));
      if (made.keys.empty())
        return bad(at + ".x-kubernetes-list-map-keys",
                   "Required value: must not be empty if x-kubernetes-list-type is map");
    }
    return &made;
  }

  Result<const Type*> object(const Value& s, const std::string& at, int depth, bool open,
                             bool embedded) {
    Type& made = store_.make();
    made.base = Base::kStruct;
    made.open = open;
    made.embedded = embedded;
    made.atomic = s["x-kubernetes-map-type"].str() == "atomic";
    made.description = store_.keep(s["description"].str());
    std::set<std::string> required;
    for (const Value& r : s["required"].array()) required.insert(r.str());
    for (const auto& [name, schema] : s["properties"].object()) {
      TRY(const Type* type, read(schema, str(at, ".properties[", name, "]"), depth + 1));
      Field f;
      f.name = store_.keep(name);
      f.type = type;
      f.rules = rules(schema);
      if (schema.has("default")) f.fallback = store_.make_value(schema["default"]);
      f.description = store_.keep(schema["description"].str());
      f.required = required.count(name) != 0;
      f.nullable = schema["nullable"].boolean();
      made.fields.push_back(f);  // properties come sorted
    }
    return &made;
  }

  const Rules* rules(const Value& s) {
    Rules r;
    bool any = false;
    for (const Value& v : s["enum"].array())
      if (v.is_string()) {
        r.one_of.push_back(store_.keep(v.str()));
        any = true;
      }
    auto number = [&](const char* key, std::optional<double>& to) {
      if (s[key].is_number()) {
        to = s[key].number();
        any = true;
      }
    };
    auto count = [&](const char* key, std::optional<int64_t>& to) {
      if (s[key].is_int()) {
        to = s[key].integer();
        any = true;
      }
    };
    number("minimum", r.min);
    number("maximum", r.max);
    count(s["type"].str() == "array" ? "minItems" : "minLength", r.min_length);
    count(s["type"].str() == "array" ? "maxItems" : "maxLength", r.max_length);
    if (!s["pattern"].str().empty()) {
      r.pattern = store_.keep(s["pattern"].str());
      any = true;
    }
    if (!s["format"].str().empty() && s["type"].str() == "string") {
      r.format = store_.keep(s["format"].str());
      any = true;
    }
    return any ? &(store_.make_rules() = std::move(r)) : nullptr;
  }

  TypeStore& store_;
};

// apiVersion, kind and metadata are part of each root.
const Type* with_metadata(const Type* root, TypeStore& store) {
  Type& made = store.make();
  made = *root;
  made.base = Base::kStruct;
  auto put = [&](std::string_view name, const Type* type) {
    Field f;
    f.name = name;
    f.type = type;
    std::erase_if(made.fields, [&](const Field& x) { return x.name == name; });
    made.fields.insert(
        std::lower_bound(made.fields.begin(), made.fields.end(), name,
                         [](const Field& x, std::string_view n) { return x.name < n; }),
        f);
  };
  if (root->base == Base::kAny) made.open = true;
  put("apiVersion", store.scalar(Base::kString));
  put("kind", store.scalar(Base::kString));
  put("metadata", store.scalar(Base::kAny));
  return &made;
}

Status read_columns(const Value& version, const std::string& at, KindDef& def) {
  size_t i = 0;
  for (const Value& c : version["additionalPrinterColumns"].array()) {
    auto path = JsonPath::parse(c["jsonPath"].str());
    if (!path.ok())
      return bad(str(at, ".additionalPrinterColumns[", i, "].jsonPath"),
                 str("Invalid value: ", path.error().message));
    TypeStore& store = *def.own;
    def.columns.push_back({store.keep(c["name"].str()), store.keep(c["type"].str()),
                           store.keep(c["format"].str()), store.keep(c["jsonPath"].str()),
                           store.keep(c["description"].str()),
                           static_cast<int>(c["priority"].integer())});
    i++;
  }
  return {};
}

}  // namespace

Result<const Type*> type_from_openapi(const json::Value& schema, TypeStore& store) {
  return SchemaReader(store).read(schema, "openAPIV3Schema", 0);
}

Result<std::vector<KindDef>> from_crd(const json::Value& crd) {
  const Value &spec = crd["spec"], &names = spec["names"];
  for (const auto& [field, v] : {std::pair{"spec.group", &spec["group"]},
                                 {"spec.names.plural", &names["plural"]},
                                 {"spec.names.kind", &names["kind"]}})
    if (v->str().empty()) return bad(field, "Required value");
  std::string name = str(names["plural"].str(), ".", spec["group"].str());
  if (crd["metadata"]["name"].str() != name)
    return bad("metadata.name", str("Invalid value: \"", crd["metadata"]["name"].str(),
                                    "\": must be spec.names.plural+\".\"+spec.group"));
  const std::string& scope = spec["scope"].str();
  if (scope != "Namespaced" && scope != "Cluster")
    return bad("spec.scope", str("Unsupported value: \"", shorten(scope, 50),
                                 "\": supported values: \"Cluster\", \"Namespaced\""));
  std::vector<KindDef> out;
  size_t i = 0, stored = 0;
  for (const Value& v : spec["versions"].array()) {
    std::string at = str("spec.versions[", i++, "]");
    stored += v["storage"].boolean();
    if (!v["served"].boolean()) continue;
    KindDef def;
    def.own = std::make_shared<TypeStore>();
    TypeStore& store = *def.own;
    def.crd = true;
    def.storage = v["storage"].boolean();
    def.kind = {store.keep(spec["group"].str()), store.keep(v["name"].str()),
                store.keep(names["kind"].str()), store.keep(names["plural"].str()),
                scope == "Namespaced"};
    if (def.kind.version.empty()) return bad(at + ".name", "Required value");
    def.singular = store.keep(names["singular"].str_or(lower(def.kind.kind)));
    def.list_kind = store.keep(names["listKind"].str_or(str(def.kind.kind, "List")));
    for (const Value& s : names["shortNames"].array())
      def.short_names.push_back(store.keep(s.str()));
    for (const Value& s : names["categories"].array())
      def.categories.push_back(store.keep(s.str()));
    const Value& schema = v["schema"]["openAPIV3Schema"];
    if (!schema.is_object())
      return bad(at + ".schema.openAPIV3Schema", "Required value: schemas are required");
    auto root = SchemaReader(store).read(schema, at + ".schema.openAPIV3Schema", 0);
    if (!root.ok()) return std::move(root).error();
    def.type = with_metadata(*root, store);
    def.has_status = v["subresources"].has("status");
    const Value& scale = v["subresources"]["scale"];
    if (scale.is_object())
      def.scale = {store.keep(scale["specReplicasPath"].str()),
                   store.keep(scale["statusReplicasPath"].str()),
                   store.keep(scale["labelSelectorPath"].str())};
    TRY_STATUS(read_columns(v, at, def));
    out.push_back(std::move(def));
  }
  if (stored != 1)
    return bad("spec.versions",
               "Invalid value: must have exactly one version marked as storage version");
  return out;
}

void accept_crd(json::Value& crd, std::string_view now) {
  Value& names = crd.ref("spec", "names");
  if (names["singular"].str().empty()) names.set("singular", lower(names["kind"].str()));
  if (names["listKind"].str().empty()) names.set("listKind", names["kind"].str() + "List");
  if (!crd["spec"].has("conversion"))
    crd.ref("spec").set("conversion", json::object({{"strategy", "None"}}));
  Value stored = crd["status"]["storedVersions"];
  stored.make_array();
  for (const Value& v : crd["spec"]["versions"].array())
    if (v["storage"].boolean() &&
        std::find(stored.array().begin(), stored.array().end(), v["name"]) == stored.array().end())
      stored.push(v["name"]);
  std::string when(now);
  for (const Value& c : crd["status"]["conditions"].array())
    if (c["type"].str() == "Established" && c["status"].str() == "True")
      when = c["lastTransitionTime"].str();
  auto condition = [&](const char* type, const char* reason, const char* message) {
    return json::object({{"type", type},
                         {"status", "True"},
                         {"reason", reason},
                         {"message", message},
                         {"lastTransitionTime", when}});
  };
  crd.set(
      "status",
      json::object({{"acceptedNames", crd["spec"]["names"]},
                    {"storedVersions", std::move(stored)},
                    {"conditions",
                     json::array({condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                                  condition("Established", "InitialNamesAccepted",
                                            "the initial names have been accepted")})}}));
}

Result<json::Value> to_crd(const Catalog& catalog, std::string_view group, std::string_view plural,
                           std::string_view now) {
  std::vector<KindRef> versions;
  for (const KindRef& def : catalog.all())
    if (def->crd && def->kind.group == group && def->kind.plural == plural) versions.push_back(def);
  if (versions.empty())
    return error(Code::kNotFound, str("customresourcedefinitions.apiextensions.k8s.io \"", plural,
                                      ".", group, "\" not found"));
  Value list = json::array({});
  bool stored = false;
  for (const KindRef& def : versions) {
    list.push(version_of(*def, def->storage && !stored));
    stored |= def->storage;
  }
  const KindDef& def = *versions[0];
  Value crd = json::object(
      {{"apiVersion", "apiextensions.k8s.io/v1"},
       {"kind", "CustomResourceDefinition"},
       {"metadata",
        json::object({{"name", def.crd_name()}, {"creationTimestamp", now}, {"generation", 1}})},
       {"spec", json::object({{"group", group},
                              {"scope", def.kind.namespaced ? "Namespaced" : "Cluster"},
                              {"names", names_of(def)},
                              {"versions", std::move(list)}})}});
  accept_crd(crd, now);
  return crd;
}

std::vector<json::Value> all_crds(const Catalog& catalog, std::string_view now) {
  std::vector<json::Value> out;
  std::set<std::string> seen;
  for (const KindRef& def : catalog.all()) {
    if (!def->crd || !seen.insert(def->crd_name()).second) continue;
    auto crd = to_crd(catalog, def->kind.group, def->kind.plural, now);
    if (crd.ok()) out.push_back(std::move(crd).value());
  }
  return out;
}

}  // namespace proa::api
