// Zip files, as far as TorchScript files and model archives need them: names and contents.
//
// Private to this folder. Reads the file by parts; every size is bounded before memory is taken.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/base/result.h"

namespace proa::torch {

struct ZipEntry {
  std::string name;
  uint16_t method = 0;  // 0: stored, 8: deflated
  uint16_t flags = 0;
  uint32_t crc = 0;
  uint64_t packed = 0, size = 0, at = 0;  // bytes; `at`: of its local header
};

class Zip {
 public:
  // kDataLoss for a file that is none.
  static Result<Zip> open(const std::string& path);
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;
  bool has_ending(std::string_view end) const;  // any entry
  // kTooLarge where the entry says, or has, more than `most` bytes.
  Result<std::string> read(const ZipEntry& entry, uint64_t most) const;

 private:
  Result<std::string> bytes(uint64_t at, uint64_t size) const;
  Status read_directory();
  Status read_entries(std::string_view directory, uint64_t count);
  Result<uint64_t> start_of(const ZipEntry& entry) const;

  Fd file_;
  uint64_t size_ = 0;
  std::vector<ZipEntry> entries_;
};

}  // namespace proa::torch
