#include "models/storage/git/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "foundation/base/arguments.h"
#include "foundation/base/file.h"
#include "foundation/base/strings.h"

namespace proa::storage {
namespace {

constexpr size_t kMostOutput = 8u << 20;

// In the child: only calls that are allowed after fork in a process with threads.
[[noreturn]] void become(char* const* argv, char* const* env, int out, int err, int64_t most_file) {
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(out, 1);
  dup2(err, 2);
  rlimit limit{static_cast<rlim_t>(most_file), static_cast<rlim_t>(most_file)};
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGPIPE, SIG_DFL);
  execvpe(argv[0], argv, env);
  _exit(127);
}

struct Pipe {
  Fd read, write;
  bool open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    read = Fd(fds[0]);
    write = Fd(fds[1]);
    return true;
  }
};

// false at the end.
bool take(Fd& from, std::string& to) {
  char buffer[16384];
  const ssize_t n = read(from.get(), buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  if (to.size() < kMostOutput) to.append(buffer, static_cast<size_t>(n));
  return true;
}

}  // namespace

Result<Ran> run_program(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                        int most_s, int64_t most_file) {
  Pipe out, err;
  if (!out.open() || !err.open()) return errno_error("pipe");
  const auto args = pointers(argv), vars = pointers(env);
  const pid_t pid = fork();
  if (pid < 0) return errno_error("fork");
  if (pid == 0) become(args.data(), vars.data(), out.write.get(), err.write.get(), most_file);
  out.write.reset();
  err.write.reset();
  Ran ran;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(most_s);
  bool late = false;
  while ((out.read || err.read) && !late) {
    pollfd fds[2] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
    if (poll(fds, 2, 200) < 0 && errno != EINTR) break;
    if (fds[0].revents && !take(out.read, ran.out)) out.read.reset();
    if (fds[1].revents && !take(err.read, ran.err)) err.read.reset();
    late = std::chrono::steady_clock::now() > until;
  }
  if (late) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return error(Code::kDeadline, str(argv[0], " has not ended for ", most_s, " s"));
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

}  // namespace proa::storage
