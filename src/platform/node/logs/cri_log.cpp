#include "platform/node/logs/cri_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::node {

std::string cri_time(WallTime time) {
  auto ns = time.time_since_epoch().count();
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%09lldZ", static_cast<long long>(ns % 1000000000));
  std::string text = rfc3339(time);
  text.pop_back();
  return text + fraction;
}

std::optional<CriLine> parse_cri_line(std::string_view line) {
  CriLine out;
  size_t a = line.find(' ');
  size_t b = a == line.npos ? a : line.find(' ', a + 1);
  if (b == line.npos) return std::nullopt;
  size_t c = line.find(' ', b + 1);
  out.time = line.substr(0, a);
  out.stream = line.substr(a + 1, b - a - 1);
  std::string_view tag = line.substr(b + 1, c == line.npos ? c : c - b - 1);
  if (out.time.empty() || (out.stream != "stdout" && out.stream != "stderr")) return std::nullopt;
  if (tag.empty() || (tag[0] != 'F' && tag[0] != 'P')) return std::nullopt;
  out.partial = tag[0] == 'P';
  out.text = c == line.npos ? std::string_view() : line.substr(c + 1);
  return out;
}

Result<ContainerLog> ContainerLog::open(const std::string& dir, int run, LogLimits limits,
                                        Clock& clock) {
  TRY_STATUS(make_dirs(dir));
  ContainerLog log;
  log.path_ = str(dir, "/", run, ".log");
  log.limits_ = limits;
  log.clock_ = &clock;
  log.fd_ = Fd(::open(log.path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log.fd_) return errno_error(str("open ", log.path_));
  struct stat info {};
  if (::fstat(log.fd_.get(), &info) == 0) log.size_ = static_cast<size_t>(info.st_size);
  return log;
}

void ContainerLog::write(LogStreamName stream, std::string_view chunk) {
  std::string& rest = rest_[static_cast<int>(stream)];
  while (!chunk.empty()) {
    size_t end = chunk.find('\n');
    std::string_view part = chunk.substr(0, end);
    size_t room = limits_.line_bytes - rest.size();
    if (part.size() > room) {
      rest += part.substr(0, room);
      line(stream, true, rest);
      rest.clear();
      chunk.remove_prefix(room);
      continue;
    }
    rest += part;
    if (end == chunk.npos) break;
    line(stream, false, rest);
    rest.clear();
    chunk.remove_prefix(end + 1);
  }
  flush(out_);
  out_.clear();
}

void ContainerLog::line(LogStreamName stream, bool partial, std::string_view text) {
  out_ += cri_time(clock_->wall());
  out_ += stream == LogStreamName::kStdout ? " stdout " : " stderr ";
  out_ += partial ? "P " : "F ";
  out_ += text;
  out_ += '\n';
  if (out_.size() < 65536) return;
  flush(out_);
  out_.clear();
}

void ContainerLog::flush(const std::string& text) {
  if (text.empty() || !fd_) return;
  if (size_ + text.size() > limits_.file_bytes && size_ > 0) rotate();
  ssize_t n = ::write(fd_.get(), text.data(), text.size());
  if (n > 0) size_ += static_cast<size_t>(n);
  if (n == static_cast<ssize_t>(text.size()) || reported_) return;
  reported_ = true;
  log::warn("node", "container log not written",
            {{"file", path_}, {"error", errno_error("write").message}});
}

void ContainerLog::rotate() {
  for (int i = limits_.files - 2; i >= 0; --i) {
    std::string from = i == 0 ? path_ : str(path_, ".", i);
    (void)::rename(from.c_str(), str(path_, ".", i + 1).c_str());
  }
  if (limits_.files < 2) ::unlink(path_.c_str());
  Fd fresh(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fresh) return;  // go on in the old file
  fd_ = std::move(fresh);
  size_ = 0;
}

void ContainerLog::close() {
  for (LogStreamName stream : {LogStreamName::kStdout, LogStreamName::kStderr}) {
    std::string& rest = rest_[static_cast<int>(stream)];
    if (!rest.empty()) line(stream, false, rest);
    rest.clear();
  }
  flush(out_);
  out_.clear();
  fd_.reset();
}

std::vector<int> log_runs(const std::string& dir) {
  std::vector<int> runs;
  auto names = list_dir(dir);
  if (!names.ok()) return runs;
  for (std::string_view name : *names)
    if (name.ends_with(".log"))
      if (auto n = parse_int(name.substr(0, name.size() - 4))) runs.push_back(static_cast<int>(*n));
  std::sort(runs.begin(), runs.end());
  return runs;
}

std::string log_tail(const std::string& dir, int run, size_t lines, size_t bytes) {
  Fd fd(::open(str(dir, "/", run, ".log").c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return "";
  off_t size = ::lseek(fd.get(), 0, SEEK_END);
  size_t window =
      std::min<size_t>(static_cast<size_t>(std::max<off_t>(size, 0)), bytes * 2 + 65536);
  std::string text(window, '\0');
  ssize_t n = ::pread(fd.get(), text.data(), window, size - static_cast<off_t>(window));
  if (n <= 0) return "";
  text.resize(static_cast<size_t>(n));
  auto all = split(text, '\n');
  std::string out;
  size_t first = all.size() > lines + 1 ? all.size() - lines - 1 : 0;
  for (size_t i = first; i < all.size(); ++i)
    if (auto line = parse_cri_line(all[i])) {
      out += line->text;
      if (!line->partial) out += '\n';
    }
  return out.size() > bytes ? out.substr(out.size() - bytes) : out;
}

}  // namespace proa::node
