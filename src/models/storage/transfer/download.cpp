#include "models/storage/transfer/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <set>
#include <thread>

#include "foundation/base/strings.h"
#include "models/storage/transfer/beneath.h"
#include "models/storage/transfer/digest.h"
#include "models/storage/transfer/pace.h"
#include "models/storage/transfer/part_writer.h"

namespace proa::storage {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kMostTriesOfAChunk = 60;

struct File {
  const RemoteFile* remote = nullptr;
  std::string part, journal;  // absolute paths
  bool resumed = false;       // the journal is about these bytes
  Fd fd, journal_fd;
  std::mutex writing;  // the kernel lets one write at a time, and those who wait spin there
  std::mutex mutex;    // the journal and all below
  Checks checks;       // what the listing said, and later what answers say
  int left = 0;        // chunks not yet there
  std::vector<bool> have;
  size_t hashed = 0;  // chunks that the hasher has
  bool hashing = false;
  bool keeps_up = false;  // the hasher had nothing to do once: it can go on doing so
  Pace pace;
  std::condition_variable idle;  // hashing became false
  std::unique_ptr<Hasher> hasher;
};

struct Chunk {
  File* file;
  int64_t offset, length;  // length -1: to the end
  int index;
};

class Download {
 public:
  Download(const Resolved& source, const std::string& work, const SourceOptions& options,
           const DownloadOptions& how)
      : source_(source), work_(work), options_(options), how_(how) {}

  Result<Downloaded> run() {
    TRY_STATUS(make_dirs(work_ + "/parts"));
    TRY_STATUS(make_dirs(work_ + "/files"));
    TRY(files_, Folder::open(work_ + "/files"));
    TRY_STATUS(check_room());
    for (const auto& f : source_.files) TRY_STATUS(plan(f));
    started_ = SteadyClock::now();
    const int workers = std::min<int>(how_.workers, static_cast<int>(chunks_.size()));
    std::vector<std::thread> threads;
    running_ = workers;
    for (int i = 0; i < workers; ++i) threads.emplace_back([this] { work(); });
    report_until_done();
    for (auto& t : threads) t.join();
    if (failed_) return first_error_;
    return Downloaded{got_.load(), resumed_, std::move(sha256_)};
  }

 private:
  Status check_room() {
    for (const auto& f : source_.files) total_ += std::max<int64_t>(f.size, 0);
    if (total_ > how_.most_bytes)
      return error(Code::kTooLarge, str("the model has ", human_bytes(total_), ", more than the ",
                                        human_bytes(how_.most_bytes), " allowed"));
    struct statvfs v {};
    if (statvfs(work_.c_str(), &v) != 0) return {};
    const auto free = static_cast<int64_t>(v.f_bavail) * static_cast<int64_t>(v.f_frsize);
    if (total_ > free)
      return error(Code::kTooLarge, str("the disk is too full: the model has ", human_bytes(total_),
                                        ", but only ", human_bytes(free), " are free in ", disk()));
    return {};
  }

  // The folder that people know: the cache, or the destination's own.
  std::string disk() const {
    auto path = work_.substr(0, work_.rfind('/'));
    return path.substr(0, path.rfind('/'));
  }

  // Opens what is there of the file and queues the chunks that are missing.
  Status plan(const RemoteFile& f) {
    if (auto whole = files_.open_file(f.path, O_RDONLY); whole.ok()) {
      resumed_ += std::max<int64_t>(f.size, 0);
      return {};
    }
    auto& file = open_files_.emplace_back();
    file.remote = &f;
    file.checks = f.checks;
    file.part = str(work_, "/parts/", hash_name(f.path));
    file.journal = file.part + ".done";
    const bool whole = !f.ranges || f.size <= how_.chunk || !f.local.empty();
    const int64_t count = whole ? 1 : (f.size + how_.chunk - 1) / how_.chunk;
    const auto done = whole ? std::set<int>{} : read_journal(file);
    file.have.assign(static_cast<size_t>(count), false);
    file.keeps_up = done.empty();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t offset = i * how_.chunk;
      const int64_t length = whole ? f.size : std::min(how_.chunk, f.size - offset);
      if (!whole && done.contains(static_cast<int>(i))) {
        resumed_ += length;
        file.have[static_cast<size_t>(i)] = true;
        continue;
      }
      chunks_.push_back({&file, whole ? 0 : offset, length, static_cast<int>(i)});
      ++file.left;
    }
    if (file.left > 0) return {};
    TRY_STATUS(open_part(file));
    return finish(file);
  }

  std::string journal_head(const RemoteFile& f) const {
    return str(hash_name(f.version), " ", f.size, " ", how_.chunk, " ", boot_, "\n");
  }

