#include "platform/gateway/backend.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {

bool open(const Endpoint& e, int limit, MonoTime now) {
  return !e.gone && e.aside_until <= now && (limit == 0 || e.in_flight < limit);
}

}  // namespace

int choose(std::span<const std::shared_ptr<Endpoint>> endpoints, int limit, uint32_t random,
           uint32_t& round, MonoTime now) {
  const size_t n = endpoints.size();
  if (n == 0) return -1;
  if (limit == 0 && n > 1) {
    size_t a = (random & 0xffff) % n;
    size_t b = (a + 1 + (random >> 16) % (n - 1)) % n;
    if (!open(*endpoints[a], limit, now)) a = b;
    if (open(*endpoints[b], limit, now) && endpoints[b]->in_flight < endpoints[a]->in_flight) a = b;
    if (open(*endpoints[a], limit, now)) return static_cast<int>(a);
  }
  const size_t start = limit > 3 ? round++ % n : 0;  // up to 3: the first that has room
  for (size_t i = 0; i < n; ++i) {
    size_t at = (start + i) % n;
    if (open(*endpoints[at], limit, now)) return static_cast<int>(at);
  }
  return -1;
}

Backend::Backend(client::Key key, bool revision, std::string name)
    : key_(std::move(key)), revision_(revision), name_(std::move(name)) {}

void Backend::configure(const BackendOptions& options, MonoTime now) {
  std::lock_guard lock(mutex_);
  options_ = options;
  serve(now);
}

BackendOptions Backend::options() const {
  std::lock_guard lock(mutex_);
  return options_;
}

void Backend::announce(std::vector<EndpointAddress> addresses, MonoTime now) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Endpoint>> next;
  for (EndpointAddress& address : addresses) {
    auto old = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const auto& e) {
      return e && static_cast<EndpointAddress&>(*e) == address;
    });
    if (old == endpoints_.end()) {
      next.push_back(std::make_shared<Endpoint>(std::move(address)));
      continue;
    }
    (*old)->aside_until = {};
    next.push_back(std::move(*old));
    *old = nullptr;
  }
  for (auto& e : endpoints_)
    if (e) e->gone = true;
  endpoints_ = std::move(next);
  serve(now);
}

size_t Backend::endpoints() const {
  std::lock_guard lock(mutex_);
  return endpoints_.size();
}

void Backend::count(MonoTime now, int by) {
  if (now > counted_) {
    area_ += seconds(now - counted_) * present_;
    counted_ = now;
  }
  present_ += by;
}

Duration Backend::arrive(MonoTime now) {
  std::lock_guard lock(mutex_);
  if (sampled_ == MonoTime{}) sampled_ = counted_ = now;
  count(now, 1);
  ++arrived_;
  return options_.timeout;
}

void Backend::leave(MonoTime now, Endpoint* endpoint) {
  std::lock_guard lock(mutex_);
  count(now, -1);
  if (!endpoint) return;
  --endpoint->in_flight;
  if (head_) serve(now);
}

Admit Backend::acquire(Waiter& waiter, MonoTime now, uint32_t random,
                       std::shared_ptr<Endpoint>* endpoint, bool* cold, bool front,
                       const Endpoint* avoid) {
  std::lock_guard lock(mutex_);
  *cold = endpoints_.empty();
  if (head_ == nullptr || front) {  // else those who wait come first
    int at = choose(endpoints_, options_.container_concurrency, random, round_, now);
    if (at >= 0 && endpoints_[static_cast<size_t>(at)].get() == avoid && endpoints_.size() > 1) {
      for (size_t i = 0; i < endpoints_.size(); ++i)
        if (endpoints_[i].get() != avoid &&
            open(*endpoints_[i], options_.container_concurrency, now))
          at = static_cast<int>(i);
    }
    if (at >= 0) {
      *endpoint = endpoints_[static_cast<size_t>(at)];
      ++(*endpoint)->in_flight;
      return Admit::kGranted;
    }
  }
  if (static_cast<size_t>(queued_.load(std::memory_order_relaxed)) >= options_.most_waiting)
    return Admit::kFull;
  waiter.state_ = Waiter::State::kQueued;
  waiter.previous_ = front ? nullptr : tail_;
  waiter.next_ = front ? head_ : nullptr;
  (waiter.previous_ ? waiter.previous_->next_ : head_) = &waiter;
  (waiter.next_ ? waiter.next_->previous_ : tail_) = &waiter;
  queued_.fetch_add(1, std::memory_order_relaxed);
  return Admit::kQueued;
}

