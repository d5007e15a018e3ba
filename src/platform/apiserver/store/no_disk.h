// For tests: a store's log that keeps nothing.
#pragma once

#include "platform/apiserver/store/log.h"

namespace proa::apiserver {

class NoDisk : public Log {
 public:
  explicit NoDisk(int64_t revision = 0) : revision_(revision) {}  // that the store begins at
  Result<int64_t> load(const std::function<Status(LogRecord)>&) override { return revision_; }
  Status append(const std::vector<LogRecord>&, int64_t) override { return {}; }
  Status compact() override { return {}; }

 private:
  const int64_t revision_;
};

}  // namespace proa::apiserver