  // The chunks that the journal of an earlier start lists, if it is about the same bytes.
  std::set<int> read_journal(File& file) const {
    const auto head = journal_head(*file.remote);
    std::set<int> done;
    const auto journal = read_file(file.journal, 16 << 20);
    file.resumed = journal.ok() && journal->starts_with(head) && !file.remote->version.empty();
    if (file.resumed)
      for (auto line : split(std::string_view(*journal).substr(head.size()), '\n'))
        if (auto i = parse_int(line)) done.insert(static_cast<int>(*i));
    return done;
  }

  // At its first chunk, not before: a model may have more files than a process may open.
  Status open_part(File& file) {
    std::lock_guard lock(file.mutex);
    if (file.fd) return {};
    const int fresh = file.resumed ? 0 : O_TRUNC;
    file.fd = Fd(open(file.part.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | fresh, 0644));
    if (!file.fd) return errno_error(str("create ", file.part));
    if (file.have.size() == 1) return {};  // begins anew each time
    file.journal_fd =
        Fd(open(file.journal.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | fresh, 0644));
    if (!file.journal_fd) return errno_error(str("create ", file.journal));
    if (!file.resumed && !write_all(file.journal_fd.get(), journal_head(*file.remote)))
      return errno_error(str("write ", file.journal));
    return {};
  }

