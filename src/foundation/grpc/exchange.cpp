// Calls that are not answered inline: one HTTP/2 stream each.
#include "foundation/base/strings.h"
#include "foundation/grpc/server.h"

namespace proa::grpc {

// Held by the stream's callbacks: the exchange itself while the request is read, then only a look
// at it, so that an exchange that everybody else has dropped is noticed.
struct Exchange::Keep {
  std::shared_ptr<Exchange> strong;
  std::weak_ptr<Exchange> weak;
  std::shared_ptr<Exchange> get() const { return strong ? strong : weak.lock(); }
};

Exchange::Exchange(Server& server, std::shared_ptr<http::ServerStream> stream)
    : server_(server), stream_(std::move(stream)) {
  const http::RequestHead& head = stream_->head();
  request_.path = head.target;
  request_.authority = head.authority;
  request_.peer = head.peer;
  metadata_.reserve(head.headers.size());
  for (const auto& [name, value] : head.headers) metadata_.push_back({name, value});
  request_.metadata = metadata_;
  reply_.begin(out_);
}

Exchange::~Exchange() {
  server_.loop_.cancel(timer_);
  if (finished_ || stream_->closed()) return;
  finish(StatusCode::kInternal, "the call was dropped unanswered");
}

void Exchange::start(const Method& method) {
  method_ = &method;
  if (auto timeout = request_.header("grpc-timeout"); !timeout.empty()) {
    auto length = parse_timeout(timeout);
    if (!length) return finish(StatusCode::kInternal, "grpc-timeout is malformed");
    request_.deadline = server_.loop_.now() + *length;
    timer_ = server_.loop_.after(*length, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->expire();
    });
  }
  auto packed = encoding(request_.header("grpc-encoding"));
  if (!packed) {
    return finish(StatusCode::kUnimplemented,
                  str("messages compressed by ", shorten(request_.header("grpc-encoding"), 40),
                      " are not taken"));
  }
  packed_ = *packed;
  if (method.stream) method.stream(shared_from_this());
  if (!finished_) receive();
}

void Exchange::receive() {
  keep_ = std::make_shared<Keep>();
  keep_->strong = shared_from_this();
  keep_->weak = weak_from_this();
  http::ServerCallbacks callbacks;
  callbacks.on_data = [keep = keep_](std::string_view data) {
    if (auto self = keep->get()) self->take_frames(data);
  };
  callbacks.on_end = [keep = keep_](http::Headers) {
    if (auto self = keep->get()) self->ended();
  };
  callbacks.on_abort = [keep = keep_] {
    if (auto self = keep->get()) self->closing();
  };
  stream_->receive(std::move(callbacks));
}

void Exchange::take_frames(std::string_view data) {
  if (finished_) return;
  received_.append(data);
  size_t used = 0;
  while (!finished_) {
    auto frame =
        next_frame(std::string_view(received_).substr(used), server_.options_.most_message);
    if (!frame.ok()) return finish(status_of(frame.error().code), frame.error().message);
    if (!*frame) break;
    if (!take_message(**frame)) return;
    used += (*frame)->used;
  }
  received_.erase(0, used);
}

// False: the call is over.
bool Exchange::take_message(const Frame& frame) {
  std::string_view message = frame.payload;
  if (frame.compressed) {
    Status unpacked = packed_ == Encoding::kIdentity
                          ? error(Code::kInternal, "a compressed message without grpc-encoding")
                          : server_.codec_.unpack(packed_, frame.payload,
                                                  server_.options_.most_message, message_);
    if (!unpacked.ok()) {
      finish(status_of(unpacked.error().code), unpacked.error().message);
      return false;
    }
    message = message_;
  }
  if (method_->stream) {
    if (on_message_) on_message_(message);
    return !finished_;
  }
  if (std::exchange(has_message_, true)) {
    finish(StatusCode::kInternal, "more than one message for a unary method");
    return false;
  }
  if (!frame.compressed) message_.assign(message);
  return true;
}

void Exchange::ended() {
  if (finished_ || std::exchange(client_done_, true)) return;
  auto self = shared_from_this();
  if (!received_.empty()) return finish(StatusCode::kInternal, "the message is cut off");
  if (method_->stream) {
    if (on_end_) on_end_();
    if (method_->stream && !finished_) keep_->strong.reset();
    return;
  }
  if (!has_message_) return finish(StatusCode::kInternal, "the request has no message");
  request_.message = message_;
  keep_->strong.reset();
  if (method_->later) return method_->later(self);
  method_->now(request_, reply_);
  done();
}

void Exchange::expire() {
  timer_ = 0;
  if (closed()) return;
  auto self = shared_from_this();
  closing();
  finish(StatusCode::kDeadlineExceeded, "Deadline Exceeded");
}

// The client is gone, or waits no longer.
void Exchange::closing() {
  auto self = shared_from_this();
  if (finished_) return;
  auto callback = std::exchange(on_close_, nullptr);
  if (stream_->closed()) finished_ = true;
  if (callback) callback();
  release();
}

// What the callbacks hold may hold this; one of them may be running.
void Exchange::release() {
  if (weak_from_this().expired()) return;
  server_.loop_.post([self = shared_from_this()] {
    self->on_message_ = nullptr;
    self->on_end_ = nullptr;
    self->on_close_ = nullptr;
    if (self->keep_) self->keep_->strong.reset();
  });
}

void Exchange::on_close(std::function<void()> callback) { on_close_ = std::move(callback); }
void Exchange::on_message(std::function<void(std::string_view)> callback) {
  on_message_ = std::move(callback);
}
void Exchange::on_end(std::function<void()> callback) { on_end_ = std::move(callback); }

void Exchange::start_response() {
  if (std::exchange(started_, true)) return;
  http::Headers headers = {{"content-type", "application/grpc"}};
  for (const auto& [name, value] : reply_.headers_) headers.add(name, value);
  stream_->respond_head(200, headers, false);
}

void Exchange::done() {
  if (closed()) return;
  if (reply_.failed()) return finish(reply_.code_, std::string(reply_.text_));
  auto used = server_.seal(out_, packed_, request_.header("grpc-accept-encoding"));
  if (!used.ok()) return finish(status_of(used.error().code), used.error().message);
  if (*used != Encoding::kIdentity) reply_.header("grpc-encoding", to_string(*used));
  start_response();
  stream_->respond_data(out_, false);
  finish(StatusCode::kOk);
}

void Exchange::send(std::string_view message) {
  if (closed()) return;
  out_.assign(kPrefix, '\0');
  out_ += message;
  auto used = server_.seal(out_, Encoding::kIdentity, {});
  if (!used.ok()) return finish(status_of(used.error().code), used.error().message);
  start_response();
  stream_->respond_data(out_, false);
}

void Exchange::finish(StatusCode code, std::string_view text) {
  if (std::exchange(finished_, true)) return;
  server_.loop_.cancel(std::exchange(timer_, 0));
  http::Headers last;
  if (!started_) {
    last.add("content-type", "application/grpc");
    for (const auto& [name, value] : reply_.headers_) last.add(name, value);
    if (!encoding(request_.header("grpc-encoding"))) last.add("grpc-accept-encoding", kEncodings);
  }
  last.add("grpc-status", digits(code));
  std::string message;
  append_status_message(message, text);
  if (!message.empty()) last.add("grpc-message", message);
  for (const auto& [name, value] : reply_.trailers_) last.add(name, value);
  if (started_)
    stream_->respond_trailers(last);
  else
    stream_->respond_head(200, last, true);
  release();
}

}  // namespace proa::grpc
