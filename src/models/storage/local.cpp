// A file or folder of this machine; links are followed, as an administrator lays them.
#include <limits.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/storage/resolve.h"

namespace proa::storage {
namespace {

constexpr int kMostDepth = 64;

Status add_file(const std::string& path, const std::string& relative, const struct stat& st,
                Resolved& out) {
  if (out.files.size() >= kMostFiles)
    return error(Code::kTooLarge, str(path, ": more than ", kMostFiles, " files"));
  RemoteFile f;
  TRY(f.path, safe_relative(relative));
  f.local = path;
  f.size = st.st_size;
  f.version = str(st.st_ino, ".", st.st_size, ".", st.st_mtim.tv_sec, ".", st.st_mtim.tv_nsec);
  out.version += str(f.path, "@", f.version, "\n");
  out.files.push_back(std::move(f));
  return {};
}

Status walk(const std::string& path, const std::string& relative, int depth, Resolved& out) {
  if (depth > kMostDepth) return error(Code::kInvalid, str(path, ": folders nested too deep"));
  TRY(auto names, list_dir(path));
  for (const auto& name : names) {
    const std::string at = str(path, "/", name);
    const std::string rel = relative.empty() ? name : str(relative, "/", name);
    struct stat st {};
    if (stat(at.c_str(), &st) != 0) {
      if (errno == ENOENT) continue;  // a link to nothing
      return errno_error(at);
    }
    if (S_ISDIR(st.st_mode))
      TRY_STATUS(walk(at, rel, depth + 1, out));
    else if (S_ISREG(st.st_mode))
      TRY_STATUS(add_file(at, rel, st, out));
  }
  return {};
}

}  // namespace

Result<Resolved> resolve_local(const std::string& path, const Uri& uri) {
  struct stat st {};
  if (stat(path.c_str(), &st) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return no_model(uri);
    return errno_error(str("Failed to fetch model from ", uri.shown));
  }
  Resolved out;
  if (S_ISDIR(st.st_mode)) {
    TRY_STATUS(walk(path, "", 0, out));
  } else if (S_ISREG(st.st_mode)) {
    std::string_view name = path;
    TRY_STATUS(add_file(path, std::string(name.substr(name.rfind('/') + 1)), st, out));
  }
  return out;
}

}  // namespace proa::storage
