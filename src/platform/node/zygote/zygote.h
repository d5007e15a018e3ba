// Zygote: a tiny process, forked from main before there are threads, that starts every container.
//
// app/ calls start() first in main; the node attaches it to its loop and launches through it. A
// native program begins within about a millisecond, since it is a fork and not an exec, and since a
// few children wait with their sandbox made. When this process dies, by whatever cause, the zygote
// and everything it started die with it. After attach(): loop thread only.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "foundation/async/loop.h"
#include "platform/node/zygote/launch.h"
#include "platform/node/zygote/sandbox.h"
#include "platform/node/zygote/wire.h"

namespace proa::node {

struct Exit {
  int code = 0;    // exit code, or 128 + signal
  int signal = 0;  // 0: it exited by itself
  bool oom_killed = false;
};

// What happens to one launch: started then exited, or failed alone.
struct LaunchEvents {
  std::function<void(pid_t pid)> started;  // its program runs
  std::function<void(std::string why)> failed;
  std::function<void(Exit exit)> exited;
};

class Zygote {
 public:
  // Forks. The programs' mains are called in children of the zygote.
  static Result<std::unique_ptr<Zygote>> start(std::vector<Program> programs);
  // One that another process started and gave up by hand_over(). What it runs goes on.
  static std::unique_ptr<Zygote> adopt(Fd socket, pid_t pid, Isolation isolation);
  ~Zygote();  // ends the zygote and everything it started, and waits for it

  pid_t pid() const { return pid_; }
  Isolation isolation() const { return isolation_; }

  // lost: called if the zygote dies; nothing can be launched after that.
  Status attach(async::Loop& loop, const ZygoteConfig& config, std::function<void()> lost);
  void detach();  // no callback comes after this

  // Handover: the loop has ended; the zygote outlives this process from here on, and this object is
  // empty. The new owner tells which launches run before it lets resume() read what came of them.
  Result<Fd> hand_over();
  void adopt_launch(const std::string& id, pid_t pid, LaunchEvents events);
  void resume(async::Loop& loop, std::function<void()> lost);
  bool idle() const { return running_.empty(); }
  // The zygote keeps a copy of the descriptor open as long as it lives.
  Status keep(int fd);

  // A launch that tells its end has exited when its main returns: its process may be there for some
  // milliseconds more, and is no longer told of. Not for what may be started again at once on the
  // same port.
  Status launch(const Launch& launch, Fd out, Fd err, LaunchEvents events);
  void release(const std::string& id);           // a held launch: its program begins now
  void kill(const std::string& id, int signal);  // no effect if it is gone

 private:
  struct Running {
    LaunchEvents events;
    Fd status, gate;
    pid_t pid = 0;
    bool started = false;
  };
  Zygote(Fd socket, pid_t pid, Isolation isolation)
      : socket_(std::move(socket)), pid_(pid), isolation_(isolation) {}
  Status post(const std::string& text, const std::vector<int>& fds = {});
  void send_waiting();
  void not_sent(const std::string& text, const Error& why);
  void on_socket();
  void on_packet(const std::string& text);
  void on_status(const std::string& id);
  void drop_status(Running& running);
  void begun(Running& running);
  void finish(const std::string& id, Exit exit);
  void fail(const std::string& id, const std::string& why);

  Fd socket_;
  pid_t pid_;
  Isolation isolation_;
  async::Loop* loop_ = nullptr;
  std::function<void()> lost_;
  std::map<std::string, Running> running_;
  std::deque<Packet> outbox_;  // what the socket had no room for
};

// The zygote's own side; returns its exit code. Called in the forked child only.
int zygote_main(Fd socket, std::vector<Program> programs);

}  // namespace proa::node
