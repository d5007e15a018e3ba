#include "platform/node/zygote/title.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::node {

namespace {
char* arguments = nullptr;  // one process, one command line
size_t capacity = 0;
}  // namespace

void remember_arguments() {
  auto stat = read_file("/proc/self/stat", 8192);
  if (!stat.ok()) return;
  size_t close = stat->rfind(')');
  if (close == std::string::npos) return;
  // After the name come fields 3…; arg_start is 48, arg_end 49, env_start 50, env_end 51.
  auto fields = split(std::string_view(*stat).substr(close + 2), ' ');
  if (fields.size() < 49) return;
  auto field = [&](size_t n) {
    return static_cast<uintptr_t>(parse_int(fields[n - 3]).value_or(0));
  };
  uintptr_t start = field(48), args_end = field(49), env_start = field(50), env_end = field(51);
  if (!start || args_end <= start) return;
  arguments = reinterpret_cast<char*>(start);
  capacity = (env_start == args_end ? env_end : args_end) - start;
}

void set_process_title(std::string_view title) {
  std::string_view name = title.substr(0, title.find(" -"));
  ::prctl(PR_SET_NAME, std::string(name.substr(0, 15)).c_str(), 0, 0, 0);
  if (!arguments || capacity < 2) return;
  size_t n = std::min(title.size(), capacity - 1);
  std::memcpy(arguments, title.data(), n);
  std::memset(arguments + n, 0, capacity - n);
}

}  // namespace proa::node
