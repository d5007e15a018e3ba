// Four short numbers at once, for scan_numbers.cpp. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proa::protocols {

bool has_fours();
// Elements of a list: the i-th ends before start + ends[i], and ends[-1] is where the one before
// the first ended. Reads them by fours, for as long as all of a four are plain numbers of at most
// 15 characters, each behind its comma or one blank more. Returns how many; 16 bytes before the
// first end can be read.
size_t read_fours(const char* start, const int16_t* ends, size_t count, double* to, bool& whole);

}  // namespace proa::protocols
