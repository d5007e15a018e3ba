#include "api/patch/fieldset.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::api {
namespace {

const Type kAnyType;  // what an open part holds: objects by member, lists as a whole

bool self(const FieldSet& node) { return node.size() == 0 || node.has("."); }

bool granular_list(const Type& type) {
  return type.base == Base::kList && type.list_type != ListType::kAtomic;
}

bool granular_object(const Type& type, bool atomic) {
  if (atomic || type.atomic) return false;
  return type.base == Base::kStruct || type.base == Base::kMap || type.base == Base::kAny;
}

// The type and atomicity of a member of an object.
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

std::string member(std::string_view key) {
  std::string out;
  out.reserve(key.size() + 2);
  out += "f:";
  out += key;
  return out;
}

std::string name_of(const Type& list, const json::Value& item) {
  if (list.list_type == ListType::kSet) return "v:" + json::dump(item);
  return item_key(list, item);
}

// maps_too: a map with entries belongs to the set itself too, as in the sets of updates.
void collect(const Type& type, bool atomic, const json::Value& v, FieldSet& out,
             bool maps_too = false) {
  out.make_object();
  if (v.is_object() && granular_object(type, atomic)) {
    for (const auto& [key, item] : v.object()) {
      Below b = below(type, key);
      collect(*b.type, b.atomic, item, out.ref(member(key)), maps_too);
    }
    if (maps_too && type.base == Base::kMap && out.size()) out.set(".", json::object({}));
  } else if (v.is_array() && granular_list(type) && !atomic) {
    for (const json::Value& item : v.array()) {
      std::string name = name_of(type, item);
      if (name.empty()) continue;
      FieldSet& entry = out.ref(name);
      entry.make_object();
      if (type.list_type == ListType::kSet) continue;
      entry.set(".", json::object({}));
      for (const auto& [key, field] : item.object()) {
        Below b = below(*type.item, key);
        collect(*b.type, b.atomic, field, entry.ref(member(key)), maps_too);
      }
    }
  }
}

// Puts "." beside the members where the node itself belongs to the set too.
FieldSet node(bool own, json::Object children) {
  FieldSet out(std::move(children));
  if (own && out.size()) out.set(".", json::object({}));
  return out;
}

enum class Op { kUnion, kMinus, kCommon };

// The result of two nodes; `there` says whether anything is left.
FieldSet combine(Op op, const FieldSet& a, const FieldSet& b, bool root, bool& there) {
  json::Object out;
  for (const auto& [key, x] : a.object()) {
    if (key == ".") continue;
    const FieldSet* y = b.object().find(key);
    if (!y) {
      if (op != Op::kCommon) out[key] = x;
      continue;
    }
    bool kept = false;
    FieldSet part = combine(op, x, *y, false, kept);
    if (kept) out[key] = std::move(part);
  }
  if (op == Op::kUnion)
    for (const auto& [key, y] : b.object())
      if (key != "." && !a.has(key)) out[key] = y;
  bool sa = !root && self(a), sb = !root && self(b);
  bool own = op == Op::kUnion ? sa || sb : op == Op::kMinus ? sa && !sb : sa && sb;
  there = own || !out.empty();
  return node(own, std::move(out));
}

FieldSet combined(Op op, const FieldSet& a, const FieldSet& b) {
  bool there = false;
  FieldSet out = combine(op, a, b, true, there);
  out.make_object();
  return out;
}

bool same_value(const Type& type, const json::Value& a, const json::Value& b);

// Writes what differs between two values of one type under the node; false if nothing does.
class Differ {
 public:
  bool walk(const Type& type, bool atomic, const json::Value& before, const json::Value& after,
            FieldSet& changed, FieldSet& removed) {
    changed.make_object();
    removed.make_object();
    if (before.is_object() && after.is_object() && granular_object(type, atomic))
      return members(type, before, after, changed, removed);
    if (before.is_array() && after.is_array() && granular_list(type) && !atomic)
      return items(type, before, after, changed, removed);
    if (same_value(type, before, after)) return false;
    collect(type, atomic, after, changed, true);
    mark_ = true;
    return true;
  }

 private:
  static void keep(FieldSet& parent, std::string name, FieldSet child) {
    parent.set(name, std::move(child));
  }

  bool one(const Type& type, bool atomic, const std::string& name, const json::Value& before,
           const json::Value& after, FieldSet& changed, FieldSet& removed) {
    FieldSet c, r;
    mark_ = false;
    bool any = walk(type, atomic, before, after, c, r);
    bool leaf = mark_;
    mark_ = false;
    if (any && (leaf || c.size())) keep(changed, name, std::move(c));
    if (any && r.size()) keep(removed, name, std::move(r));
    return any;
  }

  bool members(const Type& type, const json::Value& before, const json::Value& after,
               FieldSet& changed, FieldSet& removed) {
    bool any = false;
    for (const auto& [key, item] : after.object()) {
      Below b = below(type, key);
      const json::Value* old = before.object().find(key);
      if (old) {
        any |= one(*b.type, b.atomic, member(key), *old, item, changed, removed);
      } else {
        collect(*b.type, b.atomic, item, changed.ref(member(key)), true);
        any = true;
      }
    }
    for (const auto& [key, item] : before.object()) {
      if (after.has(key)) continue;
      Below b = below(type, key);
      FieldSet& entry = removed.ref(member(key));
      collect(*b.type, b.atomic, item, entry);
      if (entry.size()) entry.set(".", json::object({}));
      any = true;
    }
    mark_ = false;
    return any;
  }

