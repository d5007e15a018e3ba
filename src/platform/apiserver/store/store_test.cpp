#include "platform/apiserver/store/store.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "platform/apiserver/store/no_disk.h"

namespace proa::apiserver {
namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/proa-store-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { (void)remove_tree(path_).ok(); }
  std::string file() const { return path_ + "/store.db"; }

 private:
  std::string path_;
};

std::unique_ptr<Store> open_at(const std::string& path, StoreOptions options = {}) {
  auto log = SqliteLog::open(path);
  EXPECT_TRUE(log.ok()) << log.error().message;
  if (!log.ok()) return nullptr;
  auto store = Store::open(std::move(*log), options);
  EXPECT_TRUE(store.ok()) << store.error().message;
  return store.ok() ? std::move(*store) : nullptr;
}

json::Value thing(std::string_view name, int64_t n = 0) {
  return json::object({{"metadata", json::object({{"name", name}})}, {"n", n}});
}

// A log whose disk can be broken.
class FailingLog : public Log {
 public:
  explicit FailingLog(std::atomic<bool>& broken) : broken_(broken) {}
  Result<int64_t> load(const std::function<Status(LogRecord)>&) override { return int64_t{0}; }
  Status append(const std::vector<LogRecord>&, int64_t) override {
    if (broken_) return error(Code::kExhausted, "store: disk full");
    return {};
  }
  Status compact() override { return {}; }

 private:
  std::atomic<bool>& broken_;
};

TEST(Store, FindsByLabelWhatAWalkFinds) {
  auto store = std::move(*Store::open(std::make_unique<NoDisk>()));
  std::map<std::string, int64_t> revisions;
  uint32_t random = 1;
  auto next = [&](uint32_t below) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % below;
  };
  for (int i = 0; i < 2000; ++i) {
    const std::string name = str("o", next(40)), key = str(next(2) ? "a/" : "b/", name);
    auto it = revisions.find(key);
    if (it != revisions.end() && next(3) == 0) {
      ASSERT_TRUE(store->remove("things", key, it->second).ok());
      revisions.erase(it);
    } else {
      json::Value value = thing(name, i);
      value.ref("metadata", "labels") =
          json::object({{"app", str("x", next(4))}, {"part", next(2) ? "y" : ""}});
      auto put =
          store->put("things", key, std::move(value), it == revisions.end() ? 0 : it->second);
      ASSERT_TRUE(put.ok());
      revisions[key] = (*put)->revision;
    }
    const std::string app = str("x", next(5));
    const LabelIs wanted[] = {{"app", app}, {"part", "y"}};
    std::vector<Item> found, walked;
    auto has = [&](const Item& item) {
      const json::Value& labels = item->value["metadata"]["labels"];
      return labels["app"].str() == app && labels["part"].str() == "y";
    };
    for (const Item& item : store->list_labelled("things", "a/", wanted).items)
      if (has(item)) found.push_back(item);
    for (const Item& item : store->list("things", "a/").items)
      if (has(item)) walked.push_back(item);
    ASSERT_EQ(found, walked);
  }
}

TEST(Store, KeepsWhatWasPutOverAReopen) {
  Folder folder;
  int64_t last = 0;
  {
    auto store = open_at(folder.file());
    auto a = store->put("pods", "ns/a", thing("a", 1), 0);
    ASSERT_TRUE(a.ok());
    auto b = store->put("pods", "ns/b", thing("b"), 0);
    auto a2 = store->put("pods", "ns/a", thing("a", 2), (*a)->revision);
    ASSERT_TRUE(a2.ok());
    ASSERT_TRUE(store->remove("pods", "ns/b", (*b)->revision).ok());
    last = store->revision();
  }
  auto store = open_at(folder.file());
  EXPECT_EQ(store->revision(), last);
  ASSERT_TRUE(store->get("pods", "ns/a"));
  EXPECT_EQ(store->get("pods", "ns/a")->value["n"].integer(), 2);
  EXPECT_EQ(store->get("pods", "ns/a")->value["metadata"]["resourceVersion"].str(), str(last - 1));
  EXPECT_FALSE(store->get("pods", "ns/b"));
}

TEST(Store, RefusesAWriteThatExpectedAnotherRevision) {
  Folder folder;
  auto store = open_at(folder.file());
  auto a = store->put("pods", "ns/a", thing("a"), 0);
  EXPECT_EQ(store->put("pods", "ns/a", thing("a"), 0).error().code, Code::kAlreadyExists);
  EXPECT_EQ(store->put("pods", "ns/a", thing("a"), (*a)->revision + 5).error().code,
            Code::kConflict);
  EXPECT_EQ(store->put("pods", "ns/x", thing("x"), 3).error().code, Code::kNotFound);
  EXPECT_EQ(store->remove("pods", "ns/a", 99).error().code, Code::kConflict);
}

