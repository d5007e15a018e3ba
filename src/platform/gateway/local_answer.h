// What the gateway does to a request or an answer by itself, as the rule says: CORS, faults made on
// purpose, the hash that binds a client to an endpoint. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/http/stream.h"
#include "platform/gateway/policy.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

// A preflight that is answered here: its headers; nullopt if the request goes on.
std::optional<http::Headers> preflight_answer(const Cors& cors, const http::RequestHead& in);
// On an answer to a request with this Origin ("": none).
void add_cors(const Cors& cors, std::string_view origin, http::Headers& headers);

// A share of a million, by a random number.
bool falls_in(uint32_t share, uint64_t random);

// The hash of what the policy looks at; nullopt if the request does not have it. *cookie becomes
// the Set-Cookie value to add, if one was made (with `random`).
std::optional<uint64_t> affinity(const HashPolicy& policy, const http::RequestHead& in,
                                 uint64_t random, std::string* cookie);

}  // namespace proa::gateway
