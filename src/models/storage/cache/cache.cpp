#include "models/storage/cache/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "foundation/base/strings.h"
#include "models/storage/transfer/crypto.h"
#include "models/storage/transfer/digest.h"
#include "models/storage/transfer/source.h"
#include "models/storage/transfer/uri.h"

namespace proa::storage {
namespace {

constexpr size_t kMostPins = 512;

std::string name_of(const std::string& version) { return "v-" + hash_name(version); }

Status list_files(const std::string& folder, const std::string& below, Entry& out,
                  const FileDigests& known, FileDigests& digests) {
  TRY(auto names, list_dir(below.empty() ? folder : str(folder, "/", below)));
  for (const auto& name : names) {
    const std::string path = below.empty() ? name : str(below, "/", name);
    const std::string full = str(folder, "/", path);
    struct stat st {};
    if (lstat(full.c_str(), &st) != 0) return errno_error(path);
    if (S_ISDIR(st.st_mode)) {
      TRY_STATUS(list_files(folder, path, out, known, digests));
    } else if (S_ISREG(st.st_mode)) {
      chmod(full.c_str(), 0444);
      out.files.push_back(path);
      out.bytes += st.st_size;
      const auto it = known.find(path);
      if (it != known.end()) {
        digests[path] = it->second;
      } else {
        TRY(digests[path], sha256_of_file(full));
      }
    }
  }
  return {};
}

// All that was written of this file system: one call, however many files there are.
void sync_folder(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd && syncfs(fd.get()) != 0) fsync(fd.get());
}

}  // namespace

std::string digest_of(const FileDigests& digests) {
  std::string lines;
  for (const auto& [path, sha] : digests) lines += str(sha, "  ", path, "\n");
  return "sha256:" + sha256_hex(lines);
}

