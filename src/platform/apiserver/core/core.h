// Core: what the API server does, without HTTP: every verb on every kind, over the Store.
//
//   request → types → prune → defaults → kind's strategy → admission → validation → managedFields →
//   Store
//
// Used by the REST face and by EmbeddedClient. Thread-safe, takes no lock of its own but the
// address book's. Writes without a resourceVersion are retried on conflict. Failures are worded as
// Kubernetes words them. Whether a write is waited for on disk is up to the caller
// (Written::revision).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema/schema.h"
#include "api/schema/selectors.h"
#include "api/schema/validate.h"
#include "client/client.h"
#include "foundation/base/clock.h"
#include "platform/apiserver/core/admission.h"
#include "platform/apiserver/core/status.h"
#include "platform/apiserver/store/store.h"

namespace proa::apiserver {

struct WriteContext {
  std::string manager = "unknown";
  std::string subresource;  // "", status, scale, finalize
  api::FieldValidation validation = api::FieldValidation::kIgnore;
  bool dry_run = false;
  bool force = false;                 // server-side apply
  std::string uid;                    // must be the object's, if not empty
  std::vector<std::string> warnings;  // out: one Warning header each
};

struct Written {
  Item item;  // after the write; for a removal the last state
  bool created = false;
  bool removed = false;  // gone from the store
  int64_t revision = 0;  // to wait for; 0: nothing was written
};

enum class PatchType { kJson, kMerge, kStrategic };

struct ListQuery {
  std::string ns;  // "" all
  api::LabelSelector labels;
  api::FieldSelector fields;
  size_t limit = 0;
  std::string continue_token;
};
struct ListPage {
  std::vector<Item> items;
  int64_t revision = 0;
  std::string continue_token;
  std::optional<size_t> remaining;
};

struct RemoveOptions {
  std::optional<int64_t> grace_period_seconds;
  std::string propagation;            // "", Background, Foreground, Orphan
  std::string uid, resource_version;  // preconditions
  bool dry_run = false;
};

struct CoreOptions {
  std::vector<Admission> admissions;
  std::string root_ca;  // PEM, for ConfigMap kube-root-ca.crt in every namespace
  uint16_t api_port = 6443;
  std::string api_address = "127.0.0.1";
  std::string service_network = "127.96";  // first two bytes of the Services' addresses
};

// autoscaling/v1 Scale of an object, by the kind's paths.
json::Value scale_of(const api::KindDef& kind, const json::Value& object);

class Core {
 public:
  Core(api::Catalog& catalog, Store& store, Clock& clock,
       CoreOptions options);  // all must outlive this
  ~Core();
  // Custom resources stored before, the first namespaces, the service `kubernetes`. Call once,
  // first.
  Status bootstrap();
  // The service `kubernetes` points to this port from now on. bootstrap() calls it with the
  // options'.
  Status announce(uint16_t api_port);

  using Def = api::KindDef;
  Answer<Item> get(const Def& kind, std::string_view ns, std::string_view name) const;
  Answer<ListPage> list(const Def& kind, const ListQuery& query) const;
  Answer<Written> create(const Def& kind, std::string_view ns, json::Value object,
                         WriteContext& context);
  Answer<Written> update(const Def& kind, std::string_view ns, std::string_view name,
                         json::Value object, WriteContext& context);
  Answer<Written> patch(const Def& kind, std::string_view ns, std::string_view name, PatchType type,
                        const json::Value& patch, WriteContext& context);
  Answer<Written> apply(const Def& kind, std::string_view ns, std::string_view name,
                        json::Value fields, WriteContext& context);
  Answer<Written> remove(const Def& kind, std::string_view ns, std::string_view name,
                         const RemoveOptions& options);
  Answer<json::Value> get_scale(const Def& kind, std::string_view ns, std::string_view name) const;

  // Store's watch on the kind's objects; the changes carry them as stored (see as_version).
  Result<std::unique_ptr<Store::Subscription>> watch(const Def& kind, Store::WatchOptions options,
                                                     Store::Callback callback);
  // The object in the version asked for; mostly the same Item.
  Item as_version(const Def& kind, const Item& item) const;

  api::Catalog& catalog() const;
  Store& store() const;
  Clock& clock() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace proa::apiserver
