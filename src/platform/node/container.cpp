#include "platform/node/container.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::node {

namespace {
using State = ContainerObserved::State;
constexpr size_t kMostMessage = 4096;
}  // namespace

Container::Container(NodeContext& context, const PodView& view, json::Value spec, bool init,
                     std::function<void()> changed)
    : context_(context),
      zygote_(&context.zygote),
      view_(view),
      spec_(std::move(spec)),
      init_(init),
      changed_(std::move(changed)),
      backoff_(context.options.backoff_first, context.options.backoff_cap),
      image_backoff_(context.options.backoff_first, context.options.backoff_cap) {
  observed_.name = spec_["name"].str();
  observed_.image = spec_["image"].str();
  observed_.sidecar = init && spec_["restartPolicy"].str() == "Always";
  observed_.reason = init || (*view.pod)["spec"]["initContainers"].size() == 0 ? "ContainerCreating"
                                                                               : "PodInitializing";
  if (init) observed_.reason = "PodInitializing";
  for (const auto& c : (*view.pod)["spec"]["containers"].array())
    if (c["name"].str() == "queue-proxy" && observed_.name != "queue-proxy" && !init)
      beside_queue_proxy_ = true;
}

Container::~Container() {
  cancel_timer();
  if (kill_timer_) context_.loop.cancel(kill_timer_);
  close_output();
  if (context_.options.usage)
    context_.options.usage->ended(client::key_of(*view_.pod), observed_.name);
  if (has_process()) zygote_->kill(launch_id_, SIGKILL);
}

void Container::event(const char* type, const char* reason, std::string message) {
  context_.event(view_.pod, type, reason, std::move(message));
}

std::string Container::pod_reference() const {
  const json::Value& m = (*view_.pod)["metadata"];
  return str(m["name"].str(), "_", m["namespace"].str(), "(", m["uid"].str(), ")");
}

void Container::cancel_timer() {
  if (timer_) context_.loop.cancel(std::exchange(timer_, 0));
}

bool Container::is_native(std::string_view program) const {
  ImageUse use = context_.images.find(observed_.image);
  return use.kind == ImageUse::Kind::kNative && use.program == program;
}

void Container::allow_start() {
  if (std::exchange(may_start_, true)) return;
  if (std::exchange(held_, false)) {
    announce_launch();
    return zygote_->release(launch_id_);
  }
  if (observed_.state == State::kWaiting && !timer_ && !has_process()) try_start();
}

// What goes wrong here is told when the container's turn comes.
void Container::prepare() {
  if (may_start_ || stopping_ || has_process() || timer_ || std::exchange(prepared_, true)) return;
  ImageUse use = context_.images.find(observed_.image);
  if (use.kind != ImageUse::Kind::kNative) return;
  if (auto s = launch(use, true); !s.ok()) return close_output();
  held_ = true;
}

void Container::image_table_changed() {
  if (observed_.state != State::kWaiting || has_process() || !may_start_) return;
  if (observed_.reason != "ErrImagePull" && observed_.reason != "ImagePullBackOff") return;
  cancel_timer();
  try_start();
}

void Container::hold(std::string reason, std::string message, Duration retry) {
  observed_.state = State::kWaiting;
  observed_.reason = std::move(reason);
  observed_.message = std::move(message);
  cancel_timer();
  timer_ = context_.loop.after(retry, [this] {
    timer_ = 0;
    try_start();
  });
  changed_();
}

void Container::image_failed(const std::string& message) {
  if (observed_.reason != "ErrImagePull" && observed_.reason != "ImagePullBackOff") {
    event("Warning", "Failed", str("Failed to pull image \"", observed_.image, "\": ", message));
    event("Warning", "Failed", "Error: ErrImagePull");
    (void)image_backoff_.next(Duration(0));
    return hold("ErrImagePull", message,
                std::min<Duration>(std::chrono::seconds(2), context_.options.backoff_first));
  }
  event("Normal", "BackOff", str("Back-off pulling image \"", observed_.image, "\""));
  hold("ImagePullBackOff",
       str("Back-off pulling image \"", observed_.image, "\": ErrImagePull: ", message),
       image_backoff_.next(Duration(0)));
}

void Container::try_start() {
  if (stopping_) return;
  ImageUse use = context_.images.find(observed_.image);
  if (use.kind == ImageUse::Kind::kUnknown)
    return image_failed(no_program_message(observed_.image));
  if (use.kind == ImageUse::Kind::kPlatform) return start_platform();
  auto launched = launch(use);
  if (launched.ok()) return;
  if (launched.error().code == Code::kUnimplemented) return image_failed(launched.error().message);
  if (observed_.reason != "CreateContainerConfigError")
    event("Warning", "Failed", str("Error: ", launched.error().message));
  hold("CreateContainerConfigError", launched.error().message, std::chrono::seconds(1));
}

