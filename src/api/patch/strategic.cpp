#include <algorithm>
#include <map>

#include "api/patch/interleave.h"
#include "api/patch/patch.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr std::string_view kDelete = "$deleteFromPrimitiveList/";
constexpr std::string_view kOrder = "$setElementOrder/";
constexpr int kMostDepth = 200;

Error bad(std::string_view why) {
  return error(Code::kInvalid, str("strategic merge patch: ", why));
}

class Strategic {
 public:
  Status map(const Type* type, json::Value& object, const json::Value& patch, int depth) {
    if (depth > kMostDepth) return bad("nested too deeply");
    const std::string& directive = patch["$patch"].str();
    if (directive == "delete") {
      object = json::object({});
      return {};
    }
    if (directive == "replace")
      object = json::object({});
    else if (!directive.empty() && directive != "merge")
      return bad(str("unknown directive $patch: ", shorten(directive, 50)));
    object.make_object();
    if (patch.has("$retainKeys")) retain(object, patch["$retainKeys"]);
    for (const auto& [key, v] : patch.object()) TRY_STATUS(member(type, object, key, v, depth));
    // Orders come last: the lists are merged by then.
    for (const auto& [key, v] : patch.object())
      if (key.starts_with(kOrder)) order(type, object, key.substr(kOrder.size()), v);
    return {};
  }

 private:
  static void retain(json::Value& object, const json::Value& keys) {
    std::vector<std::string> gone;
    for (const auto& [key, v] : object.object())
      if (std::find(keys.array().begin(), keys.array().end(), json::Value(key)) ==
          keys.array().end())
        gone.push_back(key);
    for (const std::string& key : gone) object.erase(key);
  }

  Status member(const Type* type, json::Value& object, const std::string& key, const json::Value& v,
                int depth) {
    if (key == "$patch" || key == "$retainKeys" || key.starts_with(kOrder)) return {};
    if (key.starts_with(kDelete)) {
      remove_items(object, key.substr(kDelete.size()), v);
      return {};
    }
    if (key.starts_with("$")) return bad(str("unknown directive ", shorten(key, 50)));
    const Field* field = type && type->base == Base::kStruct ? type->field(key) : nullptr;
    const Type* below = field                              ? field->type
                        : type && type->base == Base::kMap ? type->item
                                                           : nullptr;
    if (v.is_null()) {
      object.erase(key);
      return {};
    }
    if (v.is_object()) {
      if (v["$patch"].str() == "delete") {
        object.erase(key);
        return {};
      }
      return map(below, object.ref(key), v, depth + 1);
    }
    if (v.is_array() && field && field->merge && below->base == Base::kList)
      return list(*field, object.ref(key), v, depth + 1);
    object.set(key, v);
    return {};
  }

  static void remove_items(json::Value& object, const std::string& key, const json::Value& values) {
    if (!object[key].is_array()) return;
    std::erase_if(object.ref(key).make_array(), [&](const json::Value& item) {
      return std::find(values.array().begin(), values.array().end(), item) != values.array().end();
    });
  }

  Status list(const Field& field, json::Value& live, const json::Value& patch, int depth) {
    json::Array& items = live.make_array();
    if (field.merge_key.empty()) {
      for (const json::Value& v : patch.array())
        if (std::find(items.begin(), items.end(), v) == items.end()) items.push_back(v);
      return {};
    }
    // {"$patch": "replace"} among the items: the rest of the patch is the whole list.
    for (const json::Value& v : patch.array())
      if (v["$patch"].str() == "replace" && !v.has(field.merge_key)) items.clear();
    for (const json::Value& v : patch.array()) {
      if (!v.is_object()) return bad(str("an item of ", field.name, " is no object"));
      const json::Value& wanted = v[field.merge_key];
      if (wanted.is_null()) {
        if (v.has("$patch")) continue;
        return bad(str("an item of ", field.name, " has no ", field.merge_key));
      }
      auto it = std::find_if(items.begin(), items.end(), [&](const json::Value& item) {
        return item[field.merge_key] == wanted;
      });
      if (v["$patch"].str() == "delete") {
        std::erase_if(items,
                      [&](const json::Value& item) { return item[field.merge_key] == wanted; });
      } else if (it != items.end()) {
        TRY_STATUS(map(field.type->item, *it, v, depth));
      } else {
        json::Value made;
        TRY_STATUS(map(field.type->item, made, v, depth));
        items.push_back(std::move(made));
      }
    }
    return {};
  }

  static void order(const Type* type, json::Value& object, const std::string& key,
                    const json::Value& wanted) {
    if (!object[key].is_array() || !wanted.is_array()) return;
    const Field* field = type && type->base == Base::kStruct ? type->field(key) : nullptr;
    std::string_view merge_key = field ? field->merge_key : std::string_view();
    auto name = [&](const json::Value& item) {
      return json::dump(merge_key.empty() ? item : item[merge_key]);
    };
    json::Array& items = object.ref(key).make_array();
    std::map<std::string, json::Value> by_name;
    std::vector<std::string> old, order_names;
    for (json::Value& item : items) {
      old.push_back(name(item));
      if (!by_name.emplace(old.back(), item).second) return;  // repeated: leave it as it is
    }
    for (const json::Value& w : wanted.array())
      if (std::string n = name(w); by_name.count(n)) order_names.push_back(std::move(n));
    json::Array sorted;
    for (const std::string& n : interleave(old, order_names))
      if (auto node = by_name.extract(n)) sorted.push_back(std::move(node.mapped()));
    items = std::move(sorted);
  }
};

}  // namespace

Status strategic_merge_patch(const Type& type, json::Value& object, const json::Value& patch) {
  if (!patch.is_object()) return bad("the patch is no object");
  json::Value copy = object;
  TRY_STATUS(Strategic().map(&type, copy, patch, 0));
  object = std::move(copy);
  return {};
}

}  // namespace proa::api
