// Files below a folder, opened so that nothing leads out of it: openat2 with RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS; where that call is missing, component by component without following links.
//
// Paths are those of safe_relative(). Blocking. Errors name the path.
#pragma once

#include <string>
#include <vector>

#include "foundation/base/file.h"

namespace proa::storage {

class Folder {
 public:
  static Result<Folder> open(const std::string& path);  // must exist

  Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0644) const;
  Result<Fd> create(const std::string& path, unsigned mode = 0644) const;  // with its folders; new
  Status make_parents(const std::string& path) const;
  Status make_dir(const std::string& path) const;     // with its parents
  Status remove_file(const std::string& path) const;  // no error if absent
  // The file `path` of `from` appears here under `as`: as a hard link if that may be, else a clone,
  // else (big files, if symlink_to says where) a symbolic link, else a copy.
  Status take(const Folder& from, const std::string& path, const std::string& as,
              bool may_link = true, const std::string& symlink_to = "") const;
  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }

 private:
  Result<Fd> open_parent(const std::string& path, std::string& name) const;
  Fd fd_;
  std::string path_;
};

// Clone where the file system can, else copy; both from their beginning.
Status copy_content(int from, int to, std::string_view name);

}  // namespace proa::storage
