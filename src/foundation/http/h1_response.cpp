// How an H1Stream answers: the second half of H1Connection.
#include <algorithm>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h1_connection.h"
#include "foundation/http/h1_write.h"

namespace proa::http {
namespace {
constexpr uint64_t kMostSkipped = 256 << 10;
}

void H1Stream::receive(ServerCallbacks callbacks) {
  if (!connection_) return;
  calls_.set(std::move(callbacks));
  if (receiving_) return;
  receiving_ = true;
  connection_->begin_body();
}

void H1Stream::pause_reading() { paused_ = true; }

void H1Stream::resume_reading() {
  if (!std::exchange(paused_, false) || !connection_) return;
  connection_->continue_reading();
}

void H1Stream::respond_head(int status, const Headers& headers, bool end) {
  if (!connection_ || responded_) return;
  responded_ = status >= 200 || status == 101;
  connection_->respond_head(status, headers, end);
}

void H1Stream::respond_data(std::string_view data, bool end) {
  if (connection_ && responded_) connection_->respond_data(data, end);
}

void H1Stream::respond_trailers(const Headers& trailers) {
  if (connection_ && responded_) connection_->respond_trailers(trailers);
}

void H1Stream::respond(int status, const Headers& headers, std::string_view body) {
  if (!connection_ || responded_) return;
  responded_ = true;
  connection_->respond(status, headers, body);
}

void H1Stream::reset() {
  if (!connection_) return;
  calls_.release();
  connection_->reset();
}

size_t H1Stream::backlog() const { return connection_ ? connection_->backlog() : 0; }

void H1Connection::reset() {
  auto stream = detach();
  connection_.close();
}

// A response before the end of the request: a short rest is read and dropped, else the connection
// ends.
void H1Connection::plan_keep_alive() {
  if (core_.draining) keep_alive_ = false;
  if (state_ != State::kBody) return;
  bool waits_for_continue = head_.expect_continue && !stream_->receiving_;
  if (waits_for_continue || (!head_.chunked && body_left_ > kMostSkipped)) keep_alive_ = false;
}

void H1Connection::finish_head(const Given& given, bool add_date) {
  std::string& out = connection_.transport().out();
  if (add_date && given.date.empty()) out += core_.date_line();
  if (!keep_alive_)
    out += "connection: close\r\n";
  else if (head_.version == 10)
    out += "connection: keep-alive\r\n";
  out += "\r\n";
}

void H1Connection::respond_head(int status, const Headers& headers, bool end) {
  std::string& out = connection_.transport().out();
  append_status_line(out, status);
  if (status == 101 || status < 200) {
    append_end_to_end(out, headers);
    if (status == 101) {
      std::string_view protocol = headers.get("upgrade");
      append_field(out, "upgrade",
                   protocol.empty() ? std::string_view(stream_->head_.upgrade) : protocol);
      out += "connection: upgrade\r\n";
      state_ = State::kTunnel;
      framing_ = Framing::kTunnel;
    }
    out += "\r\n";
    connection_.settle_soon();
    if (status == 101) continue_reading();
    return;
  }
  plan_keep_alive();
  Given given = append_end_to_end(out, headers);
  bool body = may_have_body(status);
  auto length = parse_int(given.length);
  framing_ = Framing::kNone;
  if (body && !end && !length && !head_only_) {
    framing_ = head_.version == 10 ? Framing::kToClose : Framing::kChunked;
    if (framing_ == Framing::kToClose)
      keep_alive_ = false;
    else
      out += "transfer-encoding: chunked\r\n";
  } else if (body && length && *length >= 0) {
    append_length(out, static_cast<uint64_t>(*length));
    if (!head_only_ && !(end && *length > 0)) framing_ = Framing::kLength;
    if (!head_only_ && end && *length > 0) keep_alive_ = false;  // it promised what does not come
    response_left_ = static_cast<uint64_t>(*length);
  } else if (body && !head_only_) {
    append_length(out, 0);
  }
  finish_head(given, true);
  if (end)
    finish_response();
  else
    connection_.settle_soon();
}

void H1Connection::respond(int status, const Headers& headers, std::string_view body) {
  std::string& out = connection_.transport().out();
  append_status_line(out, status);
  plan_keep_alive();
  Given given = append_end_to_end(out, headers);
  if (may_have_body(status)) {
    auto length = parse_int(given.length);
    bool head_says = head_only_ && body.empty() && length && *length >= 0;
    append_length(out, head_says ? static_cast<uint64_t>(*length) : body.size());
  }
  finish_head(given, true);
  if (!head_only_ && may_have_body(status)) out += body;
  finish_response();
}

void H1Connection::append_body(std::string_view data) {
  Transport& transport = connection_.transport();
  if (data.empty()) return;
  switch (framing_) {
    case Framing::kNone:
      return;
    case Framing::kLength: {
      size_t n = static_cast<size_t>(std::min<uint64_t>(response_left_, data.size()));
      if (n < data.size()) keep_alive_ = false;
      response_left_ -= n;
      data = data.substr(0, n);
      break;
    }
    case Framing::kChunked:
      append_chunk_size(transport.out(), data.size());
      transport.out().append(data);
      transport.out() += "\r\n";
      return;
    case Framing::kToClose:
    case Framing::kTunnel:
      break;
  }
  bool ok = data.size() >= 16384 ? transport.write(data) : (transport.out().append(data), true);
  if (!ok) connection_.close();
}

void H1Connection::respond_data(std::string_view data, bool end) {
  auto stream = stream_;
  append_body(data);
  if (connection_.closed()) return;
  if (end) {
    if (framing_ == Framing::kChunked) connection_.transport().out() += "0\r\n\r\n";
    return finish_response();
  }
  size_t backlog = connection_.transport().backlog();
  if (backlog > kBacklogHigh) stream->was_high_ = true;
  if (backlog > 16384 && !connection_.in_event())
    connection_.settle();
  else
    connection_.settle_soon();
}

void H1Connection::respond_trailers(const Headers& trailers) {
  if (framing_ != Framing::kChunked) return respond_data({}, true);
  std::string& out = connection_.transport().out();
  out += "0\r\n";
  append_end_to_end(out, trailers);
  out += "\r\n";
  finish_response();
}

void H1Connection::finish_response() {
  if (framing_ == Framing::kTunnel) {
    tunnel_out_ended_ = true;
    if (!tunnel_in_ended_) return connection_.transport().shutdown_write();
    detach()->calls_.release();
    state_ = State::kDead;
    return connection_.close_after_flush();
  }
  if (framing_ == Framing::kLength && response_left_ > 0)
    keep_alive_ = false;  // shorter than promised
  bool ended = request_ended();
  detach()->calls_.release();
  if (!keep_alive_ || ended) {
    next_request();
  } else {
    state_ = State::kSkip;
    if (head_.chunked) body_left_ = kMostSkipped;
    deadline_ = connection_.now() + core_.options.body_timeout;
  }
  if (processing_ || connection_.in_event()) {
    // Inside process() the loop goes on by itself; in another callback of this turn fill() does.
    return;
  }
  ServerConnection::Turn turn(connection_);
  process_held();
}

}  // namespace proa::http
