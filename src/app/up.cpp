#include "app/up.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

#include "app/options.h"
#include "app/platform.h"
#include "app/programs.h"
#include "app/take_over.h"
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

// The lock says whose it is.
Status sign(const Fd& lock, const std::string& dir) {
  std::string pid = str(::getpid(), "\n");
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), pid.data(), pid.size(), 0) < 0)
    return errno_error(str("data folder ", dir, " is not writable: write lock"));
  return {};
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
    return error(
        Code::kConflict,
        str("another instance", holder.ok() ? str(" (pid ", trim(*holder), ")") : "", " uses ", dir,
            "; stop it, take over from it with --take-over, or choose another folder "
            "with --data-dir"));
  }
  TRY_STATUS(sign(fd, dir));
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

// What ends the wait: a signal, or a process (`taker`) that takes over.
struct Asked {
  int signal = 0;
  Fd taker;
};

Asked wait_for_end(const sigset_t& signals, Platform& platform, HandoverPoint* point) {
  Fd arriving(::signalfd(-1, &signals, SFD_CLOEXEC));
  pollfd fds[2] = {{arriving.get(), POLLIN, 0}, {point ? point->fd() : -1, POLLIN, 0}};
  for (;;) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return {SIGTERM, Fd()};
    signalfd_siginfo info;
    if (fds[0].revents && ::read(arriving.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGUSR2) return {static_cast<int>(info.ssi_signo), Fd()};
      platform.restart_gateway();
    }
    if (!fds[1].revents) continue;
    auto taker = point->accept();
    if (taker.ok()) return {0, std::move(*taker)};
    log::warn("proa", taker.error().message);
  }
}

// The other process goes on from here; this one only finishes what its connections have in hand.
Status give_all(Platform& platform, Fd lock, Fd taker) {
  log::info("proa", "handing over to another process");
  auto give = [&]() -> Status {
    TRY(Estate estate, platform.estate());
    estate.lock = std::move(lock);
    return hand_over(taker.get(), std::move(estate));
  };
  Status given = give();
  platform.retire(given.ok() ? std::chrono::minutes(10) : std::chrono::minutes(0));
  if (!given.ok()) return std::move(given).context("the pods are ended: start again");
  log::info("proa", "handed over");
  return {};
}

// What a process that takes over needs of the one that runs, or the free data folder's lock.
Result<Fd> take_lock(const UpOptions& options, node::Zygote& zygote,
                     std::optional<Estate>& estate) {
  if (options.take_over) {
    TRY(estate, take_over(options.data_dir));
  }
  if (!estate) return take_folder(options.data_dir);
  TRY_STATUS(sign(estate->lock, options.data_dir));
  TRY_STATUS(zygote.keep(estate->lock.get()));
  return std::move(estate->lock);
}

Status run(const UpOptions& options) {
  // Without --take-over the lock comes first: who may not use the folder starts nothing.
  Fd lock;
  if (!options.take_over) {
    TRY(lock, take_folder(options.data_dir));
  }
  // The zygote, while there is one thread; it leaves the signals to this process.
  sigset_t signals = awaited_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  TRY_STATUS(models::preload_fetch());
  std::vector<node::Program> table;
  for (const Program& program : programs())
    table.push_back({std::string(program.name), program.main});
  TRY(auto zygote, node::Zygote::start(std::move(table)));
  std::optional<Estate> estate;
  if (!lock) {
    TRY(lock, take_lock(options, *zygote, estate));
  }
  ::unlink((options.data_dir + "/endpoints.json").c_str());

  Platform platform(options, *zygote, std::move(estate));
  TRY(Endpoints endpoints, platform.start());
  TRY_STATUS(write_endpoints(options, endpoints));
  auto point = HandoverPoint::open(options.data_dir);
  if (!point.ok()) log::warn("proa", point.error().message);
  log::info(
      "proa", "ready",
      {{"api", endpoints.api}, {"http", endpoints.http}, {"kubeconfig", endpoints.kubeconfig}});

  Asked asked = wait_for_end(signals, platform, point.ok() ? &*point : nullptr);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);  // a second Ctrl-C ends it at once
  if (asked.taker) return give_all(platform, std::move(lock), std::move(asked.taker));
  log::info("proa", "stopping", {{"signal", strsignal(asked.signal)}});
  ::unlink((options.data_dir + "/endpoints.json").c_str());
  ::unlink((options.data_dir + "/gateway.sock").c_str());
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
