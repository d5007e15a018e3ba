// Container logs on disk, in the form of the Kubernetes container runtime interface:
//
//   2026-11-01T10:00:00.123456789Z stdout F text          F: a whole line, P: a part of one
//
// One ContainerLog writes DIR/N.log for run N of a container, and turns it over at a size. Whoever
// owns it is its only writer; errors of the disk are reported once and the text is dropped.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/base/clock.h"
#include "foundation/base/file.h"

namespace proa::node {

struct LogLimits {
  size_t file_bytes = 10 << 20;
  int files = 5;              // N.log, N.log.1 … N.log.4, the last the oldest
  size_t line_bytes = 16384;  // longer lines are written in parts
};

enum class LogStreamName { kStdout, kStderr };

struct CriLine {
  std::string_view time;  // as written
  std::string_view stream;
  bool partial = false;
  std::string_view text;  // without the end of line
};
std::optional<CriLine> parse_cri_line(std::string_view line);  // without its '\n'
std::string cri_time(WallTime time);                           // nine decimals

class ContainerLog {
 public:
  static Result<ContainerLog> open(const std::string& dir, int run, LogLimits limits = {},
                                   Clock& clock = real_clock());
  void write(LogStreamName stream, std::string_view chunk);  // any cut of the output
  void close();  // writes what is left of unfinished lines

 private:
  void line(LogStreamName stream, bool partial, std::string_view text);
  void flush(const std::string& text);
  void rotate();

  std::string path_;
  LogLimits limits_;
  Clock* clock_ = nullptr;
  Fd fd_;
  size_t size_ = 0;
  std::string rest_[2];
  std::string out_;
  bool reported_ = false;
};

// Numbers of the runs that have a log in `dir`, rising.
std::vector<int> log_runs(const std::string& dir);
// The last `lines` lines of a run, at most `bytes` bytes, texts only.
std::string log_tail(const std::string& dir, int run, size_t lines, size_t bytes);

}  // namespace proa::node
