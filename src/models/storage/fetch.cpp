#include "models/storage/fetch.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "foundation/base/clock.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/archive.h"
#include "models/storage/cache.h"

namespace proa::storage {
namespace {

constexpr int kMostWaitSeconds = 3600;
constexpr int64_t kSmallLocal = 16 << 20;  // copied straight, not through the cache

using SteadyClock = std::chrono::steady_clock;

std::string took(SteadyClock::time_point since) {
  const auto ns = std::chrono::duration_cast<Duration>(SteadyClock::now() - since);
  return format_duration(ns - ns % std::chrono::microseconds(10));
}

std::string count(size_t files) { return str(files, files == 1 ? " file, " : " files, "); }

// `may_point`: big files may become symbolic links into the cache, if the destination is on another
// mount. Only for entries that a pin keeps from being taken away.
Status hand_out(const Entry& entry, const std::string& destination, bool may_point) {
  TRY_STATUS(make_dirs(destination));
  TRY(auto from, Folder::open(entry.folder));
  TRY(auto to, Folder::open(destination));
  for (const auto& path : entry.files)
    TRY_STATUS(to.take(from, path, path, true, may_point ? str(entry.folder, "/", path) : ""));
  return {};
}

// One downloaded file that is an archive is replaced by what is in it.
Status unpack_single(const std::string& work, const Resolved& source, const FetchOptions& options) {
  if (source.files.size() != 1 || !is_archive(source.files[0].path)) return {};
  const std::string archive = str(work, "/files/", source.files[0].path);
  const std::string out = work + "/unpacked";
  options.log(str("unpacking ", source.files[0].path));
  TRY_STATUS(remove_tree(out));
  TRY_STATUS(make_dirs(out));
  TRY(auto folder, Folder::open(out));
  auto done = unpack(archive, folder, {options.download.most_bytes});
  if (!done.ok()) {
    (void)remove_tree(work).ok();
    return std::move(done).error().with_context(source.files[0].path);
  }
  TRY_STATUS(remove_tree(work + "/files"));
  if (rename(out.c_str(), (work + "/files").c_str()) != 0) return errno_error(str("rename ", out));
  return {};
}

bool small_local(const Resolved& source) {
  int64_t total = 0;
  for (const auto& f : source.files) {
    if (f.local.empty()) return false;
    total += f.size;
  }
  return total <= kSmallLocal && !(source.files.size() == 1 && is_archive(source.files[0].path));
}

Status copy_local(const Resolved& source, const std::string& destination) {
  TRY_STATUS(make_dirs(destination));
  TRY(auto to, Folder::open(destination));
  for (const auto& f : source.files) {
    const auto slash = f.local.rfind('/');
    TRY(auto from, Folder::open(slash == f.local.npos ? "."
                                : slash == 0          ? "/"
                                                      : f.local.substr(0, slash)));
    TRY_STATUS(to.take(from, f.local.substr(slash + 1), f.path, false));
  }
  return {};
}

std::string version_of(const Resolved& source) {
  if (!source.version.empty()) return source.version;
  return str("unversioned ", real_clock().wall().time_since_epoch().count(), " ", getpid());
}

std::string cache_key(const std::string& uri, const Filter& filter) {
  if (filter.allow.empty() && filter.ignore.empty()) return uri;
  return str(uri, " +", join(filter.allow, ","), " -", join(filter.ignore, ","));
}

class Fetch {
 public:
  Fetch(const std::string& text, const std::string& destination, const FetchOptions& options)
      : text_(text), destination_(destination), options_(options) {}

  Status run() {
    TRY(auto uri, parse_uri(text_));
    if (uri.scheme == Scheme::kClaim) {
      options_.log(str(text_, " is mounted, nothing to fetch"));
      return {};
    }
    if (options_.cache.empty()) return without_cache(uri);
    TRY(auto cache, Cache::open(options_.cache, cache_key(text_, options_.source.filter)));
    TRY(const bool known, from_cache(cache));
    if (known) return {};
    TRY(auto source, resolve(uri, options_.source));
    if (small_local(source)) return straight(source);
    return through(cache, source);
  }

