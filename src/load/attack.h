// Attack: sends requests at a constant rate over keep-alive connections, and hands out each result.
//
// Runs on the loop it is given, until the last answer or time-out; stop() ends the sending early.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "load/report.h"
#include "load/targets.h"

namespace proa::load {

struct AttackOptions {
  double rate = 50;     // requests a second
  Duration duration{};  // 0: until stop()
  Duration timeout = std::chrono::seconds(30);
  size_t most_connections = 10000;  // idle ones kept per host
  size_t most_in_flight = 10000;    // past it requests start late; their latency says so
  bool http2 = false;
};

class Attack {
 public:
  Attack(async::Loop& loop, AttackOptions options, std::vector<Target> targets,
         std::function<void(const Hit&)> on_hit, std::function<void()> on_done);
  void start();
  void stop();

 private:
  void pump();  // sends what is due, sets the timer for the next
  void send(uint64_t seq);
  void finished(Hit hit, const Result<http::Response>& answer);

  async::Loop& loop_;
  AttackOptions options_;
  std::vector<Target> targets_;
  std::vector<std::string> addresses_;  // resolved once, by target
  std::function<void(const Hit&)> on_hit_;
  std::function<void()> on_done_;
  http::Client client_;
  MonoTime start_;
  WallTime wall_start_;
  uint64_t next_ = 0, in_flight_ = 0, total_ = 0;  // total_ 0: without end
  bool stopped_ = false, done_ = false;
};

// The numeric address of a host name, by the system's resolver (blocking).
Result<std::string> resolve(const std::string& host);

}  // namespace proa::load
