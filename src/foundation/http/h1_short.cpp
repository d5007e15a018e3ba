// The short way (relay.h) on the client's side: H1Connection's part of it.
#include <algorithm>

#include "foundation/http/fields.h"
#include "foundation/http/h1_connection.h"

namespace proa::http {

RequestView H1Connection::view_of(std::string_view body) const {
  RequestView request;
  request.method = head_.method;
  request.target = head_.target;
  request.authority = head_.authority;
  request.body = body;
  request.fields = head_.fields;
  request.version = head_.version;
  request.tls = connection_.tls();
  request.peer = connection_.peer();
  return request;
}

// kYes: its bytes stay in the buffer until relay_over(), or it was answered already.
H1Connection::Relayed H1Connection::try_relay(std::string_view rest, size_t head_size) {
  uint64_t length = head_.content_length.value_or(0);
  bool fit = head_.version == 11 && !head_.chunked && length <= kMostRelayBody &&
             head_.upgrade.empty() && !head_.expect_continue;
  if (!fit) return Relayed::kNo;
  if (rest.size() < head_size + length) {
    inline_need_ = head_size + static_cast<size_t>(length);
    deadline_ = connection_.now() + core_.options.body_timeout;
    body_began_ = connection_.now();
    body_bytes_ = rest.size();
    return Relayed::kWaits;
  }
  const RequestView request = view_of(rest.substr(head_size, static_cast<size_t>(length)));
  if (!relay_) relay_ = std::make_unique<H1Relay>(*this);
  state_ = State::kRelay;
  relay_size_ = head_size + static_cast<size_t>(length);
  if (relay_->begin(request, *core_.options.relay, core_.relay_order)) {
    return Relayed::kYes;
  }
  state_ = State::kHead;
  relay_size_ = 0;
  return Relayed::kNo;
}

void H1Connection::relay_head(const H1Head& head, bool ended) {
  std::string& out = connection_.transport().out();
  if (core_.draining) keep_alive_ = false;
  bool body = may_have_body(head.status);
  framing_ = Framing::kNone;
  response_left_ = 0;
  if (body && head.content_length) {
    append_length(out, *head.content_length);
    if (!ended) {
      framing_ = Framing::kLength;
      response_left_ = *head.content_length;
    }
  } else if (body && !ended) {
    framing_ = Framing::kChunked;
    out += "transfer-encoding: chunked\r\n";
  }
  bool dated = std::any_of(head.fields.begin(), head.fields.end(),
                           [](const FieldView& f) { return same_name(f.name, "date"); });
  if (!dated) out += core_.date_line();
  out += keep_alive_ ? "\r\n" : "connection: close\r\n\r\n";
}

bool H1Connection::relay_data(std::string_view data) {
  auto keep = connection_.shared_from_this();
  append_body(data);
  if (connection_.closed()) return true;
  if (framing_ == Framing::kLength && response_left_ == 0) return true;  // the end comes at once
  if (connection_.transport().backlog() > 16384 && !connection_.in_event())
    connection_.settle();
  else
    connection_.settle_soon();
  if (connection_.closed()) return true;
  return connection_.transport().backlog() <= kBacklogHigh;
}

void H1Connection::relay_end(const Headers& trailers) {
  if (framing_ == Framing::kChunked) {
    std::string& out = connection_.transport().out();
    out += "0\r\n";
    append_end_to_end(out, trailers);
    out += "\r\n";
  } else if (framing_ == Framing::kLength && response_left_ > 0) {
    keep_alive_ = false;
  }
  relay_over();
}

void H1Connection::relay_refuse(int status, std::string_view fields, std::string_view body) {
  std::string& out = connection_.transport().out();
  if (core_.draining) keep_alive_ = false;
  append_status_line(out, status);
  out += fields;
  append_length(out, body.size());
  out += core_.date_line();
  out += keep_alive_ ? "\r\n" : "connection: close\r\n\r\n";
  if (!head_only_) out += body;
  relay_over();
}

// Answered: the request's bytes go, and the next one may come.
void H1Connection::relay_over() {
  if (processing_) {  // refused from inside begin(): the bytes are not in held_ yet
    ordinary_ = false;
    state_ = State::kSkip;
    head_.chunked = false;
    body_left_ = relay_size_;
    relay_size_ = 0;
    return;
  }
  ServerConnection::Turn turn(connection_);
  held_.erase(0, std::exchange(relay_size_, 0));
  next_request();
  if (held_.empty() && held_.capacity() > kMostRelayBody) std::string().swap(held_);
  process_held();
}

// Nothing of an answer was given: the same bytes once more, to the stream handler.
void H1Connection::relay_again() {
  ServerConnection::Turn turn(connection_);
  relay_size_ = 0;
  ordinary_ = true;
  state_ = State::kHead;
  process_held();
}

void H1Connection::relay_break() {
  state_ = State::kDead;
  connection_.close();
}

}  // namespace proa::http
