// Zip files for this folder's tests: stored entries.
#pragma once

#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

namespace proa::torch {

inline void put(std::string& out, uint64_t n, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(n >> (8 * i));
}

inline std::string make_zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out, directory;
  for (const auto& [name, content] : files) {
    auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    std::string common;  // flags, method, time, date, crc, sizes, length of the name, of the extra
    put(common, 0, 2), put(common, 0, 2), put(common, 0, 4), put(common, crc, 4);
    put(common, content.size(), 4), put(common, content.size(), 4);
    put(common, name.size(), 2), put(common, 0, 2);
    put(directory, 0x02014b50, 4), put(directory, 20, 2), put(directory, 20, 2);
    directory += common;
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 4);
    put(directory, out.size(), 4);
    directory += name;
    put(out, 0x04034b50, 4), put(out, 20, 2);
    out += common + name + content;
  }
  size_t start = out.size();
  out += directory;
  put(out, 0x06054b50, 4), put(out, 0, 4), put(out, files.size(), 2), put(out, files.size(), 2);
  put(out, directory.size(), 4), put(out, start, 4), put(out, 0, 2);
  return out;
}

}  // namespace proa::torch
