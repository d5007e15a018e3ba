#include "api/schema/openapi_schema.h"

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

using json::Value;

constexpr const char* kRef = "#/components/schemas/";
constexpr const char* kTime = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
constexpr const char* kMicroTime = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
constexpr const char* kDuration = "io.k8s.apimachinery.pkg.apis.meta.v1.Duration";
constexpr const char* kQuantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr const char* kIntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

Value typed(const char* type, const char* format = nullptr) {
  Value out = json::object({{"type", type}});
  if (format) out.set("format", format);
  return out;
}

Value int_or_string() {
  return json::object({{"x-kubernetes-int-or-string", true},
                       {"anyOf", json::array({typed("integer"), typed("string")})}});
}

}  // namespace

void add_rules(const Rules& rules, json::Value& schema) {
  if (!rules.one_of.empty()) {
    Value values = json::array({});
    for (std::string_view v : rules.one_of) values.push(v);
    schema.set("enum", std::move(values));
  }
  bool list = schema["type"].str() == "array";
  if (rules.min) schema.set("minimum", *rules.min);
  if (rules.max) schema.set("maximum", *rules.max);
  if (rules.min_length) schema.set(list ? "minItems" : "minLength", *rules.min_length);
  if (rules.max_length) schema.set(list ? "maxItems" : "maxLength", *rules.max_length);
  if (!rules.pattern.empty()) schema.set("pattern", rules.pattern);
  if (!rules.format.empty()) schema.set("format", rules.format);
}

Value SchemaWriter::scalar_component(std::string_view name) {
  if (name == kTime || name == kMicroTime) return typed("string", "date-time");
  if (name == kDuration) return typed("string");
  if (name == kQuantity)
    return json::object({{"oneOf", json::array({typed("string"), typed("number")})}});
  return json::object(
      {{"format", "int-or-string"}, {"oneOf", json::array({typed("integer"), typed("string")})}});
}

Value SchemaWriter::scalar(Base base) {
  auto shared = [&](const char* name, Value plain) {
    if (!refs_) return plain;
    scalars.insert(name);
    return json::object({{"$ref", str(kRef, name)}});
  };
  switch (base) {
    case Base::kString:
      return typed("string");
    case Base::kInt32:
      return typed("integer", "int32");
    case Base::kInt64:
      return typed("integer", "int64");
    case Base::kDouble:
      return typed("number", "double");
    case Base::kBool:
      return typed("boolean");
    case Base::kBytes:
      return typed("string", "byte");
    case Base::kTime:
      return shared(kTime, typed("string", "date-time"));
    case Base::kMicroTime:
      return shared(kMicroTime, typed("string", "date-time"));
    case Base::kDuration:
      return shared(kDuration, typed("string"));
    case Base::kQuantity:
      return shared(kQuantity, int_or_string());
    case Base::kIntOrString:
      return shared(kIntOrString, int_or_string());
    default:
      // A $ref-style document of built-in kinds says nothing more than object of it.
      return refs_ ? typed("object")
                   : json::object({{"x-kubernetes-preserve-unknown-fields", true}});
  }
}

Value SchemaWriter::list(const Type& type, int level) {
  Value out = json::object({{"type", "array"}, {"items", reference(*type.item, level)}});
  if (type.item_rules) add_rules(*type.item_rules, out.ref("items"));
  if (refs_ && out["items"].has("$ref"))
    out.set("items",
            json::object({{"allOf", json::array({out["items"]})}, {"default", json::object({})}}));
  if (type.list_type == ListType::kAtomic) {
    out.set("x-kubernetes-list-type", "atomic");
    return out;
  }
  out.set("x-kubernetes-list-type", type.list_type == ListType::kSet ? "set" : "map");
  if (type.list_type == ListType::kMap) {
    Value keys = json::array({});
    for (std::string_view key : type.keys) keys.push(key);
    out.set("x-kubernetes-list-map-keys", std::move(keys));
  }
  return out;
}

Value SchemaWriter::reference(const Type& type, int level) {
  switch (type.base) {
    case Base::kStruct:
      if (refs_ && !type.name.empty()) {
        wanted.insert(&type);
        return json::object({{"$ref", str(kRef, type.name)}});
      }
      if (level >= depth_) {
        Value out = typed("object");
        out.set("x-kubernetes-preserve-unknown-fields", true);
        return out;
      }
      return write(type, level + 1);
    case Base::kMap: {
      Value out = json::object(
          {{"type", "object"}, {"additionalProperties", reference(*type.item, level)}});
      if (type.item_rules) add_rules(*type.item_rules, out.ref("additionalProperties"));
      return out;
    }
    case Base::kList:
      return list(type, level);
    default:
      return scalar(type.base);
  }
}

Value SchemaWriter::field(const Field& f, int level) {
  Value out = reference(*f.type, level);
  bool wrapped = refs_ && out.has("$ref");
  // Beside $ref nothing else counts in OpenAPI 3.0, so it goes into an allOf.
  if (wrapped) out = json::object({{"allOf", json::array({out})}});
  if (!f.description.empty()) out.set("description", f.description);
  if (f.fallback && (!f.builtin_fallback || refs_)) out.set("default", *f.fallback);
  if (f.rules) add_rules(*f.rules, out);
  if (f.nullable) out.set("nullable", true);
  if (f.atomic) out.set("x-kubernetes-map-type", "atomic");
  if (refs_ && (f.merge || f.retain_keys))
    out.set("x-kubernetes-patch-strategy", f.merge && f.retain_keys ? "merge,retainKeys"
                                           : f.merge                ? "merge"
                                                                    : "retainKeys");
  if (refs_ && !f.merge_key.empty()) out.set("x-kubernetes-patch-merge-key", f.merge_key);
  return out;
}

Value SchemaWriter::write(const Type& type, int level) {
  Value out = typed("object");
  if (!type.description.empty()) out.set("description", type.description);
  Value properties = json::object({}), required = json::array({});
  for (const Field& f : type.fields) {
    properties.set(f.name, field(f, level));
    if (f.required) required.push(f.name);
  }
  if (properties.size()) out.set("properties", std::move(properties));
  if (required.size()) out.set("required", std::move(required));
  if (type.open) out.set("x-kubernetes-preserve-unknown-fields", true);
  if (type.embedded) out.set("x-kubernetes-embedded-resource", true);
  if (type.atomic) out.set("x-kubernetes-map-type", "atomic");
  return out;
}

}  // namespace proa::api
