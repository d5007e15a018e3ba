// StatusWriter writes the status of gateway objects by server-side apply, on a thread of its own,
// so that routes never wait for a write.
//
// write() is thread-safe; of several updates of one object that wait, the last is written. An
// update that says what the object says already writes nothing.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "client/client.h"

namespace proa::gateway {

struct StatusUpdate {
  const client::Kind* kind = nullptr;
  client::Key key;
  json::Value status;   // conditions without lastTransitionTime
  std::string warning;  // an Event about the object, for kinds without conditions; "": none
};

class StatusWriter {
 public:
  explicit StatusWriter(client::Client& client);  // outlives this
  ~StatusWriter();
  void start();
  void stop();  // what waits is left
  void write(StatusUpdate update);

 private:
  using Id = std::pair<const client::Kind*, client::Key>;
  void run();
  void write_one(const StatusUpdate& update);

  client::Client& client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Id, StatusUpdate> waiting_;  // guarded by mutex_
  bool ending_ = false;
  std::thread thread_;
};

// `wanted` with lastTransitionTime in each condition: as in `current` where the status is the same,
// else `now`. Entries of lists are told apart by name, parentRef or type, else by place.
void fill_times(json::Value& wanted, const json::Value& current, std::string_view now);

}  // namespace proa::gateway