TEST(Store, ListsByPrefixInOrderAndInPages) {
  Folder folder;
  auto store = open_at(folder.file());
  for (const char* key : {"b/1", "a/2", "a/1", "a-b/1", "a/3"})
    ASSERT_TRUE(store->put("t", key, thing(key), 0).ok());
  auto all = store->list("t", "");
  EXPECT_EQ(all.items.size(), 5u);
  auto first = store->list("t", "a/", "", 2);
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(first.next, "a/2");
  EXPECT_EQ(first.remaining, 1u);
  auto second = store->list("t", "a/", first.next, 2);
  ASSERT_EQ(second.items.size(), 1u);
  EXPECT_EQ(second.next, "");
}

TEST(Store, AWatchFromARevisionSeesEveryLaterChangeInOrder) {
  Folder folder;
  auto store = open_at(folder.file());
  auto a = store->put("t", "n/a", thing("a"), 0);
  int64_t from = store->revision();
  auto a2 = store->put("t", "n/a", thing("a", 1), (*a)->revision);
  std::string seen;
  auto watch = store->watch("t", {.prefix = "n/", .from = from}, [&](const ChangePtr& c) {
    seen += str(int(c->type), ":", c->now ? c->now->value["n"].integer() : -1, " ");
  });
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(store->put("t", "m/other", thing("o"), 0).ok());
  ASSERT_TRUE(store->put("t", "n/b", thing("b", 7), 0).ok());
  ASSERT_TRUE(store->remove("t", "n/a", (*a2)->revision).ok());
  (*watch)->bookmark();
  EXPECT_EQ(seen, "1:1 0:7 2:1 3:-1 ");
  watch->reset();
  ASSERT_TRUE(store->put("t", "n/c", thing("c"), 0).ok());
  EXPECT_EQ(seen, "1:1 0:7 2:1 3:-1 ");
}

TEST(Store, AWatchFromBeforeTheHistoryIsGone) {
  Folder folder;
  auto store = open_at(folder.file(), {.history = 3});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store->put("t", str("n/", i), thing("x"), 0).ok());
  EXPECT_EQ(store->watch("t", {.from = 1}, [](const ChangePtr&) {}).error().code, Code::kGone);
  EXPECT_EQ(store->watch("t", {.from = 1000}, [](const ChangePtr&) {}).error().code,
            Code::kDeadline);
  EXPECT_TRUE(store->watch("t", {.from = 7}, [](const ChangePtr&) {}).ok());
}

TEST(Store, AWatcherMayWriteAndEndItselfFromItsCallback) {
  Folder folder;
  auto store = open_at(folder.file());
  int calls = 0;
  std::unique_ptr<Store::Subscription> watch;
  auto made = store->watch("t", {}, [&](const ChangePtr& c) {
    ++calls;
    if (c->now->value["n"].integer() == 0) (void)store->put("t", "n/second", thing("s", 1), 0).ok();
    if (c->now->value["n"].integer() == 1) watch.reset();
  });
  watch = std::move(*made);
  ASSERT_TRUE(store->put("t", "n/first", thing("f", 0), 0).ok());
  ASSERT_TRUE(store->put("t", "n/third", thing("t", 2), 0).ok());
  EXPECT_EQ(calls, 2);
}

TEST(Store, ManyThreadsWritingGiveEachWatcherOneOrder) {
  Folder folder;
  auto store = open_at(folder.file());
  std::vector<int64_t> seen;
  auto watch = store->watch("t", {}, [&](const ChangePtr& c) { seen.push_back(c->revision); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(store->put("t", str(t, "/", i), thing("x"), 0).ok());
    });
  for (auto& thread : threads) thread.join();
  watch->reset();
  EXPECT_EQ(seen.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Store, ASlowWatcherIsClosedByANullChange) {
  Folder folder;
  auto store = open_at(folder.file());
  bool closed = false;
  int calls = 0;
  auto watch = store->watch("t", {.most_queued = 3}, [&](const ChangePtr& c) {
    if (!c) closed = true;
    if (calls++ == 0)  // what comes while this one is being delivered queues up
      for (int i = 0; i < 5; ++i) (void)store->put("t", str("n/", i), thing("x"), 0).ok();
  });
  ASSERT_TRUE(store->put("t", "n/first", thing("f"), 0).ok());
  EXPECT_TRUE(closed);
}

TEST(Store, RefusesWritesWhileTheDiskFailsAndRecovers) {
  std::atomic<bool> broken{false};
  auto opened =
      Store::open(std::make_unique<FailingLog>(broken), {.relaxed_delay_ms = 0, .retry_ms = 1});
  auto& store = *opened;
  ASSERT_TRUE(store->put("t", "a", thing("a"), 0).ok());
  broken = true;
  auto b = store->put("t", "b", thing("b"), 0);
  ASSERT_TRUE(b.ok());
  Status lost = store->wait_durable((*b)->revision);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().message, "store: disk full");
  EXPECT_FALSE(store->put("t", "c", thing("c"), 0).ok());
  broken = false;
  while (!store->health().ok()) std::this_thread::yield();
  auto d = store->put("t", "d", thing("d"), 0);
  ASSERT_TRUE(d.ok());
  EXPECT_TRUE(store->wait_durable((*d)->revision).ok());
}