 private:
  // What needs no request: the pin's version, or any if that is preferred.
  Result<bool> from_cache(Cache& cache) {
    if (options_.pin.empty() && !options_.prefer_cache) return false;
    TRY_STATUS(cache.lock_to_use());
    std::optional<Entry> entry;
    if (!options_.pin.empty()) entry = cache.pinned(options_.pin);
    if (!entry && options_.prefer_cache) {
      entry = cache.newest();
      if (entry && !options_.pin.empty()) TRY_STATUS(cache.pin(options_.pin, *entry));
    }
    if (!entry) return false;
    TRY_STATUS(hand_out(*entry, destination_, !options_.pin.empty()));
    say(entry->files, entry->bytes, "from the cache");
    return true;
  }

  Status straight(const Resolved& source) {
    TRY_STATUS(copy_local(source, destination_));
    int64_t bytes = 0;
    std::vector<std::string> names;
    for (const auto& f : source.files) {
      bytes += f.size;
      names.push_back(f.path);
    }
    say(names, bytes, "copied");
    return {};
  }

  Status through(Cache& cache, const Resolved& source) {
    TRY_STATUS(cache.lock_to_make(kMostWaitSeconds));
    const auto version = version_of(source);
    auto entry = cache.find(version);
    const bool hit = entry.has_value();
    if (!hit) {
      TRY(entry, make(cache, source, version));
    }
    if (!options_.pin.empty()) TRY_STATUS(cache.pin(options_.pin, *entry));
    TRY_STATUS(hand_out(*entry, destination_, !options_.pin.empty()));
    if (!hit) cache.evict(*entry);
    say(entry->files, entry->bytes, hit ? "from the cache, unchanged on the server" : "fetched");
    return {};
  }

  Result<Entry> make(Cache& cache, const Resolved& source, const std::string& version) {
    const auto work = cache.work_folder(version);
    options_.log(str("fetching ", text_, ": ", count(source.files.size()), known_size(source)));
    auto how = options_.download;
    how.report = options_.log;
    TRY(auto got, download(source, work, options_.source, how));
    if (got.resumed > 0) options_.log(str("resumed: ", human_bytes(got.resumed), " were there"));
    TRY_STATUS(unpack_single(work, source, options_));
    return cache.commit(version);
  }

  // A cache of its own inside the destination, gone afterwards.
  Status without_cache(const Uri& uri) {
    TRY(auto source, resolve(uri, options_.source));
    if (small_local(source)) return straight(source);
    TRY_STATUS(make_dirs(destination_));
    const std::string own = destination_ + "/.fetch";
    auto done = [&]() -> Status {
      TRY(auto cache, Cache::open(own, text_));
      return through(cache, source);
    }();
    if (done.ok()) TRY_STATUS(remove_tree(own));
    return done;
  }

  static std::string known_size(const Resolved& source) {
    int64_t total = 0;
    for (const auto& f : source.files) {
      if (f.size < 0) return "size unknown";
      total += f.size;
    }
    return human_bytes(total);
  }

  void say(const std::vector<std::string>& files, int64_t bytes, std::string_view how) const {
    constexpr size_t kMostNames = 3;
    std::string names;
    for (size_t i = 0; i < files.size() && i < kMostNames; ++i)
      names += str(i ? ", " : " (", files[i]);
    if (!names.empty()) names += files.size() > kMostNames ? ", …)" : ")";
    options_.log(str("model ready in ", destination_, ": ", count(files.size()), human_bytes(bytes),
                     names, ", ", how, " in ", took(started_)));
  }

  const std::string text_, destination_;
  const FetchOptions& options_;
  const SteadyClock::time_point started_ = SteadyClock::now();
};

}  // namespace

Status fetch(const std::string& uri, const std::string& destination, const FetchOptions& options) {
  return Fetch(uri, destination, options).run();
}

Result<FetchOptions> options_from(const Environment& env) {
  const auto get = [&](const char* name) {
    const auto it = env.find(name);
    return it == env.end() ? std::string() : it->second;
  };
  FetchOptions o;
  o.source.env = env;
  o.cache = get("PROA_MODEL_CACHE");
  o.pin = get("PROA_MODEL_PIN");
  TRY(o.source.mirrors, parse_mirrors(get("PROA_MIRRORS")));
  o.source.filter.allow = parse_patterns(get("STORAGE_ALLOW_PATTERNS"));
  o.source.filter.ignore = parse_patterns(get("STORAGE_IGNORE_PATTERNS"));
  return o;
}

}  // namespace proa::storage
