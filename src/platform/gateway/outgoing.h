// What goes out: the head sent upstream, the head sent back, errors. Pure functions of what came
// in.
#pragma once

#include <string>
#include <string_view>

#include "foundation/http/stream.h"
#include "platform/gateway/route.h"

namespace proa::gateway {

// Host, path and headers as the rule and the destination want them; X-Forwarded-*, x-request-id
// added; K-* and Knative-Serving-* (which only the platform may set) left out. Written over `out`.
void make_upstream_head(const http::RequestHead& in, const Matched& matched, const Destination& to,
                        std::string_view request_id, http::RequestHead& out);

// Names that only the platform may set.
bool is_platform_header(std::string_view name);
// "127.0.0.1:80" → "127.0.0.1", "[::1]:80" → "::1".
std::string_view peer_address(std::string_view peer);

void change_headers(http::Headers& headers, const HeaderChange& change);

// prefix: bytes of the path that the rule's match took. listener: the port it came by, 0: not
// known.
std::string redirect_location(const Redirect& redirect, const http::RequestHead& in, size_t prefix,
                              uint16_t listener);

// {"error": "TEXT"}, KServe's form.
std::string error_body(std::string_view text);

// The same for a gRPC client: the head that ends its call, to be sent with status 200.
http::Headers grpc_error(int status, std::string_view text);

// Counts an answer in the backend's metrics.
void count_answer(Backend& backend, metrics::Registry& registry, int status, Duration took);

// A request that may be sent again although the upstream may have seen it.
bool is_repeatable(std::string_view method, std::string_view path);

// Version 4 UUID text from two random numbers.
std::string uuid_text(uint64_t a, uint64_t b);

}  // namespace proa::gateway
