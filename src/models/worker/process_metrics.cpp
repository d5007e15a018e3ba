#include "models/worker/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace proa::models {

void update_process_metrics(metrics::Registry& registry) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  long total = 0, resident = 0;
  if (FILE* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
      .set(static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  registry.gauge("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
      .set(cpu);
}

}  // namespace proa::models
