// The client's side of one HTTP/2 connection: many exchanges at once, over nghttp2.
#include <nghttp2/nghttp2.h>

#include <map>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h2_fields.h"
#include "foundation/http/h2_outbox.h"
#include "foundation/http/upstream_core.h"

namespace proa::http {
namespace {

constexpr size_t kMostStreams = 100;
constexpr int32_t kStreamWindow = 256 << 10;
constexpr int32_t kConnectionWindow = 4 << 20;

std::string_view text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

class H2Client;

class H2ClientStream : public ClientStream {
 public:
  explicit H2ClientStream(H2Client& client) : client_(&client) {}
  void send_data(std::string_view data, bool end) override;
  void send_trailers(const Headers& trailers) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  void reset() override;
  size_t backlog() const override { return outbox_.backlog(); }
  bool closed() const override { return client_ == nullptr; }

  H2Client* client_;  // null once over
  int32_t id_ = -1;
  Guarded<ClientCallbacks> calls_;
  ResponseHead head_;
  Headers trailers_;
  std::string pending_;
  H2Outbox outbox_;
  size_t header_bytes_ = 0;
  bool paused_ = false, was_high_ = false, headed_ = false, ended_ = false, any_byte_ = false,
       refused_ = false;
};

class H2Client : public ClientProtocol {
 public:
  explicit H2Client(UpstreamConnection& connection);
  ~H2Client() override { nghttp2_session_del(session_); }

  void on_data(std::string_view data) override {
    ssize_t n = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(data.data()),
                                         data.size());
    if (n < 0)
      connection_.fail(error(
          Code::kDataLoss, str(connection_.to().address, ":", connection_.to().port,
                               " sent no valid HTTP/2: ", nghttp2_strerror(static_cast<int>(n)))));
  }
  void on_eof() override {
    connection_.fail(
        error(Code::kUnavailable,
              str(connection_.to().address, ":", connection_.to().port, " closed the connection")));
  }
  void fail(const Error& why, bool connected) override;
  void abandon() override;
  void fill() override;
  bool wants_read() const override { return true; }
  bool has_room() const override;
  std::shared_ptr<ClientStream> relay(std::string_view, std::string_view, bool,
                                      RelaySink&) override {
    return nullptr;
  }
  bool idle() const override { return streams_.empty() && deaf_.empty(); }
  std::shared_ptr<ClientStream> open(const RequestHead& head, bool end,
                                     ClientCallbacks callbacks) override;

  void output_ready(H2ClientStream& stream);
  void deliver(H2ClientStream& stream);
  void reset(H2ClientStream& stream);
  bool in_event() const { return connection_.in_event(); }

 private:
  struct Hooks;
  std::shared_ptr<H2ClientStream> find(int32_t id) {
    auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : it->second;
  }
  void close_stream(int32_t id, uint32_t code);

  UpstreamConnection& connection_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, std::shared_ptr<H2ClientStream>> streams_;
  std::vector<std::shared_ptr<H2ClientStream>> deaf_;  // paused at the end: delivered on resume
  bool going_away_ = false;
  int32_t last_processed_ = INT32_MAX;
};

struct H2Client::Hooks {
  static H2Client& self(void* p) { return *static_cast<H2Client*>(p); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    H2Client& c = self(user);
    auto stream = c.find(frame->hd.stream_id);
    if (!stream) return 0;
    stream->any_byte_ = true;
    stream->header_bytes_ += name_size + value_size + 32;
    if (stream->header_bytes_ > c.connection_.core().options.most_head_bytes)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    std::string_view n = text(name, name_size), v = text(value, value_size);
    if (stream->headed_)
      stream->trailers_.add(n, v);
    else if (n == ":status")
      stream->head_.status = static_cast<int>(parse_int(v).value_or(0));
    else if (n[0] != ':')
      stream->head_.headers.add(n, v);
    return 0;
  }

