// Scratch memory of one prediction: taken by bumping a pointer, given back all at once.
//
// Used by models and by the protocols that answer with what models made. One thread. The memory is
// kept from request to request, so that a warm server allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace proa::inference {

class Workspace {
 public:
  // `count` elements, uninitialised, aligned to 64 bytes, valid until reset() or release().
  template <typename T>
  std::span<T> take(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return {static_cast<T*>(bytes(count, sizeof(T))), count};
  }
  template <typename T>
  std::span<T> zeros(size_t count);  // the same, all bits zero
  std::string_view keep(std::string_view text);  // a copy

  // Everything taken after mark() is given back by release(): for loops over parts.
  struct Mark {
    size_t block = 0, used = 0;
  };
  Mark mark() const { return {block_, used_}; }
  void release(Mark m) { block_ = m.block, used_ = m.used; }
  void reset() { release({}); }
  // Gives memory above `bytes` back to the system; for after an unusually large request.
  void trim(size_t bytes);
  size_t capacity() const;

 private:
  struct Block {
    std::unique_ptr<std::byte[]> memory;
    size_t size = 0;
  };
  void* bytes(size_t count, size_t size);  // aborts where count × size overflows
  void* grow(size_t bytes);
  std::vector<Block> blocks_;
  size_t block_ = 0, used_ = 0;
};

template <typename T>
std::span<T> Workspace::zeros(size_t count) {
  std::span<T> out = take<T>(count);
  if (count != 0) __builtin_memset(out.data(), 0, count * sizeof(T));
  return out;
}

}  // namespace proa::inference
