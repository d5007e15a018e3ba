#include "platform/node/zygote/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/node/zygote/wire.h"

namespace proa::node {

namespace {
constexpr size_t kMostWaiting = 4096;
}

Result<std::unique_ptr<Zygote>> Zygote::start(std::vector<Program> programs) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return errno_error("socketpair");
  Fd ours(pair[0]), theirs(pair[1]);
  std::fflush(nullptr);  // what is buffered here would be written again by every child
  pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork the zygote");
  if (pid == 0) {
    ours.reset();
    ::_exit(zygote_main(std::move(theirs), std::move(programs)));
  }
  theirs.reset();
  auto hello = receive_packet(ours.get());
  if (!hello.ok() || !hello->has_value() || (*hello)->text.size() < 2) {
    ::waitpid(pid, nullptr, 0);
    return error(Code::kInternal, "the zygote did not start");
  }
  auto isolation = static_cast<Isolation>((*hello)->text[1] - '0');
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Zygote>(new Zygote(std::move(ours), pid, isolation));
}

std::unique_ptr<Zygote> Zygote::adopt(Fd socket, pid_t pid, Isolation isolation) {
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Zygote>(new Zygote(std::move(socket), pid, isolation));
}

Zygote::~Zygote() {
  detach();
  socket_.reset();  // it kills its children and ends
  if (pid_ <= 0) return;
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Status Zygote::attach(async::Loop& loop, const ZygoteConfig& config, std::function<void()> lost) {
  loop_ = &loop;
  lost_ = std::move(lost);
  TRY_STATUS(send_packet(socket_.get(), "C" + json::dump(to_json(config))));
  loop.watch(socket_.get(), EPOLLIN, [this](uint32_t) { on_socket(); });
  return {};
}

void Zygote::detach() {
  if (!loop_) return;
  if (socket_) {
    loop_->unwatch(socket_.get());
    outbox_.clear();
    ZygoteConfig rest;  // no more spares are wanted
    rest.spares = 0;
    if (auto s = send_packet(socket_.get(), "C" + json::dump(to_json(rest))); !s.ok())
      log::debug("node", s.error().message);
  }
  for (auto& [id, running] : running_) drop_status(running);
  running_.clear();
  loop_ = nullptr;
}

// It answers by closing the pipe: from then on it does not die with this process.
Result<Fd> Zygote::hand_over() {
  constexpr int kPatienceMs = 3000;
  if (!socket_) return error(Code::kUnavailable, "the zygote is not running");
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return errno_error("pipe");
  Fd answer(pipe[0]), theirs(pipe[1]);
  TRY_STATUS(post("A", {theirs.get()}));
  while (!outbox_.empty()) {
    pollfd room{socket_.get(), POLLOUT, 0};
    if (::poll(&room, 1, kPatienceMs) != 1)
      return error(Code::kDeadline, "the zygote takes nothing");
    send_waiting();
  }
  theirs.reset();
  pollfd closed{answer.get(), POLLIN, 0};
  if (::poll(&closed, 1, kPatienceMs) != 1)
    return error(Code::kDeadline, "the zygote does not answer");
  if (loop_) loop_->unwatch(socket_.get());
  for (auto& [id, running] : running_) drop_status(running);
  running_.clear();
  loop_ = nullptr;
  pid_ = 0;
  return std::move(socket_);
}

void Zygote::adopt_launch(const std::string& id, pid_t pid, LaunchEvents events) {
  Running& running = running_[id];
  running.events = std::move(events);
  running.pid = pid;
  running.started = true;
}

void Zygote::resume(async::Loop& loop, std::function<void()> lost) {
  loop_ = &loop;
  lost_ = std::move(lost);
  loop.watch(socket_.get(), EPOLLIN, [this](uint32_t) { on_socket(); });
}

Status Zygote::keep(int fd) { return send_packet(socket_.get(), "P", {fd}); }

// Many launches at once are more than the socket holds: they wait in their order.
Status Zygote::post(const std::string& text, const std::vector<int>& fds) {
  if (outbox_.empty()) {
    auto sent = send_packet(socket_.get(), text, fds);
    if (sent.ok() || sent.error().code != Code::kUnavailable) return sent;
    if (loop_) loop_->modify(socket_.get(), EPOLLIN | EPOLLOUT);
  }
  if (outbox_.size() >= kMostWaiting)
    return error(Code::kExhausted, "too many messages wait for the zygote");
  Packet packet{text, {}};
  for (int fd : fds) {
    packet.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!packet.fds.back()) return errno_error("keep a descriptor");
  }
  outbox_.push_back(std::move(packet));
  return {};
}

void Zygote::send_waiting() {
  if (outbox_.empty()) return;
  while (!outbox_.empty()) {
    std::vector<int> fds;
    for (const Fd& fd : outbox_.front().fds) fds.push_back(fd.get());
    auto sent = send_packet(socket_.get(), outbox_.front().text, fds);
    if (!sent.ok() && sent.error().code == Code::kUnavailable) return;
    const std::string text = std::move(outbox_.front().text);
    outbox_.pop_front();
    if (!sent.ok()) not_sent(text, sent.error());
  }
  if (loop_) loop_->modify(socket_.get(), EPOLLIN);
}

