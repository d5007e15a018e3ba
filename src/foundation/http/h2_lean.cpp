// The inline path of H2Connection: from a lean request to its answer, or to an H2Stream.
#include <algorithm>
#include <cstring>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h2_connection.h"

namespace proa::http {
namespace {
constexpr size_t kMostFields = 256;
constexpr Duration kKeepSpares = std::chrono::seconds(2);
}  // namespace

LeanRequest* H2Connection::lean(int32_t id) {
  return static_cast<LeanRequest*>(nghttp2_session_get_stream_user_data(session_, id));
}

void H2Connection::lean_field(LeanRequest& request, std::string_view name, std::string_view value) {
  if (request.state != LeanRequest::State::kHead) return;  // trailers: nobody asks for them here
  request.header_bytes += static_cast<uint32_t>(name.size() + value.size() + 32);
  if (request.header_bytes > core_.options.most_head_bytes ||
      request.fields.size() >= kMostFields) {
    request.too_large = true;
    return;
  }
  if (!name.empty()) request.add(name, value);
}

void H2Connection::lean_head(LeanRequest& request, bool ended) {
  std::string_view method = request.value(request.method);
  bool odd = request.too_large || method == "CONNECT" ||
             !is_host(request.value(request.authority)) ||
             !is_target(request.value(request.target));
  if (odd) return dispatch(promote(request, ended));
  request.state = LeanRequest::State::kBody;
  if (ended) return lean_answer(request);
  RequestView view = request.view(views_);
  size_t most = std::min(kMostInlineBody, core_.options.most_body_bytes);
  auto length = parse_int(view.header("content-length"));
  view.tls = connection_.tls();
  view.peer = connection_.peer();
  bool ordinary = (length && static_cast<uint64_t>(*length) > most) ||
                  same_name(view.header("expect"), "100-continue") ||
                  (core_.options.inline_wanted && !core_.options.inline_wanted(view));
  if (ordinary) dispatch(promote(request, false));
}

void H2Connection::lean_data(LeanRequest& request, std::string_view data) {
  if (request.state != LeanRequest::State::kBody) return;
  request.heard = now();
  request.body.append(data);
  size_t most = std::min(kMostInlineBody, core_.options.most_body_bytes);
  if (request.body.size() > most) dispatch(promote(request, false));
}

void H2Connection::lean_answer(LeanRequest& request) {
  if (request.state != LeanRequest::State::kBody) return;
  RequestView view = request.view(views_);
  view.tls = connection_.tls();
  view.peer = connection_.peer();
  ResponseBuffer response(request.reply, core_.date_line(), view.method == "HEAD");
  bool answered = core_.options.inline_handler(view, response);
  if (!answered) return dispatch(promote(request, true));
  CHECK(response.answered_);
  lean_submit(request);
}

void H2Connection::lean_submit(LeanRequest& request) {
  request.state = LeanRequest::State::kReply;
  request.sent = now();
  H2Reply& reply = request.reply;
  // The body, then the trailers, from the reply's own memory: it lives until the stream closes.
  auto take = [](nghttp2_session* session, int32_t id, uint8_t* to, size_t size, uint32_t* flags,
                 nghttp2_data_source* source, void* user) -> ssize_t {
    auto& c = *static_cast<H2Connection*>(user);
    auto& from = *static_cast<LeanRequest*>(source->ptr);
    size_t n = std::min(size, from.reply.body.size() - from.reply.sent);
    if (n > 0) std::memcpy(to, from.reply.body.data() + from.reply.sent, n);
    from.reply.sent += n;
    from.sent = c.now();
    c.exchanged();
    if (from.reply.sent < from.reply.body.size()) return static_cast<ssize_t>(n);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (from.reply.trailers_at < from.reply.fields.size()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      point_to(from.reply, from.reply.trailers_at, from.reply.fields.size(), c.fields_);
      nghttp2_submit_trailer(session, id, c.fields_.data(), c.fields_.size());
    }
    return static_cast<ssize_t>(n);
  };
  nghttp2_data_provider provider{{.ptr = &request}, take};
  point_to(reply, 0, reply.trailers_at, fields_);
  nghttp2_submit_response(session_, request.id, fields_.data(), fields_.size(),
                          reply.bodiless ? nullptr : &provider);
}

// From here on it is an ordinary stream.
H2Stream& H2Connection::promote(LeanRequest& request, bool ended) {
  int32_t id = request.id;
  H2Stream& stream = open(id);
  stream.heard_ = request.heard;
  stream.too_large_ = request.too_large;
  stream.header_bytes_ = request.header_bytes;
  stream.ended_ = ended;
  RequestHead& head = stream.head_;
  head.method = request.value(request.method);
  head.target = request.value(request.target);
  head.authority = request.value(request.authority);
  head.ended = ended && request.body.empty();
  for (const H2Reply::Field& f : request.fields) {
    std::string_view name = request.at(f.name, f.name_size), value = request.value(f);
    if (name == "host") continue;
    if (name == "cookie" && head.headers.has(name))
      head.headers.set(name, str(head.headers.get(name), "; ", value));
    else
      head.headers.add(name, value);
  }
  stream.pending_.assign(request.body);
  stream.credited_ = request.body.size();
  nghttp2_session_set_stream_user_data(session_, id, nullptr);
  lean_.give_back(&request);
  return stream;
}

void H2Connection::lean_tick(MonoTime now) {
  if (idle() && now - idle_since_ >= kKeepSpares) lean_.drop_spares();
  if (lean_.empty()) return;
  const ServerOptions& options = core_.options;
  std::vector<int32_t> late;
  for (const auto& request : lean_.active()) {
    using State = LeanRequest::State;
    Duration heard = now - request->heard;
    if ((request->state == State::kHead && heard >= options.head_timeout) ||
        (request->state == State::kBody && heard >= options.body_timeout) ||
        (request->state == State::kReply && now - request->sent >= options.body_timeout)) {
      late.push_back(request->id);
    }
  }
  for (int32_t id : late) {
    LeanRequest* request = lean(id);
    if (request && request->state == LeanRequest::State::kBody)
      promote(*request, false).respond(408, {}, "");
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  if (!late.empty()) connection_.settle_soon();
}

}  // namespace proa::http
