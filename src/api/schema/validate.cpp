#include "api/schema/validate.h"

#include <algorithm>
#include <set>

#include "api/schema/field_path.h"
#include "api/schema/pattern.h"
#include "api/schema/quantity.h"
#include "foundation/base/clock.h"

namespace proa::api {
namespace {

constexpr size_t kMostErrors = 100;

const char* expected_name(Base base) {
  switch (base) {
    case Base::kStruct:
    case Base::kMap:
      return "object";
    case Base::kList:
      return "array";
    case Base::kInt32:
    case Base::kInt64:
      return "integer";
    case Base::kDouble:
      return "number";
    case Base::kBool:
      return "boolean";
    case Base::kIntOrString:
    case Base::kQuantity:
      return "integer or string";
    default:
      return "string";
  }
}

bool has_type(Base base, const json::Value& v) {
  switch (base) {
    case Base::kStruct:
    case Base::kMap:
      return v.is_object();
    case Base::kList:
      return v.is_array();
    case Base::kInt64:
      return v.is_int();
    case Base::kInt32:
      return v.is_int() && v.integer() >= INT32_MIN && v.integer() <= INT32_MAX;
    case Base::kDouble:
      return v.is_number();
    case Base::kBool:
      return v.is_bool();
    case Base::kIntOrString:
      return v.is_int() || v.is_string();
    case Base::kQuantity:
      return v.is_number() || v.is_string();
    case Base::kAny:
      return true;
    default:
      return v.is_string();
  }
}

std::string quoted(std::string_view text) {
  std::string out;
  json::dump_string(text, out);
  return out;
}

std::string shown(const json::Value& v) { return shorten(json::dump(v), 200); }

size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

class Validator {
 public:
  explicit Validator(bool builtin) : builtin_(builtin) {}
  std::vector<FieldError> errors;

  void visit(const Type& type, const Rules* rules, const json::Value& v, const FieldPath& at) {
    if (errors.size() >= kMostErrors) return;
    if (!has_type(type.base, v)) return wrong_type(type, v, at);
    if (rules) check(*rules, v, at);
    switch (type.base) {
      case Base::kStruct:
        return fields(type, v, at);
      case Base::kMap:
        for (const auto& [key, item] : v.object())
          visit(*type.item, type.item_rules, item, at.child(key));
        return;
      case Base::kList:
        return items(type, v, at);
      case Base::kQuantity:
        if (v.is_string() && !Quantity::parse(v.str()))
          add("FieldValueInvalid", at,
              str("Invalid value: ", quoted(v.str()), ": not a quantity, such as 500m, 2 or 1Gi"));
        return;
      case Base::kTime:
      case Base::kMicroTime:
        if (!parse_rfc3339(v.str()))
          add("FieldValueInvalid", at,
              str("Invalid value: ", quoted(v.str()),
                  ": not a time as in RFC 3339, such as 2026-01-31T12:00:00Z"));
        return;
      case Base::kDuration:
        if (!parse_duration(v.str()))
          add("FieldValueInvalid", at,
              str("Invalid value: ", quoted(v.str()), ": not a duration, such as 1m30s"));
        return;
      case Base::kBytes:
        if (!unbase64(v.str())) add("FieldValueInvalid", at, "Invalid value: not base64");
        return;
      default:
        return;
    }
  }

 private:
  void fields(const Type& type, const json::Value& v, const FieldPath& at) {
    for (const Field& f : type.fields)
      if (f.required && !v.has(f.name) && needed(f, at))
        add("FieldValueRequired", at.child(f.name), "Required value");
    for (const auto& [key, item] : v.object()) {
      const Field* f = type.field(key);
      if (!f || (item.is_null() && f->nullable) || (!at.parent && builtin_ && key == "status"))
        continue;
      FieldPath below = at.child(key);
      if (builtin_ && f->required && item.is_string() && item.str().empty() && !f->rules &&
          (key == "name" || key == "key") && needed(*f, at))
        add("FieldValueRequired", below, "Required value");
      visit(*f->type, f->rules, item, below);
    }
  }

