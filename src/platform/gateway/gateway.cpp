#include "platform/gateway/gateway.h"

#include <condition_variable>
#include <map>

#include "foundation/base/strings.h"
#include "foundation/http/stream.h"
#include "foundation/obs/log.h"
#include "platform/gateway/control.h"
#include "platform/gateway/ports.h"

namespace proa::gateway {

namespace {

// Runs a task on each loop and waits until all are done.
void on_all(const std::vector<async::Loop*>& loops, const std::function<void(size_t)>& task) {
  std::mutex mutex;
  std::condition_variable done;
  size_t left = loops.size();
  for (size_t i = 0; i < loops.size(); ++i) {
    loops[i]->post([&, i] {
      task(i);
      std::lock_guard lock(mutex);
      --left;
      done.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return left == 0; });
}

// Everything, to the gateway that now listens on this address.
std::shared_ptr<const Host> make_successor(const std::string& bind, uint16_t port) {
  const std::string address = bind == "0.0.0.0" ? "127.0.0.1" : bind == "::" ? "::1" : bind;
  auto policy = std::make_shared<Policy>();
  policy->pool.as_client = true;
  BackendOptions options;
  options.timeout = kNoTimeout;
  options.policy = std::move(policy);
  auto backend = std::make_shared<Backend>(client::Key{"", "successor"}, false, "the new gateway");
  const MonoTime now = real_clock().mono();
  backend->configure(options, now);
  EndpointAddress there;
  there.address = address, there.port = port;
  backend->announce({there}, now);
  auto host = std::make_shared<Host>();
  host->name = host->source = "the new gateway";
  Rule& rule = host->rules.emplace_back();
  rule.destinations.emplace_back().backend = std::move(backend);
  rule.destinations[0].weight = rule.total_weight = 1;
  rule.timeout = kNoTimeout;
  return host;
}

}  // namespace

struct Gateway::Core {
  GatewayOptions options;
  std::unique_ptr<Configuration> configuration;  // until start()
  GatewayMetrics metrics;
  knative::DemandSink& demand;
  metrics::Registry& registry;
  std::unique_ptr<Control> control;

  std::unique_ptr<Ports> ports;
  std::unique_ptr<http::Server> admin_server;  // on the first loop
  std::vector<async::Loop*> loops;
  uint16_t http_port = 0, https_port = 0, admin_port = 0;
  bool running = false;
  std::vector<ListenerState> told;  // control thread

  Status open_admin() {
    if (!options.admin_port) return Ok{};
    admin_server = std::make_unique<http::Server>(
        *loops[0], http::ServerOptions{},
        [this](http::Request request, std::shared_ptr<http::Responder> responder) {
          responder->send(admin(request));
        });
    TRY(admin_port, admin_server->listen("127.0.0.1", *options.admin_port));
    return Ok{};
  }

  std::unique_ptr<Worker> make_worker(async::Loop& loop) {
    WorkerOptions worker = options.worker;
    worker.pod_logs = !options.pod_log_root.empty();
    worker.access_log_every = options.access_log.empty() ? 0 : options.access_log_every;
    return std::make_unique<Worker>(loop, worker, demand, metrics, [this](LogBatch batch) {
      control->post_logs(std::move(batch));
    });
  }

  http::Response admin(const http::Request& request) {
    http::Response r;
    r.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
    if (request.path() == "/healthz") {
      r.body = "ok\n";
    } else if (request.path() == "/metrics") {
      r.body = registry.text();
    } else if (request.path() == "/routes") {
      auto table = control->table();
      for (const std::string& host : table->hosts(100000)) r.body += host + "\n";
      for (const std::string& warning : table->warnings()) r.body += "# " + warning + "\n";
    } else {
      r.status = 404;
      r.body = "known paths: /healthz /metrics /routes\n";
    }
    return r;
  }

  void publish(std::shared_ptr<const Table> table, const Listeners* listeners) {
    ports->publish(std::move(table));
    if (!listeners) return;
    std::vector<ListenerState> states = ports->set(*listeners);
    if (states == told) return;
    told = states;
    control->post_opened(std::move(states));
  }
};

Gateway::Gateway(GatewayOptions options, std::unique_ptr<Configuration> configuration,
                 knative::DemandSink& demand, metrics::Registry& metrics)
    : core_(new Core{std::move(options), std::move(configuration), GatewayMetrics(metrics), demand,
                     metrics, nullptr}) {}

Gateway::~Gateway() = default;

Status Gateway::start(std::vector<async::Loop*> loops) {
  Core& c = *core_;
  CHECK(!loops.empty());
  c.loops = loops;
  ControlOptions control{c.options.pod_log_root, c.options.access_log};
  c.control = std::make_unique<Control>(
      control, std::move(c.configuration), c.demand, c.metrics,
      [&c](std::shared_ptr<const Table> table, const Listeners* listeners) {
        c.publish(std::move(table), listeners);
      });
  PortsOptions ports;
  ports.bind = c.options.bind;
  ports.http_port = c.options.http_port;
  ports.https_port = c.options.https_port;
  ports.tls = c.options.tls;
  ports.cluster_listeners = c.options.cluster_listeners;
  ports.most_cluster_listeners = c.options.most_cluster_listeners;
  c.ports = std::make_unique<Ports>(ports, loops,
                                    [&c](async::Loop& loop) { return c.make_worker(loop); });
  TRY_STATUS(c.ports->start(c.options.inherited ? std::move(*c.options.inherited)
                                                : std::vector<NamedSocket>()));
  c.http_port = c.ports->bound(80);
  c.https_port = c.ports->bound(443);
  TRY_STATUS(c.open_admin());
  c.control->start();
  c.running = true;
  return Ok{};
}

void Gateway::restart() { core_->ports->restart(); }
std::vector<NamedSocket> Gateway::sockets() { return core_->ports->sockets(); }

uint16_t Gateway::http_port() const { return core_->http_port; }
uint16_t Gateway::https_port() const { return core_->https_port; }
uint16_t Gateway::admin_port() const { return core_->admin_port; }
std::shared_ptr<const Table> Gateway::table() const { return core_->control->table(); }

void Gateway::pod_ready(const std::string& pod_uid, bool ready) {
  core_->control->post_ready(pod_uid, ready);
}

void Gateway::freeze() { core_->control->freeze(); }

void Gateway::retire(Duration most) {
  Core& c = *core_;
  c.ports->succeed(make_successor(c.options.bind, c.http_port));
  stop(most);
}

void Gateway::stop(Duration most) {
  Core& c = *core_;
  if (!std::exchange(c.running, false)) return;
  c.ports->stop(most);
  on_all(c.loops, [&](size_t i) {
    if (i == 0) c.admin_server.reset();
  });
  c.control->stop();
}

}  // namespace proa::gateway
