#include "models/storage/fetch.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "foundation/base/clock.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/archive/archive.h"
#include "models/storage/cache/cache.h"
#include "models/storage/resolve.h"
#include "models/storage/storage_config.h"
#include "models/storage/transfer/digest.h"

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

// `fill` puts files into a new folder, which then replaces those of the work folder.
template <typename Fill>
Status replace_files(const std::string& work, Fill fill) {
  const std::string out = work + "/unpacked";
  TRY_STATUS(remove_tree(out));
  TRY_STATUS(make_dirs(out));
  TRY(auto folder, Folder::open(out));
  auto done = fill(folder);
  if (!done.ok()) {
    (void)remove_tree(work).ok();
    return done;
  }
  TRY_STATUS(remove_tree(work + "/files"));
  if (rename(out.c_str(), (work + "/files").c_str()) != 0) return errno_error(str("rename ", out));
  return {};
}

bool single_archive(const Resolved& source) {
  return source.unpack == Unpack::kSingle && source.files.size() == 1 &&
         is_archive(source.files[0].path);
}

// One downloaded file that is an archive is replaced by what is in it; so are an image's layers.
// True if that was so.
Result<bool> unpack_all(const std::string& work, const Resolved& source,
                        const FetchOptions& options) {
  const ArchiveLimits limits{options.download.most_bytes};
  if (source.unpack == Unpack::kLayers) {
    options.log(str("unpacking ", source.files.size(), " layers"));
    TRY_STATUS(replace_files(work, [&](const Folder& into) -> Status {
      for (const auto& f : source.files)
        TRY_STATUS(unpack_layer(str(work, "/files/", f.path), into, limits).context(f.path));
      return {};
    }));
    return true;
  }
  if (!single_archive(source)) return false;
  const auto& name = source.files[0].path;
  options.log(str("unpacking ", name));
  TRY_STATUS(replace_files(work, [&](const Folder& into) {
    return unpack(str(work, "/files/", name), into, limits).context(name);
  }));
  return true;
}

