#include "platform/gateway/exchange.h"

#include "foundation/base/strings.h"
#include "platform/gateway/outgoing.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

namespace {

constexpr Duration kLinger = std::chrono::seconds(5);

std::string_view header_of(const void* headers, std::string_view name) {
  const auto& h = *static_cast<const http::Headers*>(headers);
  std::string_view value = h.get(name);
  if (!value.empty()) return value;
  return h.has(name) ? std::string_view("", 0) : std::string_view();
}

}  // namespace

Exchange::Exchange(Worker& worker, std::shared_ptr<http::ServerStream> down)
    : worker_(worker), down_(std::move(down)), table_(worker.table()) {}

void Exchange::start(const std::string& fallback_host) {
  const http::RequestHead& in = down_->head();
  began_ = worker_.loop().now();
  request_ended_ = in.ended && in.upgrade.empty();
  std::string_view id = in.headers.get("x-request-id");
  request_id_ = !id.empty() && id.size() <= 128 ? std::string(id)
                                                : uuid_text(worker_.random(), worker_.random());

  std::string buffer;
  RequestFacts facts;
  std::string_view host = bare_host(in.authority, buffer, facts.port);
  const Host* found = table_->find(host);
  if (!found && !fallback_host.empty()) found = table_->find(fallback_host);
  http::ServerCallbacks callbacks;
  callbacks.on_data = [this](std::string_view data) { on_data(data); };
  callbacks.on_end = [this](http::Headers) { on_request_end(); };
  callbacks.on_abort = [this] { on_abort(); };
  callbacks.on_writable = [this] {
    if (up_) up_->resume_reading();
  };
  if (!found) {
    worker_.metrics().unrouted.add();
    fail(404,
         str("no route for host \"", shorten(host, 256),
             "\": known hosts are shown by kubectl get virtualservices,routes.serving.knative.dev,"
             "services -A; give one in the Host header"));
  } else {
    facts.method = in.method, facts.path = in.path();
    size_t question = in.target.find('?');
    if (question != std::string::npos)
      facts.query = std::string_view(in.target).substr(question + 1);
    facts.authority = found->name, facts.scheme = in.tls ? "https" : "http";
    facts.headers = &in.headers, facts.header = header_of;
    matched_ = found->match(facts);
    if (!matched_.rule) {
      worker_.metrics().unrouted.add();
      fail(404,
           str("no rule of ", found->source, " matches ", in.method, " ", shorten(in.path(), 256)));
    } else if (!answer_without_upstream()) {
      backend_ = to_->backend.get();
      const Duration timeout = backend_->arrive(began_);
      deadline_ = began_ + (matched_.rule->timeout.count() ? matched_.rule->timeout : timeout);
    }
  }
  // An upgrade's bytes belong to the other side, and a body that is not there ends at once.
  down_->receive(std::move(callbacks));
  if (backend_ && !over_ && !recorded_ && !up_ && !waiting_) acquire(false);
}

bool Exchange::answer_without_upstream() {
  const http::RequestHead& in = down_->head();
  const Rule& rule = *matched_.rule;
  if (rule.redirect) {
    http::Headers headers = {{"location", redirect_location(*rule.redirect, in)}};
    status_ = rule.redirect->code;
    down_->respond(status_, headers, "");
    finish(status_);
    return true;
  }
  if (rule.direct) {
    http::Headers headers;
    change_headers(headers, rule.response);
    bytes_out_ = rule.direct->body.size();
    down_->respond(rule.direct->status, headers, rule.direct->body);
    finish(rule.direct->status);
    return true;
  }
  to_ = pick(rule, static_cast<uint32_t>(worker_.random()));
  if (!to_ || !to_->backend) {
    fail(503,
         to_ ? std::string_view(to_->why) : "the rule has no destination with a weight above zero",
         true);
    return true;
  }
  if (in.content_length && *in.content_length > worker_.options().most_body_bytes) {
    fail(413, str("request body of ", *in.content_length, " bytes is larger than the limit of ",
                  worker_.options().most_body_bytes, " bytes"));
    return true;
  }
  return false;
}