  static int frame_recv(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    H2Client& c = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      c.going_away_ = true;
      c.last_processed_ = frame->goaway.last_stream_id;
      return 0;
    }
    auto stream = c.find(frame->hd.stream_id);
    if (!stream) return 0;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->headed_) {
      if (stream->head_.status < 200) {
        stream->head_ = ResponseHead();  // 100, 103: not for us
        return 0;
      }
      stream->headed_ = true;
      stream->head_.ended = end;
      if (auto length = parse_int(stream->head_.headers.get("content-length"));
          length && *length >= 0) {
        stream->head_.content_length = static_cast<uint64_t>(*length);
      }
      stream->calls_.call(&ClientCallbacks::on_head, std::move(stream->head_));
    }
    if (end) {
      stream->ended_ = true;
      if (nghttp2_session_get_stream_local_close(session, stream->id_) == 0) {
        // The answer came before the end of the request: the rest of it is not wanted.
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_NO_ERROR);
      }
      c.deliver(*stream);
    }
    return 0;
  }

  static int data_chunk(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                        size_t size, void* user) {
    H2Client& c = self(user);
    nghttp2_session_consume_connection(session, size);
    auto stream = c.find(id);
    if (!stream) return 0;
    if (!stream->paused_ && stream->pending_.empty()) {
      nghttp2_session_consume_stream(session, id, size);
      stream->calls_.call(&ClientCallbacks::on_data, text(data, size));
    } else {
      stream->pending_.append(text(data, size));
    }
    return 0;
  }

  static int stream_close(nghttp2_session*, int32_t id, uint32_t code, void* user) {
    self(user).close_stream(id, code);
    return 0;
  }

  static ssize_t body(nghttp2_session* session, int32_t id, uint8_t* to, size_t size,
                      uint32_t* flags, nghttp2_data_source* source, void*) {
    return static_cast<H2ClientStream*>(source->ptr)->outbox_.take(session, id, to, size, flags);
  }
};

