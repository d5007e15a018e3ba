#include "api/schema/type.h"

#include <algorithm>

namespace proa::api {

const Field* Type::field(std::string_view wanted) const {
  auto it = std::lower_bound(fields.begin(), fields.end(), wanted,
                             [](const Field& f, std::string_view n) { return f.name < n; });
  return it != fields.end() && it->name == wanted ? &*it : nullptr;
}

const Field* Type::field_numbered(uint32_t number) const {
  for (const Field& f : fields)
    if (f.number == number && !f.inlined) return &f;
  return nullptr;
}

std::string_view TypeStore::keep(std::string_view text) {
  return text.empty() ? std::string_view() : texts_.emplace_back(text);
}

const Type* TypeStore::find(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

void TypeStore::name(std::string_view full_name, Type& type) {
  type.name = keep(full_name);
  by_name_[type.name] = &type;
}

const Type* TypeStore::scalar(Base base) {
  const Type*& slot = scalars_[static_cast<size_t>(base)];
  if (!slot) {
    Type& made = make();
    made.base = base;
    slot = &made;
  }
  return slot;
}

}  // namespace proa::api
