#include "api/schema/schema.h"

#include "api/schema/table_reader.h"
#include "foundation/base/strings.h"

namespace proa::api {
namespace {

std::string plural_key(std::string_view group, std::string_view version, std::string_view plural) {
  return str(group, "/", version, "/", plural);
}

}  // namespace

Catalog::Catalog() : types_(std::make_shared<TypeStore>()) {}

Result<std::unique_ptr<Catalog>> Catalog::built_in() {
  std::unique_ptr<Catalog> out(new Catalog());
  TableReader reader(*out->types_);
  TRY_STATUS(reader.read(kind_tables()));
  for (KindDef& def : reader.kinds) {
    auto kind = std::make_shared<const KindDef>(std::move(def));
    const client::Kind& k = kind->kind;
    out->by_plural_[plural_key(k.group, k.version, k.plural)] = kind;
    out->by_kind_[str(k.api_version(), "/", k.kind)] = kind;
  }
  out->packages_ = std::move(reader.packages);
  return out;
}

KindRef Catalog::find(std::string_view group, std::string_view version,
                      std::string_view plural) const {
  std::string key = plural_key(group, version, plural);
  std::lock_guard lock(mutex_);
  auto it = by_plural_.find(key);
  return it == by_plural_.end() ? nullptr : it->second;
}

KindRef Catalog::find_kind(std::string_view api_version, std::string_view kind) const {
  std::string key = str(api_version, "/", kind);
  std::lock_guard lock(mutex_);
  auto it = by_kind_.find(key);
  return it == by_kind_.end() ? nullptr : it->second;
}

std::vector<KindRef> Catalog::all() const {
  std::lock_guard lock(mutex_);
  std::vector<KindRef> out;
  out.reserve(by_plural_.size());
  for (const auto& [key, kind] : by_plural_) out.push_back(kind);
  return out;
}

const Type* Catalog::body_type(std::string_view api_version, std::string_view kind) const {
  for (const auto& [version, full] : packages_)
    if (version == api_version)
      if (const Type* found = types_->find(str(full, ".", kind))) return found;
  if (KindRef found = find_kind(api_version, kind); found && !found->own) return found->type;
  return types_->find(str("io.k8s.apimachinery.pkg.apis.meta.v1.", kind));
}

bool Catalog::add(KindDef def) {
  if (!def.own) return false;
  // A user's schema says nothing of metadata; it is the same for all kinds. The type is the def's
  // own and nobody else has seen it yet.
  const Type* meta = types_->find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  for (Field& f : const_cast<Type*>(def.type)->fields)
    if (f.name == "metadata") f.type = meta;
  auto kind = std::make_shared<const KindDef>(std::move(def));
  const client::Kind& k = kind->kind;
  std::string plural = plural_key(k.group, k.version, k.plural);
  std::lock_guard lock(mutex_);
  auto it = by_plural_.find(plural);
  if (it != by_plural_.end() && !it->second->own) return false;
  if (it != by_plural_.end())
    by_kind_.erase(str(it->second->kind.api_version(), "/", it->second->kind.kind));
  by_plural_[plural] = kind;
  by_kind_[str(k.api_version(), "/", k.kind)] = kind;
  generation_++;
  return true;
}

void Catalog::remove_crd(std::string_view group, std::string_view plural) {
  std::lock_guard lock(mutex_);
  auto gone = [&](const auto& entry) {
    const KindDef& def = *entry.second;
    return def.own && def.kind.group == group && def.kind.plural == plural;
  };
  std::erase_if(by_plural_, gone);
  std::erase_if(by_kind_, gone);
  generation_++;
}

uint64_t Catalog::generation() const {
  std::lock_guard lock(mutex_);
  return generation_;
}

}  // namespace proa::api