H2Client::H2Client(UpstreamConnection& connection) : connection_(connection) {
  nghttp2_session_callbacks* hooks = nullptr;
  nghttp2_option* option = nullptr;
  nghttp2_session_callbacks_new(&hooks);
  nghttp2_option_new(&option);
  nghttp2_session_callbacks_set_on_header_callback(hooks, Hooks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(hooks, Hooks::frame_recv);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(hooks, Hooks::data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(hooks, Hooks::stream_close);
  nghttp2_option_set_no_auto_window_update(option, 1);
  CHECK(nghttp2_session_client_new2(&session_, hooks, this, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(hooks);
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                       {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMostStreams},
                                       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 3);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

bool H2Client::has_room() const {
  if (going_away_ || connection_.closed()) return false;
  size_t most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const auto& settings = connection_.to().settings;
  if (settings && settings->most_streams > 0) most = std::min<size_t>(most, settings->most_streams);
  return streams_.size() < std::min(most, kMostStreams) &&
         nghttp2_session_check_request_allowed(session_);
}

std::shared_ptr<ClientStream> H2Client::open(const RequestHead& head, bool end,
                                             ClientCallbacks callbacks) {
  auto stream = std::make_shared<H2ClientStream>(*this);
  stream->calls_.set(std::move(callbacks));
  stream->outbox_.end = end;
  H2Fields fields;
  fields.add(":method", head.method);
  fields.add(":scheme", connection_.to().tls ? "https" : "http");
  fields.add(":authority", head.authority);
  fields.add(":path", head.target);
  fields.add_end_to_end(head.headers);
  nghttp2_data_provider provider{{.ptr = stream.get()}, Hooks::body};
  stream->id_ = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                       end ? nullptr : &provider, nullptr);
  bool sound =
      stream->id_ > 0 && is_target(head.target) && is_host(head.authority) && head.upgrade.empty();
  if (sound) {
    streams_.emplace(stream->id_, stream);
    connection_.settle_soon();
    return stream;
  }
  if (stream->id_ > 0)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_CANCEL);
  stream->client_ = nullptr;
  connection_.core().loop.post([stream] {
    stream->calls_.call_last(
        &ClientCallbacks::on_error,
        UpstreamError{error(Code::kInvalid, "not a request for HTTP/2"), false, true, false});
  });
  return stream;
}

void H2Client::close_stream(int32_t id, uint32_t code) {
  auto stream = find(id);
  if (!stream) return;
  if (stream->ended_ && stream->client_ && (stream->paused_ || !stream->pending_.empty())) {
    deaf_.push_back(stream);  // deliver() ends it
    streams_.erase(id);
    return;
  }
  streams_.erase(id);
  connection_.touch();
  stream->client_ = nullptr;
  UpstreamError e{
      error(Code::kUnavailable, str("the stream was reset: ", nghttp2_http2_strerror(code))),
      stream->any_byte_, false, false};
  e.surely_unprocessed =
      !stream->any_byte_ && (code == NGHTTP2_REFUSED_STREAM || id > last_processed_);
  stream->calls_.call_last(&ClientCallbacks::on_error, std::move(e));
}

void H2Client::deliver(H2ClientStream& given) {
  if (given.paused_ || !given.client_) return;
  std::shared_ptr<H2ClientStream> stream = find(given.id_);
  bool deaf = !stream;
  for (auto& late : deaf_) {
    if (late.get() == &given) stream = late;
  }
  if (!stream) return;
  if (!stream->pending_.empty()) {
    std::string data = std::exchange(stream->pending_, {});
    if (!deaf) nghttp2_session_consume_stream(session_, stream->id_, data.size());
    stream->calls_.call(&ClientCallbacks::on_data, std::string_view(data));
  }
  if (stream->ended_ && !stream->paused_ && stream->client_) {
    streams_.erase(stream->id_);
    std::erase(deaf_, stream);
    connection_.touch();
    stream->client_ = nullptr;
    stream->calls_.call_last(&ClientCallbacks::on_end, std::move(stream->trailers_));
  }
  connection_.settle_soon();
}

void H2Client::output_ready(H2ClientStream& stream) {
  if (stream.outbox_.deferred) {
    stream.outbox_.deferred = false;
    nghttp2_session_resume_data(session_, stream.id_);
  }
  if (stream.backlog() > kBacklogHigh) stream.was_high_ = true;
  connection_.settle_soon();
}

void H2Client::reset(H2ClientStream& given) {
  auto stream = find(given.id_);
  given.client_ = nullptr;
  std::erase_if(deaf_, [&](const auto& late) { return late.get() == &given; });
  if (!stream) return;
  // nghttp2 may still ask for its data until the reset is out: the stream stays until it is closed.
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, given.id_, NGHTTP2_CANCEL);
  connection_.settle_soon();
}

void H2Client::fail(const Error& why, bool connected) {
  auto streams = std::exchange(streams_, {});
  for (auto& [id, stream] : streams) {
    stream->client_ = nullptr;
    UpstreamError e{why, stream->any_byte_, !connected, false};
    if (!stream->any_byte_ && id > last_processed_) e.surely_unprocessed = true;
    stream->calls_.call_last(&ClientCallbacks::on_error, std::move(e));
  }
}

void H2Client::abandon() {
  for (auto& [id, stream] : std::exchange(streams_, {})) {
    stream->client_ = nullptr;
    stream->calls_.release();
  }
  for (auto& stream : std::exchange(deaf_, {})) {
    stream->client_ = nullptr;
    stream->calls_.release();
  }
}

void H2Client::fill() {
  Transport& transport = connection_.transport();
  while (transport.backlog() < kBacklogHigh) {
    const uint8_t* data = nullptr;
    ssize_t n = nghttp2_session_mem_send(session_, &data);
    if (n <= 0) break;
    transport.out().append(text(data, static_cast<size_t>(n)));
  }
  std::vector<std::shared_ptr<H2ClientStream>> writable;
  for (auto& [id, stream] : streams_) {
    if (stream->was_high_ && stream->backlog() < kBacklogHigh / 2) writable.push_back(stream);
  }
  for (auto& stream : writable) {
    stream->was_high_ = false;
    stream->calls_.call(&ClientCallbacks::on_writable);
  }
  if (connection_.closed()) return;
  bool over = !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_);
  if (over || (going_away_ && streams_.empty() && deaf_.empty())) connection_.close();
}

void H2ClientStream::send_data(std::string_view data, bool end) {
  if (!client_ || outbox_.end) return;
  outbox_.data.append(data);
  outbox_.end = end;
  client_->output_ready(*this);
}
void H2ClientStream::send_trailers(const Headers& trailers) {
  if (!client_ || outbox_.end) return;
  outbox_.trailers = trailers;
  outbox_.end = true;
  client_->output_ready(*this);
}
void H2ClientStream::resume_reading() {
  if (std::exchange(paused_, false) && client_) client_->deliver(*this);
}
void H2ClientStream::reset() {
  calls_.release();
  if (client_) client_->reset(*this);
}

}  // namespace

std::unique_ptr<ClientProtocol> make_h2_client(UpstreamConnection& connection) {
  return std::make_unique<H2Client>(connection);
}

}  // namespace proa::http
