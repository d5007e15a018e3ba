#include "platform/node/logs/log_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/node/logs/cri_log.h"

namespace proa::node {

namespace {
constexpr int kMostAge = 20;
constexpr size_t kPiece = 256 << 10;
constexpr size_t kMostBuffered = 1 << 20;
constexpr size_t kMostLine = 1 << 20;

uint64_t inode_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_ino : 0;
}

uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

// Where the last `*lines` lines of the file begin; what is missing is left in *lines.
off_t tail_offset(int fd, int64_t* lines) {
  off_t at = ::lseek(fd, 0, SEEK_END);
  bool at_end = true;
  std::string block(65536, '\0');
  while (at > 0) {
    size_t n = std::min<size_t>(block.size(), static_cast<size_t>(at));
    at -= static_cast<off_t>(n);
    if (::pread(fd, block.data(), n, at) != static_cast<ssize_t>(n)) return 0;
    for (size_t i = n; i-- > 0;) {
      if (block[i] != '\n') {
        at_end = false;
        continue;
      }
      if (at_end) {  // the end of the last line begins none
        at_end = false;
        continue;
      }
      if (--*lines <= 0) return at + static_cast<off_t>(i) + 1;
    }
  }
  --*lines;
  return 0;
}
}  // namespace

void LogStream::start(async::Loop& loop, LogQuery query, LogTarget target) {
  std::shared_ptr<LogStream> stream(new LogStream(loop, std::move(query), std::move(target)));
  stream->open_first();
  stream->step();
}

std::string LogStream::path(int age) const {
  std::string p = str(query_.dir, "/", query_.run, ".log");
  return age == 0 ? p : str(p, ".", age);
}

void LogStream::open_first() {
  int64_t missing = query_.tail_lines.value_or(0);
  int oldest = 0;
  off_t offset = 0;
  if (query_.tail_lines && *query_.tail_lines <= 0) {
    fd_ = Fd(::open(path(0).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd_) ::lseek(fd_.get(), 0, SEEK_END);
  } else {
    for (int age = 0; age < kMostAge; ++age) {
      Fd fd(::open(path(age).c_str(), O_RDONLY | O_CLOEXEC));
      if (!fd) break;
      oldest = age;
      if (!query_.tail_lines) continue;
      offset = tail_offset(fd.get(), &missing);
      if (missing <= 0) break;
    }
    fd_ = Fd(::open(path(oldest).c_str(), O_RDONLY | O_CLOEXEC));
    if (fd_ && offset > 0) ::lseek(fd_.get(), offset, SEEK_SET);
  }
  if (fd_) inode_ = inode_of(fd_.get());
}

// Files are renamed when they turn over, so the next one is found from where ours is by now.
bool LogStream::open_next() {
  for (int age = 0; age < kMostAge; ++age) {
    uint64_t inode = inode_of(path(age));
    if (inode == 0 && age > 0) return false;
    if (inode != inode_) continue;
    if (age == 0) return false;
    fd_ = Fd(::open(path(age - 1).c_str(), O_RDONLY | O_CLOEXEC));
    inode_ = fd_ ? inode_of(fd_.get()) : 0;
    return static_cast<bool>(fd_);
  }
  return false;
}

void LogStream::again(Duration delay) {
  auto self = shared_from_this();
  if (delay.count() == 0)
    loop_.post([self] { self->step(); });
  else
    loop_.after(delay, [self] { self->step(); });
}

void LogStream::step() {
  using std::chrono::milliseconds;
  if (target_.closed()) return target_.finish();
  if (target_.buffered() > kMostBuffered) return again(milliseconds(20));
  // Asked before the read: what a program wrote before it ended is then in the file.
  bool running = query_.follow && target_.running();
  if (!fd_) {
    if (!running) return target_.finish();
    open_first();
    if (!fd_) return again(milliseconds(50));
  }
  std::string piece(kPiece, '\0');
  ssize_t n = ::read(fd_.get(), piece.data(), piece.size());
  if (n > 0) take(std::string_view(piece).substr(0, static_cast<size_t>(n)));
  if (!out_.empty()) target_.write(std::exchange(out_, {}));
  if (full()) return target_.finish();
  if (n > 0 || open_next()) return again(Duration(0));
  if (!running) return target_.finish();
  again(milliseconds(40));
}

void LogStream::take(std::string_view chunk) {
  rest_ += chunk;
  size_t begin = 0;
  for (size_t end; (end = rest_.find('\n', begin)) != rest_.npos && !full(); begin = end + 1)
    take_line(std::string_view(rest_).substr(begin, end - begin));
  rest_.erase(0, begin);
  if (rest_.size() > kMostLine) rest_.clear();  // not a log of ours
}

void LogStream::take_line(std::string_view text) {
  auto line = parse_cri_line(text);
  if (!line) return;
  if (query_.since) {
    auto time = parse_rfc3339(line->time);
    if (time && *time < *query_.since) return;
  }
  size_t before = out_.size();
  if (query_.timestamps && !in_part_) out_ += str(line->time, " ");
  out_ += line->text;
  if (!line->partial) out_ += '\n';
  in_part_ = line->partial;
  sent_ += static_cast<int64_t>(out_.size() - before);
  if (full()) out_.resize(out_.size() - static_cast<size_t>(sent_ - *query_.limit_bytes));
}

}  // namespace proa::node