  // Go's zero values make numbers and truths of built-in kinds never missing.
  bool needed(const Field& f, const FieldPath&) const {
    if (!builtin_) return true;
    Base b = f.type->base;
    return b == Base::kString || b == Base::kStruct || b == Base::kList;
  }

  void items(const Type& type, const json::Value& v, const FieldPath& at) {
    size_t i = 0;
    std::set<std::string> seen;
    for (const json::Value& item : v.array()) {
      FieldPath below = at.item(i++);
      visit(*type.item, type.item_rules, item, below);
      if (type.list_type == ListType::kAtomic) continue;
      json::Value key = item;
      if (type.list_type == ListType::kMap) {
        key = json::Value();
        for (std::string_view k : type.keys) key.set(k, item[k]);
      }
      // Kubernetes lets built-in lists repeat ports and variables; names it does not.
      bool strict = !builtin_ || (type.keys.size() == 1 && type.keys[0] == "name" &&
                                  !item.has("value") && !item.has("valueFrom"));
      if (!seen.insert(json::dump(key)).second && strict)
        add("FieldValueDuplicate", below, str("Duplicate value: ", shown(key)));
    }
  }

  void wrong_type(const Type& type, const json::Value& v, const FieldPath& at) {
    std::string path = at.text();
    add("FieldValueTypeInvalid", at,
        str("Invalid value: ", quoted(v.type_name()), ": ", path, " in body must be of type ",
            type.base == Base::kInt32 && v.is_int() ? "int32" : expected_name(type.base), ": ",
            quoted(v.type_name())));
  }

  void check(const Rules& rules, const json::Value& v, const FieldPath& at) {
    // An empty text is an unset one in Kubernetes' own kinds (hostPath.type: "").
    bool unset = builtin_ && v.is_string() && v.str().empty();
    if (!rules.one_of.empty() && v.is_string() && !unset) one_of(rules, v.str(), at);
    auto bound = [&](std::string_view what) {
      add("FieldValueInvalid", at,
          str("Invalid value: ", shown(v), ": ", at.text(), " in body ", what));
    };
    if (v.is_number()) {
      if (rules.min && v.number() < *rules.min)
        bound(str("should be greater than or equal to ", *rules.min));
      if (rules.max && v.number() > *rules.max)
        bound(str("should be less than or equal to ", *rules.max));
    }
    if (v.is_string()) text(rules, v.str(), at);
    if (v.is_array()) {
      auto n = static_cast<int64_t>(v.size());
      if (rules.min_length && n < *rules.min_length)
        bound(str("should have at least ", *rules.min_length, " items"));
      if (rules.max_length && n > *rules.max_length)
        bound(str("should have at most ", *rules.max_length, " items"));
    }
  }

  void text(const Rules& rules, const std::string& v, const FieldPath& at) {
    auto n = static_cast<int64_t>(characters(v));
    auto bad = [&](std::string_view what) {
      add("FieldValueInvalid", at,
          str("Invalid value: ", quoted(shorten(v, 200)), ": ", at.text(), " in body ", what));
    };
    if (rules.min_length && n < *rules.min_length)
      bad(str("should be at least ", *rules.min_length, " chars long"));
    if (rules.max_length && n > *rules.max_length)
      bad(str("should be at most ", *rules.max_length, " chars long"));
    if (!rules.pattern.empty() && !pattern_matches(rules.pattern, v).value_or(true))
      bad(str("should match '", rules.pattern, "'"));
  }

  void one_of(const Rules& rules, const std::string& v, const FieldPath& at) {
    if (std::find(rules.one_of.begin(), rules.one_of.end(), v) != rules.one_of.end()) return;
    std::vector<std::string> allowed;
    for (std::string_view a : rules.one_of) allowed.push_back(quoted(a));
    add("FieldValueNotSupported", at,
        str("Unsupported value: ", quoted(shorten(v, 200)),
            ": supported values: ", join(allowed, ", ")));
  }

