// A bounded reader of FlatBuffers (https://flatbuffers.dev): every offset is checked before it is
// followed, a bad one reads as absent and marks the buffer as damaged.
//
// Used by the reader of .cbm. Views: the bytes must outlive them. One thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace proa::engines::boosted {

class Flat {
 public:
  explicit Flat(std::string_view bytes) : bytes_(bytes) {}
  bool damaged() const { return damaged_; }

  // A table: the offset of its first byte. 0: there is none.
  class Table {
   public:
    Table() = default;
    Table(Flat* flat, size_t at) : flat_(flat), at_(at) {}
    explicit operator bool() const { return at_ != 0; }
    template <typename T>
    T scalar(int field, T otherwise) const;
    Table table(int field) const;
    std::string_view text(int field) const;
    // Elements of `size` bytes each; the view is checked.
    std::string_view raw(int field, size_t size) const;
    template <typename T>
    std::vector<T> numbers(int field) const;
    std::vector<Table> tables(int field) const;
    std::vector<std::string_view> texts(int field) const;

   private:
    size_t place(int field, size_t size) const;  // 0: absent
    size_t follow(size_t at) const;
    Flat* flat_ = nullptr;
    size_t at_ = 0;
  };

  Table root();

 private:
  template <typename T>
  T load(size_t at) const {
    T v;
    std::memcpy(&v, bytes_.data() + at, sizeof(T));
    return v;
  }
  bool fits(size_t at, size_t size) {
    if (at <= bytes_.size() && bytes_.size() - at >= size) return true;
    damaged_ = true;
    return false;
  }
  size_t fail() {
    damaged_ = true;
    return 0;
  }
  size_t budget() {  // every table is made once or a few times; a file cannot ask for more
    if (++made_ > bytes_.size() + 16) damaged_ = true;
    return made_;
  }

  std::string_view bytes_;
  bool damaged_ = false;
  size_t made_ = 0;
};

template <typename T>
T Flat::Table::scalar(int field, T otherwise) const {
  size_t at = place(field, sizeof(T));
  return at == 0 ? otherwise : flat_->load<T>(at);
}

template <typename T>
std::vector<T> Flat::Table::numbers(int field) const {
  std::string_view bytes = raw(field, sizeof(T));
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace proa::engines::boosted
