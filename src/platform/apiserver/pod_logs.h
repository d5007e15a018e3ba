// PodLogs: how the API server reads a pod's log, for GET …/pods/NAME/log. The node implements it.
//
// read() is called on the API server's loop thread and must return at once; the sink may be used
// from any thread, then or later. Exactly one finish() ends it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/client.h"

namespace proa::apiserver {

struct PodLogOptions {
  std::string container;  // never empty
  bool follow = false, previous = false, timestamps = false;
  std::optional<int64_t> tail_lines, since_seconds, limit_bytes;
  std::string since_time;  // RFC 3339, "" if none
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string text) = 0;  // whole lines, without the CRI prefix
  // With an error before the first write(), the client gets it as a Status; later ones end the
  // stream.
  virtual void finish(Status status = {}) = 0;
  virtual bool closed() const = 0;      // the client went away: stop following
  virtual size_t buffered() const = 0;  // bytes the client has not taken; wait while it is large
};

class PodLogs {
 public:
  virtual ~PodLogs() = default;
  virtual void read(const client::Object& pod, PodLogOptions options,
                    std::shared_ptr<LogSink> sink) = 0;
};

}  // namespace proa::apiserver
