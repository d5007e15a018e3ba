// The model cache: a folder of models by URI and version, shared by all pods of the machine.
//
//   ROOT/URI/v-HASH/…       the files of one version, read-only      ROOT/URI/v-HASH.json   its
//   manifest ROOT/URI/pins/PIN       the version that PIN uses                ROOT/URI/work-HASH/
//   half-made ROOT/URI/lock           flock: exclusive while one is made, shared while one is
//   handed out
//
// What makes an entry usable without the network, the rule for scaling from zero: a *pin*. A pod of
// a revision passes PIN = "NAMESPACE/REVISION"; the revision's first pod asks the server which
// version there is now and pins it; every later pod of that revision gets the same bytes, with no
// request at all. A new revision asks again, and downloads only if the version is another. (So a
// revision never mixes two versions of a model, and a model is as immutable as an image that is
// resolved once.) An entry is visible only whole: it is made in work-HASH and renamed. Nothing
// waits for the disk: the manifest names the boot in which the entry was made, and the first use in
// another one reads it against its digest, after which it is known to be on the disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "foundation/base/file.h"
#include "foundation/json/value.h"
#include "models/storage/transfer/beneath.h"

namespace proa::storage {

struct Entry {
  std::string folder;  // absolute
  std::string version;
  std::vector<std::string> files;  // relative paths
  int64_t bytes = 0;
  std::string digest;  // SHA-256 over what sha256sum prints of all files, sorted by path
};

using FileDigests = std::map<std::string, std::string>;  // path → SHA-256 in hex

std::string digest_of(const FileDigests& digests);  // "sha256:…"

class Cache {
 public:
  // `key` is the URI, with what else decides its content (name filters).
  static Result<Cache> open(const std::string& root, const std::string& key);

  // Exclusive, waiting at most `most_s`; kDeadline then. Released by the destructor.
  Status lock_to_make(int most_s);
  Status lock_to_use();

  std::optional<Entry> find(const std::string& version) const;
  std::optional<Entry> pinned(const std::string& pin) const;
  std::optional<Entry> newest() const;
  std::string work_folder(const std::string& version) const;
  // work_folder(version)/files becomes the entry; takes the rest of the work folder away. Files
  // that `known` does not have are read for their digests.
  Result<Entry> commit(const std::string& version, const FileDigests& known = {});
  Status pin(const std::string& pin, const Entry& entry);
  void evict(const Entry& keep);        // versions that no pin uses, and half-made ones of others
  void used(const Entry& entry) const;  // now, for make_room()

 private:
  std::optional<Entry> load(const std::string& name) const;
  bool survived(const Entry& e, json::Value manifest) const;
  std::string folder_, key_;
  Fd lock_;
};

// Takes entries away, the longest unused first, until all together have at most `most` bytes with
// `more` to come. Never one that a pin keeps, that a pod's folder links to, or that is being made.
// false if that is not enough.
bool make_room(const std::string& root, int64_t most, int64_t more);

// The same, until `bytes` more are free on the disk.
bool free_disk(const std::string& root, int64_t bytes);

// Forgets the pin in all of the cache: its revision is gone.
Status unpin(const std::string& root, const std::string& pin);

}  // namespace proa::storage
