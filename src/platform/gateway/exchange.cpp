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

void Exchange::start(const Door& door, const Resume& from) {
  const http::RequestHead& in = down_->head();
  began_ = worker_.loop().now();
  plain_ = door.port == 80;
  request_ended_ = in.ended && in.upgrade.empty();
  std::string_view id = in.headers.get("x-request-id");
  request_id_ = !id.empty() && id.size() <= 128 ? std::string(id)
                                                : uuid_text(worker_.random(), worker_.random());
  if (from.last) {  // it has been tried on the short way
    began_ = from.began, tries_ = from.tries, last_endpoint_ = from.last, faulted_ = true;
    if (from.refused) refused_since_ = worker_.loop().now();
  }
  http::ServerCallbacks callbacks;
  callbacks.on_data = [this](std::string_view data) { on_data(data); };
  callbacks.on_end = [this](http::Headers) { on_request_end(); };
  callbacks.on_abort = [this] { on_abort(); };
  callbacks.on_writable = [this] {
    if (up_) up_->resume_reading();
  };
  if (!from.last && !worker_.admits()) {
    worker_.metrics().shed.add();
    fail(503, "the gateway has too many requests in hand", true);
  } else if (route(door)) {
    backend_ = to_->backend.get();
    policy_ = backend_->policy();
    const Duration backend_timeout = backend_->arrive(began_);
    const Duration timeout =
        matched_.rule->timeout.count() ? matched_.rule->timeout : backend_timeout;
    if (timeout != kNoTimeout) deadline_ = began_ + timeout;
    hash_ = affinity_hash();
  }
  // An upgrade's bytes belong to the other side, and a body that is not there ends at once.
  down_->receive(std::move(callbacks));
  if (!backend_ || over_ || recorded_ || up_ || waiting_) return;
  if (matched_.rule->fault && !std::exchange(faulted_, true)) return fault();
  acquire(last_endpoint_ != nullptr, last_endpoint_.get());
}

bool Exchange::route(const Door& door) {
  const http::RequestHead& in = down_->head();
  std::string buffer;
  RequestFacts facts;
  const Host* found = worker_.find_host(door, in.authority, buffer, facts.port);
  if (!found) {
    worker_.metrics().unrouted.add();
    uint16_t ignored = 0;
    fail(404,
         str("no route for host \"", shorten(bare_host(in.authority, buffer, ignored), 256),
             "\": known hosts are shown by kubectl get virtualservices,routes.serving.knative.dev,"
             "services -A; give one in the Host header"));
    return false;
  }
  facts.method = in.method, facts.path = in.path();
  size_t question = in.target.find('?');
  if (question != std::string::npos) facts.query = std::string_view(in.target).substr(question + 1);
  facts.authority = found->name, facts.scheme = in.tls ? "https" : "http";
  facts.listener = door.port;
  facts.headers = &in.headers, facts.header = header_of;
  matched_ = found->match(facts);
  if (!matched_.rule) {
    worker_.metrics().unrouted.add();
    fail(404,
         str("no rule of ", found->source, " matches ", in.method, " ", shorten(in.path(), 256)));
    return false;
  }
  return !answer_without_upstream(door);
}

void Exchange::acquire(bool again, const Endpoint* avoid) {
  bool cold = false;
  const MonoTime now = worker_.loop().now();
  if (matched_.rule->retries.same_endpoint) avoid = nullptr;
  switch (backend_->acquire(*this, now, static_cast<uint32_t>(worker_.random()), &endpoint_, &cold,
                            again, avoid, hash_)) {
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
  if (cold && worker_.successor() && matched_.rule != worker_.successor()->rules.data())
    return move_on();
  if (cold && backend_->is_revision() && backend_->claim_first_wait())
    worker_.demand().waiting(backend_->key(), backend_->waiting());
}

void Exchange::move_on() {
  if (!waiting_ || over_ || recorded_ || !plain_) return;
  const MonoTime now = worker_.loop().now();
  backend_->cancel(*this, now);
  backend_->leave(now, nullptr);
  waiting_ = false;
  matched_ = {worker_.successor()->rules.data(), 0};
  to_ = matched_.rule->destinations.data();
  backend_ = to_->backend.get();
  policy_ = backend_->policy();
  hash_.reset();
  deadline_ = {};
  backend_->arrive(now);
  acquire(false);
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
  const http::Upstream to =
      worker_.upstream(*endpoint_, policy_, down_->head().version, head.authority);
  const bool whole = request_ended_ && body_.empty() && head.upgrade.empty();
  up_ = worker_.pool().open(to, head, whole, std::move(callbacks));
  if (!whole && (!body_.empty() || request_ended_)) up_->send_data(body_, request_ended_);
  if (request_ended_) mirror();
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
  if (up_) mirror();
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

void Exchange::on_head(http::ResponseHead head) {
  if (over_ || recorded_) return;
  worker_.outcome(*backend_, *endpoint_, head.status);
  if (head.status != 101 && again_for_status(head)) return;
  status_ = head.status;
  responding_ = true;
  try_deadline_ = {};
  if (matched_.rule->timeout.count() == 0) deadline_ = {};  // a revision's is for the head
  add_response_headers(head.headers);
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
  if (endpoint_) worker_.outcome(*backend_, *endpoint_, 0);
  const Again again = may_repeat(failure);
  if (failure.surely_unprocessed && endpoint_) {
    if (!failure.stale) {
      if (refused_since_ == MonoTime{}) refused_since_ = now;
      worker_.put_aside(to_->backend, *endpoint_);
    }
    --tries_;  // nothing was tried
  } else {
    refused_since_ = {};
  }
  let_go_of_endpoint();
  if (again == Again::kNo) {
    worker_.metrics().upstream_broken.add();
    return fail(502, str(backend_->name(), ": ", failure.error.message));
  }
  worker_.metrics().retries.add();
  acquire(true, last_endpoint_.get());
}

void Exchange::let_go_of_endpoint() {
  if (endpoint_) backend_->release(*endpoint_, worker_.loop().now());
  endpoint_ = nullptr;
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
    if (std::exchange(retrying_, false)) backend_->retry_over();
    count_answer(*backend_, worker_.metrics().registry, status, now - began_);
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
  down_->let_go();  // a client that does not read may keep the stream for long
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
  if (try_deadline_ != MonoTime{} && now >= try_deadline_ && on_late_try(now)) return;
  if (deadline_ != MonoTime{} && now >= deadline_) on_late(now);
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
