// Log: where the store keeps its records on disk, and SqliteLog, the real one.
//
// Used by Store only (tests put a failing one in its place). load() is called once, first, by the
// thread that opens the store; after it all calls come from the store's committer thread.
// The log holds the newest record of each key: an append replaces the older one, so that nothing
// has to be compacted but free pages, which compact() gives back to the file system.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/base/result.h"

namespace proa::apiserver {

struct LogRecord {
  std::string key;
  int64_t revision = 0;
  bool deleted = false;
  std::shared_ptr<const std::string> text;  // the object as JSON; null if deleted
};

class Log {
 public:
  virtual ~Log() = default;
  // Every record, in key order. Returns the reserved revision: none above it was ever handed out.
  virtual Result<int64_t> load(const std::function<Status(LogRecord)>& record) = 0;
  // All of `records`, in order, and the new reservation (unless 0): on disk when this returns,
  // or not at all.
  virtual Status append(const std::vector<LogRecord>& records, int64_t reserve) = 0;
  // Makes the files small again. Errors do no harm.
  virtual Status compact() = 0;
};

// One SQLite file in WAL mode with synchronous=FULL, locked for this process. Errors: kUnavailable
// if another process has it, kDataLoss if it is damaged, else what the system says; all name the
// path.
class SqliteLog : public Log {
 public:
  static Result<std::unique_ptr<Log>> open(const std::string& path);
  ~SqliteLog() override;
  Result<int64_t> load(const std::function<Status(LogRecord)>& record) override;
  Status append(const std::vector<LogRecord>& records, int64_t reserve) override;
  Status compact() override;

 private:
  struct State;
  explicit SqliteLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace proa::apiserver
