#include "api/patch/typed_merge.h"

#include <algorithm>

#include "api/patch/fieldset.h"
#include "api/patch/interleave.h"
#include "api/schema/quantity.h"

namespace proa::api {
namespace {

const Type kAnyType;

bool by_member(const Type& type, bool atomic) {
  return !atomic && !type.atomic &&
         (type.base == Base::kStruct || type.base == Base::kMap || type.base == Base::kAny);
}

bool by_item(const Type& type, bool atomic) {
  return !atomic && type.base == Base::kList && type.list_type != ListType::kAtomic;
}

bool same_leaf(const Type& type, const json::Value& a, const json::Value& b) {
  if (a == b) return true;
  if (type.base != Base::kQuantity || !a.is_string()) return false;
  auto x = Quantity::parse(a.str()), y = Quantity::parse(b.is_string() ? b.str() : json::dump(b));
  return x && y && *x == *y;
}

std::string name_of(const Type& list, const json::Value& item) {
  return list.list_type == ListType::kSet ? json::dump(item) : item_key(list, item);
}

struct Below {
  const Type* type;
  bool atomic;
};
Below below(const Type& type, std::string_view key) {
  if (type.base == Base::kMap) return {type.item, false};
  if (type.base == Base::kStruct)
    if (const Field* f = type.field(key)) return {f->type, f->atomic};
  return {&kAnyType, false};
}

void merge(const Type& type, bool atomic, json::Value& at, const json::Value& v);

void merge_items(const Type& type, json::Value& at, const json::Value& v) {
  json::Array& live = at.make_array();
  std::vector<std::string> old, wanted;
  for (const json::Value& item : live) old.push_back(name_of(type, item));
  for (const json::Value& item : v.array()) wanted.push_back(name_of(type, item));
  auto unclear = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) != names.end() ||
           (!names.empty() && names.front().empty());
  };
  if (unclear(old) || unclear(wanted)) {  // items without their keys cannot be told apart
    at = v;
    return;
  }
  json::Array out;
  out.reserve(std::max(old.size(), wanted.size()));
  for (const std::string& name : interleave(old, wanted)) {
    auto i = std::find(old.begin(), old.end(), name);
    auto j = std::find(wanted.begin(), wanted.end(), name);
    json::Value item =
        i != old.end() ? std::move(live[static_cast<size_t>(i - old.begin())]) : json::Value();
    if (j != wanted.end()) {
      const json::Value& from = v.array()[static_cast<size_t>(j - wanted.begin())];
      if (type.list_type == ListType::kSet)
        item = from;
      else
        merge(*type.item, false, item, from);
    }
    out.push_back(std::move(item));
  }
  live = std::move(out);
}

void merge(const Type& type, bool atomic, json::Value& at, const json::Value& v) {
  if (v.is_object() && by_member(type, atomic)) {
    at.make_object();
    for (const auto& [key, item] : v.object()) {
      Below b = below(type, key);
      merge(*b.type, b.atomic, at.ref(key), item);
    }
  } else if (v.is_array() && by_item(type, atomic)) {
    merge_items(type, at, v);
  } else if (!same_leaf(type, at, v)) {
    at = v;
  }
}

bool covered(const Type& type, bool atomic, const json::Value& at, const json::Value& v) {
  if (v.is_object() && by_member(type, atomic)) {
    if (!at.is_object()) return false;
    for (const auto& [key, item] : v.object()) {
      const json::Value* have = at.object().find(key);
      if (!have) return false;
      Below b = below(type, key);
      if (!covered(*b.type, b.atomic, *have, item)) return false;
    }
    return true;
  }
  if (v.is_array() && by_item(type, atomic)) {
    if (!at.is_array()) return false;
    size_t from = 0;  // in order: a moved item is a change
    for (const json::Value& item : v.array()) {
      std::string name = name_of(type, item);
      while (from < at.size() && name_of(type, at.array()[from]) != name) from++;
      if (from == at.size()) return false;
      if (type.list_type == ListType::kMap && !covered(*type.item, false, at.array()[from], item))
        return false;
      from++;
    }
    return true;
  }
  return same_leaf(type, at, v);
}

}  // namespace

void typed_merge(const Type& type, json::Value& object, const json::Value& applied) {
  merge(type, false, object, applied);
}

bool covers(const Type& type, const json::Value& object, const json::Value& applied) {
  return covered(type, false, object, applied);
}

}  // namespace proa::api
