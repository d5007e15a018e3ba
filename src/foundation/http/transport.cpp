#include "foundation/http/transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace proa::http {
namespace {
constexpr size_t kKeptCapacity = 64 << 10;
constexpr size_t kRecordsHigh = 128 << 10;
}  // namespace

long Transport::read(char* buffer, size_t size) {
  while (true) {
    if (tls_) {
      long n = tls_->read(buffer, size);
      tls_->take_records(records_);
      if (n != kBlocked) return n;
    }
    ssize_t n = ::recv(fd_.get(), buffer, size, 0);
    if (n == 0) return kEof;
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? kBlocked : kBroken;
    }
    if (!tls_) return n;
    tls_->received({buffer, static_cast<size_t>(n)});
  }
}

long Transport::send_some(const char* data, size_t size) {
  while (true) {
    ssize_t n = ::send(fd_.get(), data, size, MSG_NOSIGNAL);
    if (n >= 0) {
      written_ += static_cast<uint64_t>(n);
      return n;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? kBlocked : kBroken;
  }
}

bool Transport::send_from(std::string& queue, size_t& sent) {
  while (sent < queue.size()) {
    long n = send_some(queue.data() + sent, queue.size() - sent);
    if (n == kBroken) return false;
    if (n == kBlocked) {
      blocked_ = true;
      if (sent > queue.size() / 2) {
        queue.erase(0, sent);
        sent = 0;
      }
      return true;
    }
    sent += static_cast<size_t>(n);
  }
  sent = 0;
  if (queue.capacity() > kKeptCapacity)
    std::string().swap(queue);
  else
    queue.clear();
  return true;
}

bool Transport::flush_tls() {
  tls_->take_records(records_);
  while (true) {
    if (!send_from(records_, records_sent_)) return false;
    if (blocked_ || sent_ == out_.size() || !tls_->ready()) break;
    size_t n = std::min(out_.size() - sent_, kRecordsHigh);
    if (!tls_->write({out_.data() + sent_, n})) return false;
    tls_->take_records(records_);
    sent_ += n;
  }
  if (sent_ == out_.size()) {
    sent_ = 0;
    if (out_.capacity() > kKeptCapacity)
      std::string().swap(out_);
    else
      out_.clear();
  }
  return true;
}

bool Transport::flush() {
  blocked_ = false;
  if (tls_) {
    if (!flush_tls()) return false;
  } else if (!out_.empty() && !send_from(out_, sent_)) {
    return false;
  }
  finish_if_idle();
  return true;
}

bool Transport::write(std::string_view data) {
  if (tls_ || blocked_ || data.size() < 4096) {
    out_.append(data);
    return blocked_ || flush();
  }
  if (!flush()) return false;
  while (!blocked_ && !data.empty()) {
    long n = send_some(data.data(), data.size());
    if (n == kBroken) return false;
    if (n == kBlocked)
      blocked_ = true;
    else
      data.remove_prefix(static_cast<size_t>(n));
  }
  out_.append(data);
  return true;
}

// The peer learns of the end only after all that was queued.
void Transport::finish_if_idle() {
  if (!shutting_ || backlog() > 0) return;
  shutting_ = false;
  if (tls_) {
    tls_->close_notify();
    tls_->take_records(records_);
    if (!send_from(records_, records_sent_)) return;
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

void Transport::shutdown_write() {
  shutting_ = true;
  flush();
}

}  // namespace proa::http
