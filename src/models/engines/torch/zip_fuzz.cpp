#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "foundation/base/strings.h"
#include "models/engines/torch/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proa;
  Fd file(::memfd_create("zip", MFD_CLOEXEC));
  if (!file || ::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  std::string path = str("/proc/self/fd/", file.get());
  if (auto zip = torch::Zip::open(path); zip.ok()) {
    (void)torch::check_script(*zip);
    for (const auto& entry : zip->entries()) (void)zip->read(entry, 1 << 20);
  }
  (void)torch::read_archive(path, 1 << 20);
  (void)torch::parse_manifest({reinterpret_cast<const char*>(data), size});
  return 0;
}
