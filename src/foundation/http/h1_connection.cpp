#include "foundation/http/h1_connection.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h1_write.h"

namespace proa::http {
namespace {
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kReadAhead = 64 << 10;
}  // namespace

std::unique_ptr<Protocol> make_h1(ServerConnection& connection) {
  return std::make_unique<H1Connection>(connection);
}

H1Connection::H1Connection(ServerConnection& connection)
    : connection_(connection),
      core_(connection.core()),
      deadline_(connection.now() + core_.options.head_timeout),
      idle_since_(connection.now()) {}

bool H1Connection::wants_read() const {
  if (connection_.transport().backlog() > kBacklogHigh && state_ != State::kTunnel) return false;
  return held_.size() < std::max(kReadAhead, inline_need_) || state_ == State::kHead;
}

void H1Connection::on_data(std::string_view data) {
  if (inline_need_ > 0 || (state_ == State::kBody && stream_ && stream_->receiving_)) {
    deadline_ = connection_.now() + core_.options.body_timeout;
    body_bytes_ += data.size();
  }
  if (!held_.empty()) {
    held_.append(data);
    return process_held();
  }
  size_t used = process(data);
  if (used < data.size() && !connection_.closed()) {
    if (inline_need_ > 0) held_.reserve(inline_need_);
    held_.assign(data.substr(used));
  }
}

void H1Connection::process_held() {
  if (processing_ || held_.empty()) return;
  size_t used = process(held_);
  if (used == held_.size() && held_.capacity() > kReadAhead)
    std::string().swap(held_);
  else
    held_.erase(0, used);
}

// Takes requests and bodies from the text as far as it goes; returns the bytes used.
size_t H1Connection::process(std::string_view text) {
  processing_ = true;
  size_t used = 0;
  bool more = true;
  while (more && !connection_.closed()) {
    std::string_view rest = text.substr(used);
    switch (state_) {
      case State::kHead:
        more = take_head(rest, used);
        break;
      case State::kBody:
      case State::kSkip:
        more = take_body(rest, used);
        break;
      case State::kTunnel:
        more = take_tunnel(rest, used);
        break;
      case State::kWait:
      case State::kRelay:
        more = false;
        break;
      case State::kDead:
        used = text.size();
        more = false;
        break;
    }
  }
  processing_ = false;
  return used;
}

bool H1Connection::take_preface(std::string_view rest, size_t& used) {
  if (rest.size() < kPreface.size()) return false;
  used += rest.size();
  state_ = State::kDead;
  connection_.become_h2(rest);
  return false;
}

bool H1Connection::take_head(std::string_view rest, size_t& used) {
  if (rest.empty() || connection_.transport().backlog() > kBacklogHigh) return false;
  if (!head_begun_) {
    head_begun_ = true;
    deadline_ = connection_.now() + core_.options.head_timeout;
  }
  if (first_ && rest[0] == 'P' &&
      kPreface.substr(0, std::min(rest.size(), kPreface.size())) ==
          rest.substr(0, kPreface.size())) {
    return take_preface(rest, used);
  }
  if (rest.size() < inline_need_) return false;
  if (inline_need_ > 0) scanned_ = 0;
  Parsed parsed = parse_request(rest, scanned_, core_.options.most_head_bytes, head_);
  if (parsed.state == Parsed::kMore) return false;
  scanned_ = 0;
  inline_need_ = 0;
  const bool first = std::exchange(first_, false);
  if (parsed.state == Parsed::kBad && parsed.not_http && first) {
    state_ = State::kDead;  // whatever that was, it would not understand an answer
    connection_.close();
    return false;
  }
  if (parsed.state == Parsed::kBad) {
    refuse(parsed.status, parsed.why);
    return true;
  }
  keep_alive_ = head_.keep_alive && !core_.draining;
  head_only_ = head_.method == "HEAD";
  if (core_.options.inline_handler && try_inline(rest, parsed.used, used)) return inline_need_ == 0;
  if (core_.options.relay && !std::exchange(ordinary_, false)) {
    Relayed relayed = try_relay(rest, parsed.used);
    if (relayed == Relayed::kWaits) return false;
    if (relayed == Relayed::kYes) return state_ != State::kRelay;
  }
  used += parsed.used;
  head_begun_ = false;
  start_request();
  return true;
}

// True: answered, or (inline_need_ set) waiting for the body. False: for the ordinary handler.
bool H1Connection::try_inline(std::string_view rest, size_t head_size, size_t& used) {
  uint64_t length = head_.content_length.value_or(0);
  size_t most = std::min(kMostInlineBody, core_.options.most_body_bytes);
  if (head_.chunked || length > most || !head_.upgrade.empty()) return false;
  if (rest.size() < head_size + length) {
    if (head_.expect_continue) return false;
    inline_need_ = head_size + static_cast<size_t>(length);
    deadline_ = connection_.now() + core_.options.body_timeout;
    return true;
  }
  const RequestView request = view_of(rest.substr(head_size, static_cast<size_t>(length)));
  core_.scratch.clear();
  ResponseBuffer response(connection_.transport().out(), core_.scratch, core_.date_line(),
                          keep_alive_, head_.version, head_only_);
  bool answered = core_.options.inline_handler(request, response);
  if (core_.scratch.capacity() > kMostInlineBody) std::string().swap(core_.scratch);
  if (!answered) return false;
  CHECK(response.answered_);
  used += head_size + static_cast<size_t>(length);
  next_request();
  return true;
}

// After a response: the next request, or the end of the connection.
void H1Connection::next_request() {
  head_begun_ = false;
  if (keep_alive_) {
    state_ = State::kHead;
    idle_since_ = connection_.now();
    deadline_ = idle_since_ + core_.options.idle_timeout;
    return;
  }
  state_ = State::kDead;
  connection_.close_after_flush();
}

void H1Connection::start_request() {
  RequestHead head;
  head.method = head_.method;
  head.target = head_.target;
  head.authority = head_.authority;
  head.version = head_.version;
  head.upgrade = head_.upgrade;
  head.content_length = head_.content_length;
  head.ended = !head_.chunked && head_.content_length.value_or(0) == 0;
  head.tls = connection_.tls();
  head.peer = connection_.peer();
  head.client_cert = connection_.client_cert();
  for (const FieldView& field : head_.fields) {
    if (!is_hop_by_hop(field.name) && !same_name(field.name, "host"))
      head.headers.add(field.name, field.value);
    else if (same_name(field.name, "te") && list_has(field.value, "trailers"))
      head.headers.add("te", "trailers");
  }
  if (!head.upgrade.empty() && !head.ended) head.upgrade.clear();  // an upgrade has no body
  state_ = head.ended ? State::kWait : State::kBody;
  body_left_ = head_.content_length.value_or(0);
  decoder_.reset();
  framing_ = Framing::kNone;
  deadline_ = connection_.now() + core_.options.body_timeout;
  stream_ = std::make_shared<H1Stream>(*this, std::move(head));
  auto stream = stream_;
  core_.handler(stream);
}

// The stream wants the body now.
void H1Connection::begin_body() {
  auto stream = stream_;
  deadline_ = connection_.now() + core_.options.body_timeout;
  body_began_ = connection_.now();
  body_bytes_ = held_.size();
  if (state_ == State::kBody) {
    if (head_.expect_continue && !stream->responded_) send_continue();
    return continue_reading();
  }
  if (stream->head_.upgrade.empty()) stream->calls_.call(&ServerCallbacks::on_end, Headers());
}

void H1Connection::send_continue() {
  head_.expect_continue = false;
  connection_.transport().out() += "HTTP/1.1 100 Continue\r\n\r\n";
  connection_.settle_soon();
}

void H1Connection::continue_reading() {
  body_began_ = connection_.now();  // it was not the client that was slow
  body_bytes_ = 0;
  deadline_ = connection_.now() + core_.options.body_timeout;
  if (processing_) return;
  ServerConnection::Turn turn(connection_);
  process_held();
}

bool H1Connection::take_body(std::string_view rest, size_t& used) {
  bool skipping = state_ == State::kSkip;
  auto stream = stream_;
  if (!skipping && (!stream->receiving_ || stream->paused_)) return false;
  if (rest.empty()) return false;
  if (!head_.chunked) {
    size_t n = static_cast<size_t>(std::min<uint64_t>(body_left_, rest.size()));
    used += n;
    body_left_ -= n;
    if (!skipping) stream->calls_.call(&ServerCallbacks::on_data, rest.substr(0, n));
    if (body_left_ == 0) end_request({});
    return true;
  }
  ChunkedDecoder::Step step = decoder_.next(rest);
  used += step.used;
  if (step.bad) {
    refuse(400, "malformed chunked body");
    return true;
  }
  if (skipping) {
    if (step.used > body_left_)
      keep_alive_ = false;
    else
      body_left_ -= step.used;
    if (!keep_alive_) next_request();
  } else if (!step.data.empty()) {
    stream->calls_.call(&ServerCallbacks::on_data, step.data);
  }
  if (step.done && (state_ == State::kBody || state_ == State::kSkip))
    end_request(decoder_.trailers());
  return true;
}

// The last byte of the request has been taken.
void H1Connection::end_request(Headers trailers) {
  if (state_ == State::kSkip) return next_request();
  if (state_ != State::kBody) return;  // refused or finished meanwhile
  state_ = State::kWait;
  auto stream = stream_;
  stream->calls_.call(&ServerCallbacks::on_end, std::move(trailers));
}

bool H1Connection::take_tunnel(std::string_view rest, size_t& used) {
  auto stream = stream_;
  if (rest.empty() || !stream || stream->paused_ || !stream->receiving_) return false;
  used += rest.size();
  stream->calls_.call(&ServerCallbacks::on_data, rest);
  return true;
}

// Answers an error and ends the connection. What the stream has said already cannot be unsaid.
void H1Connection::refuse(int status, const char* why) {
  auto stream = detach();
  state_ = State::kDead;
  bool silent = stream && stream->responded_;
  if (stream) stream->calls_.call_last(&ServerCallbacks::on_abort);
  if (connection_.closed()) return;
  if (!silent) {
    std::string& out = connection_.transport().out();
    std::string body = str(status, " ", reason_phrase(status), ": ", why, "\n");
    append_status_line(out, status);
    out += "content-type: text/plain\r\n";
    append_length(out, body.size());
    out += core_.date_line();
    out += "connection: close\r\n\r\n";
    if (!head_only_) out += body;
  }
  connection_.close_after_flush();
}

std::shared_ptr<H1Stream> H1Connection::detach() {
  auto stream = std::exchange(stream_, nullptr);
  if (stream) stream->connection_ = nullptr;
  return stream;
}

void H1Connection::on_eof() {
  auto stream = stream_;
  if (state_ == State::kTunnel && stream && !tunnel_in_ended_) {
    process_held();
    tunnel_in_ended_ = true;
    if (!tunnel_out_ended_) return stream->calls_.call(&ServerCallbacks::on_end, Headers());
    detach();
    stream->calls_.call_last(&ServerCallbacks::on_end, Headers());
    return connection_.close();
  }
  connection_.close();
}

void H1Connection::on_gone() {
  auto stream = detach();
  state_ = State::kDead;
  if (relay_) relay_->abort();
  if (stream) stream->calls_.call_last(&ServerCallbacks::on_abort);
}

void H1Connection::fill() {
  auto stream = stream_;
  if (stream && stream->was_high_ && connection_.transport().backlog() < kBacklogHigh / 2) {
    stream->was_high_ = false;
    stream->calls_.call(&ServerCallbacks::on_writable);
  }
  if (state_ == State::kRelay && connection_.transport().backlog() < kBacklogHigh / 2)
    relay_->writable();
  bool next_head = state_ == State::kHead && inline_need_ == 0 && scanned_ == 0;
  if (next_head || state_ == State::kSkip) process_held();
}

// A body that trickles in, though never long enough without a byte for the timeout.
bool H1Connection::too_slow(MonoTime now) const {
  constexpr Duration kGrace = std::chrono::seconds(5);
  size_t least = core_.options.least_bytes_per_second;
  if (least == 0 || now - body_began_ < kGrace) return false;
  bool receiving = state_ == State::kBody && stream_ && stream_->receiving_ && !stream_->paused_ &&
                   connection_.transport().backlog() == 0 && !stream_->responded_;
  bool waiting = state_ == State::kHead && inline_need_ > 0;
  if (!receiving && !waiting) return false;
  return static_cast<double>(body_bytes_) < static_cast<double>(least) * seconds(now - body_began_);
}

void H1Connection::on_tick(MonoTime now) {
  if (too_slow(now)) return refuse(408, "the body did not arrive in time");
  if (now < deadline_) return;
  switch (state_) {
    case State::kHead:
      if (head_begun_)
        refuse(408, "the request did not arrive in time");
      else
        connection_.close();
      break;
    case State::kBody:
      if (stream_->receiving_ && !stream_->paused_) refuse(408, "the body did not arrive in time");
      break;
    case State::kSkip:
      connection_.close();
      break;
    case State::kWait:
    case State::kTunnel:
    case State::kDead:
    case State::kRelay:  // the policy's matter
      break;
  }
}

void H1Connection::drain() {
  keep_alive_ = false;
  if (state_ != State::kHead || head_begun_) return;
  if (core_.options.drain_idle.count() == 0) return connection_.close();
  deadline_ = std::min(deadline_, connection_.now() + core_.options.drain_idle);
}

}  // namespace proa::http
