#include "platform/node/interpreter.h"

#include <stdlib.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {
namespace {

constexpr size_t kMostConfig = 64 << 10;

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

std::string real_path(const std::string& path) {
  char* found = ::realpath(path.c_str(), nullptr);
  std::string out = found ? found : "";
  ::free(found);
  return out;
}

// Of PREFIX/bin/python: PREFIX, or only bin where that is no installation.
std::string prefix_of(const std::string& bin) {
  std::string prefix = folder_of(bin);
  if (exists(prefix + "/pyvenv.cfg")) return prefix;
  for (const std::string& name : list_dir(prefix + "/lib").value_or({}))
    if (name.starts_with("python3")) return prefix;
  return bin;
}

// "home = /usr/bin" of a virtual environment.
std::string home_of(const std::string& prefix) {
  std::string text = read_file(prefix + "/pyvenv.cfg", kMostConfig).value_or("");
  for (std::string_view line : split(text, '\n')) {
    size_t equals = line.find('=');
    if (equals != line.npos && trim(line.substr(0, equals)) == "home")
      return std::string(trim(line.substr(equals + 1)));
  }
  return "";
}

bool inside(const std::string& path, const std::string& folder) {
  return path == folder || path.starts_with(folder + "/");
}

// Every sandbox has these, or none may have them whole.
bool left_out(const std::string& folder) {
  for (const char* shown : {"/usr", "/opt", "/bin", "/sbin", "/lib", "/lib64"})
    if (inside(folder, shown)) return true;
  for (const char* whole : {"", "/", "/home", "/root", "/tmp", "/etc", "/var", "/proc", "/dev"})
    if (folder == whole) return true;
  return folder[0] != '/';
}

}  // namespace

std::vector<std::string> interpreter_folders(const std::string& python) {
  if (!python.starts_with('/') || !exists(python)) return {};
  std::string prefix = prefix_of(folder_of(python)), home = home_of(prefix);
  std::vector<std::string> all = {prefix, prefix_of(folder_of(real_path(python)))};
  if (!home.empty()) all.push_back(prefix_of(home));
  std::sort(all.begin(), all.end());  // outer folders first
  std::vector<std::string> out;
  for (const std::string& folder : all) {
    bool shown = left_out(folder) || std::any_of(out.begin(), out.end(), [&](const auto& other) {
                   return inside(folder, other);
                 });
    if (!shown) out.push_back(folder);
  }
  return out;
}

}  // namespace proa::node