  static bool write_all(int fd, std::string_view text) {
    return write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

  void work() {
    while (const Chunk* c = next_chunk()) {
      auto done = one(*c);
      if (!done.ok()) fail(std::move(done).error());
    }
    std::lock_guard lock(mutex_);
    if (--running_ == 0) done_.notify_all();
  }

  // In their order, so that the hasher need not wait for one in the middle; nullptr at the end.
  const Chunk* next_chunk() {
    std::unique_lock lock(mutex_);
    while (next_ < chunks_.size() && !failed_) {
      const Chunk& c = chunks_[next_];
      if (may_start(*c.file)) return &chunks_[next_++];
      turn_.wait_for(lock, Pace::kStep);
    }
    return nullptr;
  }

  static bool may_start(File& file) {
    std::lock_guard lock(file.mutex);
    return file.pace.may_start(waiting(file), SteadyClock::now());
  }

  void turn_came() {
    std::lock_guard lock(mutex_);
    turn_.notify_one();
  }

  void fail(Error e) {
    std::lock_guard lock(mutex_);
    if (!failed_) first_error_ = std::move(e);
    failed_ = true;
  }

  Status one(const Chunk& c) {
    File& file = *c.file;
    {
      std::lock_guard lock(mutex_);
      current_ = file.remote->path;
    }
    TRY_STATUS(open_part(file));
    if (file.remote->local.empty())
      TRY_STATUS(fetch(c));
    else
      TRY_STATUS(copy(file));
    bool last;
    {
      std::lock_guard lock(file.mutex);
      if (file.journal_fd) write_all(file.journal_fd.get(), str(c.index, "\n"));
      file.have[static_cast<size_t>(c.index)] = true;
      last = --file.left == 0;
      file.pace.ended(waiting(file), SteadyClock::now());
    }
    turn_came();
    if (!last) return hash_what_is_there(file);
    auto done = finish(file);
    if (done.ok() || done.error().code != Code::kDataLoss || !file.remote->local.empty())
      return done;
    return again(file);  // damaged on the way: once more from the start
  }

  // Chunks in a row that the hasher could take now.
  static int waiting(const File& file) {
    if (!file.keeps_up) return 0;
    size_t end = file.hashed;
    while (end < file.have.size() && file.have[end]) ++end;
    return static_cast<int>(end - file.hashed);
  }

  // The chunks from the beginning that are there go through the hasher, by one worker at a time.
  Status hash_what_is_there(File& file) {
    for (;;) {
      int64_t from;
      {
        std::lock_guard lock(file.mutex);
        if (file.hashing) return {};
        if (file.hashed == file.have.size() || !file.have[file.hashed]) {
          file.keeps_up = true;
          return {};
        }
        file.hashing = true;
        from = static_cast<int64_t>(file.hashed) * how_.chunk;
        if (!file.hasher) file.hasher = std::make_unique<Hasher>(file.checks, file.remote->size);
      }
      const int64_t length = file.have.size() == 1 ? -1 : how_.chunk;
      auto done = hash_range(*file.hasher, file.fd.get(), from, length);
      {
        std::lock_guard lock(file.mutex);
        file.hashing = false;
        ++file.hashed;
        file.idle.notify_all();
      }
      TRY_STATUS(std::move(done));
      turn_came();
    }
  }

  // All of the file, when all of it is there: waits for another worker's part of the work.
  Result<std::string> hash_to_end(File& file) {
    for (;;) {
      TRY_STATUS(hash_what_is_there(file));
      std::unique_lock lock(file.mutex);
      if (file.hashed == file.have.size()) return file.hasher->finish();
      file.idle.wait(lock, [&] { return !file.hashing; });
    }
  }

  Status again(File& file) {
    file.fd = Fd(open(file.part.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.fd) return errno_error(str("create ", file.part));
    file.hasher.reset();
    file.hashed = 0;
    file.have.assign(1, false);
    TRY_STATUS(fetch({&file, 0, file.remote->size, 0}));
    file.have[0] = true;
    return finish(file);
  }

  Status copy(File& file) {
    const auto& r = *file.remote;
    Fd from(open(r.local.c_str(), O_RDONLY | O_CLOEXEC));
    if (!from) return errno_error(str("open ", r.local));
    TRY_STATUS(copy_content(from.get(), file.fd.get(), r.local));
    got_ += r.size;
    return {};
  }

  // By the connection that was used last: its windows are wide by now.
  Status fetch(const Chunk& c) {
    auto http = take_connection();
    auto done = fetch(*http, c);
    std::lock_guard lock(mutex_);
    connections_.push_back(std::move(http));
    return done;
  }

  std::unique_ptr<Http> take_connection() {
    std::lock_guard lock(mutex_);
    if (connections_.empty()) return std::make_unique<Http>(source_.http);
    auto http = std::move(connections_.back());
    connections_.pop_back();
    return http;
  }

  // One chunk, resumed inside it where the server takes ranges.
  Status fetch(Http& http, const Chunk& c) {
    int64_t got = 0;
    bool renew = false;
    for (int tries = 0, idle = 0;; ++tries) {
      const int64_t before = got;
      bool again = false;
      auto done = transfer(http, c, got, renew, again);
      if (done.ok() || !again || tries >= kMostTriesOfAChunk) return done;
      idle = got > before ? 0 : idle + 1;
      if (idle >= (source_.attempts ? source_.attempts : options_.attempts) || failed_) return done;
      if (!c.file->remote->ranges) {
        got_ -= got;
        got = 0;
      }
      pause_before_retry(idle, options_);
    }
  }

  // One request. `again` is set where another may help.
  Status transfer(Http& http, const Chunk& c, int64_t& got, bool& renew, bool& again) {
    const auto& r = *c.file->remote;
    HttpRequest request;
    request.url = r.url;
    const int64_t from = c.offset + got;
    if (r.ranges && r.size > 0 && c.length > 0 && (from > 0 || c.length < r.size)) {
      if (r.offset_query)
        request.url += str("&offset=", from, "&length=", c.offset + c.length - from);
      else
        request.range = str(from, "-", c.offset + c.length - 1);
    }
    if (source_.sign) TRY_STATUS(source_.sign(http, request, renew));
    bool changed = false;
    int64_t seen = 0;
    PartWriter writer(c.file->fd.get(), c.file->writing, from);
    const HttpSink sink = [&](std::string_view bytes, const HttpResponse& head) {
      if (seen == 0) {
        std::lock_guard lock(c.file->mutex);
        learn(c.file->checks, head);
      }
      const auto& etag = head.header("etag");
      changed = !r.etag.empty() && !etag.empty() && etag != r.etag;
      if (changed || failed_) return false;
      const int64_t skip = head.status == 206 || request.range.empty() ? 0 : from;
      const int64_t drop = std::clamp<int64_t>(skip - seen, 0, static_cast<int64_t>(bytes.size()));
      seen += static_cast<int64_t>(bytes.size());
      bytes.remove_prefix(static_cast<size_t>(drop));
      if (c.length >= 0 && head.status == 200 && !request.range.empty())
        bytes = bytes.substr(0, static_cast<size_t>(c.length - got));
      if (c.length >= 0 && got + static_cast<int64_t>(bytes.size()) > c.length) {
        got_ -= got;
        got = c.length + 1;  // more than there should be
        return false;
      }
      if (!writer.add(bytes)) return false;
      got += static_cast<int64_t>(bytes.size());
      got_ += static_cast<int64_t>(bytes.size());
      if (got_ > how_.most_bytes + resumed_) writer.failed = EFBIG;
      return writer.failed == 0 && !(c.length >= 0 && got == c.length && skip > 0);
    };
    auto answer = http.send(request, sink);
    if (!writer.flush()) return not_written(*c.file, writer.failed);
    if (changed)
      return error(Code::kDataLoss, str(r.path, " was changed on the server while it was read"));
    if (!answer.ok()) {
      again = answer.error().code == Code::kUnavailable;
      return std::move(answer).error();
    }
    return judge(*answer, c, got, renew, again);
  }

  Error not_written(const File& file, int why) const {
    if (why == EFBIG)
      return error(Code::kTooLarge,
                   str("the model has more than the ", human_bytes(how_.most_bytes), " allowed"));
    if (why != ENOSPC && why != EDQUOT) return errno_error(str("write ", file.part), why);
    return error(Code::kTooLarge, str("the disk is full: no space left in ", disk(), " for ",
                                      file.remote->path, ", ", human_bytes(got_), " have come"));
  }

  Status judge(const HttpResponse& answer, const Chunk& c, int64_t got, bool& renew, bool& again) {
    const auto& r = *c.file->remote;
    if (answer.status == 401 && !renew) {
      renew = again = true;
      return error(Code::kUnauthenticated, str("401 reading ", shown_url(r.url)));
    }
    if (answer.status == 404 || answer.status == 412)
      return error(Code::kNotFound,
                   str(r.path, " is no longer on the server (", answer.status, ")"));
    if (answer.status == 401 || answer.status == 403)
      return error(Code::kForbidden, str(answer.status, " reading ", shown_url(r.url)));
    if (answer.status != 200 && answer.status != 206) {
      again = worth_retry(answer.status);
      return error(Code::kUnavailable,
                   str("server ", origin_of(r.url), " answered ", answer.status, " for ", r.path));
    }
    if (c.length < 0 || got == c.length) return {};
    again = got < c.length;
    return error(Code::kDataLoss, str(r.path, ": ", got > c.length ? "more" : "fewer",
                                      " bytes came than the server said (", r.size, ")"));
  }

  // Size and checksums, then under its name.
  Status finish(File& file) {
    const auto& r = *file.remote;
    struct stat st {};
    if (fstat(file.fd.get(), &st) != 0) return errno_error(file.part);
    if (r.size >= 0 && st.st_size != r.size)
      return damaged(file, str("has ", st.st_size, " bytes instead of ", r.size));
    TRY(const auto wrong, hash_to_end(file));
    if (!wrong.empty()) return damaged(file, wrong);
    fchmod(file.fd.get(), 0444);
    TRY_STATUS(files_.make_parents(r.path));
    if (rename(file.part.c_str(), str(files_.path(), "/", r.path).c_str()) != 0)
      return errno_error(str("rename ", file.part));
    if (file.journal_fd) unlink(file.journal.c_str());
    file.fd.reset();
    file.journal_fd.reset();
    std::lock_guard lock(mutex_);
    sha256_[r.path] = file.hasher->sha256();
    return {};
  }

  Error damaged(File& file, std::string what) {
    unlink(file.part.c_str());
    unlink(file.journal.c_str());
    return error(Code::kDataLoss, str(file.remote->path, " was damaged on the way: it ", what));
  }

  void report_until_done() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) {
      if (done_.wait_for(lock, std::chrono::milliseconds(how_.report_ms)) ==
              std::cv_status::timeout &&
          running_ > 0 && how_.report) {
        const Progress now = progress();
        lock.unlock();
        how_.report(now);
        lock.lock();
      }
    }
  }

