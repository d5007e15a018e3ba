#include "platform/gateway/backend.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

namespace {

// What only Exchange can do.
bool is_special(const Policy& p) {
  const ConnectionPool plain{};
  ConnectionPool pool = p.pool;
  pool.most_connections = pool.most_pending = pool.most_requests = pool.most_retries = 0;
  return p.balance == Balance::kConsistentHash || p.tls || p.proxy_protocol || !(pool == plain);
}

}  // namespace

bool BackendOptions::operator==(const BackendOptions& o) const {
  return container_concurrency == o.container_concurrency && timeout == o.timeout &&
         most_waiting == o.most_waiting &&
         (policy == o.policy || (policy && o.policy && *policy == *o.policy));
}

Backend::Backend(client::Key key, bool revision, std::string name)
    : key_(std::move(key)), revision_(revision), name_(std::move(name)) {}

void Backend::configure(const BackendOptions& options, MonoTime now) {
  std::lock_guard lock(mutex_);
  options_ = options;
  const Policy* policy = options_.policy.get();
  special_ = policy && is_special(*policy);
  watched_ = policy && policy->has_outlier;
  table_.clear();
  if (policy && policy->balance == Balance::kConsistentHash) table_.build(endpoints_, policy->hash);
  serve(now);
}

std::shared_ptr<const Policy> Backend::policy() const {
  std::lock_guard lock(mutex_);
  return options_.policy;
}

int Backend::pick(MonoTime now, uint32_t random, const uint64_t* hash) {
  const int limit = options_.container_concurrency;
  if (!options_.policy) return choose(endpoints_, limit, random, round_, now);
  return choose_by(*options_.policy, endpoints_, table_, limit, random, round_, hash, now);
}

// As many requests are under way as the policy's connections can carry.
bool Backend::at_limit() const {
  const Policy* p = options_.policy.get();
  if (!p || p->pool.most_connections == 0 || in_hand_ < p->pool.most_connections) return false;
  return endpoints_.empty() || !endpoints_.front()->http2;
}

void Backend::give_back(Endpoint& endpoint) {
  --endpoint.in_flight;
  --in_hand_;
}

bool Backend::try_enter(MonoTime now, uint32_t random, std::shared_ptr<Endpoint>* endpoint,
                        Duration* timeout) {
  std::lock_guard lock(mutex_);
  if (head_ || special_ || at_limit()) return false;
  const Policy* p = options_.policy.get();
  if (p && p->pool.most_requests && in_hand_ >= p->pool.most_requests) return false;
  int at = pick(now, random, nullptr);
  if (at < 0) return false;
  if (sampled_ == MonoTime{}) sampled_ = counted_ = now;
  count(now, 1);
  ++arrived_;
  *timeout = options_.timeout;
  *endpoint = endpoints_[static_cast<size_t>(at)];
  ++(*endpoint)->in_flight;
  ++in_hand_;
  return true;
}

void Backend::outcome(Endpoint& endpoint, int status, MonoTime now) {
  if (!watched_.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(mutex_);
  if (options_.policy && options_.policy->has_outlier)
    note_outcome(options_.policy->outlier, endpoints_, endpoint, status, now);
}

// As many as the policy says, else a fifth of what is in hand, and at least three.
bool Backend::retry_begins() {
  std::lock_guard lock(mutex_);
  uint32_t most = std::max(3u, static_cast<uint32_t>(present_) / 5);
  if (options_.policy && options_.policy->pool.most_retries)
    most = options_.policy->pool.most_retries;
  if (retrying_ >= most) return false;
  ++retrying_;
  return true;
}

void Backend::retry_over() {
  std::lock_guard lock(mutex_);
  --retrying_;
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
      if (!endpoints_.empty()) next.back()->since = now;
      continue;
    }
    (*old)->aside_until = {};
    next.push_back(std::move(*old));
    *old = nullptr;
  }
  for (auto& e : endpoints_)
    if (e) e->gone = true;
  if (next.empty())
    served_since_ = {};
  else if (served_since_ == MonoTime{})
    served_since_ = now;
  endpoints_ = std::move(next);
  if (options_.policy && options_.policy->balance == Balance::kConsistentHash)
    table_.build(endpoints_, options_.policy->hash);
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
  give_back(*endpoint);
  if (head_) serve(now);
}

Admit Backend::acquire(Waiter& waiter, MonoTime now, uint32_t random,
                       std::shared_ptr<Endpoint>* endpoint, bool* cold, bool front,
                       const Endpoint* avoid, std::optional<uint64_t> hash) {
  std::lock_guard lock(mutex_);
  *cold = endpoints_.empty();
  const Policy* policy = options_.policy.get();
  if (policy && policy->pool.most_requests && in_hand_ >= policy->pool.most_requests)
    return Admit::kFull;
  if ((head_ == nullptr || front) && !at_limit()) {  // else those who wait come first
    int at = pick(now, random, hash ? &*hash : nullptr);
    if (at >= 0 && endpoints_[static_cast<size_t>(at)].get() == avoid && endpoints_.size() > 1) {
      for (size_t i = 0; i < endpoints_.size(); ++i)
        if (endpoints_[i].get() != avoid &&
            has_room(*endpoints_[i], options_.container_concurrency, now))
          at = static_cast<int>(i);
    }
    if (at >= 0) {
      *endpoint = endpoints_[static_cast<size_t>(at)];
      ++(*endpoint)->in_flight;
      ++in_hand_;
      return Admit::kGranted;
    }
  }
  size_t most = options_.most_waiting;
  if (policy && policy->pool.most_pending && !endpoints_.empty())
    most = std::min<size_t>(most, policy->pool.most_pending);
  if (static_cast<size_t>(queued_.load(std::memory_order_relaxed)) >= most) return Admit::kFull;
  waiter.hash_ = hash;
  waiter.since_ = now;
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
  while (head_ && !at_limit()) {
    random_ ^= random_ << 13, random_ ^= random_ >> 17, random_ ^= random_ << 5;
    const bool standing = now - head_->since_ > kStanding && served_since_ != MonoTime{} &&
                          now - served_since_ > kStanding;
    Waiter& waiter = standing ? *tail_ : *head_;
    int at = pick(now, random_, waiter.hash_ ? &*waiter.hash_ : nullptr);
    if (at < 0) return;
    unlink(waiter);
    waiter.grant_ = endpoints_[static_cast<size_t>(at)];
    ++waiter.grant_->in_flight;
    ++in_hand_;
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
    give_back(*waiter.grant_);
    waiter.grant_ = nullptr;
    serve(now);
  }
  waiter.state_ = Waiter::State::kIdle;
}

void Backend::release(Endpoint& endpoint, MonoTime now) {
  std::lock_guard lock(mutex_);
  give_back(endpoint);
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
