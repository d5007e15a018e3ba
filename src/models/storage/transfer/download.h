// Downloads the files of a resolved source into a folder, in parallel, resumable, checked.
//
//   WORK/parts/HASH        what has come of a file so far        WORK/files/PATH   whole, checked
//   files WORK/parts/HASH.done   its version and the chunks that are there
//
// A file moves to files/ only whole and with the right size and checksums, which are computed while
// later parts come. Started again over the same WORK it goes on where it was. Threads: `workers`,
// joined before run() returns.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "models/storage/transfer/source.h"

namespace proa::storage {

struct Progress {
  std::string file;     // one of those that are being read
  int64_t bytes = 0;    // there, those of an earlier start included
  int64_t total = 0;    // 0 if the store does not say
  double rate = 0;      // bytes a second, of this start
  int64_t left_s = -1;  // -1: not known
};
std::string progress_line(const Progress& p);

struct DownloadOptions {
  int workers = 16;
  int64_t chunk = 16 << 20;
  int64_t most_bytes = int64_t{256} << 30;
  int report_ms = 500;
  std::function<void(const Progress&)> report;  // on the calling thread
};

struct Downloaded {
  int64_t bytes = 0;                          // came over the network or were copied now
  int64_t resumed = 0;                        // were there from an earlier start
  std::map<std::string, std::string> sha256;  // hex, of the files that came now
};

// Errors: what went wrong with the first file that failed, in one line.
Result<Downloaded> download(const Resolved& source, const std::string& work,
                            const SourceOptions& options, const DownloadOptions& how);

std::string human_bytes(int64_t bytes);  // "1.5 MiB"

}  // namespace proa::storage
