#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <optional>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/node/zygote/title.h"
#include "platform/node/zygote/wire.h"
#include "platform/node/zygote/zygote.h"

namespace proa::node {

namespace {
struct Child {
  std::string id;  // "" while it is a spare
  Fd socket;       // a spare's
  std::optional<Cgroup> cgroup;
  int ended_by = 0;  // the signal that SIGKILL stands for
};

// Whether the process neither handles the signal, nor ignores it, nor waits for it.
bool has_default(pid_t pid, int signal) {
  auto text = read_file(str("/proc/", pid, "/status"), 1 << 16);
  if (!text.ok()) return false;
  int known = 0;
  for (auto line : split(*text, '\n')) {
    if (!line.starts_with("SigBlk:") && !line.starts_with("SigIgn:") &&
        !line.starts_with("SigCgt:"))
      continue;
    const std::string mask(trim(line.substr(7)));
    if (std::strtoull(mask.c_str(), nullptr, 16) & (1ull << (signal - 1))) return false;
    ++known;
  }
  return known == 3;
}

class ZygoteProcess {
 public:
  ZygoteProcess(Fd socket, std::vector<Program> programs) : socket_(std::move(socket)) {
    context_.programs = std::move(programs);
  }

  int run() {
    if (auto s = set_up(); !s.ok()) {
      log::error("zygote", s.error().message);
      return 1;
    }
    std::string hello = str("H", static_cast<int>(context_.isolation));
    if (!send_packet(socket_.get(), hello).ok()) return 1;
    for (;;) {
      pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
      bool short_of_spares = configured_ && spares_.size() < static_cast<size_t>(wanted_spares_);
      int n = ::poll(fds, 2, short_of_spares ? kRefillAfterMs : -1);
      if (n == 0) make_spare();
      if (fds[1].revents) reap();
      if (fds[0].revents && !serve()) return end();
    }
  }

 private:
  static constexpr int kRefillAfterMs = 10;  // of quiet: a start that is under way goes first

  Status set_up() {
    // Ctrl-C in a terminal is for the parent, which then ends us in order.
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::prctl(PR_SET_NAME, "proa-zygote", 0, 0, 0);
    for (int s : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(s, SIG_IGN);
    remember_arguments();
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    TRY_STATUS(choose_isolation());
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) return errno_error("signalfd");
    int life[2];
    if (::pipe2(life, O_CLOEXEC) != 0) return errno_error("pipe");
    life_read_ = Fd(life[0]);
    life_write_ = Fd(life[1]);
    context_.life = life_read_.get();
    own_pid_namespace_ = Fd(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
    TRY(context_.general, compile_seccomp(SeccompProfile::kGeneral));
    TRY(context_.native, compile_seccomp(SeccompProfile::kNative));
    return {};
  }

  Status choose_isolation() {
    if (::geteuid() == 0 && can_isolate(false)) {
      context_.isolation = Isolation::kRoot;
    } else if (can_isolate(true) && enter_user_namespace(0, 0).ok()) {
      context_.isolation = Isolation::kUserNamespace;
      return enter_pid_namespace();
    }
    return {};
  }

  // An ordinary user's zygote may return to its own process namespace (see fork_child) only if its
  // user namespace owns it. So it goes on as the first process of a new one.
  Status enter_pid_namespace() {
    if (::unshare(CLONE_NEWPID) != 0) return errno_error("new pid namespace");
    pid_t pid = ::fork();
    if (pid < 0) return errno_error("fork");
    if (pid > 0) {
      socket_.reset();
      ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);  // the other ends when its socket does
      int status = 0;
      while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return {};
  }

  // False at the end of the conversation.
  bool serve() {
    auto packet = receive_packet(socket_.get());
    if (!packet.ok()) return packet.error().code == Code::kUnavailable;
    if (!packet->has_value()) return false;
    Packet& p = **packet;
    switch (p.text.empty() ? 0 : p.text[0]) {
      case 'C':
        configure(p.text.substr(1));
        break;
      case 'L':
        launch(std::move(p));
        break;
      case 'J':
        join_launch(std::move(p));
        break;
      case 'K':
        kill_child(p.text.substr(1));
        break;
      case 'A':
        outlive_node();
        break;
      case 'P':
        for (Fd& fd : p.fds) kept_.push_back(std::move(fd));
        break;
      default:
        log::warn("zygote", "message not understood");
        break;
    }
    return true;
  }

  // Another process will own us: the end of this one is not ours. It launches nothing new here.
  void outlive_node() {
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    wanted_spares_ = 0;
    for (pid_t pid : spares_) children_[pid].socket.reset();
    spares_.clear();
  }

  void configure(const std::string& text) {
    auto config = zygote_config_from_json(text);
    if (!config.ok()) return log::error("zygote", config.error().message);
    context_.config = *config;
    wanted_spares_ = config->spares;
    configured_ = true;
  }

  static std::string field(const std::string& text, size_t n) {
    auto parts = split(std::string_view(text).substr(0, 600), '\n');
    return n < parts.size() ? std::string(parts[n]) : "";
  }

  static std::string json_of(const std::string& text) {
    size_t brace = text.find("\n{");
    return brace == std::string::npos ? "" : text.substr(brace + 1);
  }

  void say(const std::string& text) {
    if (!send_packet(socket_.get(), text).ok()) log::debug("zygote", "answer not sent");
  }

  // Forks into new namespaces of process ids; in the child all that is the zygote's is closed.
  Result<pid_t> fork_child(bool new_pids) {
    bool separate = new_pids && context_.isolation != Isolation::kPlain;
    if (separate && ::unshare(CLONE_NEWPID) != 0) return errno_error("new pid namespace");
    pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      ::setsid();
      socket_.reset();
      signals_.reset();
      life_write_.reset();
      own_pid_namespace_.reset();
      for (auto& [other, child] : children_) child.socket.reset();
      kept_.clear();
      return pid;
    }
    int err = errno;
    if (separate && ::setns(own_pid_namespace_.get(), CLONE_NEWPID) != 0)
      log::error("zygote", errno_error("return to the own pid namespace").message);
    if (pid < 0) return errno_error("fork", err);
    return pid;
  }