  void add(std::string_view reason, const FieldPath& at, std::string detail) {
    if (errors.size() < kMostErrors)
      errors.push_back({std::string(reason), at.text(), std::move(detail)});
  }

  bool builtin_;
};

// The first wrong type, depth first.
Status first_wrong(const Type& type, const json::Value& v, const FieldPath& at) {
  if (v.is_null()) return {};
  if (!has_type(type.base, v))
    return error(Code::kInvalid, str(at.text(), ": expected ", expected_name(type.base), ", got ",
                                     v.type_name(), v.is_object() || v.is_array() ? "" : " ",
                                     v.is_object() || v.is_array() ? "" : shown(v)));
  if (type.base == Base::kStruct) {
    for (const auto& [key, item] : v.object())
      if (const Field* f = type.field(key)) TRY_STATUS(first_wrong(*f->type, item, at.child(key)));
  } else if (type.base == Base::kMap) {
    for (const auto& [key, item] : v.object())
      TRY_STATUS(first_wrong(*type.item, item, at.child(key)));
  } else if (type.base == Base::kList) {
    size_t i = 0;
    for (const json::Value& item : v.array())
      TRY_STATUS(first_wrong(*type.item, item, at.item(i++)));
  } else if ((type.base == Base::kTime || type.base == Base::kMicroTime) &&
             !parse_rfc3339(v.str())) {
    return error(Code::kInvalid, str(at.text(), ": ", shown(v), " is no time as in RFC 3339"));
  } else if (type.base == Base::kQuantity && v.is_string() && !Quantity::parse(v.str())) {
    return error(Code::kInvalid,
                 str(at.text(), ": ", shown(v), " is no quantity, such as 500m, 2 or 1Gi"));
  } else if (type.base == Base::kBytes && !unbase64(v.str())) {
    return error(Code::kInvalid, str(at.text(), ": the value is not base64"));
  }
  return {};
}

}  // namespace

std::vector<FieldError> validate(const KindDef& kind, const json::Value& object) {
  Validator validator(!kind.crd);
  validator.visit(*kind.type, nullptr, object, FieldPath());
  return std::move(validator.errors);
}

Status check_types(const KindDef& kind, const json::Value& object) {
  Status status = first_wrong(*kind.type, object, FieldPath());
  if (status.ok()) return {};
  return std::move(status).context(str(kind.kind.kind, " in version \"", kind.kind.version,
                                       "\" cannot be handled as a ", kind.kind.kind));
}

std::string invalid_message(const KindDef& kind, std::string_view name,
                            const std::vector<FieldError>& errors) {
  std::string out(kind.kind.kind);
  if (!kind.kind.group.empty()) out += str(".", kind.kind.group);
  out += str(" ", quoted(name), " is invalid");
  if (errors.empty()) return out;
  if (errors.size() == 1) return out + ": " + errors[0].text();
  std::vector<std::string> parts;
  for (const FieldError& e : errors) parts.push_back(e.text());
  return out + ": [" + join(parts, ", ") + "]";
}

json::Value invalid_status(const KindDef& kind, std::string_view name,
                           const std::vector<FieldError>& errors) {
  json::Value causes = json::array({});
  for (const FieldError& e : errors)
    causes.push(json::object({{"reason", e.reason}, {"message", e.detail}, {"field", e.field}}));
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::object({})},
                       {"status", "Failure"},
                       {"message", invalid_message(kind, name, errors)},
                       {"reason", "Invalid"},
                       {"details", json::object({{"name", name},
                                                 {"group", kind.kind.group},
                                                 {"kind", kind.kind.kind},
                                                 {"causes", std::move(causes)}})},
                       {"code", 422}});
}

}  // namespace proa::api
