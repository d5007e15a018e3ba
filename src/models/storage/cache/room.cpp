// The bound on the whole cache: what may go, and in which order.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "models/storage/cache/cache.h"
#include "models/storage/transfer/uri.h"

namespace proa::storage {
namespace {

struct Candidate {
  std::string folder, name;  // of the URI; "v-HASH"
  int64_t bytes = 0;
  int64_t used_ns = 0;
  std::vector<std::string> files;
};

std::set<std::string> pinned_names(const std::string& folder) {
  std::set<std::string> out;
  const auto pins = list_dir(folder + "/pins").value_or({});
  for (const auto& p : pins)
    if (auto name = read_file(str(folder, "/pins/", p), 4096); name.ok()) out.insert(*name);
  return out;
}

void collect(const std::string& folder, std::vector<Candidate>& out, int64_t& total) {
  const auto names = list_dir(folder).value_or({});
  const auto pinned = pinned_names(folder);
  for (const auto& name : names) {
    if (!name.starts_with("v-") || !name.ends_with(".json")) continue;
    const auto path = str(folder, "/", name);
    struct stat st {};
    const auto text = read_file(path, 256u << 20);
    if (!text.ok() || stat(path.c_str(), &st) != 0) continue;
    const auto manifest = json::parse(*text, {256u << 20}).value_or(json::Value());
    Candidate c{folder,
                name.substr(0, name.size() - 5),
                manifest["bytes"].integer(),
                st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec,
                {}};
    total += c.bytes;
    if (pinned.contains(c.name)) continue;
    for (const auto& f : manifest["files"].array()) c.files.push_back(f.str());
    out.push_back(std::move(c));
  }
}

bool linked(const Candidate& c) {
  for (const auto& f : c.files) {
    struct stat st {};
    if (lstat(str(c.folder, "/", c.name, "/", f).c_str(), &st) == 0 && st.st_nlink > 1) return true;
  }
  return false;
}

// Only under its lock, which whoever makes or hands out an entry of the URI holds.
bool take_away(const Candidate& c) {
  Fd lock(open((c.folder + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return false;
  if (pinned_names(c.folder).contains(c.name) || linked(c)) return false;
  if (unlink(str(c.folder, "/", c.name, ".json").c_str()) != 0) return false;
  return remove_tree(str(c.folder, "/", c.name)).ok();
}

// Adds up what is there, then takes away until `excess` is no more than zero.
bool shrink(const std::string& root, int64_t excess, bool with_total) {
  std::vector<Candidate> candidates;
  int64_t total = 0;
  const auto folders = list_dir(root).value_or({});
  for (const auto& name : folders) collect(str(root, "/", name), candidates, total);
  if (with_total) excess += total;
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.used_ns < b.used_ns; });
  for (const auto& c : candidates) {
    if (excess <= 0) break;
    if (take_away(c)) excess -= c.bytes;
  }
  return excess <= 0;
}

}  // namespace

bool make_room(const std::string& root, int64_t most, int64_t more) {
  return shrink(root, more - most, true);
}

bool free_disk(const std::string& root, int64_t bytes) { return shrink(root, bytes, false); }

Status unpin(const std::string& root, const std::string& pin) {
  TRY(const auto folders, list_dir(root));
  for (const auto& name : folders) {
    const auto path = str(root, "/", name, "/pins/", file_name_for(pin));
    if (unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) return errno_error(path);
  }
  return {};
}

}  // namespace proa::storage
