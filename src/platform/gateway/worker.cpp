#include "platform/gateway/worker.h"

#include <random>

#include "platform/gateway/exchange.h"

namespace proa::gateway {

namespace {
constexpr Duration kSweep = std::chrono::milliseconds(50);
constexpr int kSweepsPerFlush = 2;

http::UpstreamOptions upstream_options() {
  http::UpstreamOptions o;
  o.most_idle_per_upstream = 512;
  return o;
}
}  // namespace

GatewayMetrics::GatewayMetrics(metrics::Registry& r)
    : registry(r),
      requests(r.counter("gateway_request_count", "Requests that reached the gateway")),
      unrouted(r.counter("gateway_unrouted_request_count", "Requests for an unknown host or path")),
      retries(r.counter("gateway_retry_count", "Requests sent again after an upstream broke off")),
      upstream_broken(r.counter("gateway_upstream_failure_count", "Requests answered 502")),
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
  over_.clear();
  flush_logs();
}

void Worker::publish(std::shared_ptr<const Table> table) {
  loop_.post([this, alive = std::weak_ptr<bool>(alive_), table = std::move(table)]() mutable {
    if (!alive.expired()) table_.swap(table);
  });
}

void Worker::handle(std::shared_ptr<http::ServerStream> stream, const std::string& fallback_host) {
  if (stopped_) return stream->reset();
  metrics_.requests.add();
  auto exchange = std::make_shared<Exchange>(*this, std::move(stream));
  link(exchange);
  exchange->start(fallback_host);
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
  metrics_.active.set(static_cast<double>(exchanges_.size()));
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
