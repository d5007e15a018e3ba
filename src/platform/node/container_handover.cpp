// A container across two runs of the node: its program gone, or going on.
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "platform/node/container.h"

namespace proa::node {

namespace {
using State = ContainerObserved::State;
}

void Container::restore(const json::Value& status) {
  observed_.restarts = static_cast<int>(status["restartCount"].integer());
  const json::Value& state = status["state"];
  if (status["lastState"].has("terminated"))
    observed_.last = read_terminated(status["lastState"]["terminated"]);
  std::optional<Terminated> ended;
  if (state.has("terminated")) ended = read_terminated(state["terminated"]);
  if (state.has("running"))
    ended = Terminated{137,
                       0,
                       "ContainerStatusUnknown",
                       "The container could not be located when the node started again",
                       state["running"]["startedAt"].str(),
                       context_.now(),
                       status["containerID"].str()};
  if (!ended) return;
  // With a new sandbox everything runs again, init containers too, unless the pod may not restart
  // it.
  bool again = init_ || should_restart(*view_.pod, observed_.sidecar, false, ended->exit_code);
  if (again) {
    observed_.last = ended;
    ++observed_.restarts;
    return;
  }
  observed_.state = State::kTerminated;
  observed_.terminated = *ended;
  observed_.container_id = ended->container_id;
}

bool Container::can_go() const {
  if (held_ || restarting_) return false;
  return !has_process() || observed_.state == State::kRunning;
}

std::optional<InheritedContainer> Container::go() {
  cancel_timer();
  if (kill_timer_) context_.loop.cancel(std::exchange(kill_timer_, 0));
  probes_.reset();
  if (!has_process()) return std::nullopt;
  InheritedContainer out;
  out.pod_uid = client::uid_of(*view_.pod);
  out.name = observed_.name;
  out.started_at = observed_.started_at, out.container_id = observed_.container_id;
  out.started = observed_.started, out.ready = observed_.ready;
  out.pid = pid_;
  out.launch = std::move(last_launch_);
  launch_id_.clear();
  Fd* theirs[2] = {&out.out, &out.err};
  for (int i = 0; i < 2; ++i) {
    if (!pipes_[i].fd) continue;
    context_.loop.unwatch(pipes_[i].fd.get());
    *theirs[i] = std::move(pipes_[i].fd);
  }
  if (log_) log_->close();
  log_.reset();
  return out;
}

// As its status says, without running anything again.
void Container::set_state(const json::Value& status) {
  const json::Value& state = status["state"];
  if (state.has("terminated")) {
    observed_.state = State::kTerminated;
    observed_.terminated = read_terminated(state["terminated"]);
    observed_.container_id = observed_.terminated.container_id;
  } else if (state.has("running") &&
             context_.images.find(observed_.image).kind == ImageUse::Kind::kPlatform) {
    platform_ = may_start_ = true;
    observed_.state = State::kRunning;
    observed_.started_at = state["running"]["startedAt"].str();
    observed_.started = true;
    observed_.ready = status["ready"].boolean();
    observed_.container_id = status["containerID"].str();
  }
}

void Container::take_over(const json::Value& status, InheritedContainer* running, Zygote* zygote) {
  observed_.restarts = static_cast<int>(status["restartCount"].integer());
  if (status["lastState"].has("terminated"))
    observed_.last = read_terminated(status["lastState"]["terminated"]);
  if (!running) return set_state(status);
  zygote_ = zygote;
  pid_ = running->pid;
  last_launch_ = std::move(running->launch);
  launch_id_ = last_launch_.id;
  may_start_ = true;
  observed_.state = State::kRunning;
  observed_.started_at = running->started_at, observed_.container_id = running->container_id;
  observed_.started = running->started, observed_.ready = running->ready;
  started_ = context_.loop.clock().mono();
  if (context_.options.usage)
    context_.options.usage->started(client::key_of(*view_.pod), observed_.name, pid_,
                                    started_.time_since_epoch().count());
  auto log = ContainerLog::open(context_.log_dir(*view_.pod, observed_.name), observed_.restarts,
                                {}, context_.loop.clock());
  if (log.ok())
    log_ = std::make_unique<ContainerLog>(std::move(log).value());
  else
    log::warn("node", "container log not opened", {{"error", log.error().message}});
  Fd* fds[2] = {&running->out, &running->err};
  for (int i = 0; i < 2; ++i) {
    pipes_[i].fd = std::move(*fds[i]);
    pipes_[i].stream = i == 0 ? LogStreamName::kStdout : LogStreamName::kStderr;
    watch_output(pipes_[i]);
  }
  zygote_->adopt_launch(launch_id_, pid_, launch_events());
  if (!init_ || observed_.sidecar) start_probes();
}

}  // namespace proa::node