void Exchange::acquire(bool again, const Endpoint* avoid) {
  bool cold = false;
  const MonoTime now = worker_.loop().now();
  switch (backend_->acquire(*this, now, static_cast<uint32_t>(worker_.random()), &endpoint_, &cold,
                            again, avoid)) {
    case Admit::kGranted:
      return send();
    case Admit::kFull:
      return fail(503, str(backend_->name(), ": pending request queue full"), true);
    case Admit::kQueued:
      break;
  }
  waiting_ = true;
  cold_ = cold_ || cold;
  waiting_since_ = now;
  if (cold && backend_->is_revision() && backend_->claim_first_wait())
    worker_.demand().waiting(backend_->key(), backend_->waiting());
}

void Exchange::granted() {
  worker_.loop().post([self = shared_from_this()] { self->waited_enough(); });
}

void Exchange::waited_enough() {
  if (!waiting_ || over_ || !backend_) return;
  endpoint_ = backend_->take(*this);
  if (!endpoint_) return;
  waiting_ = false;
  waited_ += worker_.loop().now() - waiting_since_;
  if (cold_ && tries_ == 0) {
    const BackendMetrics& m = backend_->measures(worker_.metrics().registry);
    m.activation->observe(seconds(waited_));
  }
  send();
}

void Exchange::send() {
  ++tries_;
  last_endpoint_ = endpoint_;
  http::RequestHead& head = worker_.outgoing();
  make_upstream_head(down_->head(), matched_, *to_, request_id_, head);
  http::ClientCallbacks callbacks;
  callbacks.on_head = [this](http::ResponseHead h) { on_head(std::move(h)); };
  callbacks.on_data = [this](std::string_view data) { on_response_data(data); };
  callbacks.on_end = [this](http::Headers trailers) { on_response_end(trailers); };
  callbacks.on_error = [this](http::UpstreamError e) { on_error(e); };
  callbacks.on_writable = [this] {
    if (std::exchange(paused_, false)) down_->resume_reading();
  };
  if (matched_.rule->retries.per_try.count())
    try_deadline_ = worker_.loop().now() + matched_.rule->retries.per_try;
  http::Upstream to;
  to.address = endpoint_->address, to.port = endpoint_->port, to.http2 = endpoint_->http2;
  const bool whole = request_ended_ && body_.empty() && head.upgrade.empty();
  up_ = worker_.pool().open(to, head, whole, std::move(callbacks));
  if (!whole && (!body_.empty() || request_ended_)) up_->send_data(body_, request_ended_);
  if (up_ && paused_ && up_->backlog() < http::kBacklogHigh) {
    paused_ = false;
    down_->resume_reading();
  }
}

void Exchange::on_data(std::string_view data) {
  if (over_ || recorded_) return;
  bytes_in_ += data.size();
  if (bytes_in_ > worker_.options().most_body_bytes && !upgraded_)
    return fail(413, str("request body is larger than the limit of ",
                         worker_.options().most_body_bytes, " bytes"));
  push_body(data, false);
}

void Exchange::push_body(std::string_view data, bool end) {
  const size_t most = worker_.options().repeat_buffer_bytes;
  if (up_ && !up_ended_) {
    if (repeatable_ && body_.size() + data.size() > most) {
      repeatable_ = false;
      body_ = {};
    }
    if (repeatable_) body_.append(data);
    up_->send_data(data, end);
    if (up_ && up_->backlog() > http::kBacklogHigh && !paused_) {
      paused_ = true;
      down_->pause_reading();
    }
    return;
  }
  body_.append(data);  // waits for an endpoint
  if (body_.size() >= most && !paused_) {
    paused_ = true;
    down_->pause_reading();
  }
}

void Exchange::on_request_end() {
  request_ended_ = true;
  if (over_) return;
  if (recorded_) return close_if_done();
  if (up_) push_body({}, true);
  if (upgraded_) close_if_done();
}

