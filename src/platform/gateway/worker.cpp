#include "platform/gateway/worker.h"

#include <algorithm>
#include <random>

#include "foundation/base/strings.h"
#include "platform/gateway/exchange.h"
#include "platform/gateway/shadow.h"
#include "platform/gateway/short_way.h"

namespace proa::gateway {

namespace {
constexpr Duration kSweep = std::chrono::milliseconds(50);
constexpr int kSweepsPerFlush = 2;

http::UpstreamOptions upstream_options() {
  http::UpstreamOptions o;
  o.most_idle_per_upstream = 512;
  o.twin = true;
  return o;
}

std::shared_ptr<const http::UpstreamSettings> settings_of(const Policy& policy) {
  auto s = std::make_shared<http::UpstreamSettings>();
  s->connect_timeout = policy.pool.connect_timeout;
  s->idle_timeout = policy.pool.idle_timeout;
  s->most_age = policy.pool.most_connection_age;
  s->most_requests = policy.pool.most_requests_per_connection;
  s->most_streams = policy.pool.most_streams;
  s->keepalive = policy.pool.keepalive;
  s->keepalive_time = policy.pool.keepalive_time;
  s->keepalive_interval = policy.pool.keepalive_interval;
  s->keepalive_probes = policy.pool.keepalive_probes;
  s->proxy_protocol = policy.proxy_protocol;
  if (!policy.tls) return s;
  s->tls_ca = policy.tls->ca;
  s->tls_certificate = policy.tls->certificate;
  s->tls_key = policy.tls->key;
  s->tls_verify = policy.tls->verify;
  s->tls_names = policy.tls->alternative_names;
  return s;
}
}  // namespace

GatewayMetrics::GatewayMetrics(metrics::Registry& r)
    : registry(r),
      requests(r.counter("gateway_request_count", "Requests that reached the gateway")),
      unrouted(r.counter("gateway_unrouted_request_count", "Requests for an unknown host or path")),
      retries(r.counter("gateway_retry_count", "Requests sent again after an upstream broke off")),
      upstream_broken(r.counter("gateway_upstream_failure_count", "Requests answered 502")),
      shed(r.counter("gateway_shed_count", "Requests refused because too many were in hand")),
      mirrored_not(r.counter("gateway_mirror_left_out_count", "Copies that were not sent")),
      lines_left_out(
          r.counter("gateway_log_lines_left_out_count", "Request log lines beyond the bound")),
      active(r.gauge("gateway_active_requests", "Requests in hand")) {}

Worker::Worker(async::Loop& loop, WorkerOptions options, knative::DemandSink& demand,
               GatewayMetrics& metrics, std::function<void(LogBatch)> logs)
    : loop_(loop),
      options_(options),
      demand_(demand),
      metrics_(metrics),
      logs_(std::move(logs)),
      pool_(loop, upstream_options()) {
  std::random_device device;
  for (uint64_t& s : seed_) s = uint64_t{device()} << 32 | device() | 1;
}

Worker::~Worker() { loop_.cancel(sweep_timer_); }

void Worker::start() {
  sweep_timer_ = loop_.after(kSweep, [this] { sweep(); });
}

void Worker::stop() {
  stopped_ = true;
  loop_.cancel(sweep_timer_);
  auto all = exchanges_;
  for (auto& exchange : all) exchange->give_up();
  for (ShortWay* way : ways_) way->give_up();
  auto shadows = std::exchange(shadows_, {});
  for (auto& shadow : shadows) shadow->give_up();
  over_.clear();
  flush_logs();
}

void Worker::publish(std::shared_ptr<const Table> table) {
  loop_.post([this, alive = std::weak_ptr<bool>(alive_), table = std::move(table)]() mutable {
    if (!alive.expired()) table_.swap(table);
  });
}

const Host* Worker::find_host(const Door& door, std::string_view authority, std::string& buffer,
                              uint16_t& port) const {
  if (successor_ && door.port == 80) return successor_.get();
  const Host* found = table_->find(bare_host(authority, buffer, port), door.port);
  if (!found && !door.fallback_host.empty()) found = table_->find(door.fallback_host, door.port);
  return found;
}

void Worker::succeed(std::shared_ptr<const Host> successor) {
  successor_ = std::move(successor);
  auto all = exchanges_;
  for (auto& exchange : all) exchange->move_on();
}

void Worker::handle(std::shared_ptr<http::ServerStream> stream, const Door& door) {
  if (stopped_) return stream->reset();
  Resume from = take_resume();
  if (!from.last) metrics_.requests.add();
  auto exchange = std::make_shared<Exchange>(*this, std::move(stream));
  link(exchange);
  exchange->start(door, from);
}

size_t Worker::in_hand() const {
  size_t n = exchanges_.size();
  for (const ShortWay* way : ways_) n += way->in_hand();
  return n;
}

http::Upstream Worker::upstream(const Endpoint& endpoint,
                                const std::shared_ptr<const Policy>& policy, int client_version,
                                std::string_view host) {
  http::Upstream to;
  to.address = endpoint.address, to.port = endpoint.port, to.http2 = endpoint.http2;
  if (!policy) return to;
  const ConnectionPool& pool = policy->pool;
  if (pool.http2 == ConnectionPool::kNever) to.http2 = false;
  if (pool.http2 == ConnectionPool::kAlways) to.http2 = true;
  if (pool.as_client) to.http2 = client_version == 20;
  to.tls = policy->tls != nullptr;
  if (to.tls) to.server_name = policy->tls->server_name.empty() ? host : policy->tls->server_name;
  auto it = settings_.find(policy.get());
  if (it == settings_.end()) {
    if (settings_.size() >= 1024) settings_.clear();
    it = settings_.emplace(policy.get(), Kept{policy, settings_of(*policy)}).first;
  }
  to.settings = it->second.settings;
  return to;
}

void Worker::mirror(const Mirror& mirror, const http::RequestHead& head, std::string_view body,
                    const std::shared_ptr<const Table>& table) {
  constexpr size_t kMostShadows = 1000;
  if (!mirror.to.backend || shadows_.size() >= kMostShadows) return metrics_.mirrored_not.add();
  auto shadow = std::make_shared<Shadow>(*this, mirror, table);
  if (!shadow->send(head, body)) return metrics_.mirrored_not.add();
  shadows_.push_back(std::move(shadow));
}

void Worker::unlink(Shadow& shadow) {
  auto it = std::find_if(shadows_.begin(), shadows_.end(),
                         [&](const auto& s) { return s.get() == &shadow; });
  if (it == shadows_.end()) return;
  loop_.post([keep = std::move(*it)] {});  // it is on the call stack
  shadows_.erase(it);
}

// xorshift128+
uint64_t Worker::random() {
  uint64_t x = seed_[0], y = seed_[1];
  seed_[0] = y;
  x ^= x << 23;
  seed_[1] = x ^ y ^ (x >> 17) ^ (y >> 26);
  return seed_[1] + y;
}

void Worker::put_aside(const std::shared_ptr<Backend>& backend, Endpoint& endpoint) {
  pool_.close_idle(endpoint.address, endpoint.port);
  if (!backend->put_aside(endpoint, loop_.now(), loop_.now() + options_.aside)) return;
  loop_.after(options_.aside + std::chrono::milliseconds(1),
              [backend, &loop = loop_] { backend->wake(loop.now()); });
}

void Worker::record(const RequestRecord& record, const std::shared_ptr<Endpoint>& endpoint) {
  const bool access = options_.access_log_every && counted_++ % options_.access_log_every == 0;
  const bool pod = options_.pod_logs && endpoint && !endpoint->pod_uid.empty();
  if (!access && !pod) return;
  std::string_view time = time_.at(loop_.clock().wall());
  if (access) {
    if (batch_.access.size() < LogBatch::kMostPerFlush) {
      append_record(batch_.access, record, false, time);
      batch_.access += '\n';
    } else {
      metrics_.lines_left_out.add();
    }
  }
  if (!pod) return;
  LogBatch::Lines& lines = batch_.pods[endpoint.get()];
  if (!lines.endpoint) lines.endpoint = endpoint;
  if (lines.text.size() >= LogBatch::kMostPerFlush) {
    ++lines.left_out;
    return metrics_.lines_left_out.add();
  }
  lines.text.append(time).append(" stdout F ");
  append_record(lines.text, record, true, time);
  lines.text += '\n';
}

void Worker::link(std::shared_ptr<Exchange> exchange) {
  exchange->place = exchanges_.size();
  exchanges_.push_back(std::move(exchange));
}

void Worker::unlink(Exchange& exchange) {
  size_t place = exchange.place;
  over_.push_back(std::move(exchanges_[place]));
  if (place + 1 != exchanges_.size()) {
    exchanges_[place] = std::move(exchanges_.back());
    exchanges_[place]->place = place;
  }
  exchanges_.pop_back();
  if (over_.size() > 1) return;
  loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) over_.clear();
  });
}

void Worker::sweep() {
  const MonoTime now = loop_.now();
  metrics_.active.set(static_cast<double>(in_hand()));
  for (ShortWay* way : ways_) way->tick(now);
  for (size_t i = shadows_.size(); i-- > 0;)
    if (i < shadows_.size()) shadows_[i]->tick(now);
  for (size_t i = exchanges_.size(); i-- > 0;)
    if (i < exchanges_.size()) exchanges_[i]->tick(now);
  if (--flush_in_ == 0) {
    flush_in_ = kSweepsPerFlush;
    flush_logs();
  }
  sweep_timer_ = loop_.after(kSweep, [this] { sweep(); });
}

void Worker::flush_logs() {
  if (batch_.empty()) return;
  logs_(std::exchange(batch_, {}));
}

}  // namespace proa::gateway
