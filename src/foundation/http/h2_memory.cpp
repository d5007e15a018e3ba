#include "foundation/http/h2_memory.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace proa::http {
namespace {
constexpr size_t kSmallest = 32;
constexpr size_t kMostSpares = 256;  // of one size
}  // namespace

H2Memory::H2Memory() {
  functions_.mem_user_data = this;
  functions_.malloc = [](size_t size, void* self) {
    return static_cast<H2Memory*>(self)->take(size);
  };
  functions_.free = [](void* pointer, void* self) {
    static_cast<H2Memory*>(self)->give_back(pointer);
  };
  functions_.calloc = [](size_t count, size_t size, void* self) -> void* {
    if (size != 0 && count > SIZE_MAX / size) return nullptr;
    void* pointer = static_cast<H2Memory*>(self)->take(count * size);
    if (pointer) std::memset(pointer, 0, count * size);
    return pointer;
  };
  functions_.realloc = [](void* pointer, size_t size, void* self) {
    return static_cast<H2Memory*>(self)->resize(pointer, size);
  };
}

void* H2Memory::take(size_t size) {
  if (size > SIZE_MAX - kHead) return nullptr;
  auto rounded = std::bit_ceil(std::max(size, kSmallest));
  auto size_class = static_cast<size_t>(std::countr_zero(rounded / kSmallest));
  Block* block = nullptr;
  if (size_class >= kClasses) {
    block = static_cast<Block*>(std::malloc(size + kHead));
    size_class = kClasses;
  } else if (Spares& spares = spares_[size_class]; spares.first) {
    block = spares.first;
    spares.first = block->next;
    --spares.count;
  } else {
    block = static_cast<Block*>(std::malloc(rounded + kHead));
  }
  if (!block) return nullptr;
  block->size_class = size_class;
  return reinterpret_cast<std::byte*>(block) + kHead;
}

void H2Memory::give_back(void* pointer) {
  if (!pointer) return;
  auto* block = reinterpret_cast<Block*>(static_cast<std::byte*>(pointer) - kHead);
  if (block->size_class >= kClasses || spares_[block->size_class].count >= kMostSpares)
    return std::free(block);
  Spares& spares = spares_[block->size_class];
  block->next = spares.first;
  spares.first = block;
  ++spares.count;
}

void* H2Memory::resize(void* pointer, size_t size) {
  if (!pointer) return take(size);
  auto* block = reinterpret_cast<Block*>(static_cast<std::byte*>(pointer) - kHead);
  if (block->size_class >= kClasses) {
    if (size > SIZE_MAX - kHead) return nullptr;
    void* larger = std::realloc(block, std::max(size, kSmallest) + kHead);
    return larger ? static_cast<std::byte*>(larger) + kHead : nullptr;
  }
  size_t had = kSmallest << block->size_class;
  if (size <= had) return pointer;
  void* larger = take(size);
  if (!larger) return nullptr;
  std::memcpy(larger, pointer, had);
  give_back(pointer);
  return larger;
}

void H2Memory::drop_spares() {
  for (Spares& spares : spares_) {
    while (Block* block = spares.first) {
      spares.first = block->next;
      std::free(block);
    }
    spares.count = 0;
  }
}

}  // namespace proa::http
