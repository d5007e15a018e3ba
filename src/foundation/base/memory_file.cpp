#include "foundation/base/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foundation/base/strings.h"

namespace proa {

Result<Fd> memory_file(const char* name, std::string_view text) {
  Fd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) return errno_error("memfd_create");
  while (!text.empty()) {
    ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n <= 0) return errno_error("write memfd");
    text.remove_prefix(static_cast<size_t>(n));
  }
  return file;
}

Result<std::string> read_memory_file(int fd, size_t most, std::string_view what) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_error("fstat");
  if (info.st_size < 0 || static_cast<size_t>(info.st_size) > most)
    return error(Code::kTooLarge, str(what, " too large"));
  std::string text(static_cast<size_t>(info.st_size), '\0');
  if (::pread(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return errno_error("read memfd");
  return text;
}

}  // namespace proa