// The platform does this container's work: there is nothing to run.
void Container::start_platform() {
  platform_ = true;
  observed_.state = State::kRunning;
  observed_.started_at = context_.now();
  observed_.started = true;
  observed_.container_id = str("proa://", observed_.name, "-", ++context_.next_id);
  event("Normal", "Created", str("Created container: ", observed_.name));
  event("Normal", "Started", str("Started container ", observed_.name));
  changed_();
}

std::string Container::termination_file() const {
  return str(context_.volumes.pod_dir(client::uid_of(*view_.pod)), "/containers/", observed_.name,
             "/termination-log");
}

Status Container::launch(const ImageUse& use, bool held) {
  std::string message = termination_file();
  TRY_STATUS(make_dirs(message.substr(0, message.find_last_of('/'))));
  TRY_STATUS(write_file(message, "", 0666));
  if (::chmod(message.c_str(), 0666) != 0) return errno_error("chmod");
  TRY(Launch launch, make_launch(context_, view_, spec_, use, message));
  launch.held = held;
  launch.tells_end = init_ && !observed_.sidecar;
  Fd out, err;
  TRY_STATUS(open_output(out, err));
  zygote_ = &context_.zygote;
  TRY_STATUS(zygote_->launch(launch, std::move(out), std::move(err), launch_events()));
  launch_id_ = launch.id;
  last_launch_ = std::move(launch);
  if (!held) announce_launch();
  return {};
}

LaunchEvents Container::launch_events() {
  std::weak_ptr<bool> alive = alive_;
  auto guard = [alive](auto f) {
    return [alive, f](auto... args) {
      if (!alive.expired()) f(args...);
    };
  };
  LaunchEvents events;
  events.started = guard([this](pid_t pid) { on_started(pid); });
  events.failed = guard([this](const std::string& why) { on_failed(why); });
  events.exited = guard([this](const Exit& exit) { on_exited(exit); });
  return events;
}

void Container::announce_launch() {
  if (spec_["lifecycle"].has("preStop") || spec_["lifecycle"].has("postStart"))
    event("Warning", "LifecycleHookIgnored",
          str("container ", observed_.name, ": lifecycle hooks are not run on this node"));
  event("Normal", "Pulled",
        str("Container image \"", observed_.image, "\" already present on machine"));
  event("Normal", "Created", str("Created container: ", observed_.name));
}

Status Container::open_output(Fd& out, Fd& err) {
  close_output();
  TRY(ContainerLog log, ContainerLog::open(context_.log_dir(*view_.pod, observed_.name),
                                           observed_.restarts, {}, context_.loop.clock()));
  log_ = std::make_unique<ContainerLog>(std::move(log));
  Fd* theirs[2] = {&out, &err};
  for (int i = 0; i < 2; ++i) {
    int pair[2];
    if (::pipe2(pair, O_CLOEXEC) != 0) return errno_error("pipe");
    *theirs[i] = Fd(pair[1]);
    OutputPipe& pipe = pipes_[i];
    pipe.fd = Fd(pair[0]);
    pipe.stream = i == 0 ? LogStreamName::kStdout : LogStreamName::kStderr;
    watch_output(pipe);
  }
  return {};
}

void Container::watch_output(OutputPipe& pipe) {
  if (!pipe.fd) return;
  ::fcntl(pipe.fd.get(), F_SETFL, O_NONBLOCK);
  context_.loop.watch(pipe.fd.get(), EPOLLIN, [this, &pipe](uint32_t) { read_output(pipe); });
}