void Backend::unlink(Waiter& waiter) {
  (waiter.previous_ ? waiter.previous_->next_ : head_) = waiter.next_;
  (waiter.next_ ? waiter.next_->previous_ : tail_) = waiter.previous_;
  waiter.previous_ = waiter.next_ = nullptr;
  if (queued_.fetch_sub(1, std::memory_order_relaxed) == 1) told_ = false;
}

void Backend::serve(MonoTime now) {
  while (head_) {
    random_ ^= random_ << 13, random_ ^= random_ >> 17, random_ ^= random_ << 5;
    int at = choose(endpoints_, options_.container_concurrency, random_, round_, now);
    if (at < 0) return;
    Waiter& waiter = *head_;
    unlink(waiter);
    waiter.grant_ = endpoints_[static_cast<size_t>(at)];
    ++waiter.grant_->in_flight;
    waiter.state_ = Waiter::State::kGranted;
    waiter.granted();
  }
}

std::shared_ptr<Endpoint> Backend::take(Waiter& waiter) {
  std::lock_guard lock(mutex_);
  if (waiter.state_ != Waiter::State::kGranted) return nullptr;
  waiter.state_ = Waiter::State::kIdle;
  return std::move(waiter.grant_);
}

void Backend::cancel(Waiter& waiter, MonoTime now) {
  std::lock_guard lock(mutex_);
  if (waiter.state_ == Waiter::State::kQueued) unlink(waiter);
  if (waiter.state_ == Waiter::State::kGranted) {
    --waiter.grant_->in_flight;
    waiter.grant_ = nullptr;
    serve(now);
  }
  waiter.state_ = Waiter::State::kIdle;
}

void Backend::release(Endpoint& endpoint, MonoTime now) {
  std::lock_guard lock(mutex_);
  --endpoint.in_flight;
  if (head_) serve(now);
}

bool Backend::put_aside(Endpoint& endpoint, MonoTime now, MonoTime until) {
  std::lock_guard lock(mutex_);
  if (endpoint.gone || endpoint.aside_until > now) return false;
  endpoint.aside_until = until;
  return true;
}

void Backend::wake(MonoTime now) {
  std::lock_guard lock(mutex_);
  serve(now);
}

Sample Backend::sample(MonoTime now) {
  std::lock_guard lock(mutex_);
  count(now, 0);
  Sample out;
  double dt = seconds(now - sampled_);
  out.concurrency = dt > 0 ? area_ / dt : present_;
  out.requests = std::exchange(arrived_, 0);
  out.waiting = queued_.load(std::memory_order_relaxed);
  out.no_endpoints = endpoints_.empty();
  area_ = 0;
  sampled_ = counted_ = now;
  return out;
}

const BackendMetrics& Backend::measures(metrics::Registry& registry) {
  std::call_once(measured_, [&] { make_measures(registry); });
  return measures_;
}

void Backend::make_measures(metrics::Registry& registry) {
  const metrics::Labels base = {{"namespace_name", key_.ns},
                                {"service_name", service_name},
                                {"configuration_name", configuration_name},
                                {"revision_name", key_.name}};
  for (int c = 0; c < 6; ++c) {
    metrics::Labels labels = base;
    labels.emplace_back("response_code_class", c ? str(c, "xx") : std::string("none"));
    measures_.requests[c] = &registry.counter(
        "revision_request_count", "Requests by revision and class of response code", labels);
    measures_.latency[c] =
        &registry.histogram("revision_request_latencies_seconds",
                            "From the request's head to the response's end", labels);
  }
  measures_.queue =
      &registry.gauge("revision_queue_depth", "Requests that wait for an endpoint", base);
  measures_.activation = &registry.histogram(
      "activator_cold_start_seconds", "How long requests waited for the first endpoint", base);
}

bool Backend::claim_first_wait() {
  std::lock_guard lock(mutex_);
  return head_ && endpoints_.empty() && !std::exchange(told_, true);
}

}  // namespace proa::gateway
