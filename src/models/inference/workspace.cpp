#include "models/inference/workspace.h"

#include <algorithm>
#include <cstring>

#include "foundation/base/check.h"

namespace proa::inference {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kFirstBlock = 16 << 10;

size_t aligned_start(const std::byte* memory) {
  return (kAlign - reinterpret_cast<uintptr_t>(memory) % kAlign) % kAlign;
}

}  // namespace

void* Workspace::bytes(size_t count, size_t size) {
  size_t wanted = 0;
  CHECK(!__builtin_mul_overflow(count, size, &wanted) && wanted < SIZE_MAX - 4 * kAlign);
  wanted = (wanted + kAlign - 1) / kAlign * kAlign;
  if (block_ < blocks_.size()) {
    Block& b = blocks_[block_];
    size_t start = used_ == 0 ? aligned_start(b.memory.get()) : used_;
    if (start + wanted <= b.size) {
      used_ = start + wanted;
      return b.memory.get() + start;
    }
  }
  return grow(wanted);
}

// The next block that is large enough; those in between are skipped until the next release.
void* Workspace::grow(size_t wanted) {
  size_t next = blocks_.empty() ? 0 : block_ + 1;
  while (next < blocks_.size() && blocks_[next].size < wanted + kAlign) ++next;
  if (next >= blocks_.size()) {
    size_t last = blocks_.empty() ? kFirstBlock / 2 : blocks_.back().size;
    size_t size = std::max(wanted + kAlign, last * 2);
    blocks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size});
    next = blocks_.size() - 1;
  }
  block_ = next;
  size_t start = aligned_start(blocks_[next].memory.get());
  used_ = start + wanted;
  return blocks_[next].memory.get() + start;
}

std::string_view Workspace::keep(std::string_view text) {
  std::span<char> copy = take<char>(text.size());
  if (!text.empty()) std::memcpy(copy.data(), text.data(), text.size());
  return {copy.data(), copy.size()};
}

void Workspace::trim(size_t bytes) {
  reset();
  while (!blocks_.empty() && capacity() > bytes) blocks_.pop_back();
}

size_t Workspace::capacity() const {
  size_t sum = 0;
  for (const Block& b : blocks_) sum += b.size;
  return sum;
}

}  // namespace proa::inference
