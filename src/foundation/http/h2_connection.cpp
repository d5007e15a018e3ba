#include "foundation/http/h2_connection.h"

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"

namespace proa::http {
namespace {

constexpr uint32_t kMostStreams = 100;
constexpr int32_t kStreamWindow = 256 << 10;
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr size_t kMostSkipped = 16;
constexpr Duration kKeepSpares = std::chrono::seconds(2);

std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

struct H2Connection::Hooks {
  static H2Connection& self(void* p) { return *static_cast<H2Connection*>(p); }

  // A stream that the peer skipped may not be opened any more (RFC 9113, section 5.1.1).
  static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* hd, void* user) {
    H2Connection& c = self(user);
    if (hd->type != NGHTTP2_HEADERS || hd->stream_id >= c.last_id_) return 0;
    for (auto [from, to] : c.skipped_) {
      if (hd->stream_id >= from && hd->stream_id <= to)
        nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    }
    return 0;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    H2Connection& c = self(user);
    int32_t id = frame->hd.stream_id;
    if (id > c.last_id_ + 2 && c.skipped_.size() < kMostSkipped)
      c.skipped_.emplace_back(c.last_id_ + 2, id - 2);
    c.last_id_ = id;
    if (c.core_.options.inline_handler) {
      LeanRequest* request = c.lean_.take(frame->hd.stream_id, c.now());
      request->follows = !c.known_.fields.empty();
      c.set_recent(id, request);
      nghttp2_session_set_stream_user_data(c.session_, frame->hd.stream_id, request);
      return 0;
    }
    c.open(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    H2Connection& c = self(user);
    if (LeanRequest* request = c.lean(frame->hd.stream_id)) {
      c.lean_field(*request, text(name, name_size), text(value, value_size));
      return 0;
    }
    H2Stream* stream = c.find(frame->hd.stream_id);
    if (!stream) return 0;
    stream->header_bytes_ += name_size + value_size + 32;
    if (stream->header_bytes_ > c.core_.options.most_head_bytes ||
        stream->head_.headers.size() >= 256) {
      stream->too_large_ = true;
      if (stream->header_bytes_ > 4 * c.core_.options.most_head_bytes) c.flooded();
      return 0;
    }
    std::string_view n = text(name, name_size), v = text(value, value_size);
    RequestHead& head = stream->head_;
    if (stream->dispatched_)
      stream->trailers_.add(n, v);
    else if (n == ":method")
      head.method = v;
    else if (n == ":path")
      head.target = v;
    else if (n == ":authority")
      head.authority = v;
    else if (n == "host") {
      if (head.authority.empty()) head.authority = v;
    } else if (n == "cookie" && head.headers.has(n))
      head.headers.set(n, str(head.headers.get(n), "; ", v));
    else if (n[0] != ':')
      head.headers.add(n, v);
    return 0;
  }

  static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Connection& c = self(user);
    uint8_t type = frame->hd.type;
    double now = seconds(c.now().time_since_epoch());
    bool empty_data = type == NGHTTP2_DATA && frame->hd.length == 0 &&
                      !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    if (type == NGHTTP2_RST_STREAM && !c.resets_.count(now)) c.flooded();
    if (type == NGHTTP2_HEADERS || (type == NGHTTP2_DATA && frame->hd.length > 0)) c.exchanged();
    bool control = type == NGHTTP2_PING || type == NGHTTP2_SETTINGS || type == NGHTTP2_PRIORITY;
    // gRPC's clients measure the round trip by a ping with the data that they get.
    bool measures = type == NGHTTP2_PING && c.pings_ > 0;
    if (measures)
      --c.pings_;
    else if ((control || empty_data) && !c.controls_.count(now))
      c.flooded();
    if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return 0;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (LeanRequest* request = c.lean(frame->hd.stream_id)) {
      if (request->state == LeanRequest::State::kHead)
        c.lean_head(*request, end);
      else if (end)
        c.lean_answer(*request);
      return 0;
    }
    H2Stream* found = c.find(frame->hd.stream_id);
    if (!found) return 0;
    auto stream = c.streams_[frame->hd.stream_id];
    if (end) stream->ended_ = true;
    if (type == NGHTTP2_HEADERS && !stream->dispatched_) {
      stream->head_.ended = end;
      stream->dispatched_ = true;
      c.arrived_.push_back(stream->id_);
    } else if (end) {
      c.deliver(*stream);
    }
    return 0;
  }

  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void* user) {
    H2Connection& c = self(user);
    if (LeanRequest* request = c.lean(id)) {
      nghttp2_session_consume(session, id, size);
      c.lean_data(*request, text(data, size));
      return 0;
    }
    nghttp2_session_consume_connection(session, size);
    if (!c.find(id)) return 0;
    auto stream = c.streams_[id];
    stream->heard_ = c.now();
    stream->body_bytes_ += size;
    if (stream->receiving_ && !stream->paused_ && stream->pending_.empty()) {
      nghttp2_session_consume_stream(session, id, size);
      stream->calls_.call(&ServerCallbacks::on_data, text(data, size));
    } else {
      stream->pending_.append(text(data, size));
    }
    return 0;
  }

