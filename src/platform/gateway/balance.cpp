#include "platform/gateway/balance.h"

#include <algorithm>

#include "foundation/base/strings.h"

namespace proa::gateway {

bool has_room(const Endpoint& e, int limit, MonoTime now, bool ignore_ejection) {
  return !e.gone && e.aside_until <= now && (ignore_ejection || e.ejected_until <= now) &&
         e.in_flight < (limit == 0 ? kMostInFlight : limit);
}

namespace {

int first_with_room(Endpoints endpoints, size_t start, int limit, MonoTime now, bool panic) {
  const size_t n = endpoints.size();
  for (size_t i = 0; i < n; ++i) {
    size_t at = (start + i) % n;
    if (has_room(*endpoints[at], limit, now, panic)) return static_cast<int>(at);
  }
  return -1;
}

// All that are there are ejected: then nobody is.
bool all_ejected(Endpoints endpoints, MonoTime now) {
  return std::all_of(endpoints.begin(), endpoints.end(), [&](const auto& e) {
    return e->gone || e->aside_until > now || e->ejected_until > now;
  });
}

// The better of two random ones, by requests in hand.
int two_choices(Endpoints endpoints, int limit, uint32_t random, MonoTime now, bool panic) {
  const size_t n = endpoints.size();
  size_t a = (random & 0xffff) % n;
  size_t b = n > 1 ? (a + 1 + (random >> 16) % (n - 1)) % n : a;
  bool open_a = has_room(*endpoints[a], limit, now, panic);
  bool open_b = has_room(*endpoints[b], limit, now, panic);
  if (open_b && (!open_a || endpoints[b]->in_flight < endpoints[a]->in_flight)) a = b;
  if (open_a || open_b) return static_cast<int>(a);
  return first_with_room(endpoints, a, limit, now, panic);
}

}  // namespace

int choose(Endpoints endpoints, int limit, uint32_t random, uint32_t& round, MonoTime now) {
  const size_t n = endpoints.size();
  if (n == 0) return -1;
  if (limit == 0 && n > 1) return two_choices(endpoints, limit, random, now, false);
  const size_t start = limit > 3 ? round++ % n : 0;  // up to 3: the first that has room
  return first_with_room(endpoints, start, limit, now, false);
}

uint64_t hash_text(std::string_view text, uint64_t seed) {
  uint64_t h = 0xcbf29ce484222325u ^ (seed * 0x9e3779b97f4a7c15u);
  for (char c : text) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  h ^= h >> 33, h *= 0xff51afd7ed558ccdu;
  h ^= h >> 33, h *= 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

void HashTable::clear() {
  ring_.clear();
  maglev_.clear();
}

void HashTable::build(Endpoints endpoints, const HashPolicy& policy) {
  clear();
  if (endpoints.empty()) return;
  if (policy.maglev) return build_maglev(endpoints, policy.table_size ? policy.table_size : 65537);
  const size_t least = std::min<size_t>(policy.table_size ? policy.table_size : 1024, 1 << 20);
  const size_t each = std::max<size_t>(1, (least + endpoints.size() - 1) / endpoints.size());
  for (uint32_t i = 0; i < endpoints.size(); ++i) {
    std::string name = str(endpoints[i]->address, ":", endpoints[i]->port);
    for (size_t k = 0; k < each; ++k) ring_.push_back({hash_text(name, k + 1), i});
  }
  std::sort(ring_.begin(), ring_.end(), [](const Point& a, const Point& b) { return a.at < b.at; });
}

// Each endpoint in turn takes the next free place of its own permutation of the table.
void HashTable::build_maglev(Endpoints endpoints, uint32_t size) {
  size = std::clamp<uint32_t>(size, 3, 5000011);
  if (size % 2 == 0) ++size;
  struct Walk {
    uint64_t at, skip;
  };
  std::vector<Walk> walks;
  for (const auto& e : endpoints) {
    std::string name = str(e->address, ":", e->port);
    walks.push_back({hash_text(name, 1) % size, hash_text(name, 2) % (size - 1) + 1});
  }
  constexpr uint32_t kFree = UINT32_MAX;
  maglev_.assign(size, kFree);
  for (uint32_t filled = 0; filled < size;) {
    for (uint32_t i = 0; i < walks.size() && filled < size; ++i) {
      uint64_t at = walks[i].at;
      // A size that is no prime may close a cycle early: then the next place will do.
      for (uint32_t tries = 0; maglev_[at] != kFree; ++tries)
        at = tries < size ? (at + walks[i].skip) % size : (at + 1) % size;
      maglev_[at] = i;
      walks[i].at = (at + walks[i].skip) % size;
      ++filled;
    }
  }
}

int HashTable::choose(Endpoints endpoints, uint64_t hash, int limit, MonoTime now,
                      bool panic) const {
  if (!maglev_.empty()) {
    size_t at = hash % maglev_.size();
    for (size_t i = 0; i < maglev_.size(); ++i) {
      uint32_t e = maglev_[(at + i) % maglev_.size()];
      if (e < endpoints.size() && has_room(*endpoints[e], limit, now, panic))
        return static_cast<int>(e);
    }
    return -1;
  }
  if (ring_.empty()) return -1;
  auto it = std::lower_bound(ring_.begin(), ring_.end(), hash,
                             [](const Point& p, uint64_t h) { return p.at < h; });
  for (size_t i = 0; i < ring_.size(); ++i, ++it) {
    if (it == ring_.end()) it = ring_.begin();
    if (it->endpoint < endpoints.size() && has_room(*endpoints[it->endpoint], limit, now, panic))
      return static_cast<int>(it->endpoint);
  }
  return -1;
}

int choose_by(const Policy& policy, Endpoints endpoints, const HashTable& table, int limit,
              uint32_t random, uint32_t& round, const uint64_t* hash, MonoTime now) {
  const size_t n = endpoints.size();
  if (n == 0) return -1;
  const bool panic = policy.has_outlier && all_ejected(endpoints, now);
  if (policy.warmup.count() > 0) {
    // A new endpoint is passed over, the younger the more often.
    size_t at = (random & 0xffff) % n;
    Duration age = now - endpoints[at]->since;
    bool young = endpoints[at]->since != MonoTime{} && age < policy.warmup;
    if (young && (random >> 16) > 65535.0 * seconds(age) / seconds(policy.warmup)) {
      int other = first_with_room(endpoints, at + 1, limit, now, panic);
      if (other >= 0) return other;
    }
  }
  switch (policy.balance) {
    case Balance::kRoundRobin:
      return first_with_room(endpoints, round++ % n, limit, now, panic);
    case Balance::kRandom:
      return first_with_room(endpoints, random % n, limit, now, panic);
    case Balance::kLeastRequest:
      return two_choices(endpoints, limit, random, now, panic);
    case Balance::kConsistentHash:
      if (hash) return table.choose(endpoints, *hash, limit, now, panic);
      return first_with_room(endpoints, random % n, limit, now, panic);
    case Balance::kDefault:
      break;
  }
  if (panic) return two_choices(endpoints, limit, random, now, true);
  return choose(endpoints, limit, random, round, now);
}

bool note_outcome(const OutlierDetection& policy, Endpoints endpoints, Endpoint& endpoint,
                  int status, MonoTime now) {
  const bool local = status == 0;
  const bool gateway = local || status == 502 || status == 503 || status == 504;
  const bool bad = local || status >= 500;
  if (!bad) {
    endpoint.fails_5xx = endpoint.fails_gateway = endpoint.fails_local = 0;
    if (endpoint.ejections > 0 && endpoint.ejected_until + policy.interval * 10 < now)
      endpoint.ejections = 0;
    return false;
  }
  const bool split = policy.split_local && local;
  if (split) {
    ++endpoint.fails_local;
  } else {
    ++endpoint.fails_5xx;
    if (gateway) ++endpoint.fails_gateway;
  }
  auto reached = [](uint32_t count, uint32_t most) { return most > 0 && count >= most; };
  bool eject = reached(endpoint.fails_5xx, policy.consecutive_5xx) ||
               reached(endpoint.fails_gateway, policy.consecutive_gateway_errors) ||
               (split && reached(endpoint.fails_local, policy.consecutive_local_failures));
  if (!eject || endpoint.ejected_until > now) return false;
  const size_t n = endpoints.size();
  size_t out = static_cast<size_t>(std::count_if(endpoints.begin(), endpoints.end(),
                                                 [&](auto& e) { return e->ejected_until > now; }));
  size_t most = std::max<size_t>(1, n * std::min(policy.most_ejected_percent, 100u) / 100);
  bool too_few = (n - out) * 100 < n * policy.least_healthy_percent;
  if (out >= most || too_few) return false;
  ++endpoint.ejections;
  endpoint.ejected_until = now + policy.base_ejection * std::min(endpoint.ejections, 10u);
  endpoint.fails_5xx = endpoint.fails_gateway = endpoint.fails_local = 0;
  return true;
}

}  // namespace proa::gateway
