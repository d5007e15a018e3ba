#include "models/fetch/fetch.h"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <string>

#include "foundation/base/strings.h"

namespace proa::models {

namespace {

constexpr const char* kName = "libproa-fetch.so";  // its SONAME too
using Main = int (*)(int, char**);

// The folder of the executable, with a slash at its end.
Result<std::string> own_folder() {
  char path[PATH_MAX];
  ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n <= 0) return errno_error("readlink /proc/self/exe");
  std::string_view all(path, static_cast<size_t>(n));
  return std::string(all.substr(0, all.find_last_of('/') + 1));
}

// Only by its whole path, never by the loader's search.
Result<void*> open_module() {
  if (void* there = ::dlopen(kName, RTLD_NOW | RTLD_NOLOAD)) return there;
  TRY(std::string folder, own_folder());
  std::string why;
  for (const char* at : {"", "../lib/"}) {
    std::string path = folder + at + kName;
    if (::access(path.c_str(), F_OK) != 0) continue;
    if (void* opened = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return opened;
    const char* said = ::dlerror();
    return error(Code::kUnavailable, str("cannot load ", path, ": ", said ? said : "unknown"));
  }
  return error(Code::kNotFound, str(kName, " is neither in ", folder, " nor in ", folder,
                                    "../lib: put it back beside the program"));
}

template <typename F>
Result<F> find(const char* name) {
  TRY(void* module, open_module());
  void* found = ::dlsym(module, name);
  if (!found) return error(Code::kInternal, str(kName, " is of another release"));
  return reinterpret_cast<F>(found);
}

}  // namespace

Status preload_fetch() {
  TRY(auto prepare, find<void (*)()>("proa_fetch_prepare"));
  prepare();
  return {};
}

int fetch_main(int argc, char** argv) {
  auto found = find<Main>("proa_fetch_main");
  if (found.ok()) return (*found)(argc, argv);
  std::string line = str("proa fetch: ", found.error().message, "\n");
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  return 1;
}

}  // namespace proa::models
