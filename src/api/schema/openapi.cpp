#include "api/schema/openapi.h"

#include <algorithm>
#include <map>

#include "api/schema/openapi_schema.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

// FNV-1a, 64 bits: the hash only has to change when the content does.
uint64_t fnv(std::string_view text, uint64_t h = 14695981039346656037ull) {
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

std::string path_of(const client::Kind& kind) {
  return kind.group.empty() ? str("api/", kind.version)
                            : str("apis/", kind.group, "/", kind.version);
}

Value gvk_of(const client::Kind& kind) {
  return json::object({{"group", kind.group}, {"kind", kind.kind}, {"version", kind.version}});
}

// "serving.kserve.io" → "io.kserve.serving.v1beta1.InferenceService".
std::string schema_name(const KindDef& def) {
  if (!def.type->name.empty()) return std::string(def.type->name);
  auto parts = split(def.kind.group, '.');
  std::reverse(parts.begin(), parts.end());
  std::string out;
  for (std::string_view p : parts) out += str(p, ".");
  return str(out, def.kind.version, ".", def.kind.kind);
}

Value query(const char* name, const char* type) {
  return json::object(
      {{"name", name}, {"in", "query"}, {"schema", json::object({{"type", type}})}});
}

Value path_parameter(const char* name) {
  return json::object({{"name", name},
                       {"in", "path"},
                       {"required", true},
                       {"schema", json::object({{"type", "string"}})}});
}

Value queries(std::initializer_list<std::pair<const char*, const char*>> list) {
  Value out = json::array({});
  for (const auto& [name, type] : list) out.push(query(name, type));
  return out;
}

Value schema_ref(std::string_view name) {
  return json::object({{"$ref", str("#/components/schemas/", name)}});
}

Value content(std::initializer_list<const char*> types, const Value& schema) {
  Value out = json::object({});
  for (const char* type : types) out.set(type, json::object({{"schema", schema}}));
  return json::object({{"content", std::move(out)}});
}

class Paths {
 public:
  explicit Paths(const KindDef& def) : def_(def), name_(schema_name(def)) {}

  void add(Value& paths) const {
    std::string base = str("/", path_of(def_.kind), "/");
    std::string plural(def_.kind.plural);
    std::string list =
        def_.kind.namespaced ? str(base, "namespaces/{namespace}/", plural) : base + plural;
    paths.set(list, collection());
    if (def_.kind.namespaced)
      paths.set(base + plural, json::object({{"get", op("list", "listAll",
                                                        queries({{"labelSelector", "string"},
                                                                 {"fieldSelector", "string"},
                                                                 {"limit", "integer"},
                                                                 {"continue", "string"},
                                                                 {"watch", "boolean"}}))}}));
    paths.set(list + "/{name}", item());
    if (def_.has_status) paths.set(list + "/{name}/status", item(true));
  }

 private:
  Value op(const char* action, std::string_view id, Value parameters) const {
    Value ok = content({"application/json"}, schema_ref(name_));
    ok.set("description", "OK");
    return json::object({{"operationId", str(id, def_.kind.kind)},
                         {"parameters", std::move(parameters)},
                         {"responses", json::object({{"200", std::move(ok)}})},
                         {"x-kubernetes-action", action},
                         {"x-kubernetes-group-version-kind", gvk_of(def_.kind)}});
  }

  Value common(bool named) const {
    Value out = json::array({});
    if (named) out.push(path_parameter("name"));
    if (def_.kind.namespaced) out.push(path_parameter("namespace"));
    return out;
  }

  static Value write_parameters(bool force = false) {
    Value out =
        queries({{"dryRun", "string"}, {"fieldManager", "string"}, {"fieldValidation", "string"}});
    if (force) out.push(query("force", "boolean"));
    return out;
  }

  Value collection() const {
    Value post = op("post", "create", write_parameters());
    post.set("requestBody", content({"application/json", "application/yaml"}, schema_ref(name_)));
    return json::object(
        {{"get", op("list", "list",
                    queries({{"labelSelector", "string"},
                             {"fieldSelector", "string"},
                             {"limit", "integer"},
                             {"continue", "string"},
                             {"watch", "boolean"}}))},
         {"post", std::move(post)},
         {"delete", op("deletecollection", "deleteCollection",
                       queries({{"dryRun", "string"}, {"labelSelector", "string"}}))},
         {"parameters", common(false)}});
  }

  Value item(bool status = false) const {
    Value put = op("put", status ? "replaceStatus" : "replace", write_parameters());
    put.set("requestBody", content({"application/json", "application/yaml"}, schema_ref(name_)));
    Value patch = op("patch", status ? "patchStatus" : "patch", write_parameters(true));
    Value any = json::object({{"type", "object"}});
    patch.set("requestBody",
              def_.crd ? content({"application/apply-patch+yaml", "application/json-patch+json",
                                  "application/merge-patch+json"},
                                 any)
                       : content({"application/apply-patch+yaml", "application/json-patch+json",
                                  "application/merge-patch+json",
                                  "application/strategic-merge-patch+json"},
                                 any));
    Value out = json::object({{"get", op("get", status ? "readStatus" : "read", json::array({}))},
                              {"put", std::move(put)},
                              {"patch", std::move(patch)},
                              {"parameters", common(true)}});
    if (!status)
      out.set("delete", op("delete", "delete",
                           queries({{"dryRun", "string"},
                                    {"gracePeriodSeconds", "integer"},
                                    {"propagationPolicy", "string"}})));
    return out;
  }

  const KindDef& def_;
  std::string name_;
};

}  // namespace

