#include "foundation/grpc/wire.h"

#include <algorithm>

namespace proa::grpc {

bool read_varint_slow(const char*& at, const char* end, uint64_t& value) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (at == end) return false;
    auto byte = static_cast<uint8_t>(*at++);
    v |= static_cast<uint64_t>(byte & 0x7f) << std::min(shift, 63u);
    if (byte < 0x80) {
      value = v;
      return true;
    }
  }
  return false;
}

bool Reader::next() {
  while (at_ != end_) {
    uint64_t tag = 0;
    if (!read_varint(at_, end_, tag) || tag > UINT32_MAX || tag >> 3 == 0) return fail();
    tag_ = static_cast<uint32_t>(tag);
    uint32_t type = tag_ & 7;
    if (type != 3) return read_value(type);
    if (!skip_group(tag_ >> 3)) return fail();
  }
  return false;
}

bool Reader::read_value(uint32_t type) {
  size_t left = static_cast<size_t>(end_ - at_);
  if (type == 0) return read_varint(at_, end_, number_) || fail();
  if (type == 2) {
    uint64_t size = 0;
    if (!read_varint(at_, end_, size) || size > static_cast<size_t>(end_ - at_)) return fail();
    bytes_ = {at_, static_cast<size_t>(size)};
    at_ += size;
    return true;
  }
  size_t width = type == 1 ? 8 : type == 5 ? 4 : 0;
  if (width == 0 || left < width) return fail();
  number_ = 0;
  std::memcpy(&number_, at_, width);
  at_ += width;
  return true;
}

// Everything up to the end of this group, and the groups inside it.
bool Reader::skip_group(uint32_t field) {
  uint32_t open[kMostDepth];
  int depth = depth_;
  open[depth++] = field;
  while (depth > depth_) {
    uint64_t tag = 0;
    if (!read_varint(at_, end_, tag) || tag > UINT32_MAX || tag >> 3 == 0) return false;
    auto number = static_cast<uint32_t>(tag >> 3);
    uint32_t type = tag & 7;
    if (type == 4) {
      if (open[--depth] != number) return false;
    } else if (type == 3) {
      if (depth == kMostDepth) return false;
      open[depth++] = number;
    } else if (!read_value(type)) {
      return false;
    }
  }
  return true;
}

size_t count_varints(std::string_view packed) {
  return static_cast<size_t>(std::count_if(packed.begin(), packed.end(),
                                           [](char c) { return static_cast<int8_t>(c) >= 0; }));
}

void Writer::close(size_t mark) {
  size_t size = out_.size() - mark;
  size_t more = varint_size(size) - 1;
  if (more > 0) out_.insert(mark, more, '\0');
  char* at = out_.data() + mark - 1;
  for (; size >= 0x80; size >>= 7) *at++ = static_cast<char>(size | 0x80);
  *at = static_cast<char>(size);
}

}  // namespace proa::grpc
