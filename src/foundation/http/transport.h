// A connected socket with an output queue, plain or under TLS. Non-blocking, never raises SIGPIPE.
//
// Used by every connection here; whoever owns it watches the descriptor. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "foundation/base/file.h"
#include "foundation/http/tls.h"

namespace proa::http {

class Transport {
 public:
  explicit Transport(Fd fd, std::unique_ptr<TlsSession> tls = nullptr)
      : fd_(std::move(fd)), tls_(std::move(tls)) {}

  static constexpr long kEof = 0, kBlocked = -1, kBroken = -2;
  // Bytes read (> 0), or one of the above. One recv for plain sockets.
  long read(char* buffer, size_t size);

  // Append to out(), then flush(). False: the connection is broken.
  std::string& out() { return out_; }
  bool flush();
  // As out().append(data) and flush(), without the copy where the socket takes it.
  bool write(std::string_view data);
  bool blocked() const { return blocked_; }  // EPOLLOUT is needed
  size_t backlog() const { return out_.size() - sent_ + records_.size() - records_sent_; }
  uint64_t written() const { return written_; }  // bytes the socket has taken so far
  void shutdown_write();                         // after what is queued

  int fd() const { return fd_.get(); }
  TlsSession* tls() const { return tls_.get(); }
  bool tls_input() const { return tls_ && tls_->has_input(); }

 private:
  bool flush_tls();
  bool send_from(std::string& queue, size_t& sent);
  long send_some(const char* data, size_t size);
  void finish_if_idle();

  Fd fd_;
  std::unique_ptr<TlsSession> tls_;
  std::string out_;  // plain bytes; those before sent_ are gone
  size_t sent_ = 0;
  std::string records_;  // TLS records; those before records_sent_ are gone
  size_t records_sent_ = 0;
  uint64_t written_ = 0;
  bool blocked_ = false;
  bool shutting_ = false;
};

}  // namespace proa::http
