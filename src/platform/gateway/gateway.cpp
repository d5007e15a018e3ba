#include "platform/gateway/gateway.h"

#include <condition_variable>
#include <map>

#include "foundation/base/strings.h"
#include "foundation/http/stream.h"
#include "foundation/obs/log.h"
#include "platform/gateway/control.h"

namespace proa::gateway {

namespace {

http::ServerOptions server_options(const std::shared_ptr<http::TlsOptions>& tls) {
  http::ServerOptions o;
  o.tls = tls;
  return o;
}

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

}  // namespace

struct Gateway::Core {
  GatewayOptions options;
  client::Client& client;
  GatewayMetrics metrics;
  knative::DemandSink& demand;
  metrics::Registry& registry;
  std::unique_ptr<Control> control;

  // What lives on one loop.
  struct Seat {
    async::Loop* loop;
    std::unique_ptr<Worker> worker;
    std::vector<std::unique_ptr<http::StreamServer>> servers;
    std::map<ServiceListener, std::unique_ptr<http::StreamServer>>
        clusters;                         // the first seat's only
    std::unique_ptr<http::Server> admin;  // likewise
    size_t draining = 0;
  };
  std::vector<std::unique_ptr<Seat>> seats;
  std::vector<async::Loop*> loops;
  uint16_t http_port = 0, https_port = 0, admin_port = 0;
  bool running = false, refused_once = false;

  std::unique_ptr<http::StreamServer> server(Seat& seat, std::shared_ptr<http::TlsOptions> tls,
                                             std::string fallback = "") {
    Worker* worker = seat.worker.get();
    return std::make_unique<http::StreamServer>(
        *seat.loop, server_options(tls),
        [worker, fallback = std::move(fallback)](std::shared_ptr<http::ServerStream> stream) {
          worker->handle(std::move(stream), fallback);
        });
  }

  Status listen(Seat& seat, std::shared_ptr<http::TlsOptions> tls, uint16_t wanted,
                uint16_t& port) {
    auto s = server(seat, std::move(tls));
    TRY(uint16_t got, s->listen(options.bind, port ? port : wanted, loops.size() > 1));
    port = got;
    seat.servers.push_back(std::move(s));
    return Ok{};
  }

  Status open_ports() {
    for (auto& seat : seats) {
      TRY_STATUS(listen(*seat, nullptr, options.http_port, http_port));
      if (options.https_port && options.tls)
        TRY_STATUS(listen(*seat, options.tls, *options.https_port, https_port));
    }
    if (!options.admin_port) return Ok{};
    Seat& first = *seats[0];
    first.admin = std::make_unique<http::Server>(
        *first.loop, http::ServerOptions{},
        [this](http::Request request, std::shared_ptr<http::Responder> responder) {
          responder->send(admin(request));
        });
    TRY(admin_port, first.admin->listen("127.0.0.1", *options.admin_port));
    return Ok{};
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
      for (const std::string& warning : table->warnings) r.body += "# " + warning + "\n";
    } else {
      r.status = 404;
      r.body = "known paths: /healthz /metrics /routes\n";
    }
    return r;
  }

  // First loop's thread: opens what is new and closes what is gone.
  void set_listeners(Seat& seat, const std::set<ServiceListener>& wanted) {
    std::erase_if(seat.clusters, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const ServiceListener& l : wanted) {
      if (seat.clusters.contains(l)) continue;
      if (seat.clusters.size() >= options.most_cluster_listeners) return;
      auto s = server(seat, nullptr, l.address);
      auto port = s->listen(l.address, l.port);
      if (!port.ok() && !std::exchange(refused_once, true))
        log::warn("gateway",
                  "cannot listen on a Service's cluster address; pods must use the gateway's port",
                  {{"address", str(l.address, ":", l.port)}, {"cause", port.error().message}});
      seat.clusters.emplace(l, port.ok() ? std::move(s) : nullptr);
    }
  }

  void publish(std::shared_ptr<const Table> table, const std::set<ServiceListener>& listeners) {
    for (auto& seat : seats) seat->worker->publish(table);
    if (!options.cluster_listeners) return;
    Seat* seat = seats[0].get();
    seat->loop->post([this, seat, listeners, live = std::weak_ptr<bool>(alive)] {
      if (!live.expired() && *alive) set_listeners(*seat, listeners);
    });
  }

  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

Gateway::Gateway(GatewayOptions options, client::Client& client, knative::DemandSink& demand,
                 metrics::Registry& metrics)
    : core_(new Core{std::move(options), client, GatewayMetrics(metrics), demand, metrics,
                     nullptr}) {}

Gateway::~Gateway() = default;

Status Gateway::start(std::vector<async::Loop*> loops) {
  Core& c = *core_;
  CHECK(!loops.empty());
  c.loops = loops;
  WorkerOptions worker = c.options.worker;
  worker.pod_logs = !c.options.pod_log_root.empty();
  worker.access_log_every = c.options.access_log.empty() ? 0 : c.options.access_log_every;
  ControlOptions control{c.options.table, c.options.pod_log_root, c.options.access_log};
  c.control = std::make_unique<Control>(
      control, c.client, c.demand, c.metrics,
      [&c](std::shared_ptr<const Table> table, const std::set<ServiceListener>& listeners) {
        c.publish(std::move(table), listeners);
      });
  for (async::Loop* loop : loops) {
    auto seat = std::make_unique<Core::Seat>();
    seat->loop = loop;
    seat->worker =
        std::make_unique<Worker>(*loop, worker, c.demand, c.metrics,
                                 [&c](LogBatch batch) { c.control->post_logs(std::move(batch)); });
    seat->worker->start();
    c.seats.push_back(std::move(seat));
  }
  TRY_STATUS(c.open_ports());
  c.control->start();
  c.running = true;
  return Ok{};
}

uint16_t Gateway::http_port() const { return core_->http_port; }
uint16_t Gateway::https_port() const { return core_->https_port; }
uint16_t Gateway::admin_port() const { return core_->admin_port; }
std::shared_ptr<const Table> Gateway::table() const { return core_->control->table(); }

void Gateway::pod_ready(const std::string& pod_uid, bool ready) {
  core_->control->post_ready(pod_uid, ready);
}

void Gateway::stop(Duration most) {
  Core& c = *core_;
  if (!std::exchange(c.running, false)) return;
  struct Wait {
    std::mutex mutex;
    std::condition_variable done;
    size_t left = 0;
  };
  auto wait = std::make_shared<Wait>();
  on_all(c.loops, [&](size_t i) {
    Core::Seat& seat = *c.seats[i];
    auto drain = [&](http::StreamServer& server) {
      {
        std::lock_guard lock(wait->mutex);
        ++wait->left;
      }
      server.drain([wait] {
        std::lock_guard lock(wait->mutex);
        --wait->left;
        wait->done.notify_one();
      });
    };
    if (i == 0) *c.alive = false;
    for (auto& server : seat.servers) drain(*server);
    for (auto& [listener, server] : seat.clusters)
      if (server) drain(*server);
  });
  {
    std::unique_lock lock(wait->mutex);
    wait->done.wait_for(lock, most, [&] { return wait->left == 0; });
  }
  on_all(c.loops, [&](size_t i) {
    Core::Seat& seat = *c.seats[i];
    seat.worker->stop();
    seat.clusters.clear();
    seat.servers.clear();
    seat.admin.reset();
  });
  c.control->stop();
  on_all(c.loops, [&](size_t i) { c.seats[i]->worker.reset(); });
}

}  // namespace proa::gateway
