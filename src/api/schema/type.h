// Type: what an API object looks like, as a graph of immutable nodes: structs with fields, lists,
// maps and scalars, with their protobuf numbers, patch keys and bounds. One graph for all kinds.
//
// Made from the tables in src/api/kinds/ (Catalog) or from a CRD's OpenAPI schema (crd.h); read by
// validation, protobuf, OpenAPI, patches and server-side apply. A Type lives as long as the
// TypeStore that owns it. Immutable after loading, so any thread may read it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/json/value.h"

namespace proa::api {

struct Type;

enum class Base : uint8_t {
  kStruct,  // known fields
  kMap,     // text → item
  kList,    // of item
  kString,
  kInt32,
  kInt64,
  kDouble,
  kBool,
  kBytes,  // base64 text in JSON
  kQuantity,
  kIntOrString,
  kTime,
  kMicroTime,
  kDuration,
  kAny,  // any JSON (RawExtension, FieldsV1, x-kubernetes-preserve-unknown-fields)
};

enum class ListType : uint8_t { kAtomic, kSet, kMap };

// Rules beyond the type itself. Most fields have none.
struct Rules {
  std::vector<std::string_view> one_of;           // enum
  std::optional<double> min, max;                 // of a number
  std::optional<int64_t> min_length, max_length;  // of text (characters), list (items)
  std::string_view pattern;  // ECMA-like; what POSIX cannot express is not checked
  std::string_view format;   // OpenAPI format, "" if the base type's own
};

struct Field {
  std::string_view name;  // in JSON
  const Type* type = nullptr;
  const Rules* rules = nullptr;           // may be null
  const json::Value* fallback = nullptr;  // default, may be null
  std::string_view description;           // ours, for our own kinds
  std::string_view merge_key;             // patchMergeKey
  uint16_t number = 0;                    // in protobuf; 0: none
  bool required = false;
  bool nullable = false;
  bool atomic = false;            // struct or map owned as a whole by server-side apply
  bool merge = false;             // patchStrategy has "merge"
  bool retain_keys = false;       // patchStrategy has "retainKeys"
  bool omit_zero = false;         // built-in kinds leave out its zero value
  bool builtin_fallback = false;  // the default holds for built-in kinds only
  bool inlined = false;           // comes from another struct; its number belongs to that one
};

struct Type {
  Base base = Base::kAny;
  ListType list_type = ListType::kAtomic;
  bool open = false;      // struct: unknown fields are kept
  bool atomic = false;    // struct or map: owned as a whole by server-side apply
  bool embedded = false;  // a whole object inside another: apiVersion, kind, metadata allowed
  std::string_view name;  // of a struct: "io.k8s.api.core.v1.Pod"; "" if anonymous
  std::string_view description;
  const Type* item = nullptr;                             // of a list or map
  const Rules* item_rules = nullptr;                      // of a list's items or a map's values
  std::vector<Field> fields;                              // sorted by name, inlined ones included
  std::vector<std::pair<uint16_t, const Type*>> inlined;  // sub-messages whose fields are above
  std::vector<std::string_view> keys;  // of a map-like list: x-kubernetes-list-map-keys

  const Field* field(std::string_view name) const;     // nullptr if there is none
  const Field* field_numbered(uint32_t number) const;  // direct ones only
};

// Owns types and the text they point into.
class TypeStore {
 public:
  Type& make() { return types_.emplace_back(); }
  Rules& make_rules() { return rules_.emplace_back(); }
  const json::Value* make_value(json::Value v) { return &values_.emplace_back(std::move(v)); }
  std::string_view keep(std::string_view text);   // a copy that lives as long as this
  const Type* find(std::string_view name) const;  // by full name; nullptr
  void name(std::string_view full_name, Type& type);
  const Type* scalar(Base base);  // one shared node for each scalar
  size_t size() const { return types_.size(); }

 private:
  std::deque<Type> types_;
  std::deque<Rules> rules_;
  std::deque<json::Value> values_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Type*> by_name_;
  const Type* scalars_[16] = {};
};

}  // namespace proa::api