// One that cannot be sent at all does not keep the others from it.
void Zygote::not_sent(const std::string& text, const Error& why) {
  log::error("node", why.message);
  if (text[0] == 'L' || text[0] == 'J') fail(text.substr(1, text.find('\n') - 1), why.message);
}

Status Zygote::launch(const Launch& launch, Fd out, Fd err, LaunchEvents events) {
  if (!loop_ || !socket_) return error(Code::kUnavailable, "the zygote is not running");
  if (running_.count(launch.id)) return error(Code::kAlreadyExists, str("launch ", launch.id));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) return errno_error("pipe");
  Fd status(pipe[0]), theirs(pipe[1]);
  Fd gate, their_gate;
  if (launch.held) {
    if (::pipe2(pipe, O_CLOEXEC) != 0) return errno_error("pipe");
    their_gate = Fd(pipe[0]);
    gate = Fd(pipe[1]);
  }
  std::string text = launch.join.empty() ? str("L", launch.id, "\n")
                                         : str("J", launch.id, "\n", launch.join, "\n");
  json::dump(to_json(launch), text);
  std::vector<int> fds{out.get(), err.get(), theirs.get()};
  if (their_gate) fds.push_back(their_gate.get());
  TRY_STATUS(post(text, fds));
  Running& running = running_[launch.id];
  running.events = std::move(events);
  running.status = std::move(status);
  running.gate = std::move(gate);
  loop_->watch(running.status.get(), EPOLLIN, [this, id = launch.id](uint32_t) { on_status(id); });
  return {};
}

void Zygote::release(const std::string& id) {
  auto it = running_.find(id);
  if (it == running_.end() || !it->second.gate) return;
  if (::write(it->second.gate.get(), "g", 1) != 1)
    log::debug("node", "a held program has ended", {{"id", id}});
  it->second.gate.reset();
}

void Zygote::kill(const std::string& id, int signal) {
  if (!running_.count(id)) return;
  if (auto s = post(str("K", id, "\n", signal)); !s.ok())
    log::warn("node", "signal not sent", {{"id", id}, {"error", s.error().message}});
}

void Zygote::drop_status(Running& running) {
  if (!running.status) return;
  loop_->unwatch(running.status.get());
  running.status.reset();
}

// The launch's own pipe: closed without a byte when the program begins, else the cause that it does
// not. One that tells its end says both: kBegins, then kEnds and its exit code.
void Zygote::on_status(const std::string& id) {
  auto it = running_.find(id);
  if (it == running_.end() || !it->second.status) return;
  char said[4096];
  ssize_t n = ::read(it->second.status.get(), said, sizeof said);
  if (n < 0) return;
  std::string_view rest(said, static_cast<size_t>(n));
  const bool told = !rest.empty() && rest[0] == kBegins;
  if (told) rest.remove_prefix(1);
  const bool ended = rest.size() == 2 && rest[0] == kEnds;
  if (!told || ended) drop_status(it->second);
  if (!rest.empty() && !ended) return fail(id, std::string(rest));
  if (it->second.gate) return;  // held to the end: it never began
  begun(it->second);
  // Its process is going; what comes of it is told to nobody.
  if (ended) finish(id, {static_cast<unsigned char>(rest[1]), 0, false});
}

void Zygote::begun(Running& running) {
  if (std::exchange(running.started, true)) return;
  if (running.pid && running.events.started) running.events.started(running.pid);
}

void Zygote::fail(const std::string& id, const std::string& why) {
  auto node = running_.extract(id);
  if (node.empty()) return;
  drop_status(node.mapped());
  if (node.mapped().events.failed) node.mapped().events.failed(why);
}

void Zygote::finish(const std::string& id, Exit exit) {
  on_status(id);  // its end may be known before what it said
  auto node = running_.extract(id);
  if (node.empty()) return;
  drop_status(node.mapped());
  if (node.mapped().events.exited) node.mapped().events.exited(exit);
}

void Zygote::on_socket() {
  send_waiting();
  while (loop_ && socket_) {
    auto packet = receive_packet(socket_.get());
    if (!packet.ok() && packet.error().code == Code::kUnavailable) return;
    if (packet.ok() && packet->has_value()) {
      on_packet((*packet)->text);
      continue;
    }
    log::error("node", "the zygote has died");
    loop_->unwatch(socket_.get());
    socket_.reset();
    std::vector<std::string> ids;
    for (const auto& [id, running] : running_) ids.push_back(id);
    for (const auto& id : ids) finish(id, {137, SIGKILL, false});
    if (lost_) lost_();
  }
}

void Zygote::on_packet(const std::string& text) {
  auto parts = split(std::string_view(text).substr(1), '\n');
  std::string id(parts[0]);
  auto it = running_.find(id);
  if (it == running_.end()) return;
  if (text[0] == 'S' && parts.size() > 1) {
    it->second.pid = static_cast<pid_t>(parse_int(parts[1]).value_or(0));
    if (it->second.started && it->second.events.started) it->second.events.started(it->second.pid);
  } else if (text[0] == 'E' && parts.size() > 2) {
    int status = static_cast<int>(parse_int(parts[1]).value_or(0));
    Exit exit;
    exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    exit.code = exit.signal ? 128 + exit.signal : WEXITSTATUS(status);
    exit.oom_killed = parts[2] == "1";
    finish(id, exit);
  } else if (text[0] == 'F') {
    fail(id, text.substr(id.size() + 2));
  }
}

}  // namespace proa::node
