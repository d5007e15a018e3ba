#include "app/up.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include "app/options.h"
#include "app/platform.h"
#include "app/programs.h"
#include "foundation/base/clock.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/value.h"
#include "foundation/obs/log.h"
#include "models/fetch/fetch.h"

namespace proa::app {

namespace {

int fail(const Error& e) {
  std::string line = str("proa up: ", e.message, "\n");
  [[maybe_unused]] ssize_t n = ::write(2, line.data(), line.size());
  return 1;
}

bool is_running(const std::string& lock_file) {
  auto pid = parse_int(trim(read_file(lock_file, 64).value_or("")));
  return pid && *pid > 0 && (::kill(static_cast<pid_t>(*pid), 0) == 0 || errno == EPERM);
}

// What a killed instance started holds the lock too, for the moment that it outlives it.
bool lock_file(int fd, const std::string& path) {
  constexpr auto kMostWait = std::chrono::seconds(10);
  const MonoTime until = real_clock().mono() + kMostWait;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (is_running(path) || real_clock().mono() > until) return false;
    ::usleep(5000);
  }
  return true;
}

// The data folder with a lock file that this process and its children hold as long as they live.
Result<Fd> take_folder(const std::string& dir) {
  auto made = make_dirs(dir, 0755);
  if (!made.ok()) return std::move(made).error().with_context(str("data folder ", dir));
  std::string path = dir + "/lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return errno_error(str("data folder ", dir, " is not writable: open lock"));
  if (!lock_file(fd.get(), path)) {
    auto holder = read_file(path, 64);
    return error(Code::kConflict,
                 str("another instance", holder.ok() ? str(" (pid ", trim(*holder), ")") : "",
                     " uses ", dir, "; stop it, or choose another folder with --data-dir"));
  }
  std::string pid = str(::getpid(), "\n");
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return errno_error(str("data folder ", dir, " is not writable: write lock"));
  return fd;
}

Status write_endpoints(const UpOptions& options, const Endpoints& endpoints) {
  json::Value v = json::object({{"api", endpoints.api},
                                {"http", endpoints.http},
                                {"kubeconfig", endpoints.kubeconfig},
                                {"pid", static_cast<int>(::getpid())}});
  return write_file(options.data_dir + "/endpoints.json", json::pretty(v) + "\n");
}

// SIGUSR2 restarts the gateway; the others stop everything.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR2);
  return set;
}

Status run(const UpOptions& options) {
  TRY(Fd lock, take_folder(options.data_dir));
  ::unlink((options.data_dir + "/endpoints.json").c_str());

  // The zygote first, while there is one thread; it leaves the signals to this process.
  sigset_t signals = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  TRY_STATUS(models::preload_fetch());
  std::vector<node::Program> table;
  for (const Program& program : programs())
    table.push_back({std::string(program.name), program.main});
  TRY(auto zygote, node::Zygote::start(std::move(table)));

  Platform platform(options, *zygote);
  TRY(Endpoints endpoints, platform.start());
  TRY_STATUS(write_endpoints(options, endpoints));
  log::info(
      "proa", "ready",
      {{"api", endpoints.api}, {"http", endpoints.http}, {"kubeconfig", endpoints.kubeconfig}});

  int signal = 0;
  while (::sigwait(&signals, &signal) == 0 && signal == SIGUSR2) platform.restart_gateway();
  log::info("proa", "stopping", {{"signal", strsignal(signal)}});
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);  // a second Ctrl-C ends it at once
  ::unlink((options.data_dir + "/endpoints.json").c_str());
  platform.stop();
  log::info("proa", "stopped");
  return {};
}

}  // namespace

int up_main(int argc, char** argv) {
  auto options = parse_up_options(argc, argv);
  if (!options.ok()) return fail(options.error());
  if (!*options) return 0;
  if ((*options)->verbose) log::set_level(log::Level::kDebug);
  Status status = run(**options);
  return status.ok() ? 0 : fail(status.error());
}

}  // namespace proa::app
