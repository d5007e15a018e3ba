#include "platform/apiserver/store/store.h"

#include <algorithm>
#include <deque>
#include <future>
#include <map>

#include "foundation/base/strings.h"
#include "platform/apiserver/store/committer.h"
#include "platform/apiserver/store/label_index.h"

namespace proa::apiserver {

// A watcher's queue. Whoever finds it not being delivered delivers it, so changes come in order and
// the callback runs once at a time, outside the store's mutex.
struct Store::Watcher {
  std::string prefix;
  size_t most_queued = 0;
  Callback callback;

  std::mutex mutex;  // taken after the store's; guards the following
  std::condition_variable idle;
  std::deque<ChangePtr> queue;
  bool delivering = false, closed = false, overflowed = false;
  std::thread::id deliverer;

  void push(const ChangePtr& change) {
    std::lock_guard lock(mutex);
    if (closed || overflowed) return;
    if (queue.size() >= most_queued) {
      overflowed = true;
      queue.clear();
      queue.push_back(nullptr);
      return;
    }
    queue.push_back(change);
  }

  void deliver() {
    std::unique_lock lock(mutex);
    if (delivering) return;
    delivering = true;
    deliverer = std::this_thread::get_id();
    while (!queue.empty() && !closed) {
      ChangePtr next = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      callback(next);
      next.reset();
      lock.lock();
    }
    delivering = false;
    deliverer = {};
    idle.notify_all();
  }

  void close() {
    std::unique_lock lock(mutex);
    closed = true;
    queue.clear();
    if (deliverer != std::this_thread::get_id()) idle.wait(lock, [&] { return !delivering; });
  }
};

struct Store::Core {
  struct Table {
    std::map<std::string, Item, std::less<>> items;
    std::vector<std::shared_ptr<Watcher>> watchers;
    struct Past {
      ChangePtr change;
      std::string key;
    };
    std::deque<Past> history;  // changes after `floor`
    size_t history_bytes = 0;
    int64_t floor = 0;
    LabelIndex labels;
  };

  StoreOptions options;
  mutable std::mutex mutex;  // guards the following
  std::map<std::string, Table, std::less<>> tables;
  int64_t revision = 0, start = 0;
  std::unique_ptr<Committer> committer;

  Table& table(std::string_view name) {
    auto it = tables.find(name);
    if (it == tables.end()) {
      it = tables.emplace(std::string(name), Table{}).first;
      it->second.floor = start;
    }
    return it->second;
  }

  Status load(LogRecord row);
  using Watchers = std::vector<std::shared_ptr<Watcher>>;
  Status commit(Table& t, std::string_view name, std::string_view key, Change change,
                Watchers& concerned);
  void remember(Table& t, ChangePtr change, std::string_view key);
};

class Store::Handle : public Store::Subscription {
 public:
  Handle(std::shared_ptr<Core> core, std::string table, std::shared_ptr<Watcher> watcher)
      : core_(std::move(core)), table_(std::move(table)), watcher_(std::move(watcher)) {}
  ~Handle() override {
    {
      std::lock_guard lock(core_->mutex);
      auto& list = core_->table(table_).watchers;
      list.erase(std::find(list.begin(), list.end(), watcher_));
    }
    watcher_->close();
  }
  void bookmark() override {
    {
      std::lock_guard lock(core_->mutex);
      watcher_->push(std::make_shared<const Change>(
          Change{Change::kBookmark, core_->revision, nullptr, nullptr}));
    }
    watcher_->deliver();
  }

 private:
  std::shared_ptr<Core> core_;
  std::string table_;
  std::shared_ptr<Watcher> watcher_;
};

namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

size_t weight(const Change& change) {
  return (change.now ? change.now->text.size() : 0) + (change.old ? change.old->text.size() : 0);
}

}  // namespace

Status Store::Core::load(LogRecord row) {
  size_t slash = row.key.find('/');
  auto value = json::parse(*row.text);
  if (slash == std::string::npos || !value.ok())
    return error(Code::kDataLoss, str("store: record ", row.key, " is damaged",
                                      value.ok() ? "" : ": " + value.error().message));
  auto record = std::make_shared<Record>();
  record->value = std::move(*value);
  record->text = *row.text;
  record->revision = row.revision;
  table(row.key.substr(0, slash)).items.emplace(row.key.substr(slash + 1), std::move(record));
  return {};
}