  Progress progress() const {
    const double s = std::chrono::duration<double>(SteadyClock::now() - started_).count();
    const int64_t got = got_.load();
    Progress p{current_, got + resumed_, total_, s > 0 ? static_cast<double>(got) / s : 0, -1};
    if (p.total > p.bytes && p.rate > 0)
      p.left_s = static_cast<int64_t>(static_cast<double>(p.total - p.bytes) / p.rate) + 1;
    return p;
  }

  const Resolved& source_;
  const std::string work_;
  const SourceOptions& options_;
  const DownloadOptions& how_;
  const std::string boot_ = boot_id();  // chunks that an earlier one wrote may not be on the disk
  Folder files_;
  std::deque<File> open_files_;
  std::vector<Chunk> chunks_;
  size_t next_ = 0;  // under mutex_
  std::atomic<int64_t> got_{0};
  std::atomic<bool> failed_{false};
  int64_t total_ = 0, resumed_ = 0;
  SteadyClock::time_point started_;
  std::mutex mutex_;
  std::condition_variable done_, turn_;
  int running_ = 0;
  std::vector<std::unique_ptr<Http>> connections_;  // those that no worker uses
  std::string current_;
  std::map<std::string, std::string> sha256_;
  Error first_error_;
};

}  // namespace

Result<Downloaded> download(const Resolved& source, const std::string& work,
                            const SourceOptions& options, const DownloadOptions& how) {
  return Download(source, work, options, how).run();
}

}  // namespace proa::storage
