// Store: every API object in memory, ordered, with one revision for all, watched, and logged to
// disk.
//
//   put/remove ──► memory ──► watchers (called by the writing thread, outside the mutex)
//                    └──────► pending ──► committer thread: one transaction a batch ──►
//                    when_durable
//
// Used by Core. Thread-safe. Objects are immutable once stored. A write is seen by readers at once;
// when it is on disk, when_durable() says so: callers of the durable class wait for that, callers
// of the relaxed class do not. The log keeps the order of writes, so what survives a crash is a
// prefix of them. Revisions are handed out from blocks that were reserved on disk before, hence
// they never repeat, not even those of lost writes. If the disk fails, writes are refused until it
// works again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"
#include "platform/apiserver/store/log.h"

namespace proa::apiserver {

// One stored object: its tree, its JSON text, and the revision (metadata.resourceVersion) of both.
struct Record {
  json::Value value;
  std::string text;
  int64_t revision = 0;
};
using Item = std::shared_ptr<const Record>;

struct Change {
  enum Type { kAdded, kModified, kDeleted, kBookmark } type;
  int64_t revision = 0;
  Item now;  // for kDeleted the last state, with the revision of the deletion; null for kBookmark
  Item old;  // the state before; null for kAdded
};
using ChangePtr = std::shared_ptr<const Change>;

struct LabelIs {
  std::string_view label, value;
};

struct StoreOptions {
  int64_t reserve_block = 10000;  // revisions reserved at a time
  size_t most_pending = 20000;    // writes not yet on disk; more wait
  size_t history = 512;           // changes kept a table for watches from a revision
  size_t history_bytes = 4u << 20;
  int relaxed_delay_ms = 20;     // how long relaxed writes gather before a commit
  int retry_ms = 500;            // after a failed commit
  size_t compact_every = 20000;  // records
};

class Store {
 public:
  // Reads the whole log. Errors as the log's, or kDataLoss if a record is no JSON.
  static Result<std::unique_ptr<Store>> open(std::unique_ptr<Log> log, StoreOptions options = {});
  ~Store();  // commits what is pending
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  int64_t revision() const;
  Item get(std::string_view table, std::string_view key) const;  // null if absent

  struct Page {
    std::vector<Item> items;
    int64_t revision = 0;  // the state the items belong to
    std::string next;      // the last key, if more follow
    size_t remaining = 0;  // items after this page
  };
  // Objects whose key starts with `prefix`, after key `after`, at most `limit` (0: all).
  Page list(std::string_view table, std::string_view prefix, std::string_view after = "",
            size_t limit = 0) const;
  // The same without pages, of the objects that may have all these labels; the caller looks at
  // each.
  Page list_labelled(std::string_view table, std::string_view prefix,
                     std::span<const LabelIs> labels) const;
  size_t count(std::string_view table) const;

  // Stores `value` (metadata.resourceVersion is set here). `expected` is the revision the key must
  // have: 0 for "must not exist" (kAlreadyExists), else kConflict, kNotFound if it is gone.
  Result<Item> put(std::string_view table, std::string_view key, json::Value value,
                   int64_t expected);
  Result<Item> remove(std::string_view table, std::string_view key, int64_t expected);

  // Calls back once `revision` is on disk (ok) or could not be brought there; at once if it is
  // already, else on the committer thread.
  void when_durable(int64_t revision, std::function<void(Status)> callback);
  Status wait_durable(int64_t revision);
  Status health() const;  // the disk's last error, if it has not recovered

  // A watch ends when this is destroyed; after that its callback is not called again (the
  // destructor waits for one that runs on another thread).
  class Subscription {
   public:
    virtual ~Subscription() = default;
    virtual void bookmark() = 0;  // queues a kBookmark with the current revision, in order
  };
  struct WatchOptions {
    std::string prefix;             // of keys: "ns/" or ""
    int64_t from = -1;              // changes after this revision; -1: from now
    bool initial = false;           // first a kAdded for all there is (`from` is ignored)
    size_t most_queued = 1u << 20;  // more: the watch is closed by a null change
  };
  using Callback = std::function<void(const ChangePtr&)>;
  // kGone if `from` is older than the history; kDeadline if it is in the future.
  Result<std::unique_ptr<Subscription>> watch(std::string_view table, WatchOptions options,
                                              Callback callback);

 private:
  struct Core;
  struct Watcher;
  class Handle;
  explicit Store(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace proa::apiserver
