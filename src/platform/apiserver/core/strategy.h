// Strategies: what is particular to some kinds when their objects are created, changed or deleted,
// and metadata's upkeep, which is the same for all.
//
// Used by Core. Pure, but for the AddressBook, which has its own mutex.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema/schema.h"
#include "api/schema/validate.h"

namespace proa::apiserver {

using Errors = std::vector<api::FieldError>;

// Before defaults and admission. `ns` "" for cluster-scoped kinds.
void prepare_create(const api::KindDef& kind, json::Value& object, std::string_view ns,
                    std::string_view now);
// After them: what needs the defaults (a pod's first status, a job's selector). Events get their
// times.
void complete_create(const api::KindDef& kind, json::Value& object, std::string_view now);

// Server's fields as they were; status or everything else as it was, by `subresource`.
void prepare_update(const api::KindDef& kind, json::Value& object, const json::Value& old,
                    std::string_view subresource);
Errors forbidden_changes(const api::KindDef& kind, const json::Value& object,
                         const json::Value& old);
// Raises metadata.generation if anything but metadata and status differs.
void bump_generation(const api::KindDef& kind, json::Value& object, const json::Value& old);

bool has_generation(const api::KindDef& kind);
bool removable(const api::KindDef& kind, const json::Value& object);  // marked and nothing holds it

// What a graceful deletion makes of the object: nullopt: remove it now. `grace` as asked for.
std::optional<json::Value> mark_deleted(const api::KindDef& kind, const json::Value& object,
                                        std::optional<int64_t> grace, std::string_view propagation,
                                        int64_t now_seconds);

std::string random_suffix();  // five of the letters generateName uses
std::string new_uid();

// Cluster addresses of Services: `network` is the first two bytes of a /16. Thread-safe.
class AddressBook {
 public:
  explicit AddressBook(std::string network) : network_(std::move(network)) {}
  std::string kubernetes() const { return network_ + ".0.1"; }
  void take(const json::Value& service);  // one that is stored already
  bool has(const json::Value& service) const;  // no address needed, or one of this network
  void release(const json::Value& service);
  // Sets clusterIP(s), or says what is wrong with the one given.
  Errors assign(json::Value& service);

 private:
  bool in_range(std::string_view address) const;

  const std::string network_;  // "127.96"
  std::mutex mutex_;
  std::map<std::string, int, std::less<>> taken_;
  uint32_t next_ = 16;
};

}  // namespace proa::apiserver
