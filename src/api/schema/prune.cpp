#include <algorithm>

#include "api/schema/field_path.h"
#include "api/schema/quantity.h"
#include "api/schema/validate.h"

namespace proa::api {
namespace {

constexpr size_t kMostPaths = 100;

bool zero(const json::Value& v) {
  if (v.is_string()) return v.str().empty();
  if (v.is_bool()) return !v.boolean();
  if (v.is_number()) return v.number() == 0;
  return (v.is_array() || v.is_object()) && v.size() == 0;
}

class Pruner {
 public:
  Pruner(bool builtin, std::vector<std::string>& unknown) : builtin_(builtin), unknown_(unknown) {}

  void visit(const Type& type, json::Value& v, const FieldPath& at) {
    switch (type.base) {
      case Base::kStruct:
        return fields(type, v, at);
      case Base::kMap:
        if (!v.is_object()) return;
        for (auto& [key, item] : v.make_object()) visit(*type.item, item, at.child(key));
        return;
      case Base::kList: {
        if (!v.is_array()) return;
        size_t i = 0;
        for (json::Value& item : v.make_array()) visit(*type.item, item, at.item(i++));
        return;
      }
      case Base::kQuantity:
        return quantity(v);
      case Base::kDouble:
        return;
      default:
        return;
    }
  }

 private:
  void fields(const Type& type, json::Value& v, const FieldPath& at) {
    if (!v.is_object()) return;
    std::vector<std::string> gone;
    for (auto& [key, item] : v.make_object()) {
      const Field* f = type.field(key);
      if (!f) {
        if (type.open) continue;
        if (type.embedded && (key == "apiVersion" || key == "kind" || key == "metadata")) continue;
        if (unknown_.size() < kMostPaths) unknown_.push_back(at.child(key).text());
        gone.push_back(key);
        continue;
      }
      if (item.is_null()) {
        if (!f->nullable && f->type->base != Base::kAny) gone.push_back(key);
        continue;
      }
      visit(*f->type, item, at.child(key));
      if (builtin_ && f->omit_zero && zero(item)) gone.push_back(key);
    }
    for (const std::string& key : gone) v.erase(key);
  }

  void quantity(json::Value& v) {
    if (!builtin_) return;  // a custom resource keeps what the user wrote
    std::string text = v.is_number() ? json::dump(v) : v.str();
    if (auto parsed = Quantity::parse(text)) v = parsed->text();
  }

  bool builtin_;
  std::vector<std::string>& unknown_;
};

}  // namespace

std::vector<std::string> prune(const KindDef& kind, json::Value& object) {
  std::vector<std::string> unknown;
  Pruner(!kind.crd, unknown).visit(*kind.type, object, FieldPath());
  return unknown;
}

Result<FieldValidation> parse_field_validation(std::string_view text) {
  if (text.empty() || text == "Warn") return FieldValidation::kWarn;
  if (text == "Strict") return FieldValidation::kStrict;
  if (text == "Ignore") return FieldValidation::kIgnore;
  return error(Code::kInvalid, str("fieldValidation: Unsupported value: \"", shorten(text, 50),
                                   "\": supported values: \"Ignore\", \"Warn\", \"Strict\""));
}

std::string unknown_warning(std::string_view path) { return str("unknown field \"", path, "\""); }

std::string strict_error(const std::vector<std::string>& unknown) {
  std::string out = "strict decoding error: ";
  for (size_t i = 0; i < unknown.size(); i++)
    out += str(i ? ", " : "", unknown_warning(unknown[i]));
  return out;
}

}  // namespace proa::api