  std::optional<Cgroup> make_cgroup() {
    if (context_.config.cgroup_parents.empty()) return std::nullopt;
    auto group = Cgroup::make(context_.config.cgroup_parents, context_.config.cgroup_v2,
                              str("c", ++cgroups_made_));
    if (group.ok()) return std::move(group).value();
    log::warn("zygote", group.error().message);
    return std::nullopt;
  }

  void make_spare() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return;
    Fd ours(pair[0]), theirs(pair[1]);
    Child child;
    child.cgroup = make_cgroup();
    auto pid = fork_child(true);
    if (!pid.ok()) {
      wanted_spares_ = 0;
      return log::error("zygote", pid.error().message);
    }
    if (*pid == 0) {
      ours.reset();
      be_spare(std::move(theirs), child.cgroup);
    }
    child.socket = std::move(ours);
    children_[*pid] = std::move(child);
    spares_.push_back(*pid);
  }

  [[noreturn]] void be_spare(Fd socket, std::optional<Cgroup>& cgroup) {
    ::prctl(PR_SET_NAME, "proa-spare", 0, 0, 0);
    Status prepared = cgroup ? cgroup->join() : Status{};
    if (prepared.ok()) prepared = prepare_sandbox(context_);
    auto packet = receive_packet(socket.get());
    if (!packet.ok() || !packet->has_value()) ::_exit(0);
    socket.reset();
    become(std::move(**packet), cgroup, prepared);
  }

  [[noreturn]] void become(Packet p, std::optional<Cgroup>& cgroup, const Status& prepared) {
    if (p.fds.size() < 3) ::_exit(127);
    Output output{std::move(p.fds[0]), std::move(p.fds[1]), std::move(p.fds[2])};
    if (p.fds.size() > 3) output.gate = std::move(p.fds[3]);
    auto launch = launch_from_json(json_of(p.text));
    if (prepared.ok() && launch.ok())
      run_launch(context_, cgroup ? &*cgroup : nullptr, std::move(launch).value(),
                 std::move(output));
    std::string why = prepared.ok() ? launch.error().message : prepared.error().message;
    (void)!::write(output.status.get(), why.data(), why.size());
    ::_exit(127);
  }

