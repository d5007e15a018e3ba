#include "models/engines/library/library.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::engines {
namespace {

constexpr int kMostAbove = 5;

std::string parent(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

std::string program_path() {
  std::string path(4096, '\0');
  ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return path;
}

// Ours or root's, and not writable by everybody.
bool is_trusted(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_uid == 0 || info.st_uid == ::geteuid()) &&
         (info.st_mode & S_IWOTH) == 0;
}

// In a pod, whose user owns nothing: a folder that its node mounted read-only, after a look at the
// owner, and what is its owner's in it.
bool is_shown(const std::string& folder, const std::string& path) {
  struct statvfs mount {};
  struct stat of_folder {
  }, info{};
  return ::statvfs(folder.c_str(), &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0 &&
         ::stat(folder.c_str(), &of_folder) == 0 && ::stat(path.c_str(), &info) == 0 &&
         info.st_uid == of_folder.st_uid && (info.st_mode & S_IWOTH) == 0;
}

// The file in `folder` whose name begins so; "" if there is none.
std::string file_in(const std::string& folder, std::string_view begin) {
  auto names = list_dir(folder);
  if (!names.ok()) return "";
  for (const std::string& name : *names)
    if (name.starts_with(begin)) return str(folder, "/", name);
  return "";
}

}  // namespace

std::vector<std::string> engine_folders_of(const std::string& program, const char* variable) {
  std::vector<std::string> out;
  if (variable && *variable) out.emplace_back(variable);
  std::string here = parent(program);
  out.push_back(here + "/engines");
  out.push_back(parent(here) + "/lib/proa/engines");
  for (int i = 0; i < kMostAbove && here != "/"; ++i) {
    out.push_back(here + "/.tools/engines");
    here = parent(here);
  }
  out.emplace_back("/usr/local/lib/proa/engines");
  out.emplace_back("/usr/lib/proa/engines");
  return out;
}

std::vector<std::string> engine_folders() {
  return engine_folders_of(program_path(), std::getenv("PROA_ENGINES_DIR"));
}

std::string engines_folder() {
  for (const std::string& folder : engine_folders())
    if (is_trusted(folder)) return folder;
  return "";
}

Result<Library> Library::open_path(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle) return Library(handle, path);
  const char* why = ::dlerror();
  return error(Code::kUnavailable, str("cannot load ", path, ": ", why ? why : "unknown"));
}

Result<Library> Library::open(std::string_view name, std::string_view file) {
  auto folders = engine_folders();
  std::string refused;
  for (const std::string& folder : folders) {
    std::string path = file_in(str(folder, "/", name), file);
    if (path.empty()) continue;
    bool trusted = is_trusted(path) && is_trusted(parent(path));
    if (!trusted && !(is_shown(folder, path) && is_shown(folder, parent(path)))) {
      refused = str("; ", path, " belongs to another user, or everybody can write it: not loaded");
      continue;
    }
    return open_path(path);
  }
  return error(
      Code::kUnimplemented,
      str("the engine ", name, " is not installed: run ./dev engines ", name,
          " (tools/engines/install ", name, "), or set PROA_ENGINES_DIR to the folder that holds ",
          name, "/", file, "; looked in ", join(folders, ", "), refused));
}

void* Library::find(const char* symbol) const { return ::dlsym(handle_, symbol); }

}  // namespace proa::engines