TEST(Store, SaysWhatIsWrongWithAnUnusableFile) {
  Folder folder;
  ASSERT_TRUE(write_file(folder.file(), std::string(8192, 'x')).ok());
  auto log = SqliteLog::open(folder.file());
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, Code::kDataLoss);
  EXPECT_TRUE(contains(log.error().message, folder.file()));
  auto missing = SqliteLog::open("/nonexistent/folder/store.db");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Code::kForbidden);
}

TEST(Store, RefusesASecondProcessOnTheSameFile) {
  Folder folder;
  auto store = open_at(folder.file());
  auto second = SqliteLog::open(folder.file());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
}

TEST(Store, StaysSmallWhenOneObjectIsWrittenOftenAndManyAreRemoved) {
  Folder folder;
  {
    auto store = open_at(folder.file(), {.compact_every = 1000});
    for (int i = 0; i < 2000; ++i) {
      auto item = store->put("t", str("n/", i), thing(std::string(1000, 'x')), 0);
      ASSERT_TRUE(store->remove("t", str("n/", i), (*item)->revision).ok());
    }
  }
  struct stat info;
  ASSERT_EQ(stat(folder.file().c_str(), &info), 0);
  EXPECT_LT(info.st_size, 200000);
}

// ---- kill -9
// -------------------------------------------------------------------------------------

// Writes for ever; tells each acknowledged durable write and each handed-out revision by the pipe.
[[noreturn]] void write_until_killed(const std::string& path, int out, unsigned seed) {
  auto log = SqliteLog::open(path);
  if (!log.ok()) _exit(3);
  auto opened = Store::open(std::move(*log), {.reserve_block = 200});
  if (!opened.ok()) _exit(4);
  Store& store = **opened;
  std::mutex mutex;
  for (int64_t i = 0;; ++i) {
    std::string key = str("n/", rand_r(&seed) % 50);
    Item before = store.get("t", key);
    auto item = store.put("t", key, thing(key, i), before ? before->revision : 0);
    if (!item.ok()) _exit(5);
    int64_t revision = (*item)->revision;
    auto tell = [&mutex, out, key](char what, int64_t r, int64_t n) {
      std::lock_guard lock(mutex);
      std::string line = str(std::string_view(&what, 1), " ", key, " ", r, " ", n, "\n");
      if (write(out, line.data(), line.size()) < 0) _exit(6);
    };
    tell('h', revision, i);
    if (i % 3 == 0)
      store.when_durable(revision, [tell, revision, i](Status s) {
        if (s.ok()) tell('d', revision, i);
      });
    if (i % 50 == 0 && !store.wait_durable(revision).ok()) _exit(7);
  }
}

struct Told {
  std::map<std::string, int64_t> durable;  // key → revision
  int64_t newest = 0;
};

void read_all(int in, Told& told) {
  std::string text;
  char buffer[65536];
  ssize_t n;
  while ((n = read(in, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<size_t>(n));
  size_t whole = text.rfind('\n');
  if (whole == std::string::npos) return;
  for (std::string_view line : split(std::string_view(text).substr(0, whole), '\n')) {
    auto parts = split(line, ' ');
    ASSERT_EQ(parts.size(), 4u);
    int64_t revision = *parse_int(parts[2]);
    told.newest = std::max(told.newest, revision);
    if (parts[0] == "d")
      told.durable[std::string(parts[1])] = std::max(told.durable[std::string(parts[1])], revision);
  }
}

TEST(Store, LosesNoAcknowledgedWriteAndRepeatsNoRevisionWhenKilled) {
  int kills = 50;
  if (const char* more = getenv("PROA_STORE_KILLS")) kills = atoi(more);
  unsigned seed = 12345;
  if (const char* given = getenv("PROA_SEED")) seed = static_cast<unsigned>(atoi(given));
  Folder folder;
  Told told;
  for (int i = 0; i < kills; ++i) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    unsigned child_seed = seed + static_cast<unsigned>(i);
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      write_until_killed(folder.file(), ends[1], child_seed);
    }
    close(ends[1]);
    std::thread killer([&] {
      pollfd first{ends[0], POLLIN, 0};  // on a busy machine the child may come late to its work
      if (i % 2 == 1) poll(&first, 1, 10'000);
      usleep(2000 + static_cast<useconds_t>(rand_r(&seed) % 30000));
      kill(child, SIGKILL);
    });
    read_all(ends[0], told);
    killer.join();
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "child ended by itself: " << WEXITSTATUS(status);
    auto store = open_at(folder.file(), {.reserve_block = 200});
    ASSERT_TRUE(store) << "kill " << i << " seed " << seed;
    ASSERT_GE(store->revision(), told.newest);
    for (const auto& [key, revision] : told.durable) {
      Item item = store->get("t", key);
      ASSERT_TRUE(item) << key;
      ASSERT_GE(item->revision, revision) << key << " kill " << i;
    }
  }
  EXPECT_FALSE(told.durable.empty());
}

}  // namespace
}  // namespace proa::apiserver
