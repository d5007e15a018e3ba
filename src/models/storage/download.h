// Downloads the files of a resolved source into a folder, in parallel, resumable, checked.
//
//   WORK/parts/HASH        what has come of a file so far        WORK/files/PATH   whole, checked
//   files WORK/parts/HASH.done   its version and the chunks that are there
//
// A file moves to files/ only whole and with the right size and checksums. Started again over the
// same WORK it goes on where it was. Threads: `workers`, joined before run() returns.
#pragma once

#include <functional>
#include <string>

#include "models/storage/source.h"

namespace proa::storage {

struct DownloadOptions {
  int workers = 4;
  int64_t chunk = 16 << 20;
  int64_t most_bytes = int64_t{256} << 30;
  int report_ms = 500;
  std::function<void(const std::string&)> report;  // progress lines; on the calling thread
};

struct Downloaded {
  int64_t bytes = 0;    // came over the network or were copied now
  int64_t resumed = 0;  // were there from an earlier start
};

// Errors: what went wrong with the first file that failed, in one line.
Result<Downloaded> download(const Resolved& source, const std::string& work,
                            const SourceOptions& options, const DownloadOptions& how);

std::string human_bytes(int64_t bytes);  // "1.5 MiB"

}  // namespace proa::storage
