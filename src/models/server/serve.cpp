#include "models/server/serve.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "models/engines/boosted/catboost.h"
#include "models/engines/boosted/lightgbm.h"
#include "models/engines/boosted/xgboost.h"
#include "models/engines/files.h"
#include "models/engines/mlflow/mlflow_engine.h"
#include "models/engines/onnx/onnx_engine.h"
#include "models/engines/openvino/openvino_engine.h"
#include "models/engines/pmml/pmml_engine.h"
#include "models/engines/sklearn_engine.h"
#include "models/engines/torch/torch_engine.h"
#include "models/server/mlserver_runtime.h"
#include "models/worker/cpu.h"
#include "models/worker/memory.h"
#include "models/worker/options.h"
#include "models/worker/process_metrics.h"
#include "models/worker/worker.h"

namespace proa::models {
namespace {

// Every engine there is; a new one is one more line. MLflow's reads by those before it.
extern const inference::Engine* const kEngines[];
constexpr size_t kReaders = 8;
const engines::MlflowEngine kMlflow({kEngines, kReaders});
const inference::Engine* const kEngines[] = {
    &engines::sklearn_engine(),  &engines::xgboost_engine(), &engines::lightgbm_engine(),
    &engines::catboost_engine(), &engines::onnx_engine(),    &engines::openvino_engine(),
    &engines::pmml_engine(),     &engines::torch_engine(),   &kMlflow,
};

constexpr auto kDrainTime = std::chrono::seconds(25);  // below the usual grace period of 30 s

// What Kubernetes shows as the container's last message. Absent outside of a pod: then nothing
// happens.
void write_termination_log(std::string_view line) {
  const char* given = std::getenv("TERMINATION_LOG");
  Fd fd(::open(given && *given ? given : "/dev/termination-log", O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (fd && ::write(fd.get(), line.data(), line.size()) < 0) return;
}

int fail(std::string_view what) {
  std::string line = str("proa serve: ", what, "\n");
  std::fputs(line.c_str(), stderr);
  write_termination_log(line);
  return 1;
}

// Without a control group nothing but the allocator says that the limit is reached.
[[noreturn]] void out_of_memory() {
  static constexpr char kLine[] =
      "proa serve: out of memory: raise the container's resources.limits.memory\n";
  (void)!::write(2, kLine, sizeof kLine - 1);
  write_termination_log(kLine);
  ::_exit(137);
}

// Blocked before any thread is made: they come by the descriptor.
Fd stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool wants_probabilities() {
  const char* given = std::getenv("PREDICT_PROBA");
  return given && lower(given) == "true";
}

Result<repository::Options> repository_options(const ServeOptions& o) {
  repository::Options r;
  r.path = o.model_dir;
  r.model_name = o.model_name;
  r.name_given = o.model_name_given;
  r.engine = o.engine;
  r.load_at_start = o.load_at_start;
  r.load_models = o.load_models;
  r.named = o.named_models;
  TRY(r.policy, repository::parse_policy(o.version_policy));
  if (wants_probabilities()) r.load.method = inference::Method::kPredictProba;
  r.load.memory_limit = memory_limit();
  r.load.threads = cpu_limit();
  return r;
}

void log_models(const repository::Repository& repository, const ServeOptions& o, const Ports& ports,
                double ms) {
  std::string at = str("http://", o.host, ":", ports.http);
  auto snapshot = repository.snapshot();
  if (snapshot->entries.empty()) log::info("serve", str("no model is loaded; ready at ", at));
  for (const auto& entry : snapshot->entries) {
    const inference::ModelInfo& info = entry->versions[0]->model->info();
    log::info("serve", str("model ", entry->name, " is ready at ", at),
              {{"type", info.type},
               {"engine", info.engine},
               {"written-by", info.version.empty() ? "unknown" : info.version},
               {"features", info.features},
               {"versions", entry->versions.size()},
               {"bytes", info.file_bytes},
               {"grpc", static_cast<int>(ports.has_grpc ? ports.grpc : ports.http)},
               {"ms", ms}});
  }
}

// On SIGTERM: every worker drains; the last one that is done stops all.
void drain_all(std::vector<std::unique_ptr<Worker>>& workers) {
  auto left = std::make_shared<std::atomic<size_t>>(workers.size());
  auto stop = [&workers] {
    for (auto& w : workers) w->stop();
  };
  for (auto& w : workers)
    w->drain([left, stop] {
      if (--*left == 0) stop();
    });
  workers[0]->loop().after(kDrainTime, stop);
}

// What a large request took is kept for the next one, not given back and fetched again each time.
void keep_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

int run(const ServeOptions& options) {
  keep_memory();
  std::set_new_handler(out_of_memory);
  Fd signals = stop_signals();
  auto start = real_clock().mono();
  auto how = repository_options(options);
  if (!how.ok()) return fail(how.error().message);
  metrics::Registry registry;
  repository::Repository repository(std::move(*how), kEngines, registry);
  if (Status s = repository.load_all(); !s.ok())
    return fail(str("model ", options.model_name, ": ", s.error().message));
  std::vector<std::unique_ptr<Worker>> workers;
  Ports ports{options.http_port, options.grpc_port, 0, true};
  for (size_t i = 0; i < options.workers; ++i) {
    workers.push_back(std::make_unique<Worker>(options, repository, [&registry](std::string& out) {
      update_process_metrics(registry);
      out += registry.text();
    }));
    if (Status s = workers.back()->listen(ports, options.workers > 1); !s.ok())
      return fail(s.error().message);
  }
  ::malloc_trim(0);
  log_models(repository, options, ports, seconds(real_clock().mono() - start) * 1e3);
  async::Loop& loop = workers[0]->loop();
  loop.watch(signals.get(), EPOLLIN, [&](uint32_t) {
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) > 0) drain_all(workers);
  });
  for (size_t i = 1; i < workers.size(); ++i) workers[i]->start();
  workers[0]->run();
  for (auto& w : workers) w->stop();
  repository.stop();  // no load calls back into a loop that is gone
  loop.unwatch(signals.get());
  return 0;
}

}  // namespace

int serve_main(int argc, char** argv) {
  auto options = parse_serve_options(argc, argv);
  if (!options.ok()) {
    fail(options.error().message);
    return 2;
  }
  if (options->help || options->list_formats) {
    std::fputs(options->help ? kServeHelp : engines::formats_text(kEngines).c_str(), stdout);
    return 0;
  }
  auto python = python_implementation(*options);
  if (!python.ok()) return fail(python.error().message);
  if (!python->empty()) return fail(become_mlserver(*options, *python).message);
  if (Status s = forbid_programs(); !s.ok()) return fail(s.error().message);
  for (const std::string& w : options->warnings) log::warn("serve", w);
  return run(*options);
}

}  // namespace proa::models
