// For the tests here: a raw TCP client beside a loop on the same thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <string>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "foundation/http/sockets.h"

namespace proa::http {

// Turns the loop until done() or the deadline.
inline bool turn_until(async::Loop& loop, const std::function<bool()>& done) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.run_once(std::chrono::milliseconds(2));
  }
  return true;
}

class RawClient {
 public:
  RawClient(async::Loop& loop, uint16_t port) : loop_(loop) {
    auto fd = start_connect("127.0.0.1", port);
    if (fd.ok()) fd_ = std::move(*fd);
  }
  void send(std::string_view data) {
    turn_until(loop_, [&] {
      ssize_t n = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (n > 0) data.remove_prefix(static_cast<size_t>(n));
      return data.empty() || (n < 0 && errno != EAGAIN && errno != ENOTCONN);
    });
  }
  // What has come, once it ends with or contains `text`, or the server has closed.
  std::string read_until(std::string_view text) {
    turn_until(loop_, [&] {
      take();
      return eof_ || got_.find(text) != got_.npos;
    });
    return got_;
  }
  std::string read_to_end() {
    turn_until(loop_, [&] {
      take();
      return eof_;
    });
    return got_;
  }
  void take() {
    char buffer[65536];
    ssize_t n = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) got_.append(buffer, static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN)) eof_ = true;
  }
  std::string exchange(std::string_view request, std::string_view until) {
    got_.clear();
    send(request);
    return read_until(until);
  }
  bool eof() const { return eof_; }
  void close() { fd_.reset(); }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  std::string& got() { return got_; }

 private:
  async::Loop& loop_;
  Fd fd_;
  std::string got_;
  bool eof_ = false;
};

inline size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace proa::http