Result<Cache> Cache::open(const std::string& root, const std::string& key) {
  Cache c;
  c.key_ = key;
  c.folder_ = str(root, "/", file_name_for(key));
  TRY_STATUS(make_dirs(c.folder_ + "/pins").context("model cache"));
  c.lock_ = Fd(::open((c.folder_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!c.lock_) return errno_error(str("model cache ", c.folder_));
  return c;
}

Status Cache::lock_to_make(int most_s) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(most_s);
  while (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error(str("lock ", folder_));
    if (std::chrono::steady_clock::now() > until)
      return error(Code::kDeadline,
                   str("another download of ", key_, " has not ended for ", most_s, " s"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {};
}

Status Cache::lock_to_use() {
  if (flock(lock_.get(), LOCK_SH) != 0) return errno_error(str("lock ", folder_));
  return {};
}

std::optional<Entry> Cache::load(const std::string& name) const {
  const auto text = read_file(str(folder_, "/", name, ".json"), 256u << 20);
  if (!text.ok()) return std::nullopt;
  const auto manifest = json::parse(*text, {256u << 20});
  if (!manifest.ok() || (*manifest)["key"].str() != key_) return std::nullopt;
  Entry e{str(folder_, "/", name), (*manifest)["version"].str()};
  e.bytes = (*manifest)["bytes"].integer();
  e.digest = (*manifest)["digest"].str();
  for (const auto& f : (*manifest)["files"].array()) e.files.push_back(f.str());
  if (e.files.empty() || !exists(e.folder)) return std::nullopt;
  if (const auto& boot = (*manifest)["boot"].str(); !boot.empty() && boot != boot_id())
    if (!survived(e, *manifest)) return std::nullopt;
  return e;
}

// Whether an entry of an earlier boot reached the disk. If so, that is asked once.
bool Cache::survived(const Entry& e, json::Value manifest) const {
  FileDigests digests;
  for (const auto& f : e.files) {
    auto sha = sha256_of_file(str(e.folder, "/", f));
    if (!sha.ok()) return false;
    digests[f] = std::move(*sha);
  }
  if (digest_of(digests) != e.digest) return false;
  manifest.erase("boot");
  (void)write_file(e.folder + ".json", json::dump(manifest), 0644, true).ok();
  return true;
}

std::optional<Entry> Cache::find(const std::string& version) const {
  auto e = load(name_of(version));
  if (e && e->version != version) return std::nullopt;
  return e;
}

std::optional<Entry> Cache::pinned(const std::string& pin) const {
  const auto name = read_file(str(folder_, "/pins/", file_name_for(pin)), 4096);
  if (!name.ok() || !name->starts_with("v-") || contains(*name, "/")) return std::nullopt;
  return load(*name);
}

std::optional<Entry> Cache::newest() const {
  const auto name = read_file(folder_ + "/current", 4096);
  if (!name.ok() || !name->starts_with("v-") || contains(*name, "/")) return std::nullopt;
  return load(*name);
}

std::string Cache::work_folder(const std::string& version) const {
  return str(folder_, "/work-", hash_name(version));
}

Result<Entry> Cache::commit(const std::string& version, const FileDigests& known) {
  const std::string work = work_folder(version), name = name_of(version);
  Entry e{str(folder_, "/", name), version};
  FileDigests digests;
  TRY_STATUS(list_files(work + "/files", "", e, known, digests));
  e.digest = digest_of(digests);
  if (e.files.empty()) return error(Code::kNotFound, str(key_, " holds no file"));
  json::Value files{json::Array{}};
  for (const auto& f : e.files) files.push(f);
  const std::string boot = boot_id();
  const json::Value manifest = json::object({{"key", key_},
                                             {"version", version},
                                             {"bytes", e.bytes},
                                             {"digest", e.digest},
                                             {"boot", boot},
                                             {"files", std::move(files)}});
  if (boot.empty()) sync_folder(work + "/files");
  TRY_STATUS(remove_tree(e.folder));
  if (rename((work + "/files").c_str(), e.folder.c_str()) != 0)
    return errno_error(str("rename ", work));
  TRY_STATUS(write_file(e.folder + ".json", json::dump(manifest), 0644, boot.empty()));
  TRY_STATUS(write_file(folder_ + "/current", name, 0644, boot.empty()));
  TRY_STATUS(remove_tree(work));
  return e;
}

Status Cache::pin(const std::string& pin, const Entry& entry) {
  return write_file(str(folder_, "/pins/", file_name_for(pin)),
                    entry.folder.substr(entry.folder.rfind('/') + 1));
}

void Cache::used(const Entry& entry) const {
  utimensat(AT_FDCWD, (entry.folder + ".json").c_str(), nullptr, 0);
}

void Cache::evict(const Entry& keep) {
  std::set<std::string> used{keep.folder.substr(keep.folder.rfind('/') + 1)};
  const auto pins = list_dir(folder_ + "/pins");
  if (!pins.ok()) return;
  if (pins->size() > kMostPins) {
    std::string oldest;
    timespec when{};
    for (const auto& p : *pins) {
      struct stat st {};
      const std::string path = str(folder_, "/pins/", p);
      if (stat(path.c_str(), &st) != 0) continue;
      if (oldest.empty() || st.st_mtim.tv_sec < when.tv_sec) {
        oldest = path;
        when = st.st_mtim;
      }
    }
    unlink(oldest.c_str());
  }
  for (const auto& p : *pins)
    if (auto name = read_file(str(folder_, "/pins/", p), 4096); name.ok()) used.insert(*name);
  const auto all = list_dir(folder_);
  if (!all.ok()) return;
  for (const auto& name : *all) {
    const std::string base = name.ends_with(".json") ? name.substr(0, name.size() - 5) : name;
    const bool version = base.starts_with("v-") && !used.contains(base);
    if (!version && !base.starts_with("work-")) continue;
    (void)remove_tree(str(folder_, "/", name)).ok();
  }
}

}  // namespace proa::storage
