// Container: one container of a pod, over all its runs: start, output, probes, end, back-off.
//
//   waiting ──start──▶ starting ──▶ running ──▶ terminated ─┬─▶ (stays so)
//      ▲                                                    └─ restartPolicy: at once, then
//      CrashLoopBackOff
//
// Owned by its PodWorker, which it tells of every change. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/node/container_launch.h"
#include "platform/node/decisions/backoff.h"
#include "platform/node/decisions/status.h"
#include "platform/node/handover.h"
#include "platform/node/logs/cri_log.h"
#include "platform/node/probes/probes.h"

namespace proa::node {

class Container {
 public:
  // `view` and `context` must outlive this. changed: the observed state is another one.
  Container(NodeContext& context, const PodView& view, json::Value spec, bool init,
            std::function<void()> changed);
  ~Container();
  Container(const Container&) = delete;

  const ContainerObserved& observed() const { return observed_; }
  ContainerObserved& observed() { return observed_; }
  const std::string& name() const { return observed_.name; }
  const json::Value& spec() const { return spec_; }
  bool platform() const { return platform_; }
  bool has_process() const { return !launch_id_.empty(); }
  bool held() const { return held_; }

  // Takes up what an earlier node wrote of it. Its process is gone.
  void restore(const json::Value& status);
  // Goes on with what an earlier node handed over, or with what it wrote if it has no process.
  void take_over(const json::Value& status, InheritedContainer* running, Zygote* zygote);
  bool can_go() const;                     // it is not in the middle of something
  std::optional<InheritedContainer> go();  // gives up its process, if it has one; loop ended
  Zygote& zygote() { return *zygote_; }
  void allow_start();          // starts it if it waits and nothing holds it back
  void prepare();              // makes a native program's process ready to run, ahead of that
  void stop(Duration grace);   // SIGTERM, then SIGKILL; it is not started again
  void image_table_changed();  // tries again at once what had no program
  bool is_native(std::string_view program) const;

 private:
  struct OutputPipe {
    Fd fd;
    LogStreamName stream;
  };
  void set_state(const json::Value& status);
  void watch_output(OutputPipe& pipe);
  LaunchEvents launch_events();
  void try_start();
  void start_platform();
  Status launch(const ImageUse& use, bool held = false);
  void announce_launch();
  Status open_output(Fd& out, Fd& err);
  void hold(std::string reason, std::string message, Duration retry);
  void image_failed(const std::string& message);
  void on_started(pid_t pid);
  void on_failed(const std::string& why);
  void on_exited(const Exit& exit);
  void terminated(Terminated t);
  void plan_restart();
  void start_probes();
  void run_probe(std::vector<std::string> command, Duration timeout, ProbeDone done);
  void read_output(OutputPipe& pipe);
  void note_progress(std::string_view output);
  void close_output();
  std::string termination_message(int exit_code);
  std::string termination_file() const;
  void cancel_timer();
  void event(const char* type, const char* reason, std::string message);
  std::string pod_reference() const;  // name_namespace(uid)

  NodeContext& context_;
  Zygote* zygote_;  // that started the process
  const PodView& view_;
  json::Value spec_;
  bool init_, platform_ = false, beside_queue_proxy_ = false;
  std::function<void()> changed_;
  ContainerObserved observed_;
  std::string launch_id_;                 // not empty while there is, or will be, a process
  Launch last_launch_;                    // for probes inside: the same ids and environment
  bool prepared_ = false, held_ = false;  // held: the process waits for allow_start()
  bool may_start_ = false, stopping_ = false, restarting_ = false;
  MonoTime started_{}, progress_told_{};
  pid_t pid_ = 0;
  Backoff backoff_, image_backoff_;
  async::TimerId timer_ = 0, kill_timer_ = 0;
  std::unique_ptr<ContainerLog> log_;
  OutputPipe pipes_[2];
  std::unique_ptr<Probes> probes_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace proa::node