bool small_local(const Resolved& source) {
  int64_t total = 0;
  if (source.bring) return false;
  for (const auto& f : source.files) {
    if (f.local.empty()) return false;
    total += f.size;
  }
  return total <= kSmallLocal && !single_archive(source);
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

class Fetch {
 public:
  Fetch(const std::string& text, const std::string& destination, const FetchOptions& options)
      : text_(text), destination_(destination), options_(options) {}

  Result<Fetched> run() {
    TRY(auto uri, parse_uri(text_));
    shown_ = uri.shown;
    if (uri.scheme == Scheme::kClaim || uri.scheme == Scheme::kMounted) {
      options_.log(str(shown_, " is mounted, nothing to fetch"));
      return Fetched{};
    }
    TRY_STATUS(bring(uri));
    return result_;
  }

 private:
  Status bring(const Uri& uri) {
    if (options_.cache.empty()) return without_cache(uri);
    TRY(auto cache, Cache::open(options_.cache, cache_key(uri, options_.source)));
    TRY(const bool known, from_cache(cache));
    if (known) return {};
    TRY(auto source, resolve(uri, options_.source));
    if (small_local(source)) return straight(source);
    if (!fits(cache, source)) return aside(source);
    return through(cache, source);
  }

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
    cache.used(*entry);
    say(entry->files, entry->bytes, entry->digest, "from the cache");
    return true;
  }

  Status straight(const Resolved& source) {
    TRY_STATUS(copy_local(source, destination_));
    int64_t bytes = 0;
    std::vector<std::string> names;
    FileDigests digests;
    for (const auto& f : source.files) {
      bytes += f.size;
      names.push_back(f.path);
      TRY(digests[f.path], sha256_of_file(str(destination_, "/", f.path)));
    }
    say(names, bytes, digest_of(digests), "copied");
    return {};
  }

  // The bound on the cache, as far as the size is known before. A full disk is a bound too.
  bool fits(Cache& cache, const Resolved& source) const {
    if (cache.find(version_of(source))) return true;
    int64_t more = 0;
    for (const auto& f : source.files) more += std::max<int64_t>(f.size, 0);
    const bool fits =
        options_.cache_bytes <= 0 || make_room(options_.cache, options_.cache_bytes, more);
    struct statvfs disk {};
    if (statvfs(options_.cache.c_str(), &disk) == 0) {
      const auto free = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
      if (more > free) (void)free_disk(options_.cache, more - free);
    }
    return fits;
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
    cache.used(*entry);
    if (!hit) cache.evict(*entry);
    say(entry->files, entry->bytes, entry->digest,
        hit ? "from the cache, unchanged on the server" : "fetched");
    return {};
  }

  Result<Entry> make(Cache& cache, const Resolved& source, const std::string& version) {
    const auto work = cache.work_folder(version);
    if (source.bring) {
      options_.log(str("fetching ", shown_, ", commit ", source.version.substr(0, 12)));
      TRY_STATUS(remove_tree(work));
      TRY_STATUS(make_dirs(work));
      TRY_STATUS(source.bring(work + "/files", {options_.download.most_bytes}));
      TRY_STATUS(filter_tree(work + "/files", ""));
      return cache.commit(version);
    }
    options_.log(str("fetching ", shown_, ": ", count(source.files.size()), known_size(source)));
    auto how = options_.download;
    how.report = [this](const Progress& p) { report(p); };
    auto done = download(source, work, options_.source, how);
    if (!done.ok()) {
      // What cannot be gone on with must not keep the disk full.
      const bool resumable = !source.version.empty() && done.error().code != Code::kTooLarge;
      if (!resumable) (void)remove_tree(work).ok();
      return std::move(done).error();
    }
    const Downloaded got = std::move(*done);
    if (got.resumed > 0) options_.log(str("resumed: ", human_bytes(got.resumed), " were there"));
    TRY(const bool unpacked, unpack_all(work, source, options_));
    if (unpacked && source.unpack == Unpack::kLayers) {
      TRY_STATUS(filter_tree(work + "/files", ""));
      if (list_dir(work + "/files").value_or({}).empty())
        return error(Code::kNotFound, str("Failed to fetch model. No model found in ", shown_,
                                          ": its image has nothing below /models."));
    }
    return cache.commit(version, unpacked ? FileDigests{} : got.sha256);
  }

  // Takes away what the patterns do not want, for sources whose files are not known before.
  Status filter_tree(const std::string& root, const std::string& below) {
    const auto& f = options_.source.filter;
    if (f.allow.empty() && f.ignore.empty()) return {};
    TRY(const auto names, list_dir(below.empty() ? root : str(root, "/", below)));
    for (const auto& name : names) {
      const auto path = below.empty() ? name : str(below, "/", name);
      const auto full = str(root, "/", path);
      struct stat st {};
      if (lstat(full.c_str(), &st) != 0) return errno_error(full);
      if (S_ISDIR(st.st_mode))
        TRY_STATUS(filter_tree(root, path));
      else if (!f.takes(path) && unlink(full.c_str()) != 0)
        return errno_error(full);
    }
    return {};
  }

  void report(const Progress& p) const {
    options_.log(progress_line(p));
    if (options_.progress_file.empty()) return;
    const json::Value v = json::object({{"uri", shown_},
                                        {"file", p.file},
                                        {"bytes", p.bytes},
                                        {"total", p.total},
                                        {"rate", static_cast<int64_t>(p.rate)},
                                        {"secondsLeft", p.left_s}});
    (void)write_file(options_.progress_file, json::dump(v) + "\n").ok();
  }

  Status without_cache(const Uri& uri) {
    TRY(auto source, resolve(uri, options_.source));
    if (small_local(source)) return straight(source);
    return in_destination(source);
  }

  Status aside(const Resolved& source) {
    options_.log(str("the model cache is full with what is in use (bound ",
                     human_bytes(options_.cache_bytes), "): ", shown_, " is not kept in it"));
    return in_destination(source);
  }

  // A cache of its own inside the destination, gone afterwards.
  Status in_destination(const Resolved& source) {
    TRY_STATUS(make_dirs(destination_));
    const std::string own = destination_ + "/.fetch";
    auto done = [&]() -> Status {
      TRY(auto cache, Cache::open(own, shown_));
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

  void say(const std::vector<std::string>& files, int64_t bytes, const std::string& digest,
           std::string_view how) {
    result_ = {files.size(), bytes, digest};
    constexpr size_t kMostNames = 3;
    std::string names;
    for (size_t i = 0; i < files.size() && i < kMostNames; ++i)
      names += str(i ? ", " : " (", files[i]);
    if (!names.empty()) names += files.size() > kMostNames ? ", …)" : ")";
    options_.log(str("model ready in ", destination_, ": ", count(files.size()), human_bytes(bytes),
                     names, ", ", how, " in ", took(started_), ", ", digest));
  }

  const std::string text_, destination_;
  const FetchOptions& options_;
  const SteadyClock::time_point started_ = SteadyClock::now();
  std::string shown_;
  Fetched result_;
};

}  // namespace

namespace {

bool proxied(const Environment& env) {
  return !first_in(env, {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
              .empty();
}

}  // namespace

Result<int64_t> parse_size(const std::string& name, std::string_view text) {
  if (text.empty()) return int64_t{0};
  const auto end = text.find_first_not_of("0123456789");
  const auto number = parse_int(text.substr(0, end));
  const auto unit = end == text.npos ? std::string_view() : text.substr(end);
  static constexpr std::pair<std::string_view, int64_t> kUnits[] = {
      {"", 1},           {"k", 1000},       {"M", 1000'000},   {"G", 1000'000'000},
      {"Ki", 1LL << 10}, {"Mi", 1LL << 20}, {"Gi", 1LL << 30}, {"T", 1000'000'000'000},
      {"Ti", 1LL << 40}};
  for (const auto& [known, factor] : kUnits)
    if (unit == known && number && *number >= 0 && *number < (int64_t{1} << 62) / factor)
      return *number * factor;
  return error(Code::kInvalid, str(name, " \"", shorten(text, 40), "\" is no size, as in 100Gi"));
}

Result<Fetched> fetch(const std::string& uri, const std::string& destination,
                      const FetchOptions& options) {
  return Fetch(uri, destination, options).run();
}

Result<FetchOptions> options_from(const Environment& given) {
  unsigned char random[16];  // a name that nobody can be there before
  if (getrandom(random, sizeof random, 0) != sizeof random) return errno_error("random bytes");
  const std::string tmp =
      str("/tmp/.proa-fetch-", hex({reinterpret_cast<char*>(random), sizeof random}));
  TRY(const auto env, with_storage_config(given, tmp));
  FetchOptions o;
  o.source.env = env;
  o.secret_files = tmp;
  o.cache = value_in(env, "PROA_MODEL_CACHE");
  o.pin = value_in(env, "PROA_MODEL_PIN");
  o.progress_file = value_in(env, "PROA_FETCH_PROGRESS");
  TRY(o.cache_bytes, parse_size("PROA_MODEL_CACHE_BYTES", value_in(env, "PROA_MODEL_CACHE_BYTES")));
  TRY(const auto most, parse_size("PROA_MODEL_MOST_BYTES", value_in(env, "PROA_MODEL_MOST_BYTES")));
  if (most > 0) o.download.most_bytes = most;
  TRY(o.source.mirrors, parse_mirrors(value_in(env, "PROA_MIRRORS")));
  o.source.filter.allow = parse_patterns(value_in(env, "STORAGE_ALLOW_PATTERNS"));
  o.source.filter.ignore = parse_patterns(value_in(env, "STORAGE_IGNORE_PATTERNS"));
  TRY(o.source.http.addresses, AddressRules::parse(value_in(env, "PROA_FETCH_ALLOW")));
  if (!value_in(env, kEndpointOfSpec).empty()) o.source.http.addresses.distrust_configured();
  o.source.http.ca_file = first_in(env, {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"});
  o.source.http.proxied = proxied(env);
  for (const char* name : {"S3_MAX_FILE_CONCURRENCY", "N_THREADS", "PROA_FETCH_WORKERS"})
    if (const auto n = parse_int(value_in(env, name)); n && *n > 0 && *n <= 64)
      o.download.workers = static_cast<int>(*n);
  return o;
}

}  // namespace proa::storage
