// The client's side of one HTTP/1.1 connection: one exchange at a time.
#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h1_parse.h"
#include "foundation/http/h1_write.h"
#include "foundation/http/relay.h"
#include "foundation/http/sockets.h"
#include "foundation/http/upstream_core.h"

namespace proa::http {
namespace {

class H1Client;

class H1ClientStream : public ClientStream {
 public:
  explicit H1ClientStream(H1Client& client) : client_(&client) {}
  void send_data(std::string_view data, bool end) override;
  void send_trailers(const Headers& trailers) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  void reset() override;
  size_t backlog() const override;
  bool closed() const override { return client_ == nullptr; }

  // What is told, to the sink of a relayed exchange or to the callbacks.
  void tell_data(std::string_view data) {
    if (sink_)
      sink_->on_data(data);
    else
      calls_.call(&ClientCallbacks::on_data, data);
  }
  void tell_end(Headers trailers) {
    if (RelaySink* sink = std::exchange(sink_, nullptr)) return sink->on_end(trailers);
    calls_.call_last(&ClientCallbacks::on_end, std::move(trailers));
  }
  void tell_error(UpstreamError failure) {
    if (RelaySink* sink = std::exchange(sink_, nullptr)) return sink->on_error(failure);
    calls_.call_last(&ClientCallbacks::on_error, std::move(failure));
  }
  void release() {
    sink_ = nullptr;
    calls_.release();
  }

  H1Client* client_;  // null once over
  RelaySink* sink_ = nullptr;
  Guarded<ClientCallbacks> calls_;
  bool paused_ = false, was_high_ = false;
};

class H1Client : public ClientProtocol {
 public:
  explicit H1Client(UpstreamConnection& connection) : connection_(connection) {}

  void on_data(std::string_view data) override {
    if (!stream_) return connection_.close();  // an idle connection must not speak
    answered_ = true;
    if (!held_.empty()) {
      held_.append(data);
      return process_held();
    }
    size_t used = process(data);
    if (used < data.size() && !connection_.closed()) held_.assign(data.substr(used));
  }

  void on_eof() override {
    if (!stream_) return connection_.close();
    auto stream = stream_;
    if (stream->paused_) {  // what is held is still to be delivered
      eof_ = true;
      return connection_.mute();
    }
    if (state_ == State::kTunnel || state_ == State::kToEnd) {
      process_held();
      if (!stream_) return;
      detach();
      stream->tell_end({});
      return connection_.close();
    }
    connection_.fail(error(
        Code::kUnavailable,
        str(connection_.to().address, ":", connection_.to().port,
            answered_ ? " broke off its answer" : " closed the connection without an answer")));
  }

  void fail(const Error& why, bool connected) override {
    UpstreamError e{why, answered_, !connected, false};
    if (connected && !answered_) {
      e.stale = reused_;
      e.surely_unprocessed = connection_.transport().tls() == nullptr && unread();
    }
    auto stream = stream_;
    detach();
    if (stream) stream->tell_error(std::move(e));
  }

  void abandon() override {
    auto stream = stream_;
    detach();
    if (stream) stream->release();
  }

  void fill() override {
    auto stream = stream_;
    if (!stream) return;
    if (stream->was_high_ && backlog() < kBacklogHigh / 2) {
      stream->was_high_ = false;
      stream->calls_.call(&ClientCallbacks::on_writable);
    }
  }

  bool wants_read() const override {
    return !stream_ || !stream_->paused_ || held_.size() < (64 << 10);
  }
  bool has_room() const override { return false; }
  bool idle() const override { return !stream_; }

  std::shared_ptr<ClientStream> open(const RequestHead& head, bool end,
                                     ClientCallbacks callbacks) override;
  std::shared_ptr<ClientStream> relay(std::string_view head, std::string_view body, bool head_only,
                                      RelaySink& sink) override;
  void send_data(std::string_view data, bool end);
  void send_trailers(const Headers& trailers);
  void resume();
  void reset() {
    detach();
    connection_.close();
  }
  size_t backlog() const { return connection_.transport().backlog(); }

 private:
  enum class State : uint8_t { kHead, kLength, kChunked, kToEnd, kTunnel, kDone };

  void process_held() {
    if (processing_ || held_.empty()) return;
    size_t used = process(held_);
    held_.erase(0, used);
  }
  // Nobody can have acted on the request: no byte of it was acknowledged; or the peer broke the
  // connection with some of it unread, and it is so short that whoever reads at all reads it whole.
  bool unread() const {
    const Transport& transport = connection_.transport();
    if (acknowledged_bytes(transport.fd()) <= written_before_) return true;
    return connection_.was_reset() && transport.written() - written_before_ <= kReadAtOnce;
  }
  static constexpr uint64_t kReadAtOnce = 1024;
  size_t process(std::string_view text);
  void begin(bool head_only, bool whole);
  bool take_head(std::string_view rest, size_t& used);
  void choose_body();
  void broken(const char* why) {
    connection_.fail(error(
        Code::kDataLoss,
        str(connection_.to().address, ":", connection_.to().port, " sent no valid HTTP: ", why)));
  }
  void finish(Headers trailers, bool clean);  // clean: nothing was said beyond the end
  void detach() {
    if (stream_) stream_->client_ = nullptr;
    stream_ = nullptr;
  }

