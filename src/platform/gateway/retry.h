// When a request may be sent again. Pure.
//
// The rule behind all of it: a request that may have been acted upon is sent again only if
// repeating it changes nothing (is_repeatable), or if the upstream itself answered and the route's
// retryOn names that answer. What surely reached nobody is always sent again.
#pragma once

#include <string_view>

#include "foundation/http/stream.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

enum class Again {
  kNo,
  kRefused,  // no connection: that endpoint is put aside, the try does not count
  kFree,     // a kept connection had ended before: no fault of anyone's, does not count
  kTried,    // it may have been acted upon, and may be repeated
};
Again may_go_again(const http::UpstreamError& failure, bool repeatable);

// Does the route want another try after this answer? tries: made so far. headers: the answer's, or
// nullptr where they are not looked at (then gRPC's statuses do not count).
bool asks_for_retry(const Rule& rule, int status, int tries,
                    const http::Headers* headers = nullptr);

// The pause before the n-th retry (from 1), between nothing and twice as long each time.
Duration retry_pause(const Retries& retries, int n, uint64_t random);

}  // namespace proa::gateway