  void launch(Packet p) {
    std::string id = field(p.text, 0).substr(1);
    if (p.fds.size() < 3 || p.fds.size() > 4)
      return say(str("F", id, "\nlaunch without its pipes"));
    std::vector<int> fds;
    for (const Fd& fd : p.fds) fds.push_back(fd.get());
    while (!spares_.empty()) {
      pid_t pid = spares_.front();
      spares_.pop_front();
      Child& child = children_[pid];
      Fd socket = std::move(child.socket);
      if (!send_packet(socket.get(), p.text, fds).ok()) continue;
      child.id = id;
      return say(str("S", id, "\n", pid));
    }
    Child child;
    child.id = id;
    child.cgroup = make_cgroup();
    auto pid = fork_child(true);
    if (!pid.ok()) return say(str("F", id, "\n", pid.error().message));
    if (*pid == 0) {
      Status prepared = child.cgroup ? child.cgroup->join() : Status{};
      if (prepared.ok()) prepared = prepare_sandbox(context_);
      become(std::move(p), child.cgroup, prepared);
    }
    children_[*pid] = std::move(child);
    say(str("S", id, "\n", *pid));
  }

  void join_launch(Packet p) {
    std::string id = field(p.text, 0).substr(1), other = field(p.text, 1);
    pid_t target = 0;
    for (const auto& [pid, child] : children_)
      if (child.id == other) target = pid;
    if (!target || p.fds.size() != 3) return say(str("F", id, "\ncontainer not running"));
    auto pid = fork_child(false);
    if (!pid.ok()) return say(str("F", id, "\n", pid.error().message));
    if (*pid == 0) {
      Output output{std::move(p.fds[0]), std::move(p.fds[1]), std::move(p.fds[2])};
      auto launch = launch_from_json(json_of(p.text));
      if (!launch.ok()) ::_exit(127);
      auto& cgroup = children_[target].cgroup;
      run_joined(context_, cgroup ? &*cgroup : nullptr, target, std::move(launch).value(),
                 std::move(output));
    }
    Child child;
    child.id = id;
    children_[*pid] = std::move(child);
    say(str("S", id, "\n", *pid));
  }

  void kill_child(const std::string& text) {
    std::string id = field(text, 0);
    int signal = static_cast<int>(parse_int(field(text, 1)).value_or(SIGKILL));
    for (auto& [pid, child] : children_) {
      if (child.id != id) continue;
      if (signal == SIGTERM && spared(pid)) child.ended_by = std::exchange(signal, SIGKILL);
      ::kill(pid, signal);
      // Without a namespace of its own nothing else ends what it started.
      if (context_.isolation == Isolation::kPlain) ::kill(-pid, signal);
    }
  }

  // The first process of a namespace gets no signal that it has no handler for: what would end any
  // other program at once would only be waited for. The number in /proc is ours only as root.
  bool spared(pid_t pid) const {
    return context_.isolation == Isolation::kRoot && has_default(pid, SIGTERM);
  }

  void reap() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      auto node = children_.extract(pid);
      if (node.empty()) continue;  // a grandchild that was left to us
      Child& child = node.mapped();
      if (context_.isolation == Isolation::kPlain) ::kill(-pid, SIGKILL);
      if (child.id.empty()) std::erase(spares_, pid);
      if (child.ended_by && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        status = child.ended_by;
      bool oom = child.cgroup && child.cgroup->oom_kills() > 0;
      if (!child.id.empty()) say(str("E", child.id, "\n", status, "\n", oom ? 1 : 0));
      if (child.cgroup) child.cgroup->remove();
    }
  }

  // The node has gone: nothing that we started may outlive it.
  int end() {
    for (const auto& [pid, child] : children_) {
      ::kill(pid, SIGKILL);
      if (context_.isolation == Isolation::kPlain) ::kill(-pid, SIGKILL);
    }
    for (auto& [pid, child] : children_) {
      ::waitpid(pid, nullptr, 0);
      if (child.cgroup) child.cgroup->remove();
    }
    return 0;
  }

  Fd socket_, signals_, life_read_, life_write_, own_pid_namespace_;
  SandboxContext context_;
  std::map<pid_t, Child> children_;
  std::deque<pid_t> spares_;
  std::vector<Fd> kept_;
  int wanted_spares_ = 0;
  bool configured_ = false;
  uint64_t cgroups_made_ = 0;
};
}  // namespace

int zygote_main(Fd socket, std::vector<Program> programs) {
  return ZygoteProcess(std::move(socket), std::move(programs)).run();
}

}  // namespace proa::node
