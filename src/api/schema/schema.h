// Catalog: every kind the API server serves: its schema, names, subresources and printer columns.
//
// Built-in ones come from the tables in src/api/kinds/ (embedded in the program); CRDs that users
// post are added and removed while running. Made once by app/ or the API server and shared.
// Thread-safe: lookups take one short lock; a KindDef is immutable and may outlive its removal.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema/type.h"
#include "client/client.h"

namespace proa::api {

struct Column {
  std::string_view name, type, format, path, description;  // path: JSONPath, "" if computed
  int priority = 0;                                        // 1: only with -o wide
};

struct Scale {  // JSON paths as in a CRD: ".spec.replicas"; spec "" if there is no such subresource
  std::string_view spec, status, selector;
};

struct KindDef {
  client::Kind kind;
  std::string_view singular, list_kind;
  std::vector<std::string_view> short_names, categories;
  const Type* type = nullptr;  // the whole object
  bool has_status = false;     // status subresource
  Scale scale;
  std::vector<Column> columns;     // without NAME; with AGE where kubectl shows it
  bool crd = false;                // a custom resource: pruned, no strategic merge patch
  bool storage = true;             // the version that is stored
  std::shared_ptr<TypeStore> own;  // types and text of a user's CRD; null for built-in ones

  std::string crd_name() const { return std::string(kind.plural) + "." + std::string(kind.group); }
};
using KindRef = std::shared_ptr<const KindDef>;

class Catalog {
 public:
  // All built-in kinds. Errors only if the embedded tables are broken (kInternal, file and line).
  static Result<std::unique_ptr<Catalog>> built_in();

  KindRef find(std::string_view group, std::string_view version, std::string_view plural) const;
  KindRef find_kind(std::string_view api_version, std::string_view kind) const;  // "apps/v1", "Pod"
  KindRef find(const client::Kind& kind) const {
    return find(kind.group, kind.version, kind.plural);
  }
  std::vector<KindRef> all() const;  // sorted by group, version, plural

  // A named struct: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"; nullptr if none.
  const Type* type(std::string_view full_name) const { return types_->find(full_name); }
  // The type of a protobuf or JSON body by its apiVersion and kind; also DeleteOptions, Status, …,
  // whose apiVersion may be any. nullptr if unknown.
  const Type* body_type(std::string_view api_version, std::string_view kind) const;

  // User CRDs (see crd.h: from_crd makes the KindDefs). Built-in kinds cannot be replaced: false.
  bool add(KindDef def);
  void remove_crd(std::string_view group, std::string_view plural);  // all its versions
  uint64_t generation() const;  // grows with each add and remove, for caches of discovery documents

 private:
  Catalog();
  std::shared_ptr<TypeStore> types_;
  std::vector<std::pair<std::string, std::string>> packages_;  // apiVersion, full name
  mutable std::mutex mutex_;
  std::map<std::string, KindRef, std::less<>> by_plural_, by_kind_;
  uint64_t generation_ = 1;
};

}  // namespace proa::api