  static int stream_close(nghttp2_session*, int32_t id, uint32_t, void* user) {
    H2Connection& c = self(user);
    LeanRequest* request = c.lean(id);
    if (!request) {
      c.close_stream(id);
      return 0;
    }
    c.set_recent(-1, nullptr);
    c.lean_.give_back(request);
    if (c.idle()) c.idle_since_ = c.now();
    return 0;
  }

  static ssize_t body(nghttp2_session* session, int32_t id, uint8_t* to, size_t size,
                      uint32_t* flags, nghttp2_data_source* source, void* user) {
    auto* stream = static_cast<H2Stream*>(source->ptr);
    stream->sent_ = self(user).now();
    self(user).exchanged();
    return stream->outbox_.take(session, id, to, size, flags);
  }
};

std::unique_ptr<Protocol> make_h2(ServerConnection& connection) {
  return std::make_unique<H2Connection>(connection);
}

H2Connection::H2Connection(ServerConnection& connection)
    : connection_(connection), core_(connection.core()), idle_since_(connection.now()) {
  nghttp2_session_callbacks* hooks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session_callbacks_new(&hooks);
  nghttp2_option_new(&option);
  nghttp2_session_callbacks_set_on_begin_frame_callback(hooks, Hooks::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(hooks, Hooks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(hooks, Hooks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(hooks, Hooks::frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(hooks, Hooks::data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(hooks, Hooks::stream_close);
  nghttp2_option_set_no_auto_window_update(option, 1);
  CHECK(nghttp2_session_server_new3(&session_, hooks, this, option, memory_.functions()) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(hooks);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
                                        static_cast<uint32_t>(core_.options.most_head_bytes)}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 3);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2Connection::~H2Connection() { nghttp2_session_del(session_); }

H2Stream& H2Connection::open(int32_t id) {
  auto stream = std::make_shared<H2Stream>(*this, id);
  stream->heard_ = stream->sent_ = now();
  stream->head_.version = 20;
  stream->head_.tls = connection_.tls();
  stream->head_.peer = connection_.peer();
  stream->head_.client_cert = connection_.client_cert();
  return *streams_.insert_or_assign(id, std::move(stream)).first->second;
}

H2Stream* H2Connection::find(int32_t id) {
  auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second.get();
}

void H2Connection::on_data(std::string_view data) {
  ssize_t n = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(data.data()),
                                       data.size());
  dispatch_arrived();
  if (n < 0 || flooded_) {
    fill();
    connection_.close_after_flush();
  }
}

void H2Connection::flooded() {
  if (std::exchange(flooded_, true)) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

// A request that is taken back in the same breath reaches nobody.
void H2Connection::dispatch_arrived() {
  for (size_t i = 0; i < arrived_.size(); ++i)
    if (H2Stream* stream = flooded_ ? nullptr : find(arrived_[i])) dispatch(*stream);
  arrived_.clear();
}

void H2Connection::dispatch(H2Stream& stream) {
  stream.dispatched_ = true;
  RequestHead& head = stream.head_;
  if (auto length = parse_int(head.headers.get("content-length")); length && *length >= 0) {
    head.content_length = static_cast<uint64_t>(*length);
  }
  if (stream.too_large_) return stream.respond(431, {}, "");
  if (head.method == "CONNECT") return stream.respond(405, {}, "");
  if (!is_host(head.authority) || !is_target(head.target)) return stream.respond(400, {}, "");
  core_.handler(streams_[stream.id_]);
}

void H2Connection::deliver(H2Stream& stream) {
  if (!stream.receiving_ || stream.paused_ || stream.connection_ == nullptr) return;
  auto keep = streams_[stream.id_];
  if (!stream.pending_.empty()) {
    std::string data = std::exchange(stream.pending_, {});
    size_t credit = data.size() - std::exchange(stream.credited_, 0);
    nghttp2_session_consume_stream(session_, stream.id_, credit);
    stream.calls_.call(&ServerCallbacks::on_data, std::string_view(data));
  }
  if (stream.ended_ && !stream.end_told_ && !stream.paused_ && stream.pending_.empty()) {
    stream.end_told_ = true;
    stream.calls_.call(&ServerCallbacks::on_end, std::move(stream.trailers_));
  }
  connection_.settle_soon();
}

void H2Connection::submit_head(H2Stream& stream, int status, const Headers& headers, bool end) {
  H2Fields fields;
  fields.add(":status", str(status));
  fields.add_end_to_end(headers);
  if (status < 200) {
    if (status != 101)
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, fields.data(),
                             fields.size(), nullptr);
    return connection_.settle_soon();
  }
  if (!fields.has("date")) {
    std::string_view line = core_.date_line();
    fields.add("date", line.substr(6, line.size() - 8));
  }
  bool bodiless = end || stream.head_.method == "HEAD" || status == 204 || status == 304;
  nghttp2_data_provider provider{{.ptr = &stream}, Hooks::body};
  nghttp2_submit_response(session_, stream.id_, fields.data(), fields.size(),
                          bodiless ? nullptr : &provider);
  stream.sent_ = now();
  stream.outbox_.end = bodiless;
}

void H2Connection::output_ready(H2Stream& stream) {
  if (stream.outbox_.deferred) {
    stream.outbox_.deferred = false;
    nghttp2_session_resume_data(session_, stream.id_);
  }
  if (stream.backlog() > kBacklogHigh) stream.was_high_ = true;
  if (stream.outbox_.end && !connection_.in_event())
    connection_.settle();
  else
    connection_.settle_soon();
}

void H2Connection::reset(H2Stream& stream, uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, code);
  connection_.settle_soon();
}

// Both directions are over, or it was reset.
void H2Connection::close_stream(int32_t id) {
  auto it = streams_.find(id);
  if (it == streams_.end()) return;
  auto stream = std::move(it->second);
  streams_.erase(it);
  bool complete = stream->responded_ && stream->outbox_.end && stream->backlog() == 0;
  stream->connection_ = nullptr;
  if (complete)
    stream->calls_.release();
  else
    stream->calls_.call_last(&ServerCallbacks::on_abort);
  if (idle()) idle_since_ = now();
}

bool H2Connection::wants_read() const {
  return connection_.transport().backlog() < 4 * kBacklogHigh;
}

bool H2Connection::send_frames() {
  Transport& transport = connection_.transport();
  while (transport.backlog() < kBacklogHigh) {
    const uint8_t* data = nullptr;
    ssize_t n = nghttp2_session_mem_send(session_, &data);
    if (n < 0) return false;
    if (n == 0) break;
    transport.out().append(text(data, static_cast<size_t>(n)));
  }
  return true;
}

void H2Connection::fill() {
  if (!send_frames()) return connection_.close();
  bool unwanted = false;
  std::vector<std::shared_ptr<H2Stream>> writable;
  for (auto& [id, stream] : streams_) {
    if (stream->outbox_.end && !stream->ended_ &&
        nghttp2_session_get_stream_local_close(session_, id) == 1) {
      // All is said: the rest of the request is not wanted.
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
      unwanted = true;
    }
    if (stream->was_high_ && stream->backlog() < kBacklogHigh / 2) writable.push_back(stream);
  }
  if (unwanted && !send_frames()) return connection_.close();
  for (auto& stream : writable) {
    stream->was_high_ = false;
    stream->calls_.call(&ServerCallbacks::on_writable);
  }
  end_if_idle();
}

void H2Connection::end_if_idle() {
  bool over = !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
  if (over || (draining_ && idle() && !nghttp2_session_want_write(session_))) {
    connection_.close_after_flush();
  }
}

void H2Connection::on_eof() { connection_.close(); }

void H2Connection::on_gone() {
  set_recent(-1, nullptr);
  lean_.clear();
  auto streams = std::exchange(streams_, {});
  for (auto& [id, stream] : streams) {
    stream->connection_ = nullptr;
    stream->calls_.call_last(&ServerCallbacks::on_abort);
  }
}

// As in HTTP/1.1: a body that trickles in. A gRPC stream may have little to say for long.
bool H2Connection::too_slow(const H2Stream& stream, MonoTime now) const {
  constexpr Duration kGrace = std::chrono::seconds(5);
  const size_t least = core_.options.least_bytes_per_second;
  if (least == 0 || !stream.receiving_ || stream.paused_ || stream.ended_ || stream.responded_ ||
      now - stream.began_ < kGrace)
    return false;
  if (stream.head_.headers.get("content-type").starts_with("application/grpc")) return false;
  return static_cast<double>(stream.body_bytes_) <
         static_cast<double>(least) * seconds(now - stream.began_);
}

void H2Connection::on_tick(MonoTime now) {
  const ServerOptions& options = core_.options;
  if (idle() && now - idle_since_ >= options.idle_timeout) return go_away();
  if (!draining_ && final_at_ != MonoTime{} && now >= final_at_) return go_away();
  if (idle() && now - idle_since_ >= kKeepSpares) memory_.drop_spares();
  lean_tick(now);
  std::vector<std::shared_ptr<H2Stream>> late;
  for (auto& [id, stream] : streams_) {
    bool head_late = !stream->dispatched_ && now - stream->heard_ >= options.head_timeout;
    bool body_late = stream->dispatched_ && !stream->ended_ && stream->receiving_ &&
                     !stream->paused_ && now - stream->heard_ >= options.body_timeout;
    bool stuck = stream->backlog() > 0 && now - stream->sent_ >= options.body_timeout;
    if (head_late || body_late || stuck || too_slow(*stream, now)) late.push_back(stream);
  }
  for (auto& stream : late) {
    const bool refused = stream->dispatched_ && !stream->responded_;
    if (refused) stream->respond(408, {}, "");  // and fill() ends what still comes
    stream->calls_.call_last(&ServerCallbacks::on_abort);
    if (!refused) reset(*stream, NGHTTP2_CANCEL);
  }
}

// First a GOAWAY that takes all streams already on their way, a second later one that means it.
void H2Connection::drain() {
  if (core_.options.drain_idle.count() == 0) return go_away();
  if (draining_ || final_at_ != MonoTime{}) return;
  final_at_ = now() + std::min<Duration>(core_.options.drain_idle, std::chrono::seconds(1));
  nghttp2_submit_shutdown_notice(session_);
  connection_.settle_soon();
}

void H2Connection::go_away() {
  draining_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  connection_.settle_soon();
}

void H2Stream::receive(ServerCallbacks callbacks) {
  if (!connection_) return;
  calls_.set(std::move(callbacks));
  receiving_ = true;
  began_ = heard_ = connection_->now();
  if (same_name(head_.headers.get("expect"), "100-continue") && !ended_ && !responded_) {
    connection_->submit_head(*this, 100, {}, false);
  }
  connection_->deliver(*this);
}

void H2Stream::resume_reading() {
  if (!std::exchange(paused_, false) || !connection_) return;
  began_ = heard_ = connection_->now();
  body_bytes_ = 0;
  connection_->deliver(*this);
}

void H2Stream::respond_head(int status, const Headers& headers, bool end) {
  if (!connection_ || responded_) return;
  responded_ = status >= 200;
  connection_->submit_head(*this, status, headers, end);
  if (responded_) connection_->output_ready(*this);
}

void H2Stream::respond_data(std::string_view data, bool end) {
  if (!connection_ || !responded_ || outbox_.end) return;
  if (outbox_.backlog() == 0) sent_ = connection_->now();
  outbox_.data.append(data);
  outbox_.end = end;
  connection_->output_ready(*this);
}

void H2Stream::respond_trailers(const Headers& trailers) {
  if (!connection_ || !responded_ || outbox_.end) return;
  outbox_.trailers = trailers;
  outbox_.end = true;
  connection_->output_ready(*this);
}

void H2Stream::respond(int status, const Headers& headers, std::string_view body) {
  if (!connection_ || responded_) return;
  responded_ = true;
  Headers whole = headers;
  bool bodiless = status == 204 || status == 304;
  if (!bodiless && !(head_.method == "HEAD" && body.empty()))
    whole.set("content-length", str(body.size()));
  connection_->submit_head(*this, status, whole, body.empty());
  if (outbox_.end) return connection_->output_ready(*this);
  outbox_.data.append(body);
  outbox_.end = true;
  connection_->output_ready(*this);
}

void H2Stream::reset() {
  if (!connection_) return;
  calls_.release();
  connection_->reset(*this, NGHTTP2_CANCEL);
}

}  // namespace proa::http