  bool items(const Type& type, const json::Value& before, const json::Value& after,
             FieldSet& changed, FieldSet& removed) {
    bool any = false;
    auto index = [&](const json::Value& list) {
      std::vector<std::pair<std::string, const json::Value*>> out;
      for (const json::Value& item : list.array()) out.emplace_back(name_of(type, item), &item);
      return out;
    };
    auto old = index(before), now = index(after);
    auto find = [](const auto& in, const std::string& name) -> const json::Value* {
      for (const auto& [n, v] : in)
        if (n == name) return v;
      return nullptr;
    };
    bool set = type.list_type == ListType::kSet;
    auto whole = [&](const json::Value& item, FieldSet& entry) {
      entry.make_object();
      if (set) return;
      collect(*type.item, false, item, entry, true);
      entry.set(".", json::object({}));
    };
    for (const auto& [name, item] : now) {
      if (name.empty()) continue;
      const json::Value* was = find(old, name);
      if (!was) {
        whole(*item, changed.ref(name));
        any = true;
      } else if (!set) {
        any |= one(*type.item, false, name, *was, *item, changed, removed);
      }
    }
    for (const auto& [name, item] : old)
      if (!name.empty() && !find(now, name)) {
        whole(*item, removed.ref(name));
        any = true;
      }
    mark_ = false;
    return any;
  }

  bool mark_ = false;  // the value just walked is itself changed (a leaf)
};

bool same_value(const Type&, const json::Value& a, const json::Value& b) { return a == b; }

void paths(const FieldSet& at, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [key, child] : at.object()) {
    if (key == ".") {
      out.push_back(prefix);
      continue;
    }
    std::string name = prefix;
    std::string_view rest = std::string_view(key).substr(std::min<size_t>(2, key.size()));
    if (key.starts_with("f:")) {
      name += ".";
      name += rest;
    } else if (key.starts_with("k:")) {
      auto fields = json::parse(rest);
      name += "[";
      bool first = true;
      if (fields.ok())
        for (const auto& [k, v] : fields->object()) {
          name += str(first ? "" : ",", k, "=", json::dump(v));
          first = false;
        }
      name += "]";
    } else {
      name += str("[=", rest, "]");
    }
    if (child.size() == 0)
      out.push_back(name);
    else
      paths(child, name, out);
  }
}

}  // namespace

std::string item_key(const Type& list, const json::Value& item) {
  if (!item.is_object()) return "";
  std::string out = "k:{";
  // Keys in alphabetical order; there are rarely more than two.
  std::vector<std::string_view> keys = list.keys;
  std::sort(keys.begin(), keys.end());
  bool any = false;
  for (std::string_view key : keys) {
    const json::Value* v = item.object().find(key);
    if (!v || v->is_null())
      if (const Field* f = list.item->field(key)) v = f->fallback;
    if (!v) continue;
    if (any) out += ',';
    any = true;
    json::dump_string(key, out);
    out += ':';
    json::dump(*v, out);
  }
  if (!any) return "";
  out += '}';
  return out;
}

FieldSet fields_of(const Type& type, const json::Value& object) {
  FieldSet out;
  collect(type, false, object, out);
  return out;
}

bool empty_set(const FieldSet& set) { return set.size() == 0; }
FieldSet set_union(const FieldSet& a, const FieldSet& b) { return combined(Op::kUnion, a, b); }
FieldSet set_minus(const FieldSet& a, const FieldSet& b) { return combined(Op::kMinus, a, b); }
FieldSet set_common(const FieldSet& a, const FieldSet& b) { return combined(Op::kCommon, a, b); }

bool Comparison::same() const { return empty_set(changed) && empty_set(removed); }

Comparison compare(const Type& type, const json::Value& before, const json::Value& after) {
  Comparison out;
  static const json::Value kNothing = json::object({});
  Differ().walk(type, false, before.is_object() ? before : kNothing,
                after.is_object() ? after : kNothing, out.changed, out.removed);
  return out;
}

void remove_fields(const Type& type, json::Value& object, const FieldSet& set) {
  if (object.is_object()) {
    for (const auto& [key, child] : set.object()) {
      if (!key.starts_with("f:")) continue;
      std::string name = key.substr(2);
      json::Value* at = object.make_object().find(name);
      if (!at) continue;
      Below b = below(type, name);
      bool had = at->size() != 0;
      if (child.size()) remove_fields(*b.type, *at, child);
      // A node goes with its last member; one that others still need was taken out of the set.
      if (child.size() == 0 || (at->size() == 0 && (child.has(".") || had))) object.erase(name);
    }
    return;
  }
  if (!object.is_array() || type.base != Base::kList) return;
  json::Array& items = object.make_array();
  for (const auto& [key, child] : set.object()) {
    if (key == ".") continue;
    for (size_t i = 0; i < items.size(); i++) {
      if (name_of(type, items[i]) != key) continue;
      if (self(child))
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
      else
        remove_fields(*type.item, items[i], child);
      break;
    }
  }
}

std::vector<std::string> paths_of(const FieldSet& set) {
  std::vector<std::string> out;
  paths(set, "", out);
  return out;
}

}  // namespace proa::api