void Store::Core::remember(Table& t, ChangePtr change, std::string_view key) {
  t.history_bytes += weight(*change);
  t.history.push_back({std::move(change), std::string(key)});
  while (t.history.size() > options.history || t.history_bytes > options.history_bytes) {
    t.history_bytes -= weight(*t.history.front().change);
    t.floor = t.history.front().change->revision;
    t.history.pop_front();
  }
}

// Applies a change whose revision is the next one. Under the mutex; the caller delivers afterwards.
Status Store::Core::commit(Table& t, std::string_view name, std::string_view key, Change change,
                           Watchers& concerned) {
  LogRecord record;
  record.key = str(name, "/", key);
  record.revision = change.revision;
  record.deleted = change.type == Change::kDeleted;
  if (!record.deleted)  // shares the item's text
    record.text = std::shared_ptr<const std::string>(change.now, &change.now->text);
  if (!committer->add(std::move(record)))
    return error(Code::kUnavailable, "store: the disk is too slow, try again");
  revision = change.revision;
  t.labels.change(key, change.old.get(),
                  change.type == Change::kDeleted ? nullptr : change.now.get());
  if (change.type == Change::kDeleted)
    t.items.erase(t.items.find(key));
  else
    t.items.insert_or_assign(std::string(key), change.now);
  auto shared = std::make_shared<const Change>(std::move(change));
  remember(t, shared, key);
  for (const auto& watcher : t.watchers)
    if (starts_with(key, watcher->prefix)) {
      watcher->push(shared);
      concerned.push_back(watcher);
    }
  return {};
}

