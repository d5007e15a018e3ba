#include "models/engines/boosted/documents/flatbuffer.h"

namespace proa::engines::boosted {

Flat::Table Flat::root() {
  if (!fits(0, 4)) return {};
  size_t at = load<uint32_t>(0);
  if (!fits(at, 4) || at == 0) return {};
  return {this, at};
}

size_t Flat::Table::place(int field, size_t size) const {
  if (at_ == 0 || !flat_->fits(at_, 4)) return 0;
  int64_t start = static_cast<int64_t>(at_) - flat_->load<int32_t>(at_);
  if (start < 0 || !flat_->fits(static_cast<size_t>(start), 4)) return flat_->fail();
  auto vtable = static_cast<size_t>(start);
  size_t length = flat_->load<uint16_t>(vtable), slot = 4 + 2 * static_cast<size_t>(field);
  if (slot + 2 > length) return 0;
  if (!flat_->fits(vtable, length)) return 0;
  size_t offset = flat_->load<uint16_t>(vtable + slot);
  if (offset == 0) return 0;
  return flat_->fits(at_ + offset, size) ? at_ + offset : 0;
}

size_t Flat::Table::follow(size_t at) const {
  size_t to = at + flat_->load<uint32_t>(at);
  return flat_->fits(to, 4) ? to : 0;
}

Flat::Table Flat::Table::table(int field) const {
  size_t at = place(field, 4);
  if (at == 0) return {};
  flat_->budget();
  return {flat_, follow(at)};
}

std::string_view Flat::Table::raw(int field, size_t size) const {
  size_t at = place(field, 4);
  if (at == 0) return {};
  at = follow(at);
  if (at == 0) return {};
  size_t count = flat_->load<uint32_t>(at);
  if (!flat_->fits(at + 4, count * size)) return {};
  return flat_->bytes_.substr(at + 4, count * size);
}

std::string_view Flat::Table::text(int field) const { return raw(field, 1); }

std::vector<Flat::Table> Flat::Table::tables(int field) const {
  std::string_view refs = raw(field, 4);
  std::vector<Table> out;
  for (size_t i = 0; i < refs.size() && !flat_->damaged_; i += 4) {
    size_t to = follow(static_cast<size_t>(refs.data() - flat_->bytes_.data()) + i);
    flat_->budget();
    if (to == 0) break;
    out.emplace_back(flat_, to);
  }
  return out;
}

std::vector<std::string_view> Flat::Table::texts(int field) const {
  std::string_view refs = raw(field, 4);
  std::vector<std::string_view> out;
  for (size_t i = 0; i < refs.size() && !flat_->damaged_; i += 4) {
    size_t to = follow(static_cast<size_t>(refs.data() - flat_->bytes_.data()) + i);
    flat_->budget();
    if (to == 0) break;
    size_t count = flat_->load<uint32_t>(to);
    if (!flat_->fits(to + 4, count)) break;
    out.push_back(flat_->bytes_.substr(to + 4, count));
  }
  return out;
}

}  // namespace proa::engines::boosted
