#include "platform/node/pod_worker.h"

#include <algorithm>

#include "api/kinds.h"
#include "foundation/base/strings.h"
#include "foundation/obs/log.h"

namespace proa::node {

namespace {
using State = ContainerObserved::State;
constexpr Duration kPublishAfter = std::chrono::milliseconds(300);

const json::Value& status_named(const json::Value& list, const std::string& name) {
  static const json::Value none;
  for (const auto& s : list.array())
    if (s["name"].str() == name) return s;
  return none;
}

bool init_done(const ContainerObserved& c) {
  if (c.sidecar) return c.state == State::kRunning && c.started;
  return c.state == State::kTerminated && c.terminated.exit_code == 0;
}
}  // namespace

PodWorker::PodWorker(NodeContext& context, client::Object pod, std::string ip,
                     std::function<void()> ended, const Running* running)
    : context_(context), ended_(std::move(ended)) {
  view_.pod = std::move(pod);
  view_.ip = std::move(ip);
  view_.facts = context_.facts;
  view_.facts.pod_ip = view_.ip;
  view_.uid = 200000 + context_.addresses.index(view_.ip);
  const json::Value& status = (*view_.pod)["status"];
  written_ = status;
  start_time_ = status["startTime"].str_or(context_.now());
  terminal_before_ = status["phase"].str() == "Succeeded" || status["phase"].str() == "Failed";
  make_containers(running);
  if (running) find_volumes();
}

PodWorker::~PodWorker() {
  if (retry_) context_.loop.cancel(retry_);
  if (deadline_) context_.loop.cancel(deadline_);
  if (publish_) context_.loop.cancel(publish_);
}

void PodWorker::make_containers(const Running* running) {
  const json::Value &spec = (*view_.pod)["spec"], &status = (*view_.pod)["status"];
  auto add = [&](const char* list, const char* statuses, bool init, auto& out) {
    for (const auto& c : spec[list].array()) {
      out.push_back(std::make_unique<Container>(context_, view_, c, init, [this] { changed(); }));
      const json::Value& before = status_named(status[statuses], c["name"].str());
      if (!running) {
        if (before.is_object()) out.back()->restore(before);
        continue;
      }
      std::pair<InheritedContainer*, Zygote*> goes_on;
      for (const auto& one : *running)
        if (one.first->name == out.back()->name()) goes_on = one;
      out.back()->take_over(before, goes_on.first, goes_on.second);
    }
  };
  add("initContainers", "initContainerStatuses", true, init_);
  add("containers", "containerStatuses", false, containers_);
  for (const auto& c : init_) view_.fetches |= c->is_native("proa fetch");
}

void PodWorker::start() {
  if (client::deleting(*view_.pod)) return update(view_.pod);
  if (terminal_before_) return;
  watch_deadline();
  if (ready_to_start_) return changed();
  set_up();
}

// They are there already: this only learns where.
void PodWorker::find_volumes() {
  auto volumes = context_.volumes.set_up(*view_.pod, view_.facts, [](const std::string&) {});
  if (!volumes.ok()) return log::warn("node", volumes.error().message);
  view_.volumes = std::move(volumes).value();
  ready_to_start_ = true;
}

std::vector<std::pair<InheritedContainer, Zygote*>> PodWorker::go() {
  std::vector<std::pair<InheritedContainer, Zygote*>> out;
  bool whole = ready_to_start_;
  for (const auto& c : init_) whole &= init_done(c->observed()) && c->can_go();
  for (const auto& c : containers_) whole &= c->can_go();
  quiet_ = stopping_ = true;
  for (auto* list : {&init_, &containers_})
    for (const auto& c : *list) {
      if (!whole) {
        c->stop(Duration(0));
        continue;
      }
      if (auto one = c->go()) out.emplace_back(std::move(*one), &c->zygote());
    }
  return out;
}

bool PodWorker::uses(const Zygote& zygote) const {
  for (const auto* list : {&containers_, &init_})
    for (const auto& c : *list)
      if (c->has_process() && &c->zygote() == &zygote) return true;
  return false;
}

void PodWorker::watch_deadline() {
  const json::Value& seconds = (*view_.pod)["spec"]["activeDeadlineSeconds"];
  if (!seconds.is_int()) return;
  auto since = parse_rfc3339(start_time_);
  Duration left = std::chrono::seconds(seconds.integer());
  if (since) left -= context_.loop.clock().wall() - *since;
  deadline_ = context_.loop.after(std::max(left, Duration(0)), [this] {
    deadline_ = 0;
    if (over() || stopping_) return;
    failed_reason_ = "DeadlineExceeded";
    failed_message_ = "Pod was active on the node longer than the specified deadline";
    context_.event(view_.pod, "Normal", "DeadlineExceeded", failed_message_);
    begin_stop(
        std::chrono::seconds((*view_.pod)["spec"]["terminationGracePeriodSeconds"].integer(30)));
    changed();
  });
}

void PodWorker::set_up() {
  retry_ = 0;
  if (stopping_ || ready_to_start_) return;
  auto warn = [this](const std::string& what) {
    if (!std::exchange(warned_, true))
      context_.event(view_.pod, "Warning", "VolumeSourceSkipped", what);
  };
  auto volumes = context_.volumes.set_up(*view_.pod, view_.facts, warn);
  if (!volumes.ok()) {
    if (std::exchange(set_up_error_, volumes.error().message) != volumes.error().message)
      context_.event(view_.pod, "Warning", "FailedMount", volumes.error().message);
    retry_ = context_.loop.after(std::chrono::milliseconds(500), [this] { set_up(); });
    return changed();
  }
  view_.volumes = std::move(volumes).value();
  ready_to_start_ = true;
  step();
  changed();
}

// True once the ordinary containers may start.
bool PodWorker::step_init() {
  for (const auto& c : init_) {
    if (init_done(c->observed())) continue;
    c->allow_start();
    return init_done(c->observed());
  }
  return true;
}

void PodWorker::step() {
  if (!ready_to_start_ || stopping_ || over()) return;
  if (!step_init()) {
    for (const auto& c : containers_) c->prepare();
    return;
  }
  for (const auto& c : containers_) c->allow_start();
}

bool PodWorker::over() const {
  if (terminal_before_) return true;
  if (!failed_reason_.empty()) return true;
  if (init_.empty() && containers_.empty()) return false;
  for (const auto& c : init_) {
    const auto& o = c->observed();
    if (o.state == State::kTerminated && o.terminated.exit_code != 0 &&
        !should_restart(*view_.pod, o.sidecar, true, o.terminated.exit_code))
      return true;
  }
  return false;
}

void PodWorker::changed() {
  step();
  // The platform's container is ready with the others.
  bool others = true, any_process = false, all_ended = !containers_.empty();
  for (const auto& c : containers_) {
    if (c->platform()) continue;
    others &= c->observed().ready;
    any_process = true;
    all_ended &= c->observed().state == State::kTerminated;
  }
  for (const auto& c : containers_)
    if (c->platform() && c->observed().state == State::kRunning) {
      c->observed().ready = others;
      if (any_process && all_ended && !stopping_) {
        c->observed().ready = false;
        c->stop(Duration(0));
        return;  // which came back here
      }
    }
  tell_ready(others && any_process && !stopping_ && !(*view_.pod)["spec"].has("readinessGates"));
  publish_soon(written_.has("podIP") && !all_ended ? kPublishAfter : Duration(0));
  if (stopping_) finish_if_stopped();
}

// The gateway hears it before the API server does.
void PodWorker::tell_ready(bool ready) {
  if (std::exchange(told_ready_, ready) == ready) return;
  if (context_.options.on_ready) context_.options.on_ready(client::uid_of(*view_.pod), ready);
  publish_soon(Duration(0));
}

// The steps of a start come close together, and each status written sets half a dozen controllers
// to work, in the way of the start itself: what tells neither the address nor readiness waits.
void PodWorker::publish_soon(Duration wait) {
  if (publish_ && wait.count() > 0) return;
  if (publish_) context_.loop.cancel(publish_);
  publish_ = context_.loop.after(wait, [this] { publish(); });
}

PodObserved PodWorker::observe() {
  PodObserved o;
  for (const auto& c : init_) o.init.push_back(c->observed());
  for (const auto& c : containers_) o.containers.push_back(c->observed());
  bool inits_done = std::all_of(o.init.begin(), o.init.end(), init_done);
  for (auto& c : o.containers)
    if (!inits_done && c.state == State::kWaiting && c.message.empty() && !c.last)
      c.reason = "PodInitializing";
    else if (c.state == State::kWaiting && c.reason == "PodInitializing")
      c.reason = "ContainerCreating";
  o.pod_ip = view_.ip;
  o.host_ip = context_.facts.host_ip;
  o.start_time = start_time_;
  o.now = context_.now();
  o.sandbox_ready = ready_to_start_ && !stopping_;
  o.failed_reason = failed_reason_;
  o.failed_message = failed_message_;
  return o;
}

void PodWorker::publish() {
  if (publish_) context_.loop.cancel(std::exchange(publish_, 0));
  if (gone_ || quiet_ || terminal_before_) return;
  json::Value status = pod_status(*view_.pod, observe(), written_);
  if (status == written_) return;
  const json::Value& meta = (*view_.pod)["metadata"];
  json::Value object = json::object({{"apiVersion", "v1"}, {"kind", "Pod"}, {"status", status}});
  object.set("metadata", json::object({{"name", meta["name"]}, {"namespace", meta["namespace"]}}));
  auto done = context_.client.apply(api::kPod, std::move(object), {"kubelet", "status"});
  if (done.ok())
    written_ = std::move(status);
  else if (done.error().code != Code::kNotFound)
    log::warn("node", "pod status not written",
              {{"pod", meta["name"].str()}, {"error", done.error().message}});
}

void PodWorker::update(client::Object pod) {
  view_.pod = std::move(pod);
  if (!client::deleting(*view_.pod)) return;
  const json::Value& meta = (*view_.pod)["metadata"];
  begin_stop(std::chrono::seconds(meta["deletionGracePeriodSeconds"].integer(30)));
  finish_if_stopped();
}

void PodWorker::begin_stop(Duration grace) {
  if (std::exchange(stopping_, true)) return;
  if (retry_) context_.loop.cancel(std::exchange(retry_, 0));
  for (auto* list : {&containers_, &init_})
    for (const auto& c : *list) {
      if (c->observed().state == State::kRunning && !gone_ && !quiet_)
        context_.event(view_.pod, "Normal", "Killing", str("Stopping container ", c->name()));
      c->stop(grace);
    }
}

bool PodWorker::has_processes() const {
  for (const auto* list : {&containers_, &init_})
    for (const auto& c : *list)
      if (c->has_process()) return true;
  return false;
}

void PodWorker::finish_if_stopped() {
  if (finished_ || has_processes() || quiet_) return;
  if (!gone_ && !client::deleting(*view_.pod)) return;
  finished_ = true;
  // Later, since this may come from inside one of the containers.
  context_.loop.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) finish();
  });
}

