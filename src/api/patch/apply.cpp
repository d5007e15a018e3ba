#include "api/patch/apply.h"

#include <algorithm>

#include "api/patch/fieldset.h"
#include "api/patch/interleave.h"
#include "api/patch/typed_merge.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

constexpr std::string_view kOwnMetadata[] = {"name",
                                             "namespace",
                                             "uid",
                                             "resourceVersion",
                                             "generation",
                                             "creationTimestamp",
                                             "deletionTimestamp",
                                             "deletionGracePeriodSeconds",
                                             "selfLink",
                                             "managedFields"};

bool server_owned(std::string_view key) {
  return std::find(std::begin(kOwnMetadata), std::end(kOwnMetadata), key) != std::end(kOwnMetadata);
}

const json::Value& managed_of(const json::Value& object) {
  return object["metadata"]["managedFields"];
}

// The part of the object that this kind of write may own, without a copy of the large parts.
json::Value ownable(const KindDef& kind, const json::Value& object, std::string_view subresource) {
  json::Value out = json::object({});
  bool status_only = subresource == "status";
  for (const auto& [key, v] : object.object()) {
    if (key == "apiVersion" || key == "kind") continue;
    if (status_only != (key == "status") && (status_only || kind.has_status)) continue;
    if (key != "metadata") {
      out.set(key, v);
      continue;
    }
    json::Value meta = json::object({});
    for (const auto& [name, m] : v.object())
      if (!server_owned(name)) meta.set(name, m);
    if (meta.size()) out.set(key, std::move(meta));
  }
  return out;
}

json::Value entry_of(const KindDef& kind, const Writer& writer, std::string_view operation,
                     FieldSet set) {
  json::Value entry = json::object({{"apiVersion", kind.kind.api_version()},
                                    {"fieldsType", "FieldsV1"},
                                    {"fieldsV1", std::move(set)},
                                    {"manager", writer.manager},
                                    {"operation", operation},
                                    {"time", writer.now}});
  if (!writer.subresource.empty()) entry.set("subresource", writer.subresource);
  return entry;
}

bool is_of(const json::Value& entry, const Writer& writer, std::string_view operation) {
  return entry["manager"].str() == writer.manager && entry["operation"].str() == operation &&
         entry["subresource"].str() == writer.subresource;
}

std::string printed(const json::Value& entry) {
  std::string out;
  json::dump_string(entry["manager"].str(), out);
  if (!entry["subresource"].str().empty())
    out += str(" with subresource \"", entry["subresource"].str(), "\"");
  if (entry["operation"].str() != "Update") return out;
  out += str(" using ", entry["apiVersion"].str());
  if (!entry["time"].str().empty()) out += str(" at ", entry["time"].str());
  return out;
}

// Leaves of a that are not in b, where a node is kept out as soon as b has anything in it.
FieldSet given_up(const FieldSet& a, const FieldSet& b) {
  json::Object out;
  for (const auto& [key, x] : a.object()) {
    const FieldSet* y = b.object().find(key);
    if (!y) {
      out[key] = x;
    } else if (key != "." && x.size()) {
      FieldSet part = given_up(x, *y);
      part.erase(".");
      if (part.size()) out[key] = std::move(part);
    }
  }
  return FieldSet(std::move(out));
}

}  // namespace

std::string conflict_message(const std::vector<Conflict>& conflicts) {
  if (conflicts.size() == 1)
    return str("Apply failed with 1 conflict: conflict with ", conflicts[0].manager, ": ",
               conflicts[0].path);
  std::string out = str("Apply failed with ", conflicts.size(), " conflicts: ");
  std::string last;
  bool first = true;
  for (const Conflict& c : conflicts) {  // grouped by manager already
    if (c.manager != last) {
      out += str(first ? "" : "\n", "conflicts with ", c.manager, ":");
      last = c.manager;
    }
    out += str("\n- ", c.path);
    first = false;
  }
  return out;
}

json::Value conflict_status(const KindDef& kind, std::string_view name,
                            const std::vector<Conflict>& conflicts) {
  json::Value causes = json::array({});
  for (const Conflict& c : conflicts)
    causes.push(json::object({{"reason", "FieldManagerConflict"},
                              {"message", str("conflict with ", c.manager)},
                              {"field", c.path}}));
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::object({})},
                       {"status", "Failure"},
                       {"message", conflict_message(conflicts)},
                       {"reason", "Conflict"},
                       {"details", json::object({{"name", name},
                                                 {"group", kind.kind.group},
                                                 {"kind", kind.kind.plural},
                                                 {"causes", std::move(causes)}})},
                       {"code", 409}});
}

