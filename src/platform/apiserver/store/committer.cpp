#include "platform/apiserver/store/committer.h"

#include <unordered_set>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::apiserver {
namespace {

constexpr size_t kFullBatch = 1000;  // enough records not to wait for more
constexpr auto kLongestAdmit = std::chrono::seconds(10);

// Of several records of one key only the last matters within one transaction.
std::vector<LogRecord> newest_of_each(const std::vector<LogRecord>& batch) {
  std::unordered_set<std::string_view> seen;
  std::vector<LogRecord> out;
  for (auto it = batch.rbegin(); it != batch.rend(); ++it)
    if (seen.insert(it->key).second) out.push_back(*it);
  return {out.rbegin(), out.rend()};
}

}  // namespace

Committer::Committer(std::unique_ptr<Log> log, int64_t revision, StoreOptions options)
    : options_(options),
      log_(std::move(log)),
      newest_(revision),
      committed_(revision),
      reserved_(revision + options.reserve_block),
      thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

bool Committer::has_room() const {
  int64_t margin = std::min<int64_t>(options_.reserve_block / 4, 1000);
  return pending_.size() < options_.most_pending && newest_ + margin < reserved_;
}

Status Committer::admit() {
  std::unique_lock lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (has_room()) return {};
  urgent_ = true;
  work_.notify_one();
  if (!room_.wait_for(lock, kLongestAdmit, [&] { return has_room() || !failure_.ok(); }))
    return error(Code::kUnavailable,
                 "store: the disk is too slow, too many writes are waiting for it");
  return failure_;
}

bool Committer::add(LogRecord record) {
  std::lock_guard lock(mutex_);
  if (record.revision >= reserved_) return false;
  newest_ = record.revision;
  pending_.push_back(std::move(record));
  if (pending_.size() == 1 || pending_.size() == kFullBatch) work_.notify_one();
  return true;
}

void Committer::when_durable(int64_t revision, std::function<void(Status)> callback) {
  Status status;
  {
    std::lock_guard lock(mutex_);
    if (revision > committed_) {
      if (failure_.ok()) {
        waiting_.emplace(revision, std::move(callback));
        urgent_ = true;
        work_.notify_one();
        return;
      }
      status = failure_;
    }
  }
  callback(status);
}

Status Committer::health() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

void Committer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] {
      return stop_ || !pending_.empty() || newest_ + options_.reserve_block / 2 > reserved_;
    });
    if (!stop_ && !urgent_)
      work_.wait_for(lock, std::chrono::milliseconds(options_.relaxed_delay_ms),
                     [&] { return stop_ || urgent_ || pending_.size() >= kFullBatch; });
    bool last = stop_ && pending_.size() < options_.most_pending;
    if (!commit(lock)) {
      if (stop_) return;
      work_.wait_for(lock, std::chrono::milliseconds(options_.retry_ms), [&] { return stop_; });
      continue;
    }
    if (last && pending_.empty()) return;
  }
}

// One transaction. False if it failed; its records stay pending then.
bool Committer::commit(std::unique_lock<std::mutex>& lock) {
  std::vector<LogRecord> batch(pending_.begin(), pending_.end());
  urgent_ = false;
  int64_t upto = newest_;
  // While running, reserve ahead; on the way out give back what was not used.
  int64_t reserve = stop_ ? upto : 0;
  if (!stop_ && upto + options_.reserve_block / 2 > reserved_)
    reserve = upto + options_.reserve_block;
  bool compact = stop_ || since_compact_ + batch.size() >= options_.compact_every;
  lock.unlock();
  Status done = log_->append(newest_of_each(batch), reserve);
  if (done.ok() && compact) {
    Status compacted = log_->compact();
    if (!compacted.ok())
      log::warn("store", "compaction failed", {{"error", compacted.error().message}});
  }
  lock.lock();
  if (!done.ok()) {
    if (failure_.ok())
      log::error("store", "cannot write, refusing changes", {{"error", done.error().message}});
    failure_ = done;
    settle(lock, upto, done);
    return false;
  }
  if (!failure_.ok()) log::info("store", "the disk can be written again");
  failure_ = Status();
  since_compact_ = compact ? 0 : since_compact_ + batch.size();
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
  committed_ = upto;
  if (reserve > reserved_) reserved_ = reserve;
  settle(lock, upto, done);
  return true;
}

void Committer::settle(std::unique_lock<std::mutex>& lock, int64_t upto, const Status& status) {
  room_.notify_all();
  auto end = waiting_.upper_bound(upto);
  std::vector<std::function<void(Status)>> ready;
  for (auto it = waiting_.begin(); it != end; ++it) ready.push_back(std::move(it->second));
  waiting_.erase(waiting_.begin(), end);
  lock.unlock();
  for (auto& callback : ready) callback(status);
  lock.lock();
}

}  // namespace proa::apiserver