void PodWorker::finish() {
  publish();
  const json::Value& meta = (*view_.pod)["metadata"];
  if (!gone_) {
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.uid = meta["uid"].str();
    auto s =
        context_.client.remove(api::kPod, meta["namespace"].str(), meta["name"].str(), options);
    if (!s.ok() && s.error().code != Code::kNotFound)
      log::warn("node", "pod not removed",
                {{"pod", meta["name"].str()}, {"error", s.error().message}});
  }
  context_.volumes.tear_down(meta["uid"].str());
  if (auto s = remove_tree(context_.pod_log_dir(*view_.pod)); !s.ok())
    log::warn("node", "pod log not removed", {{"error", s.error().message}});
  ended_();
}

void PodWorker::gone() {
  gone_ = true;
  begin_stop(Duration(0));
  for (auto* list : {&containers_, &init_})  // also what was being given time
    for (const auto& c : *list) c->stop(Duration(0));
  finish_if_stopped();
}

void PodWorker::shut_down() {
  quiet_ = true;
  begin_stop(std::chrono::seconds(2));
}

void PodWorker::refresh_volumes() {
  if (ready_to_start_ && !stopping_ && !over()) context_.volumes.refresh(*view_.pod, view_.facts);
}

void PodWorker::image_table_changed() {
  for (auto* list : {&init_, &containers_})
    for (const auto& c : *list) c->image_table_changed();
}

const Container* PodWorker::container(const std::string& name) const {
  for (const auto* list : {&containers_, &init_})
    for (const auto& c : *list)
      if (c->name() == name) return c.get();
  return nullptr;
}

}  // namespace proa::node