Result<Applied> server_side_apply(const KindDef& kind, const json::Value& live,
                                  const json::Value& fields, const Writer& writer, bool force) {
  if (writer.manager.empty())
    return error(Code::kInvalid, "fieldManager is required for apply patch");
  if (writer.manager.size() > 128)
    return error(Code::kInvalid, "fieldManager is longer than 128 characters");
  if (!fields.is_object()) return error(Code::kInvalid, "the applied configuration is no object");
  if (managed_of(fields).size()) return error(Code::kInvalid, "metadata.managedFields must be nil");
  const Type& type = *kind.type;
  json::Value wanted = ownable(kind, fields, writer.subresource);
  FieldSet set = fields_of(type, wanted);

  const json::Value* mine = nullptr;
  for (const json::Value& entry : managed_of(live).array())
    if (is_of(entry, writer, "Apply")) mine = &entry;
  Applied out;
  // The usual case in a settled system: same fields, same values. Nothing is copied.
  if (mine && (*mine)["fieldsV1"] == set &&
      (*mine)["apiVersion"].str() == kind.kind.api_version() && covers(type, live, wanted))
    return out;

  json::Value object = live;
  if (live.is_null()) {
    // Creating: identity comes along, and the part that may be owned.
    object = json::object({{"apiVersion", fields["apiVersion"]}, {"kind", fields["kind"]}});
    for (const auto& [key, v] : fields["metadata"].object()) object.ref("metadata").set(key, v);
  }
  typed_merge(type, object, wanted);

  FieldSet others = json::object({});
  for (const json::Value& entry : managed_of(live).array())
    if (&entry != mine) others = set_union(others, entry["fieldsV1"]);
  if (mine) {
    FieldSet gone = given_up(given_up((*mine)["fieldsV1"], set), others);
    if (!empty_set(gone)) remove_fields(type, object, gone);
  }

  FieldSet touched = json::object({});
  if (!live.is_null() && !empty_set(others)) {
    Comparison diff = compare(type, live, object);
    touched = set_common(diff.changed, set);
  }
  json::Value managed = json::array({});
  for (const json::Value& entry : managed_of(live).array()) {
    if (&entry == mine) continue;
    FieldSet clash = empty_set(touched) ? json::object({}) : set_common(entry["fieldsV1"], touched);
    if (empty_set(clash)) {
      managed.push(entry);
      continue;
    }
    // The same manager's own updates give way to its apply.
    bool same_manager = entry["manager"].str() == writer.manager;
    if (!force && !same_manager)
      for (std::string& path : paths_of(clash))
        out.conflicts.push_back({printed(entry), std::move(path)});
    FieldSet left = set_minus(entry["fieldsV1"], clash);
    if (empty_set(left)) continue;
    json::Value changed = entry;
    changed.set("fieldsV1", std::move(left));
    managed.push(std::move(changed));
  }
  if (!out.conflicts.empty()) {
    std::stable_sort(out.conflicts.begin(), out.conflicts.end(),
                     [](const Conflict& a, const Conflict& b) { return a.manager < b.manager; });
    return out;
  }
  if (!empty_set(set)) managed.push(entry_of(kind, writer, "Apply", std::move(set)));
  object.ref("metadata").set("managedFields", std::move(managed));
  out.changed = live.is_null() || !same_object(live, object);
  if (out.changed) out.object = std::move(object);
  return out;
}

void track_update(const KindDef& kind, const json::Value& live, json::Value& object,
                  const Writer& writer) {
  const Type& type = *kind.type;
  const json::Value& given = managed_of(object);
  if (given.size() == 1 && given[0].is_object() && given[0].size() == 0) {
    object.ref("metadata").erase("managedFields");
    return;
  }
  json::Value before = given.size() && writer.subresource.empty() ? given : managed_of(live);
  auto part = [&](const json::Value& v) {
    json::Value out = ownable(kind, v, "");
    if (v.has("status") && (kind.has_status || writer.subresource == "status"))
      out.set("status", v["status"]);
    return out;
  };
  json::Value then = part(live), now = part(object);
  Comparison diff = compare(type, then, now);
  FieldSet lost = set_union(diff.changed, diff.removed);
  json::Value managed = json::array({});
  bool found = false;
  for (const json::Value& entry : before.array()) {
    json::Value kept = entry;
    if (!diff.same()) {
      bool own = is_of(entry, writer, "Update");
      FieldSet left = own ? set_union(set_minus(entry["fieldsV1"], diff.removed), diff.changed)
                          : set_minus(entry["fieldsV1"], lost);
      found |= own;
      if (empty_set(left)) continue;
      if (own) {
        kept.set("time", writer.now);
        kept.set("apiVersion", kind.kind.api_version());
      }
      kept.set("fieldsV1", std::move(left));
    }
    managed.push(std::move(kept));
  }
  if (!found && !empty_set(diff.changed) && !writer.manager.empty())
    managed.push(entry_of(kind, writer, "Update", std::move(diff.changed)));
  if (managed.size())
    object.ref("metadata").set("managedFields", std::move(managed));
  else if (object["metadata"].is_object())
    object.ref("metadata").erase("managedFields");
}

bool same_object(const json::Value& a, const json::Value& b) {
  auto equal_but = [](const json::Value& x, const json::Value& y, auto skip) {
    auto i = x.object().begin(), j = y.object().begin();
    auto next = [&](auto& it, auto end) {
      while (it != end && skip(it->first)) ++it;
    };
    while (true) {
      next(i, x.object().end());
      next(j, y.object().end());
      if (i == x.object().end() || j == y.object().end())
        return i == x.object().end() && j == y.object().end();
      if (i->first != j->first || !(i->second == j->second)) return false;
      ++i;
      ++j;
    }
  };
  if (!equal_but(a, b, [](std::string_view k) { return k == "metadata"; })) return false;
  const json::Value &ma = a["metadata"], &mb = b["metadata"];
  if (!equal_but(ma, mb,
                 [](std::string_view k) { return k == "managedFields" || k == "resourceVersion"; }))
    return false;
  const json::Value &fa = ma["managedFields"], &fb = mb["managedFields"];
  if (fa.size() != fb.size()) return false;
  // Entries may stand in another order after one was renewed.
  for (const json::Value& x : fa.array())
    if (std::none_of(fb.array().begin(), fb.array().end(), [&](const json::Value& y) {
          return equal_but(x, y, [](std::string_view k) { return k == "time"; });
        }))
      return false;
  return true;
}

}  // namespace proa::api