std::string openapi_hash(const Catalog& catalog, std::string_view path) {
  uint64_t h = fnv(path);
  for (const KindRef& def : catalog.all()) {
    if (path_of(def->kind) != path) continue;
    h = fnv(def->kind.plural, h);
    h = fnv(str(def->type->fields.size(), def->has_status, def->columns.size()), h);
    if (def->own) h = fnv(str(catalog.generation()), h);
  }
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789ABCDEF"[(h >> shift) & 15];
  return out;
}

json::Value openapi_index(const Catalog& catalog) {
  Value paths = json::object({});
  for (const KindRef& def : catalog.all()) {
    std::string path = path_of(def->kind);
    if (paths.has(path)) continue;
    paths.set(path,
              json::object({{"serverRelativeURL",
                             str("/openapi/v3/", path, "?hash=", openapi_hash(catalog, path))}}));
  }
  return json::object({{"paths", std::move(paths)}});
}

Result<std::string> openapi_document(const Catalog& catalog, std::string_view path) {
  SchemaWriter writer(true, 64);
  Value paths = json::object({}), schemas = json::object({});
  for (const KindRef& def : catalog.all()) {
    if (path_of(def->kind) != path) continue;
    Paths(*def).add(paths);
    Value schema = writer.write(*def->type);
    schema.set("x-kubernetes-group-version-kind", json::array({gvk_of(def->kind)}));
    schemas.set(schema_name(*def), std::move(schema));
  }
  if (paths.size() == 0) return error(Code::kNotFound, str("no API at /", shorten(path, 100)));
  // Delete bodies and Status are part of each document.
  for (const char* name : {"DeleteOptions", "Status"})
    if (const Type* type = catalog.type(str("io.k8s.apimachinery.pkg.apis.meta.v1.", name)))
      writer.wanted.insert(type);
  while (true) {
    std::vector<const Type*> missing;
    for (const Type* type : writer.wanted)
      if (!schemas.has(type->name)) missing.push_back(type);
    if (missing.empty()) break;
    for (const Type* type : missing) schemas.set(type->name, writer.write(*type));
  }
  for (const std::string& name : writer.scalars)
    schemas.set(name, SchemaWriter::scalar_component(name));
  return json::dump(
      json::object({{"openapi", "3.0.0"},
                    {"info", json::object({{"title", "Kubernetes"}, {"version", "v1.35.3"}})},
                    {"paths", std::move(paths)},
                    {"components", json::object({{"schemas", std::move(schemas)}})}}));
}

json::Value openapi_v2(const Catalog& catalog) {
  Value parameters = json::array({});
  for (const auto& [name, type] : {std::pair{"dryRun", "string"}, {"fieldManager", "string"},
                                   {"fieldValidation", "string"}, {"force", "boolean"}})
    parameters.push(
        json::object({{"in", "query"}, {"name", name}, {"type", type}, {"uniqueItems", true}}));
  const Value responses = json::object({{"200", json::object({{"description", "OK"}})}});
  Value paths = json::object({});
  for (const KindRef& def : catalog.all())
    paths.set(str("/", path_of(def->kind), def->kind.namespaced ? "/namespaces/{namespace}/" : "/",
                  def->kind.plural, "/{name}"),
              json::object({{"patch",
                             json::object({{"parameters", parameters},
                                           {"responses", responses},
                                           {"x-kubernetes-action", "patch"},
                                           {"x-kubernetes-group-version-kind",
                                            gvk_of(def->kind)}})}}));
  return json::object({{"swagger", "2.0"},
                       {"info", json::object({{"title", "Kubernetes"}, {"version", "v1.35.3"}})},
                       {"paths", std::move(paths)},
                       {"definitions", json::object({})}});
}

json::Value structural_schema(const Type& type, int depth) {
  return SchemaWriter(false, depth).write(type);
}

}  // namespace proa::api
