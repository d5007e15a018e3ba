// Committer: the thread that brings the store's records to disk, many in one transaction.
//
// Owned by Store. add() is called in revision order (under the store's mutex). Callbacks of
// when_durable() run on the committer thread, in revision order, without a lock held.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "platform/apiserver/store/log.h"
#include "platform/apiserver/store/store.h"

namespace proa::apiserver {

class Committer {
 public:
  // `revision`: the newest one; the first block above it must be reserved already.
  Committer(std::unique_ptr<Log> log, int64_t revision, StoreOptions options);
  ~Committer();

  // Waits (10 s at most) until there is room for one more record. kUnavailable if the disk fails.
  Status admit();
  // False if no reserved revision is left (admit() keeps a margin, so this is rare).
  bool add(LogRecord record);
  void when_durable(int64_t revision, std::function<void(Status)> callback);
  Status health() const;

 private:
  void run();
  bool commit(std::unique_lock<std::mutex>& lock);
  void settle(std::unique_lock<std::mutex>& lock, int64_t upto, const Status& status);
  bool has_room() const;

  const StoreOptions options_;
  const std::unique_ptr<Log> log_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable work_, room_;
  std::deque<LogRecord> pending_;
  std::multimap<int64_t, std::function<void(Status)>> waiting_;
  int64_t newest_;     // last one added
  int64_t committed_;  // all up to here are on disk
  int64_t reserved_;
  Status failure_;
  bool urgent_ = false, stop_ = false;
  size_t since_compact_ = 0;
  std::thread thread_;
};

}  // namespace proa::apiserver