Store::Store(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Store::~Store() { core_->committer.reset(); }

Result<std::unique_ptr<Store>> Store::open(std::unique_ptr<Log> log, StoreOptions options) {
  auto core = std::make_shared<Core>();
  core->options = options;
  TRY(core->revision, log->load([&](LogRecord row) { return core->load(std::move(row)); }));
  core->start = core->revision;
  for (auto& [name, table] : core->tables) table.floor = core->start;
  TRY_STATUS(log->append({}, core->revision + options.reserve_block));
  core->committer = std::make_unique<Committer>(std::move(log), core->revision, options);
  return std::unique_ptr<Store>(new Store(std::move(core)));
}

int64_t Store::revision() const {
  std::lock_guard lock(core_->mutex);
  return core_->revision;
}

Item Store::get(std::string_view table, std::string_view key) const {
  std::lock_guard lock(core_->mutex);
  auto t = core_->tables.find(table);
  if (t == core_->tables.end()) return nullptr;
  auto it = t->second.items.find(key);
  return it == t->second.items.end() ? nullptr : it->second;
}

Store::Page Store::list(std::string_view table, std::string_view prefix, std::string_view after,
                        size_t limit) const {
  std::lock_guard lock(core_->mutex);
  Page page;
  page.revision = core_->revision;
  auto t = core_->tables.find(table);
  if (t == core_->tables.end()) return page;
  const auto& items = t->second.items;
  auto it = after.empty() ? items.lower_bound(prefix) : items.upper_bound(after);
  if (limit == 0 && prefix.empty()) page.items.reserve(items.size());
  std::string_view last;
  for (; it != items.end() && starts_with(it->first, prefix); ++it) {
    if (limit > 0 && page.items.size() == limit) {
      page.next = std::string(last);
      ++page.remaining;
      continue;  // counts the rest
    }
    page.items.push_back(it->second);
    last = it->first;
  }
  if (limit > 0 && page.remaining > 0) page.next = std::string(last);
  return page;
}

Store::Page Store::list_labelled(std::string_view table, std::string_view prefix,
                                 std::span<const LabelIs> labels) const {
  std::unique_lock lock(core_->mutex);
  auto t = core_->tables.find(table);
  const LabelIndex::Keys* keys =
      t == core_->tables.end() ? nullptr : t->second.labels.find(labels, t->second.items);
  if (!keys) {
    lock.unlock();
    return list(table, prefix);
  }
  Page page;
  page.revision = core_->revision;
  for (auto it = keys->lower_bound(prefix); it != keys->end() && starts_with(*it, prefix); ++it)
    page.items.push_back(t->second.items.find(*it)->second);
  return page;
}

size_t Store::count(std::string_view table) const {
  std::lock_guard lock(core_->mutex);
  auto t = core_->tables.find(table);
  return t == core_->tables.end() ? 0 : t->second.items.size();
}

Result<Item> Store::put(std::string_view table, std::string_view key, json::Value value,
                        int64_t expected) {
  TRY_STATUS(core_->committer->admit());
  auto record = std::make_shared<Record>();
  record->value = std::move(value);
  Core::Watchers concerned;
  {
    std::lock_guard lock(core_->mutex);
    Core::Table& t = core_->table(table);
    auto it = t.items.find(key);
    Item old = it == t.items.end() ? nullptr : it->second;
    if (expected == 0 && old) return error(Code::kAlreadyExists, str(key, " already exists"));
    if (expected != 0 && !old) return error(Code::kNotFound, str(key, " not found"));
    if (expected != 0 && old->revision != expected)
      return error(Code::kConflict, str(key, " has been modified"));
    record->revision = core_->revision + 1;
    record->value.ref("metadata", "resourceVersion") = str(record->revision);
    json::dump(record->value, record->text);
    record->text.shrink_to_fit();
    auto type = old ? Change::kModified : Change::kAdded;
    TRY_STATUS(
        core_->commit(t, table, key, Change{type, record->revision, record, old}, concerned));
  }
  for (auto& watcher : concerned) watcher->deliver();
  return Item(record);
}

Result<Item> Store::remove(std::string_view table, std::string_view key, int64_t expected) {
  TRY_STATUS(core_->committer->admit());
  auto record = std::make_shared<Record>();
  Core::Watchers concerned;
  {
    std::lock_guard lock(core_->mutex);
    Core::Table& t = core_->table(table);
    auto it = t.items.find(key);
    if (it == t.items.end()) return error(Code::kNotFound, str(key, " not found"));
    Item old = it->second;
    if (old->revision != expected) return error(Code::kConflict, str(key, " has been modified"));
    record->revision = core_->revision + 1;
    record->value = old->value;
    record->value.ref("metadata", "resourceVersion") = str(record->revision);
    json::dump(record->value, record->text);
    TRY_STATUS(core_->commit(t, table, key, Change{Change::kDeleted, record->revision, record, old},
                             concerned));
  }
  for (auto& watcher : concerned) watcher->deliver();
  return Item(record);
}

void Store::when_durable(int64_t revision, std::function<void(Status)> callback) {
  core_->committer->when_durable(revision, std::move(callback));
}

Status Store::wait_durable(int64_t revision) {
  std::promise<Status> done;
  when_durable(revision, [&](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

Status Store::health() const { return core_->committer->health(); }

Result<std::unique_ptr<Store::Subscription>> Store::watch(std::string_view table,
                                                          WatchOptions options, Callback callback) {
  auto watcher = std::make_shared<Watcher>();
  watcher->prefix = std::move(options.prefix);
  watcher->most_queued = options.most_queued;
  watcher->callback = std::move(callback);
  {
    std::lock_guard lock(core_->mutex);
    Core::Table& t = core_->table(table);
    if (options.initial) {
      for (auto it = t.items.lower_bound(watcher->prefix);
           it != t.items.end() && starts_with(it->first, watcher->prefix); ++it)
        watcher->queue.push_back(std::make_shared<const Change>(
            Change{Change::kAdded, it->second->revision, it->second, nullptr}));
    } else if (options.from >= 0) {
      if (options.from > core_->revision)
        return error(Code::kDeadline, str("Too large resource version: ", options.from,
                                          ", current: ", core_->revision));
      if (options.from < t.floor)
        return error(Code::kGone,
                     str("too old resource version: ", options.from, " (", t.floor, ")"));
      for (const auto& past : t.history)
        if (past.change->revision > options.from && starts_with(past.key, watcher->prefix))
          watcher->queue.push_back(past.change);
    }
    t.watchers.push_back(watcher);
  }
  auto handle = std::make_unique<Handle>(core_, std::string(table), watcher);
  watcher->deliver();
  return std::unique_ptr<Subscription>(std::move(handle));
}

}  // namespace proa::apiserver
