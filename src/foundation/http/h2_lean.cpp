// The inline path of H2Connection: from a lean request to its answer, or to an H2Stream.
#include <algorithm>
#include <cstring>
#include <span>

#include "foundation/base/strings.h"
#include "foundation/http/fields.h"
#include "foundation/http/h2_connection.h"

namespace proa::http {
namespace {
constexpr size_t kMostFields = 256;
constexpr size_t kMostKnown = 2048;  // bytes of a head worth keeping
constexpr Duration kKeepSpares = std::chrono::seconds(2);
}  // namespace

LeanRequest* H2Connection::lean(int32_t id) {
  if (id == recent_id_) return recent_;
  auto* found = static_cast<LeanRequest*>(nghttp2_session_get_stream_user_data(session_, id));
  if (found) set_recent(id, found);
  return found;
}

void H2Connection::set_recent(int32_t id, LeanRequest* request) {
  recent_id_ = id;
  recent_ = request;
}

// Clients send the same head again and again: it is compared, and taken over whole at its end.
// Heads do not come interleaved, so the known one stays as it is meanwhile.
void H2Connection::stop_following(LeanRequest& request) {
  if (!std::exchange(request.follows, false)) return;
  request.copy(known_, request.followed);
}

void H2Connection::remember(const LeanRequest& request) {
  if (request.text.size() <= kMostKnown) known_ = static_cast<const LeanHead&>(request);
}

void H2Connection::lean_field(LeanRequest& request, std::string_view name, std::string_view value) {
  if (request.state != LeanRequest::State::kHead) return;  // trailers: nobody asks for them here
  if (request.follows) {
    if (known_.has_at(request.followed, name, value)) {
      ++request.followed;
      return;
    }
    stop_following(request);
  }
  request.header_bytes += static_cast<uint32_t>(name.size() + value.size() + 32);
  if (request.header_bytes > core_.options.most_head_bytes ||
      request.fields.size() >= kMostFields) {
    request.too_large = true;
    return;
  }
  if (!name.empty()) request.add(name, value);
}

void H2Connection::lean_head(LeanRequest& request, bool ended) {
  bool known = request.follows && request.followed == known_.fields.size();
  if (known)
    static_cast<LeanHead&>(request) = known_;
  else
    stop_following(request);
  request.follows = false;
  if (!known && !lean_plain(request)) return dispatch(promote(request, ended));
  request.state = LeanRequest::State::kBody;
  if (ended) return lean_answer(request);
  RequestView view = request.view(views_);
  view.tls = connection_.tls();
  view.peer = connection_.peer();
  if (!known && lean_needs_more(view)) return dispatch(promote(request, false));
  if (!known) remember(request);
  if (core_.options.inline_wanted && !core_.options.inline_wanted(view))
    dispatch(promote(request, false));
}

bool H2Connection::lean_plain(const LeanRequest& request) const {
  return !request.too_large && request.value(request.method) != "CONNECT" &&
         is_host(request.value(request.authority)) && is_target(request.value(request.target));
}

// A body that is too large to wait for, or one that comes only when asked for.
bool H2Connection::lean_needs_more(const RequestView& view) const {
  size_t most = std::min(kMostInlineBody, core_.options.most_body_bytes);
  auto length = parse_int(view.header("content-length"));
  return (length && static_cast<uint64_t>(*length) > most) ||
         same_name(view.header("expect"), "100-continue");
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
  for (const H2Reply::Field& f : std::span(request.fields).subspan(request.regular_at)) {
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
  set_recent(-1, nullptr);
  lean_.give_back(&request);
  return stream;
}

void H2Connection::lean_tick(MonoTime now) {
  if (idle() && now - idle_since_ >= kKeepSpares) {
    lean_.drop_spares();
    known_ = {};
  }
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