void Container::read_output(OutputPipe& pipe) {
  char buffer[65536];
  for (int turn = 0; turn < 4 && pipe.fd; ++turn) {
    ssize_t n = ::read(pipe.fd.get(), buffer, sizeof buffer);
    if (n > 0) {
      const std::string_view output(buffer, static_cast<size_t>(n));
      if (log_) log_->write(pipe.stream, output);
      if (init_ && last_launch_.native == "proa fetch") note_progress(output);
      if (probes_ && !observed_.ready) probes_->look_again();
      continue;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    context_.loop.unwatch(pipe.fd.get());
    pipe.fd.reset();
  }
}

// The newest line of `proa fetch` about its download becomes part of the status, now and then.
void Container::note_progress(std::string_view output) {
  constexpr Duration kBetween = std::chrono::seconds(2);
  const MonoTime now = context_.loop.clock().mono();
  if (observed_.state != State::kRunning || now - std::max(progress_told_, started_) < kBetween)
    return;
  std::string_view newest;
  for (auto line : split(output, '\n'))
    if (line.starts_with("fetching ") && contains(line, "/s")) newest = line;
  if (newest.empty()) return;
  progress_told_ = now;
  observed_.progress = shorten(newest, 500);
  changed_();
}

void Container::close_output() {
  for (OutputPipe& pipe : pipes_) {
    // What the process wrote before its end: at most what the pipe holds.
    if (pipe.fd) read_output(pipe);
    if (!pipe.fd) continue;
    context_.loop.unwatch(pipe.fd.get());
    pipe.fd.reset();
  }
  if (log_) log_->close();
  log_.reset();
}

void Container::on_started(pid_t pid) {
  started_ = context_.loop.clock().mono();
  pid_ = pid;
  observed_.state = State::kRunning;
  observed_.started_at = context_.now();
  observed_.message.clear();
  observed_.container_id = "proa://" + launch_id_;
  if (context_.options.usage)
    context_.options.usage->started(client::key_of(*view_.pod), observed_.name, pid,
                                    started_.time_since_epoch().count());
  log::info("node", "container started",
            {{"pod", pod_reference()}, {"container", observed_.name}, {"pid", pid}});
  event("Normal", "Started", str("Started container ", observed_.name));
  if (!init_ || observed_.sidecar)
    start_probes();
  else
    observed_.started = true;
  changed_();
}

void Container::start_probes() {
  ProbeTarget target;
  target.address = view_.ip;
  target.ports = spec_["ports"];
  target.exec = [this](std::vector<std::string> command, Duration timeout, ProbeDone done) {
    run_probe(std::move(command), timeout, std::move(done));
  };
  ProbeEvents events;
  events.started = [this] {
    observed_.started = true;
    changed_();
  };
  events.ready = [this](bool ready) {
    if (std::exchange(observed_.ready, ready) != ready) changed_();
  };
  events.unhealthy = [this](const std::string& what, const std::string& message) {
    event("Warning", "Unhealthy", str(what, " probe failed: ", message));
  };
  events.restart = [this](const std::string& what) {
    event("Normal", "Killing",
          str("Container ", observed_.name, " failed ", lower(what), " probe, will be restarted"));
    restarting_ = true;
    stop(std::chrono::seconds((*view_.pod)["spec"]["terminationGracePeriodSeconds"].integer(30)));
    stopping_ = false;
  };
  json::Value spec = spec_;
  if (beside_queue_proxy_) spec.set("readinessProbe", serving_readiness_probe(*view_.pod, spec_));
  if (last_launch_.may_execute && spec.has("readinessProbe"))
    spec.set("readinessProbe", mlserver_readiness_probe(spec["readinessProbe"], spec_));
  probes_ = std::make_unique<Probes>(context_.loop, context_.http, spec, std::move(target),
                                     std::move(events));
}

void Container::run_probe(std::vector<std::string> command, Duration timeout, ProbeDone done) {
  struct Attempt {
    Fd out;
    async::TimerId timer = 0;
    bool timed_out = false;
  };
  auto attempt = std::make_shared<Attempt>();
  Launch probe = last_launch_;
  probe.native.clear();
  probe.held = false;
  probe.join = launch_id_;
  probe.id = str(launch_id_, "-probe-", ++context_.next_id);
  probe.argv = std::move(command);
  probe.mounts.clear();
  probe.files.clear();
  int pair[2];
  if (probe.argv.empty() || ::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0)
    return context_.loop.post([done] { done({false, "exec probe without a command"}); });
  attempt->out = Fd(pair[0]);
  Fd out(pair[1]), err(::fcntl(pair[1], F_DUPFD_CLOEXEC, 3));
  async::Loop& loop = context_.loop;
  auto finish = [attempt, done, &loop, timeout](bool ok, const std::string& why) {
    if (attempt->timer) loop.cancel(attempt->timer);
    char buffer[4096];
    ssize_t n = ::read(attempt->out.get(), buffer, sizeof buffer);
    std::string said = n > 0 ? std::string(buffer, static_cast<size_t>(n)) : why;
    if (attempt->timed_out) said = str("command timed out after ", format_duration(timeout));
    done({ok && !attempt->timed_out, said});
  };
  LaunchEvents events;
  events.failed = [finish](const std::string& why) { finish(false, why); };
  events.exited = [finish](const Exit& e) {
    finish(e.code == 0, str("command exited with ", e.code));
  };
  std::string id = probe.id;
  if (auto s = zygote_->launch(probe, std::move(out), std::move(err), std::move(events));
      !s.ok())
    return loop.post([done, why = s.error().message] { done({false, why}); });
  attempt->timer = loop.after(timeout, [attempt, id, &zygote = *zygote_] {
    attempt->timer = 0;
    attempt->timed_out = true;
    zygote.kill(id, SIGKILL);
  });
}

void Container::on_failed(const std::string& why) {
  launch_id_.clear();
  if (std::exchange(held_, false)) return close_output();  // tried again in its turn
  event("Warning", "Failed",
        str("Error: failed to start container \"", observed_.name, "\": ", why));
  std::string now = context_.now();
  terminated({128, 0, "StartError", shorten(why, kMostMessage), now, now, ""});
}

void Container::on_exited(const Exit& exit) {
  if (std::exchange(held_, false)) {
    launch_id_.clear();
    close_output();
    return changed_();
  }
  std::string id = "proa://" + std::exchange(launch_id_, "");
  const char* reason = exit.oom_killed && exit.code != 0 ? "OOMKilled"
                       : exit.code == 0                  ? "Completed"
                                                         : "Error";
  close_output();
  terminated({exit.code, exit.signal, reason, termination_message(exit.code), observed_.started_at,
              context_.now(), id});
}

std::string Container::termination_message(int exit_code) {
  std::string text = read_file(termination_file(), 1 << 20).value_or("");
  if (text.size() > kMostMessage) text.resize(kMostMessage);
  if (!text.empty() || exit_code == 0 ||
      spec_["terminationMessagePolicy"].str() != "FallbackToLogsOnError")
    return text;
  return log_tail(context_.log_dir(*view_.pod, observed_.name), observed_.restarts, 80, 2048);
}

void Container::terminated(Terminated t) {
  probes_.reset();
  close_output();
  if (context_.options.usage)
    context_.options.usage->ended(client::key_of(*view_.pod), observed_.name);
  if (kill_timer_) context_.loop.cancel(std::exchange(kill_timer_, 0));
  observed_.ready = observed_.started = false;
  observed_.state = State::kTerminated;
  observed_.terminated = std::move(t);
  bool restart =
      !stopping_ &&
      (restarting_
           ? (*view_.pod)["spec"]["restartPolicy"].str() != "Never" || observed_.sidecar
           : should_restart(*view_.pod, observed_.sidecar, init_, observed_.terminated.exit_code));
  restarting_ = false;
  if (restart) plan_restart();
  changed_();
}

// At once the first time, which the status shows as the next run with a lastState.
void Container::plan_restart() {
  Duration ran = started_ == MonoTime{} ? Duration(0) : context_.loop.clock().mono() - started_;
  Duration delay = backoff_.next(ran);
  observed_.last = observed_.terminated;
  observed_.state = State::kWaiting;
  observed_.reason = delay.count() > 0 ? "CrashLoopBackOff" : "ContainerCreating";
  observed_.message.clear();
  ++observed_.restarts;
  if (delay.count() > 0)
    observed_.message =
        str("back-off ", format_duration(delay), " restarting failed container=", observed_.name,
            " pod=", pod_reference());
  if (delay.count() > 0)
    event(
        "Warning", "BackOff",
        str("Back-off restarting failed container ", observed_.name, " in pod ", pod_reference()));
  cancel_timer();
  timer_ = context_.loop.after(delay, [this] {
    timer_ = 0;
    try_start();
  });
}

void Container::stop(Duration grace) {
  stopping_ = true;
  cancel_timer();
  probes_.reset();
  if (platform_ && observed_.state == State::kRunning) {
    std::string now = context_.now();
    observed_.ready = observed_.started = false;
    observed_.state = State::kTerminated;
    observed_.terminated = {
        0, 0, "Completed", "", observed_.started_at, now, observed_.container_id};
    return changed_();
  }
  if (!has_process()) return;
  if (grace.count() <= 0 || held_) return zygote_->kill(launch_id_, SIGKILL);
  zygote_->kill(launch_id_, SIGTERM);
  if (kill_timer_) context_.loop.cancel(kill_timer_);
  kill_timer_ = context_.loop.after(grace, [this] {
    kill_timer_ = 0;
    zygote_->kill(launch_id_, SIGKILL);
  });
}

}  // namespace proa::node
