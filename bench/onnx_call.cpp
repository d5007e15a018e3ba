// ONNX Runtime's own call, alone: engines.py compiles and runs it. MODEL ROWS COLUMNS SECONDS; prints the processor's
// time a call, and the median of the elapsed time, in µs: Run with a tensor that is there already, and the release of what it gives.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "models/engines/onnx/api.h"

using namespace proa::onnx;
using Clock = std::chrono::steady_clock;

double cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  auto loaded = load_api();
  if (!loaded.ok()) return std::fprintf(stderr, "%s\n", loaded.error().message.c_str()), 1;
  const Api& api = *loaded;
  auto need = [&](OrtStatus* status) {
    if (auto s = api.check(status); !s.ok()) {
      std::fprintf(stderr, "%s\n", s.error().message.c_str());
      std::exit(1);
    }
  };
  OrtEnv* env = nullptr;
  OrtSessionOptions* options = nullptr;
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  OrtAllocator* allocator = nullptr;
  need(api.CreateEnv(3, "bench", &env));
  need(api.CreateSessionOptions(&options));
  need(api.SetSessionGraphOptimizationLevel(options, 99));
  need(api.SetIntraOpNumThreads(options, 1));
  need(api.SetInterOpNumThreads(options, 1));
  need(api.CreateSession(env, argv[1], options, &session));
  need(api.CreateCpuMemoryInfo(1, 0, &memory));
  need(api.GetAllocatorWithDefaultOptions(&allocator));
  size_t outputs = 0;
  need(api.SessionGetOutputCount(session, &outputs));
  char* input = nullptr;
  need(api.SessionGetInputName(session, 0, allocator, &input));
  std::vector<const char*> names(outputs);
  for (size_t i = 0; i < outputs; ++i) {
    char* name = nullptr;
    need(api.SessionGetOutputName(session, i, allocator, &name));
    names[i] = name;
  }
  int64_t shape[] = {std::atoll(argv[2]), std::atoll(argv[3])};
  std::vector<float> data(static_cast<size_t>(shape[0] * shape[1]), 1.5f);
  OrtValue* in = nullptr;
  need(api.CreateTensorWithDataAsOrtValue(memory, data.data(), data.size() * sizeof(float), shape, 2, kOrtFloat, &in));
  std::vector<OrtValue*> out(outputs);
  std::vector<double> batches;
  double before = cpu_us();
  auto end = Clock::now() + std::chrono::duration<double>(std::atof(argv[4]));
  for (auto now = Clock::now(); now < end;) {
    for (int i = 0; i < 100; ++i) {
      std::fill(out.begin(), out.end(), nullptr);
      need(api.Run(session, nullptr, &input, &in, 1, names.data(), outputs, out.data()));
      for (OrtValue* v : out) api.ReleaseValue(v);
    }
    auto then = Clock::now();
    batches.push_back(std::chrono::duration<double, std::micro>(then - now).count() / 100);
    now = then;
  }
  double used = cpu_us() - before;
  std::sort(batches.begin(), batches.end());
  std::printf("%.3f %.3f\n", used / (static_cast<double>(batches.size()) * 100), batches[batches.size() / 2]);
}
