// Relay: the short way through a proxy, HTTP/1.1 in and HTTP/1.1 out. No stream objects, no headers
// as strings, no memory of its own for each request; the gateway decides, and the connections do
// the rest.
//
//   client ──▶ H1Connection ──RelayPolicy::begin──▶ RelayTicket ──▶ UpstreamPool::relay ──▶
//   upstream
//          ◀── status, the ticket's fields, the body as it comes ◀───────────────────────────┘
//
// For requests whose whole body (content-length, at most kMostRelayBody) has come, without upgrade
// and Expect. The request's bytes stay in the connection's buffer until its answer begins; until
// then it can be taken back at any time and goes the ordinary way (StreamHandler), as if it had
// just come. Loop thread only. The policy outlives the server; a ticket belongs to the policy,
// which may use it again after on_end().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "foundation/http/inline.h"
#include "foundation/http/stream.h"

namespace proa::http {

inline constexpr size_t kMostRelayBody = 64 << 10;

struct H1Head;

// What to send, filled in by the policy.
struct RelayOrder {
  Upstream to;
  UpstreamPool* pool = nullptr;
  std::string head;  // request line and fields, each with CRLF; framing and blank line are added
};

// The request in hand, as the policy may end it: when a deadline passes, when it stops.
class RelayControl {
 public:
  virtual ~RelayControl() = default;
  // Answers, if no head was given yet; else the connection is broken off. on_end() is not called.
  virtual void cut(int status, std::string_view fields, std::string_view body) = 0;
};

class RelayTicket {
 public:
  // The answer's head has come: appends its fields ("name: value\r\n") but those of framing. False:
  // this answer is not wanted; the request goes the ordinary way, and the ticket is over.
  virtual bool on_head(int status, std::span<const FieldView> fields, std::string& out) = 0;
  // No answer came. True: the ordinary way. False: `fields` and `body` of an answer with `status`.
  // The ticket is over.
  virtual bool on_error(const UpstreamError& failure, int& status, std::string& fields,
                        std::string& body) = 0;
  // Over: answered (bytes of body), or, with `aborted`, broken off by either side.
  virtual void on_end(uint64_t bytes, bool aborted) = 0;

 protected:
  ~RelayTicket() = default;
};

class RelayPolicy {
 public:
  // Null: the ordinary way. `control` is good until the ticket is over.
  virtual RelayTicket* begin(const RequestView& request, RelayOrder& order,
                             RelayControl& control) = 0;

 protected:
  ~RelayPolicy() = default;
};

// What a relayed exchange hears from its upstream; never from inside UpstreamPool::relay.
class RelaySink {
 public:
  virtual void on_head(const H1Head& head, bool ended, bool data_follows) = 0;  // in this turn
  virtual void on_data(std::string_view data) = 0;
  virtual void on_end(const Headers& trailers) = 0;
  virtual void on_error(const UpstreamError& failure) = 0;

 protected:
  ~RelaySink() = default;
};

}  // namespace proa::http
