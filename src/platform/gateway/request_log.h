// What is written down of each request, and where: the gateway's access log, and each pod's
// queue-proxy log.
//
// Workers append lines to their own LogBatch and hand it over a few times a second; LogFiles, on
// the control thread, writes. Nothing here is on the way of a request but the append. Bounded: a
// pod's lines beyond kMostPerFlush are counted and left out.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "foundation/base/clock.h"
#include "foundation/base/file.h"
#include "platform/gateway/backend.h"

namespace proa::gateway {

struct RequestRecord {
  std::string_view method, host, target, user_agent, peer, request_id, backend, endpoint;
  int status = 0, version = 11, tries = 1;
  uint64_t bytes_in = 0, bytes_out = 0;
  Duration took{0}, waited{0};
};

// One JSON object without a newline. knative: the form of Knative's request log; else the access
// log's.
void append_record(std::string& out, const RequestRecord& record, bool knative,
                   std::string_view time);

// The time as text, formatted anew only when the millisecond changed.
class TimeText {
 public:
  std::string_view at(WallTime now);

 private:
  int64_t second_ = -1;
  std::string text_;
};

struct LogBatch {
  static constexpr size_t kMostPerFlush = 256 << 10;
  struct Lines {
    std::shared_ptr<Endpoint> endpoint;
    std::string text;
    uint64_t left_out = 0;
  };
  std::string access;
  std::unordered_map<const Endpoint*, Lines> pods;
  bool empty() const { return access.empty() && pods.empty(); }
};

// "ROOT/NS_POD_UID/queue-proxy/0.log".
std::string pod_log_path(const std::string& root, const EndpointAddress& pod);

// Appends to files, keeps few of them open, renames those that grow too large to FILE.1.
class LogFiles {
 public:
  explicit LogFiles(size_t most_bytes_a_file = 10 << 20) : most_bytes_(most_bytes_a_file) {}
  void append(const std::string& path, std::string_view text);

 private:
  struct File {
    std::string path;
    Fd fd;
    size_t size = 0;
  };
  File* open(const std::string& path);
  const size_t most_bytes_;
  std::list<File> files_;  // the most recently used first
};

}  // namespace proa::gateway
