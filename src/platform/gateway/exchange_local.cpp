// What an Exchange does by itself: answers without an upstream, faults on purpose, retries, copies,
// deadlines. The other half of exchange.cpp.
#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/exchange.h"
#include "platform/gateway/local_answer.h"
#include "platform/gateway/outgoing.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

bool Exchange::answer_without_upstream(const Door& door) {
  const http::RequestHead& in = down_->head();
  const Rule& rule = *matched_.rule;
  if (rule.cors && answer_preflight()) return true;
  if (rule.redirect) {
    http::Headers headers = {
        {"location", redirect_location(*rule.redirect, in, matched_.prefix, door.port)}};
    change_headers(headers, rule.response);
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
    fail(to_ ? to_->status : 503,
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

bool Exchange::answer_preflight() {
  auto answer = preflight_answer(*matched_.rule->cors, down_->head());
  if (!answer) return false;
  change_headers(*answer, matched_.rule->response);
  status_ = 200;
  down_->respond(200, *answer, "");
  finish(200);
  return true;
}

void Exchange::fault() {
  const Fault& f = *matched_.rule->fault;
  if (f.delay.count() == 0 || !falls_in(f.delay_share, worker_.random())) return abort_on_purpose();
  pausing_ = true;
  worker_.loop().after(f.delay, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || !std::exchange(self->pausing_, false) || self->recorded_ || self->over_) return;
    self->abort_on_purpose();
  });
}

void Exchange::abort_on_purpose() {
  const Fault& f = *matched_.rule->fault;
  const bool any = f.status != 0 || f.grpc_status >= 0;
  if (!any || !falls_in(f.abort_share, worker_.random())) return acquire(false);
  if (f.grpc_status < 0) return fail(f.status, "fault filter abort");
  http::Headers headers = {{"content-type", "application/grpc"},
                           {"grpc-status", str(f.grpc_status)},
                           {"grpc-message", "fault filter abort"},
                           {"x-request-id", request_id_}};
  down_->respond_head(200, headers, true);
  finish(200);
  close_if_done();
}

std::optional<uint64_t> Exchange::affinity_hash() {
  if (!policy_ || policy_->balance != Balance::kConsistentHash) return std::nullopt;
  return affinity(policy_->hash, down_->head(), worker_.random(), &cookie_);
}

void Exchange::add_response_headers(http::Headers& headers) {
  const Rule& rule = *matched_.rule;
  if (rule.cors) add_cors(*rule.cors, down_->head().headers.get("origin"), headers);
  if (!rule.response.empty()) change_headers(headers, rule.response);
  if (!to_->response.empty()) change_headers(headers, to_->response);
  if (!cookie_.empty()) headers.add("set-cookie", cookie_);
  if (!headers.has("x-request-id")) headers.add("x-request-id", request_id_);
}

// True: the answer is dropped, and the request will be sent again.
bool Exchange::again_for_status(const http::ResponseHead& head) {
  if (!repeatable_ || (!request_ended_ && bytes_in_ > 0)) return false;
  if (!asks_for_retry(*matched_.rule, head.status, tries_, &head.headers)) return false;
  if (std::exchange(retrying_, false)) backend_->retry_over();
  if (!backend_->retry_begins()) return false;
  retrying_ = true;
  up_->reset();
  up_ = nullptr;
  try_deadline_ = {};
  let_go_of_endpoint();
  worker_.metrics().retries.add();
  again_later();
  return true;
}

void Exchange::again_later() {
  const Duration pause = retry_pause(matched_.rule->retries, tries_, worker_.random());
  pausing_ = true;
  worker_.loop().after(pause, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (!self || !std::exchange(self->pausing_, false) || self->recorded_ || self->over_) return;
    self->acquire(true, self->last_endpoint_.get());
  });
}

void Exchange::mirror() {
  if (matched_.rule->mirrors.empty() || std::exchange(mirrored_, true)) return;
  if (!repeatable_ || !down_->head().upgrade.empty()) return worker_.metrics().mirrored_not.add();
  http::RequestHead head;
  make_upstream_head(down_->head(), matched_, *to_, request_id_, head);
  for (const Mirror& m : matched_.rule->mirrors)
    if (falls_in(m.share, worker_.random())) worker_.mirror(m, head, body_, table_);
}

Again Exchange::may_repeat(const http::UpstreamError& failure) const {
  if (!repeatable_) return Again::kNo;
  const http::RequestHead& in = down_->head();
  const Retries& retries = matched_.rule->retries;
  const Again again = may_go_again(failure, is_repeatable(in.method, in.path()));
  switch (again) {
    case Again::kNo:
      return again;
    case Again::kRefused: {
      bool patient = refused_since_ == MonoTime{} ||
                     worker_.loop().now() - refused_since_ < worker_.options().refusal_patience;
      return patient ? again : Again::kNo;
    }
    case Again::kFree:
      return again;
    case Again::kTried:
      break;
  }
  if (retries.defined && retries.attempts == 0) return Again::kNo;
  int most = std::max(worker_.options().most_tries, retries.attempts + 1);
  if (failure.stale) most += 2;
  return tries_ < most ? again : Again::kNo;
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
    if (matched_.rule && matched_.rule->cors)
      add_cors(*matched_.rule->cors, down_->head().headers.get("origin"), headers);
    std::string body = error_body(text);
    bytes_out_ = body.size();
    down_->respond(status, headers, body);
  }
  finish(status);
  close_if_done();
}

// This try has had its time. True: that is dealt with.
bool Exchange::on_late_try(MonoTime) {
  if (!up_ || responding_) return false;
  up_->reset();
  up_ = nullptr;
  try_deadline_ = {};
  worker_.outcome(*backend_, *endpoint_, 504);
  let_go_of_endpoint();
  if (tries_ > matched_.rule->retries.attempts || !repeatable_) {
    fail(504, str(backend_->name(), ": no response within perTryTimeout after ", tries_, " tries"));
    return true;
  }
  worker_.metrics().retries.add();
  acquire(true, last_endpoint_.get());
  return true;
}

void Exchange::on_late(MonoTime) {
  if (responding_) {
    if (up_) up_->reset();
    up_ = nullptr;
    down_->reset();
    request_ended_ = true;
    finish(status_);
    return close_if_done();
  }
  if (endpoint_) worker_.outcome(*backend_, *endpoint_, 504);
  const std::string after = format_duration(deadline_ - began_);
  fail(504, waiting_ ? str(backend_->name(),
                           ": activator request timeout: no endpoint was ready within ", after)
                     : str(backend_->name(), ": request timeout: no response within ", after));
}

}  // namespace proa::gateway