void Exchange::on_abort() {
  if (over_) return;
  request_ended_ = true;
  if (up_) up_->reset();
  up_ = nullptr;
  if (!recorded_) finish(responding_ ? status_ : 499);
  close_if_done();
}

bool Exchange::status_asks_for_retry(int status) const {
  const Retries& r = matched_.rule->retries;
  if (tries_ > r.attempts || !repeatable_ || (!request_ended_ && bytes_in_ > 0)) return false;
  return (r.on_5xx && status >= 500) || (r.on_gateway_error && status >= 502 && status <= 504);
}

void Exchange::on_head(http::ResponseHead head) {
  if (over_ || recorded_) return;
  if (head.status != 101 && status_asks_for_retry(head.status)) {
    up_->reset();
    up_ = nullptr;
    let_go_of_endpoint();
    worker_.metrics().retries.add();
    return acquire(true, last_endpoint_.get());
  }
  status_ = head.status;
  responding_ = true;
  try_deadline_ = {};
  const Rule& rule = *matched_.rule;
  if (matched_.rule->timeout.count() == 0) deadline_ = {};  // a revision's is for the head
  if (!rule.response.empty()) change_headers(head.headers, rule.response);
  if (!to_->response.empty()) change_headers(head.headers, to_->response);
  if (!head.headers.has("x-request-id")) head.headers.add("x-request-id", request_id_);
  if (head.status == 101)
    upgraded_ = true, repeatable_ = false, deadline_ = {};
  else if (!down_->head().upgrade.empty())
    request_ended_ = true;
  down_->respond_head(head.status, head.headers, head.ended);
}

void Exchange::on_response_data(std::string_view data) {
  if (over_ || recorded_) return;
  bytes_out_ += data.size();
  down_->respond_data(data, false);
  if (up_ && down_->backlog() > http::kBacklogHigh) up_->pause_reading();
}

void Exchange::on_response_end(const http::Headers& trailers) {
  if (over_ || recorded_) return;
  up_ended_ = true;
  if (!upgraded_ && trailers.size() > 0)
    down_->respond_trailers(trailers);
  else
    down_->respond_data({}, true);
  if (upgraded_ && !request_ended_) return;  // half-closed: the client may have more to say
  up_ = nullptr;
  finish(status_);
  close_if_done();
}

// kDataLoss and the like after bytes of a response: the client must see that it broke.
void Exchange::on_error(const http::UpstreamError& failure) {
  up_ = nullptr;
  if (over_ || recorded_) return;
  if (responding_) {
    down_->reset();
    request_ended_ = true;
    finish(status_);
    return close_if_done();
  }
  const MonoTime now = worker_.loop().now();
  const bool again = may_repeat(failure);
  if (failure.surely_unprocessed && !failure.stale && endpoint_) {
    if (refused_since_ == MonoTime{}) refused_since_ = now;
    worker_.put_aside(to_->backend, *endpoint_);
    --tries_;  // nothing was tried
  } else {
    refused_since_ = {};
  }
  let_go_of_endpoint();
  if (!again) {
    worker_.metrics().upstream_broken.add();
    return fail(502, str(backend_->name(), ": ", failure.error.message));
  }
  worker_.metrics().retries.add();
  acquire(true, last_endpoint_.get());
}

bool Exchange::may_repeat(const http::UpstreamError& failure) const {
  if (failure.response_started || !repeatable_) return false;
  if (failure.surely_unprocessed && !failure.stale)
    return refused_since_ == MonoTime{} ||
           worker_.loop().now() - refused_since_ < worker_.options().refusal_patience;
  const int most = std::max(worker_.options().most_tries, matched_.rule->retries.attempts + 1);
  if (failure.stale)
    return tries_ < most + 2;  // an idle connection that had ended: no fault of anyone's
  const http::RequestHead& in = down_->head();
  return tries_ < most && is_repeatable(in.method, in.path());
}

void Exchange::let_go_of_endpoint() {
  if (endpoint_) backend_->release(*endpoint_, worker_.loop().now());
  endpoint_ = nullptr;
}

