#include "models/engines/torch/zip.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"

namespace proa::torch {
namespace {

constexpr uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50,
                   kDirectory = 0x02014b50, kLocal = 0x04034b50;
constexpr uint64_t kEndSize = 22, kMostComment = 65535, kLocalSize = 30, kEntrySize = 46;
constexpr uint64_t kMostDirectory = 64 << 20, kMostEntries = 1'000'000;
constexpr uint16_t kEncrypted = 1;

Error broken(std::string_view what) { return error(Code::kDataLoss, str("no zip file: ", what)); }

// Little-endian numbers; 0 beyond the end.
uint64_t number(std::string_view bytes, size_t at, size_t size) {
  if (at > bytes.size() || bytes.size() - at < size) return 0;
  uint64_t n = 0;
  for (size_t i = size; i-- > 0;) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

// Sizes and place that do not fit in 32 bits stand in the extra field, those that are all ones
// only.
void read_extra(std::string_view extra, ZipEntry& e) {
  while (extra.size() >= 4) {
    uint64_t id = number(extra, 0, 2), size = number(extra, 2, 2);
    extra.remove_prefix(4);
    if (size > extra.size()) return;
    if (id == 1) {
      size_t at = 0;
      for (uint64_t* field : {&e.size, &e.packed, &e.at})
        if (*field == 0xffffffff && at + 8 <= size) {
          *field = number(extra, at, 8);
          at += 8;
        }
      return;
    }
    extra.remove_prefix(size);
  }
}

Result<std::string> inflate_all(std::string_view packed, uint64_t size) {
  std::string out(size, '\0');
  z_stream z{};
  if (::inflateInit2(&z, -MAX_WBITS) != Z_OK) return error(Code::kInternal, "inflateInit2 failed");
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  uint64_t in_left = packed.size(), out_left = size;
  int rc = Z_OK;
  while (rc == Z_OK) {
    auto give = static_cast<uInt>(std::min<uint64_t>(in_left, 1 << 30));
    auto room = static_cast<uInt>(std::min<uint64_t>(out_left, 1 << 30));
    z.avail_in = give;
    z.avail_out = room;
    rc = ::inflate(&z, Z_NO_FLUSH);
    in_left -= give - z.avail_in;
    out_left -= room - z.avail_out;
    if (rc == Z_OK && z.avail_in == give && z.avail_out == room) break;  // nothing moves
  }
  ::inflateEnd(&z);
  if (rc != Z_STREAM_END || out_left != 0) return broken("an entry's data does not end");
  return out;
}

}  // namespace

Result<Zip> Zip::open(const std::string& path) {
  Zip zip;
  zip.file_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!zip.file_ || ::fstat(zip.file_.get(), &info) != 0) return errno_error(path);
  zip.size_ = static_cast<uint64_t>(info.st_size);
  TRY_STATUS(zip.read_directory());
  return zip;
}

Result<std::string> Zip::bytes(uint64_t at, uint64_t size) const {
  if (at > size_ || size_ - at < size) return broken("it ends early");
  std::string out(size, '\0');
  for (size_t done = 0; done < size;) {
    ssize_t n = ::pread(file_.get(), out.data() + done, size - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno_error("read") : broken("it ends early");
    done += static_cast<size_t>(n);
  }
  return out;
}

Status Zip::read_directory() {
  uint64_t tail = std::min(size_, kEndSize + kMostComment);
  TRY(std::string end, bytes(size_ - tail, tail));
  size_t at = end.size() < kEndSize ? 0 : end.size() - kEndSize + 1;
  while (at-- > 0)
    if (number(end, at, 4) == kEnd) break;
  if (at == SIZE_MAX) return broken("it has no directory");
  uint64_t count = number(end, at + 10, 2), size = number(end, at + 12, 4),
           start = number(end, at + 16, 4);
  if (count == 0xffff || size == 0xffffffff || start == 0xffffffff) {
    if (at < 20 || number(end, at - 20, 4) != kLocator64) return broken("its directory is cut off");
    TRY(std::string end64, bytes(number(end, at - 12, 8), 56));
    if (number(end64, 0, 4) != kEnd64) return broken("its directory is cut off");
    count = number(end64, 32, 8);
    size = number(end64, 40, 8);
    start = number(end64, 48, 8);
  }
  if (size > kMostDirectory || count > kMostEntries)
    return error(Code::kTooLarge, str("a zip file of ", count, " entries"));
  TRY(std::string directory, bytes(start, size));
  return read_entries(directory, count);
}

Status Zip::read_entries(std::string_view d, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (d.size() < kEntrySize || number(d, 0, 4) != kDirectory)
      return broken("its directory is cut off");
    ZipEntry e;
    e.flags = static_cast<uint16_t>(number(d, 8, 2));
    e.method = static_cast<uint16_t>(number(d, 10, 2));
    e.crc = static_cast<uint32_t>(number(d, 16, 4));
    e.packed = number(d, 20, 4);
    e.size = number(d, 24, 4);
    uint64_t name = number(d, 28, 2), extra = number(d, 30, 2), comment = number(d, 32, 2);
    e.at = number(d, 42, 4);
    if (d.size() - kEntrySize < name + extra + comment) return broken("its directory is cut off");
    e.name = d.substr(kEntrySize, name);
    read_extra(d.substr(kEntrySize + name, extra), e);
    d.remove_prefix(kEntrySize + name + extra + comment);
    entries_.push_back(std::move(e));
  }
  return {};
}

const ZipEntry* Zip::find(std::string_view name) const {
  for (const ZipEntry& e : entries_)
    if (e.name == name) return &e;
  return nullptr;
}

bool Zip::has_ending(std::string_view end) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const ZipEntry& e) { return std::string_view(e.name).ends_with(end); });
}

Result<uint64_t> Zip::start_of(const ZipEntry& e) const {
  TRY(std::string local, bytes(e.at, kLocalSize));
  if (number(local, 0, 4) != kLocal) return broken("an entry is not where the directory says");
  return e.at + kLocalSize + number(local, 26, 2) + number(local, 28, 2);
}

Result<std::string> Zip::read(const ZipEntry& e, uint64_t most) const {
  if (e.size > most || e.packed > most)
    return error(Code::kTooLarge,
                 str(shorten(e.name, 100), " has ", e.size, " bytes, more than ", most));
  if ((e.flags & kEncrypted) != 0)
    return error(Code::kUnimplemented, str(shorten(e.name, 100), " is encrypted"));
  if (e.method != 0 && e.method != 8)
    return error(Code::kUnimplemented,
                 str(shorten(e.name, 100), " is packed by method ", e.method));
  TRY(uint64_t start, start_of(e));
  TRY(std::string packed, bytes(start, e.packed));
  if (e.method == 0 && e.packed != e.size) return broken("an entry's sizes differ");
  std::string out;
  if (e.method == 0)
    out = std::move(packed);
  else {
    TRY(out, inflate_all(packed, e.size));
  }
  auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size());
  if (crc != e.crc) return broken(str("the checksum of ", shorten(e.name, 100), " is wrong"));
  return out;
}

}  // namespace proa::torch
