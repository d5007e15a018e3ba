// The memory of one nghttp2 session: small blocks are kept for the next stream, so that a warm
// connection asks the system for nothing. Owned by its H2Connection, and must outlive the session.
// Loop thread only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>

namespace proa::http {

class H2Memory {
 public:
  H2Memory();
  ~H2Memory() { drop_spares(); }
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;
  nghttp2_mem* functions() { return &functions_; }
  void drop_spares();

 private:
  static constexpr size_t kClasses = 6;  // 32, 64 … 1024 bytes
  struct Block {
    size_t size_class;  // kClasses: not kept
    Block* next;        // while free; the payload begins here otherwise
  };
  static constexpr size_t kHead = 16;
  void* take(size_t size);
  void give_back(void* pointer);
  void* resize(void* pointer, size_t size);

  struct Spares {
    Block* first = nullptr;
    size_t count = 0;
  };
  std::array<Spares, kClasses> spares_;
  nghttp2_mem functions_{};
};

}  // namespace proa::http
