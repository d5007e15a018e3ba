// Core's inside, shared by its source files. Not for others.
#pragma once

#include <atomic>
#include <functional>
#include <map>

#include "platform/apiserver/core/core.h"
#include "platform/apiserver/core/strategy.h"

namespace proa::apiserver {

inline constexpr int kAttempts = 20;  // of a write that others' writes get in the way of

struct Core::State {
  State(api::Catalog& c, Store& s, Clock& k, CoreOptions o);

  api::Catalog& catalog;
  Store& store;
  Clock& clock;
  const CoreOptions options;
  std::multimap<std::string, const Admission*> admissions;  // by resource
  AddressBook addresses;
  std::atomic<uint64_t> events_made{0};

  std::string now() const { return rfc3339(clock.wall()); }

  // The stored object in `kind`'s version; null if absent. built_in: it is a CRD of ours, not
  // stored.
  struct Found {
    Item stored, item;
    bool built_in = false;
  };
  Found find(const api::KindDef& kind, std::string_view ns, std::string_view name) const;
  Item convert(const api::KindDef& kind, const Item& item) const;
  Item built_in_crd(std::string_view name) const;  // null if none
  std::vector<Item> built_in_crds() const;

  // write.cpp
  Done check_envelope(const api::KindDef& kind, std::string_view ns, std::string_view name,
                      json::Value& object) const;
  Done check_namespace(const api::KindDef& kind, std::string_view ns,
                       const json::Value& object) const;
  Done clean(const api::KindDef& kind, json::Value& object, WriteContext& context) const;
  Done admit(const api::KindDef& kind, json::Value& object, const json::Value* old,
             WriteContext& context, bool mutate) const;
  Done validate(const api::KindDef& kind, const json::Value& object) const;
  void to_storage(const api::KindDef& kind, json::Value& object) const;
  Answer<Written> insert(const api::KindDef& kind, std::string_view ns, json::Value object,
                         WriteContext& context, bool tracked);
  Answer<Written> store_new(const api::KindDef& kind, std::string_view ns, json::Value object,
                            WriteContext& context);

  // Makes the new object of the old one; nullopt: nothing to write.
  using Change = std::function<Answer<std::optional<json::Value>>(const json::Value& old)>;
  Answer<Written> modify(const api::KindDef& kind, std::string_view ns, std::string_view name,
                         WriteContext& context, bool tracked, const Change& change);
  Done finish_update(const api::KindDef& kind, json::Value& object, const json::Value& old,
                     WriteContext& context, bool tracked) const;
  Answer<Written> modify_scale(const api::KindDef& kind, std::string_view ns, std::string_view name,
                               WriteContext& context,
                               const std::function<Done(json::Value& scale)>& change);

  // hooks.cpp: what follows a write that is in the store.
  Done before_crd_write(const api::KindDef& kind, json::Value& object) const;
  void after_create(const api::KindDef& kind, const Item& item);
  void after_update(const api::KindDef& kind, const Item& item);
  void after_remove(const api::KindDef& kind, const Item& last);
  void furnish_namespace(const std::string& name);
  void restore_furniture(const api::KindDef& kind, const client::Key& key);
  Status move_service(const Record& service);
  void put_if_absent(const client::Kind& kind, std::string_view ns, json::Value object);
  void expire_events();
  void register_crd(const json::Value& crd);
};

std::string store_key(std::string_view ns, std::string_view name);
bool is_kind(const api::KindDef& kind, const client::Kind& other);
Item detached(json::Value value, int64_t revision);  // an Item that is not in the store

}  // namespace proa::apiserver
