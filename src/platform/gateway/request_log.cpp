#include "platform/gateway/request_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::gateway {

namespace {

constexpr size_t kMostOpenFiles = 64;

void quoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t from = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') continue;
    out.append(text, from, i - from);
    from = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\', out += static_cast<char>(c);
    } else {
      out += "\\u00", out += kHex[c >> 4], out += kHex[c & 15];
    }
  }
  out.append(text, from, text.size() - from);
  out += '"';
}

void number(std::string& out, uint64_t value) {
  char digits[20];
  int n = 0;
  do digits[n++] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  while (n) out += digits[--n];
}

// Seconds with six places: "0.001234".
void seconds_text(std::string& out, Duration d) {
  auto micros = static_cast<uint64_t>(std::max<int64_t>(0, d.count() / 1000));
  number(out, micros / 1'000'000);
  out += '.';
  micros %= 1'000'000;
  for (uint64_t place = 100'000; place; place /= 10)
    out += static_cast<char>('0' + micros / place % 10);
}

std::string_view protocol(int version) {
  return version == 20 ? "HTTP/2.0" : version == 10 ? "HTTP/1.0" : "HTTP/1.1";
}

void knative_record(std::string& out, const RequestRecord& r) {
  out += "{\"httpRequest\": {\"requestMethod\": ", quoted(out, r.method);
  out += ", \"requestUrl\": ", quoted(out, r.target);
  out += ", \"requestSize\": \"", number(out, r.bytes_in);
  out += "\", \"status\": ", number(out, static_cast<uint64_t>(r.status));
  out += ", \"responseSize\": \"", number(out, r.bytes_out);
  out += "\", \"userAgent\": ", quoted(out, r.user_agent);
  out += ", \"remoteIp\": ", quoted(out, r.peer);
  out += ", \"serverIp\": ", quoted(out, r.endpoint);
  out += ", \"latency\": \"", seconds_text(out, r.took);
  out += "s\", \"protocol\": \"", out += protocol(r.version);
  out += "\"}, \"traceId\": ", quoted(out, r.request_id);
  out += '}';
}

}  // namespace

void append_record(std::string& out, const RequestRecord& r, bool knative, std::string_view time) {
  if (knative) return knative_record(out, r);
  out += "{\"time\":\"", out += time;
  out += "\",\"method\":", quoted(out, r.method);
  out += ",\"host\":", quoted(out, r.host);
  out += ",\"path\":", quoted(out, r.target);
  out += ",\"status\":", number(out, static_cast<uint64_t>(r.status));
  out += ",\"seconds\":", seconds_text(out, r.took);
  out += ",\"waited\":", seconds_text(out, r.waited);
  out += ",\"in\":", number(out, r.bytes_in);
  out += ",\"out\":", number(out, r.bytes_out);
  out += ",\"tries\":", number(out, static_cast<uint64_t>(r.tries));
  out += ",\"backend\":", quoted(out, r.backend);
  out += ",\"endpoint\":", quoted(out, r.endpoint);
  out += ",\"peer\":", quoted(out, r.peer);
  out += ",\"request_id\":", quoted(out, r.request_id);
  out += "}";
}

std::string_view TimeText::at(WallTime now) {
  int64_t ns = now.time_since_epoch().count();
  int64_t second = ns / 1'000'000'000;
  if (second != second_) {
    second_ = second;
    text_ = rfc3339(WallTime(Duration(second * 1'000'000'000)));  // "2026-11-01T10:00:00Z"
    text_.pop_back();
    text_ += ".000000000Z";
  }
  auto fraction = static_cast<uint64_t>(ns % 1'000'000'000);
  for (size_t i = text_.size() - 2; text_[i] != '.'; --i, fraction /= 10)
    text_[i] = static_cast<char>('0' + fraction % 10);
  return text_;
}

std::string pod_log_path(const std::string& root, const EndpointAddress& pod) {
  return str(root, "/", pod.pod_namespace, "_", pod.pod_name, "_", pod.pod_uid,
             "/queue-proxy/0.log");
}

LogFiles::File* LogFiles::open(const std::string& path) {
  for (auto it = files_.begin(); it != files_.end(); ++it) {
    if (it->path != path) continue;
    struct stat now;
    if (::fstat(it->fd.get(), &now) == 0 && now.st_nlink > 0) {
      files_.splice(files_.begin(), files_, it);
      return &files_.front();
    }
    files_.erase(it);  // removed with its pod
    break;
  }
  if (!make_dirs(path.substr(0, path.rfind('/'))).ok()) return nullptr;
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  struct stat now;
  if (!fd || ::fstat(fd.get(), &now) != 0) return nullptr;
  if (files_.size() >= kMostOpenFiles) files_.pop_back();
  files_.push_front({path, std::move(fd), static_cast<size_t>(now.st_size)});
  return &files_.front();
}

void LogFiles::append(const std::string& path, std::string_view text) {
  File* file = open(path);
  if (!file) return log::debug("gateway", "cannot write request log", {{"file", path}});
  if (file->size > most_bytes_ && ::rename(path.c_str(), (path + ".1").c_str()) == 0) {
    files_.pop_front();
    if (!(file = open(path))) return;
  }
  while (!text.empty()) {
    ssize_t n = ::write(file->fd.get(), text.data(), text.size());
    if (n <= 0) return;
    file->size += static_cast<size_t>(n);
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace proa::gateway