  UpstreamConnection& connection_;
  std::shared_ptr<H1ClientStream> stream_, spare_;  // spare_: of the last relayed exchange
  State state_ = State::kDone;
  bool processing_ = false, answered_ = false, reused_ = false, head_only_ = false, eof_ = false;
  bool chunked_out_ = false, raw_out_ = false, sent_all_ = false;
  std::string upgrade_;
  uint64_t left_ = 0, written_before_ = 0;
  size_t scanned_ = 0;
  std::string held_;
  H1Head head_;
  ChunkedDecoder decoder_;
};

void H1Client::begin(bool head_only, bool whole) {
  reused_ = connection_.connected();
  written_before_ = connection_.transport().written();
  state_ = State::kHead;
  answered_ = false;
  head_only_ = head_only;
  sent_all_ = whole;
  scanned_ = 0;
}

std::shared_ptr<ClientStream> H1Client::relay(std::string_view head, std::string_view body,
                                              bool head_only, RelaySink& sink) {
  if (spare_ && spare_.use_count() == 1) {
    stream_ = std::move(spare_);
    stream_->client_ = this;
    stream_->paused_ = stream_->was_high_ = false;
  } else {
    stream_ = std::make_shared<H1ClientStream>(*this);
  }
  stream_->sink_ = &sink;
  begin(head_only, true);
  upgrade_.clear();
  chunked_out_ = raw_out_ = false;
  connection_.transport().out().append(head).append(body);
  return stream_;
}

std::shared_ptr<ClientStream> H1Client::open(const RequestHead& head, bool end,
                                             ClientCallbacks callbacks) {
  stream_ = std::make_shared<H1ClientStream>(*this);
  stream_->calls_.set(std::move(callbacks));
  begin(head.method == "HEAD", end);
  upgrade_ = head.upgrade;

  std::string& out = connection_.transport().out();
  bool sound = is_token(head.method) && is_target(head.target) && is_host(head.authority);
  if (!sound) {
    auto stream = stream_;
    connection_.core().loop.post([stream] {
      if (stream->client_)
        stream->client_->fail(error(Code::kInvalid, "not a valid request head"), false);
    });
    connection_.core().loop.post([c = connection_.shared_from_this()] { c->close(); });
    return stream;
  }
  out += head.method;
  out += ' ';
  out += head.target;
  out += " HTTP/1.1\r\n";
  append_field(out, "host", head.authority);
  Given given = append_end_to_end(out, head.headers);
  auto length = parse_int(given.length);
  bool upgrading = !upgrade_.empty() && !end;
  chunked_out_ = !end && !length && !upgrading;
  raw_out_ = !end && !chunked_out_ && !upgrading;
  if (upgrading) {
    append_field(out, "connection", "upgrade");
    append_field(out, "upgrade", upgrade_);
  } else if (chunked_out_) {
    out += "transfer-encoding: chunked\r\n";
  } else if (length && *length >= 0) {
    append_length(out, static_cast<uint64_t>(*length));
  } else if (head.method == "POST" || head.method == "PUT" || head.method == "PATCH") {
    append_length(out, 0);
  }
  out += "\r\n";
  return stream_;
}

void H1Client::send_data(std::string_view data, bool end) {
  auto stream = stream_;
  Transport& transport = connection_.transport();
  if (sent_all_ || (!chunked_out_ && !raw_out_)) return;  // ended, or an upgrade not yet granted
  if (!data.empty()) {
    if (chunked_out_) append_chunk_size(transport.out(), data.size());
    bool direct = !chunked_out_ && data.size() >= 16384 && connection_.connected();
    if (!direct)
      transport.out().append(data);
    else if (!transport.write(data))
      return connection_.settle_soon();
    if (chunked_out_) transport.out() += "\r\n";
  }
  if (end) {
    sent_all_ = true;
    if (chunked_out_) transport.out() += "0\r\n\r\n";
    if (state_ == State::kTunnel) transport.shutdown_write();
  }
  if (backlog() > kBacklogHigh) stream->was_high_ = true;
  if (end && !connection_.in_event())
    connection_.settle();
  else
    connection_.settle_soon();
}

void H1Client::send_trailers(const Headers& trailers) {
  if (sent_all_ || !chunked_out_) return send_data({}, true);
  std::string& out = connection_.transport().out();
  out += "0\r\n";
  append_end_to_end(out, trailers);
  out += "\r\n";
  sent_all_ = true;
  connection_.settle_soon();
}

void H1Client::resume() {
  if (processing_) return;
  UpstreamConnection::Turn turn(connection_);
  process_held();
  if (eof_ && stream_ && !stream_->paused_) on_eof();
}

size_t H1Client::process(std::string_view text) {
  processing_ = true;
  size_t used = 0;
  while (stream_ && !connection_.closed()) {
    auto stream = stream_;
    std::string_view rest = text.substr(used);
    if (stream->paused_ || (rest.empty() && state_ != State::kDone)) break;
    if (state_ == State::kHead) {
      if (!take_head(rest, used)) break;
    } else if (state_ == State::kLength) {
      size_t n = static_cast<size_t>(std::min<uint64_t>(left_, rest.size()));
      used += n;
      left_ -= n;
      stream->tell_data(rest.substr(0, n));
      if (left_ == 0 && stream_) finish({}, used == text.size());
    } else if (state_ == State::kChunked) {
      ChunkedDecoder::Step step = decoder_.next(rest);
      used += step.used;
      if (!step.data.empty()) stream->tell_data(step.data);
      if (!stream_) break;
      if (step.bad)
        broken("malformed chunked body");
      else if (step.done)
        finish(decoder_.trailers(), used == text.size());
    } else {
      used += rest.size();
      stream->tell_data(rest);
    }
  }
  processing_ = false;
  return used;
}

bool H1Client::take_head(std::string_view rest, size_t& used) {
  Parsed parsed = parse_response(rest, scanned_, connection_.core().options.most_head_bytes, head_);
  if (parsed.state == Parsed::kMore) return false;
  scanned_ = 0;
  if (parsed.state == Parsed::kBad) {
    broken(parsed.why);
    return false;
  }
  used += parsed.used;
  if (head_.status < 200 && head_.status != 101) return true;  // 100, 103: not for us
  if (head_.status == 101 && upgrade_.empty()) {
    broken("101 without having been asked");
    return false;
  }
  choose_body();
  if (stream_->sink_) {
    stream_->sink_->on_head(head_, state_ == State::kDone, parsed.used < rest.size());
    if (stream_ && state_ == State::kDone) finish({}, parsed.used == rest.size());
    return true;
  }
  ResponseHead head;
  head.status = head_.status;
  head.content_length = head_.content_length;
  head.ended = state_ == State::kDone;
  for (const FieldView& field : head_.fields) {
    bool keep =
        !is_hop_by_hop(field.name) || (head_.status == 101 && same_name(field.name, "upgrade"));
    if (keep) head.headers.add(field.name, field.value);
  }
  auto stream = stream_;
  if (state_ == State::kTunnel)
    raw_out_ = true;
  else if (!upgrade_.empty())
    sent_all_ = true;
  stream->calls_.call(&ClientCallbacks::on_head, std::move(head));
  if (stream_ && state_ == State::kDone) finish({}, parsed.used == rest.size());
  return true;
}

void H1Client::choose_body() {
  left_ = head_.content_length.value_or(0);
  decoder_.reset();
  if (head_.status == 101)
    state_ = State::kTunnel;
  else if (head_only_ || !may_have_body(head_.status))
    state_ = State::kDone;
  else if (head_.chunked)
    state_ = State::kChunked;
  else if (head_.content_length)
    state_ = left_ == 0 ? State::kDone : State::kLength;
  else
    state_ = State::kToEnd;
}

void H1Client::finish(Headers trailers, bool clean) {
  auto stream = stream_;
  detach();
  bool reusable = clean && !eof_ && head_.keep_alive && sent_all_ && backlog() == 0;
  state_ = State::kDone;
  if (reusable)
    connection_.release();
  else
    connection_.close();
  if (stream->sink_ && reusable) spare_ = stream;
  stream->tell_end(std::move(trailers));
}

void H1ClientStream::send_data(std::string_view data, bool end) {
  if (client_) client_->send_data(data, end);
}
void H1ClientStream::send_trailers(const Headers& trailers) {
  if (client_) client_->send_trailers(trailers);
}
void H1ClientStream::resume_reading() {
  if (std::exchange(paused_, false) && client_) client_->resume();
}
void H1ClientStream::reset() {
  release();
  if (client_) client_->reset();
}
size_t H1ClientStream::backlog() const { return client_ ? client_->backlog() : 0; }

}  // namespace

std::unique_ptr<ClientProtocol> make_h1_client(UpstreamConnection& connection) {
  return std::make_unique<H1Client>(connection);
}

}  // namespace proa::http
