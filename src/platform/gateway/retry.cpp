#include "platform/gateway/retry.h"

#include <algorithm>

namespace proa::gateway {

Again may_go_again(const http::UpstreamError& failure, bool repeatable) {
  if (failure.response_started) return Again::kNo;
  if (failure.surely_unprocessed) return failure.stale ? Again::kFree : Again::kRefused;
  return repeatable ? Again::kTried : Again::kNo;
}

namespace {

bool grpc_asks(const Retries& r, std::string_view status) {
  if (status.empty()) return false;
  return (r.on_cancelled && status == "1") || (r.on_deadline_exceeded && status == "4") ||
         (r.on_resource_exhausted && status == "8") || (r.on_internal && status == "13") ||
         (r.on_unavailable && status == "14");
}

}  // namespace

bool asks_for_retry(const Rule& rule, int status, int tries, const http::Headers* headers) {
  const Retries& r = rule.retries;
  if (tries > r.attempts) return false;
  if (r.on_5xx && status >= 500) return true;
  if ((r.on_gateway_error || r.on_5xx) && status >= 502 && status <= 504) return true;
  if (r.on_retriable_4xx && status == 409) return true;
  if (std::find(r.statuses.begin(), r.statuses.end(), status) != r.statuses.end()) return true;
  return headers && grpc_asks(r, headers->get("grpc-status"));
}

Duration retry_pause(const Retries& retries, int n, uint64_t random) {
  const Duration base =
      retries.backoff.count() > 0 ? retries.backoff : Duration(std::chrono::milliseconds(25));
  const Duration most = base * (int64_t{1} << std::clamp(n - 1, 0, 3));
  return Duration(static_cast<int64_t>(random % static_cast<uint64_t>(most.count() + 1)));
}

}  // namespace proa::gateway