void Exchange::fail(int status, std::string_view text, bool retry_after) {
  if (up_) up_->reset();
  up_ = nullptr;
  if (down_->head().headers.get("content-type").starts_with("application/grpc")) {
    http::Headers headers = grpc_error(status, text);
    headers.add("x-request-id", request_id_);
    down_->respond_head(200, headers, true);
  } else {
    http::Headers headers = {{"content-type", "application/json"}, {"x-request-id", request_id_}};
    if (retry_after) headers.add("retry-after", "1");
    std::string body = error_body(text);
    bytes_out_ = body.size();
    down_->respond(status, headers, body);
  }
  finish(status);
  close_if_done();
}

// The answer is given, or there will be none: gives back what was held, counts and writes it down.
void Exchange::finish(int status) {
  if (recorded_) return;
  recorded_ = true;
  const MonoTime now = worker_.loop().clock().mono();
  linger_until_ = now + kLinger;
  if (backend_) {
    if (waiting_) backend_->cancel(*this, now);
    waiting_ = false;
    backend_->leave(now, endpoint_.get());
    endpoint_ = nullptr;
    if (backend_->is_revision()) {
      const BackendMetrics& m = backend_->measures(worker_.metrics().registry);
      const int code_class = status >= 100 && status < 600 ? status / 100 : 0;
      m.requests[code_class]->add();
      m.latency[code_class]->observe(seconds(now - began_));
    }
  }
  const http::RequestHead& in = down_->head();
  RequestRecord r;
  r.method = in.method, r.host = in.authority, r.target = in.target, r.peer = in.peer;
  r.user_agent = in.headers.get("user-agent"), r.request_id = request_id_;
  if (backend_) r.backend = backend_->name();
  if (last_endpoint_) r.endpoint = last_endpoint_->address;
  r.status = status, r.version = in.version, r.tries = tries_;
  r.bytes_in = bytes_in_, r.bytes_out = bytes_out_, r.took = now - began_, r.waited = waited_;
  worker_.record(r, last_endpoint_);
  body_ = {};
  backend_ = nullptr;
}

void Exchange::close_if_done() {
  if (over_) return;
  if (upgraded_ && !recorded_ && request_ended_ && up_ended_) {
    up_ = nullptr;
    finish(status_);
  }
  if (!recorded_ || (!request_ended_ && !down_->closed())) return;
  over_ = true;
  worker_.unlink(*this);
}

void Exchange::tick(MonoTime now) {
  if (over_) return;
  if (recorded_) {
    if (down_->closed())
      request_ended_ = true;
    else if (now >= linger_until_ && !request_ended_) {
      request_ended_ = true;
      down_->reset();
    }
    return close_if_done();
  }
  if (try_deadline_ != MonoTime{} && now >= try_deadline_ && up_ && !responding_) {
    up_->reset();
    up_ = nullptr;
    try_deadline_ = {};
    let_go_of_endpoint();
    if (tries_ > matched_.rule->retries.attempts || !repeatable_)
      return fail(504, str(backend_->name(), ": no response within perTryTimeout after ", tries_,
                           " tries"));
    worker_.metrics().retries.add();
    return acquire(true, last_endpoint_.get());
  }
  if (deadline_ == MonoTime{} || now < deadline_) return;
  if (responding_) {
    if (up_) up_->reset();
    up_ = nullptr;
    down_->reset();
    request_ended_ = true;
    finish(status_);
    return close_if_done();
  }
  const std::string after = format_duration(deadline_ - began_);
  fail(504, waiting_ ? str(backend_->name(),
                           ": activator request timeout: no endpoint was ready within ", after)
                     : str(backend_->name(), ": request timeout: no response within ", after));
}

void Exchange::give_up() {
  if (over_) return;
  if (up_) up_->reset();
  up_ = nullptr;
  if (!recorded_) finish(responding_ ? status_ : 503);
  down_->reset();
  request_ended_ = true;
  close_if_done();
}

}  // namespace proa::gateway
