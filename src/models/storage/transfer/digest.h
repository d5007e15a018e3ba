// Checksums of what comes: what stores give for their objects, and always SHA-256.
//
// Values are written as the stores write them: CRC-32C (RFC 3720 B.4, by the processor where it
// can) and MD5 in base64, SHA-256 and git's SHA-1 in hex, CRC-64/XZ in decimal. A Hasher is used by
// one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "foundation/base/result.h"
#include "models/storage/transfer/source.h"

namespace proa::storage {

uint32_t crc32c(uint32_t so_far, std::string_view bytes);  // begin with 0
uint64_t crc64(uint64_t so_far, std::string_view bytes);   // begin with 0
std::string crc32c_text(uint32_t crc);                     // base64, big-endian

class Hasher {
 public:
  // Computes what `wanted` names, and SHA-256.
  Hasher(const Checks& wanted, int64_t size);
  ~Hasher();
  void add(std::string_view bytes);
  // "" if all is as wanted, else "has md5 X instead of Y". Once, at the end.
  std::string finish();
  const std::string& sha256() const { return sha256_; }  // hex, after finish()

 private:
  struct State;
  Checks wanted_;
  std::unique_ptr<State> state_;
  std::string sha256_;
};

// From `fd` at `offset`, `length` bytes or to the end with -1.
Status hash_range(Hasher& hasher, int fd, int64_t offset, int64_t length);
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace proa::storage
