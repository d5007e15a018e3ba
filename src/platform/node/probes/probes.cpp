#include "platform/node/probes/probes.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::node {

namespace {
using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr Duration kFirstLook = milliseconds(1);
constexpr int kFirstLooks = 20;  // at that pace
constexpr Duration kSlowestLook = milliseconds(50);
}  // namespace

// One of the three probes, from its first attempt to the container's end.
struct Probes::One {
  std::string what;  // "Readiness"
  json::Value spec;
  Duration period{}, look = kFirstLook;
  int64_t successes = 0, failures = 0;
  bool passed_once = false;
  int looks = 0;
  MonoTime counted{};  // when a failure counted last
  async::TimerId timer = 0;
  bool active = false;

  One(std::string name, const json::Value& probe) : what(std::move(name)), spec(probe) {
    period = seconds(std::max<int64_t>(spec["periodSeconds"].integer(10), 1));
  }
  int64_t threshold(const char* key, int64_t otherwise) const {
    return std::max<int64_t>(spec[key].integer(otherwise), 1);
  }
  // A command costs a process, and an unanswered liveness probe is no reason to hurry.
  bool quick() const { return !passed_once && !spec.has("exec") && what != "Liveness"; }
};

struct Probes::Core : std::enable_shared_from_this<Probes::Core> {
  Core(async::Loop& l, http::Client& h) : loop(l), http(h) {}
  async::Loop& loop;
  http::Client& http;
  ProbeTarget target;
  ProbeEvents events;
  std::unique_ptr<One> startup, readiness, liveness;
  bool ended = false;

  void begin() {
    if (startup) return schedule(*startup, first_delay(*startup));
    container_started();
  }
  static Duration first_delay(const One& one) {
    return seconds(std::max<int64_t>(one.spec["initialDelaySeconds"].integer(0), 0));
  }
  void container_started() {
    events.started();
    if (ended) return;
    if (liveness) schedule(*liveness, first_delay(*liveness));
    if (readiness)
      schedule(*readiness, first_delay(*readiness));
    else
      events.ready(true);
  }
  void schedule(One& one, Duration delay) {
    one.active = true;
    auto self = shared_from_this();
    if (delay.count() == 0) return loop.post([self, &one] { self->attempt(one); });
    one.timer = loop.after(delay, [self, &one] { self->attempt(one); });
  }
  void attempt(One& one) {
    one.timer = 0;
    if (ended || !one.active) return;
    auto self = shared_from_this();
    probe_once(loop, http, target, one.spec, [self, &one](ProbeResult r) { self->result(one, r); });
  }
  void result(One& one, const ProbeResult& r) {
    if (ended || !one.active) return;
    if (r.ok) return passed(one);
    Duration delay = one.period;
    if (one.quick()) {
      delay = std::min(one.look, kSlowestLook);
      if (++one.looks > kFirstLooks) one.look *= 2;
    }
    MonoTime now = loop.clock().mono();
    bool counts = !one.quick() || one.counted == MonoTime{} || now - one.counted >= one.period;
    // The first quick look mostly finds a server that has not had the time to listen: no failure
    // yet.
    if (one.quick() && one.counted == MonoTime{}) {
      one.counted = now;
      counts = false;
    }
    if (counts) {
      one.counted = now;
      failed(one, r.message);
    }
    if (!ended && one.active) schedule(one, delay);
  }
  void passed(One& one) {
    one.failures = 0;
    ++one.successes;
    one.passed_once = true;
    bool enough = one.successes >= one.threshold("successThreshold", 1);
    if (&one == startup.get()) {
      one.active = false;
      return container_started();
    }
    if (&one == readiness.get() && enough) events.ready(true);
    if (!ended) schedule(one, one.period);
  }
  void failed(One& one, const std::string& message) {
    one.successes = 0;
    ++one.failures;
    events.unhealthy(one.what, message);
    if (ended || one.failures < one.threshold("failureThreshold", 3)) return;
    if (&one == readiness.get()) return events.ready(false);
    end();
    events.restart(one.what);
  }
  void end() {
    ended = true;
    for (auto* one : {startup.get(), readiness.get(), liveness.get()})
      if (one && one->timer) loop.cancel(one->timer);
  }
};

Probes::Probes(async::Loop& loop, http::Client& http, const json::Value& container,
               ProbeTarget target, ProbeEvents events)
    : core_(std::make_shared<Core>(loop, http)) {
  core_->target = std::move(target);
  core_->events = std::move(events);
  auto make = [&](const char* key, const char* what) {
    return container[key].is_object() ? std::make_unique<One>(what, container[key]) : nullptr;
  };
  core_->startup = make("startupProbe", "Startup");
  core_->liveness = make("livenessProbe", "Liveness");
  core_->readiness = make("readinessProbe", "Readiness");
  core_->loop.post([core = core_] {
    if (!core->ended) core->begin();
  });
}

Probes::~Probes() { core_->end(); }

void Probes::look_again() {
  for (One* one : {core_->startup.get(), core_->readiness.get()}) {
    if (!one || !one->active || !one->quick() || !one->timer) continue;
    if (one->looks == 0 || one->looks > kFirstLooks) continue;
    core_->loop.cancel(std::exchange(one->timer, 0));
    core_->attempt(*one);
  }
}

json::Value serving_readiness_probe(const json::Value& pod, const json::Value& container) {
  int64_t port = container["ports"][0]["containerPort"].integer(8080);
  json::Value probe = container["readinessProbe"];
  for (const auto& c : pod["spec"]["containers"].array()) {
    if (probe.is_object() || c["name"].str() != "queue-proxy") continue;
    for (const auto& e : c["env"].array())
      if (e["name"].str() == "SERVING_READINESS_PROBE")
        if (auto parsed = json::parse(e["value"].str()); parsed.ok()) probe = *parsed;
  }
  auto fix = [&](const char* action) {
    json::Value& p = probe.ref(action).ref("port");
    if (p.is_null() || (p.is_int() && p.integer() == 0)) p = port;
  };
  if (probe.has("exec") || probe.has("grpc")) return probe;
  if (probe.has("httpGet"))
    fix("httpGet");
  else
    fix("tcpSocket");
  return probe;
}

json::Value mlserver_readiness_probe(json::Value probe, const json::Value& container) {
  auto port = [&](const char* name, int64_t otherwise) {
    for (const auto& e : container["env"].array())
      if (e["name"].str() == name) return parse_int(e["value"].str()).value_or(otherwise);
    return otherwise;
  };
  int64_t http = port("MLSERVER_HTTP_PORT", 8080), grpc = port("MLSERVER_GRPC_PORT", 8081);
  const json::Value& asked = probe["tcpSocket"]["port"];
  if (!asked.is_int() || (asked.integer() != http && asked.integer() != grpc)) return probe;
  json::Value get = json::object({{"path", "/v2/health/ready"}, {"port", http}});
  probe.erase("tcpSocket");
  probe.set("httpGet", std::move(get));
  return probe;
}

}  // namespace proa::node
