// The protobuf wire format: a reader over bytes and a writer into a text, without generated code
// and without allocation.
//
//   Reader r(bytes);
//   while (r.next()) switch (r.tag()) {
//       case bytes_tag(1): name = r.bytes(); break;
//       case varint_tag(3): count = r.number(); break;
//       case bytes_tag(5): TRY_STATUS(read_inner(r.message())); break;
//     }
//   if (!r.ok()) return error(…);
//
// A field that is not asked for by number and wire type is skipped, as is a group. Used by gRPC's
// services. Views are of the bytes read. Pure; one thread each.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace proa::grpc {

static_assert(std::endian::native == std::endian::little);

inline constexpr int kMostDepth = 100;  // of messages in messages, and of groups

constexpr uint32_t varint_tag(uint32_t field) { return field << 3; }
constexpr uint32_t fixed64_tag(uint32_t field) { return field << 3 | 1; }
constexpr uint32_t bytes_tag(uint32_t field) { return field << 3 | 2; }
constexpr uint32_t fixed32_tag(uint32_t field) { return field << 3 | 5; }

// One varint of at most 10 bytes; false if it is cut off or too long. Advances `at`.
bool read_varint_slow(const char*& at, const char* end, uint64_t& value);
inline bool read_varint(const char*& at, const char* end, uint64_t& value) {
  if (at != end && static_cast<int8_t>(*at) >= 0) {
    value = static_cast<uint8_t>(*at++);
    return true;
  }
  return read_varint_slow(at, end, value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes, int depth = 0)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()), depth_(depth) {
    if (depth > kMostDepth) fail();
  }
  // The next field; false at the end and when the bytes are malformed.
  bool next();
  bool ok() const { return ok_; }
  uint32_t tag() const { return tag_; }
  // Of the current field, by its wire type.
  uint64_t number() const { return number_; }  // varint, fixed64, fixed32
  int64_t signed_number() const { return static_cast<int64_t>(number_); }
  int64_t zigzag() const { return static_cast<int64_t>((number_ >> 1) ^ (~(number_ & 1) + 1)); }
  bool boolean() const { return number_ != 0; }
  double f64() const { return std::bit_cast<double>(number_); }
  float f32() const { return std::bit_cast<float>(static_cast<uint32_t>(number_)); }
  std::string_view bytes() const { return bytes_; }
  Reader message() const { return Reader(bytes_, depth_ + 1); }

 private:
  bool fail() {
    ok_ = false;
    at_ = end_;
    return false;
  }
  bool read_value(uint32_t type);
  bool skip_group(uint32_t field);

  const char *at_, *end_;
  int depth_;
  bool ok_ = true;
  uint32_t tag_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

// Calls f(uint64_t) for each element of a repeated varint field at the reader's place, packed or
// not. False: malformed.
template <typename F>
bool each_varint(const Reader& r, F&& f) {
  if ((r.tag() & 7) == 0) {
    f(r.number());
    return true;
  }
  const char* at = r.bytes().data();
  const char* end = at + r.bytes().size();
  uint64_t value = 0;
  while (at != end) {
    if (!read_varint(at, end, value)) return false;
    f(value);
  }
  return true;
}

// How many varints a packed field has, if it is well-formed.
size_t count_varints(std::string_view packed);

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void number(uint32_t field, uint64_t value) {
    raw(varint_tag(field));
    raw(value);
  }
  void boolean(uint32_t field, bool value) { number(field, value ? 1 : 0); }
  void f64(uint32_t field, double value) {
    raw(fixed64_tag(field));
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void bytes(uint32_t field, std::string_view value) {
    raw(bytes_tag(field));
    raw(value.size());
    out_.append(value);
  }
  // Before `size` bytes that the caller appends to the text.
  void bytes_head(uint32_t field, size_t size) {
    raw(bytes_tag(field));
    raw(size);
  }
  void raw(uint64_t varint) {
    while (varint >= 0x80) {
      out_ += static_cast<char>(varint | 0x80);
      varint >>= 7;
    }
    out_ += static_cast<char>(varint);
  }
  // A message, or a packed field, whose size is not known: what is written until close() is its.
  size_t open(uint32_t field) {
    raw(bytes_tag(field));
    out_ += '\0';
    return out_.size();
  }
  void close(size_t mark);
  std::string& out() { return out_; }

 private:
  std::string& out_;
};

constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

}  // namespace proa::grpc
