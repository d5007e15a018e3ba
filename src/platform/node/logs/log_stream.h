// LogStream: reads a container's log for somebody: tail, since, follow, limits.
//
// Lives on the node's loop; reads a bounded piece a turn and waits while the reader is behind, so
// that a large log holds up nothing. Owns itself from start() to its end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "foundation/async/loop.h"
#include "foundation/base/file.h"

namespace proa::node {

struct LogQuery {
  std::string dir;  // of the container
  int run = 0;
  bool follow = false, timestamps = false;
  std::optional<int64_t> tail_lines, limit_bytes;
  std::optional<WallTime> since;
};

struct LogTarget {
  std::function<void(std::string)> write;
  std::function<void()> finish;
  std::function<bool()> closed;
  std::function<size_t()> buffered;
  std::function<bool()> running;  // more may come: go on following
};

class LogStream : public std::enable_shared_from_this<LogStream> {
 public:
  static void start(async::Loop& loop, LogQuery query, LogTarget target);

 private:
  LogStream(async::Loop& loop, LogQuery query, LogTarget target)
      : loop_(loop), query_(std::move(query)), target_(std::move(target)) {}
  void open_first();
  bool open_next();  // the next younger file
  void step();
  void again(Duration delay);
  void take(std::string_view chunk);
  void take_line(std::string_view line);
  bool full() const { return query_.limit_bytes && sent_ >= *query_.limit_bytes; }
  std::string path(int age) const;

  async::Loop& loop_;
  LogQuery query_;
  LogTarget target_;
  Fd fd_;
  uint64_t inode_ = 0;
  std::string rest_, out_;
  int64_t sent_ = 0;
  bool in_part_ = false;  // the line before was a part, so this one gets no time of its own
};

}  // namespace proa::node
