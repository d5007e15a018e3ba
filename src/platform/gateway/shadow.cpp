#include "platform/gateway/shadow.h"

#include <algorithm>

#include "foundation/base/strings.h"
#include "platform/gateway/outgoing.h"
#include "platform/gateway/worker.h"

namespace proa::gateway {

bool Shadow::send(const http::RequestHead& head, std::string_view body) {
  Backend& backend = *mirror_.to.backend;
  const MonoTime now = worker_.loop().now();
  Duration timeout{};
  if (!backend.try_enter(now, static_cast<uint32_t>(worker_.random()), &endpoint_, &timeout))
    return false;
  deadline_ = now + std::min<Duration>(timeout, std::chrono::seconds(300));
  http::RequestHead copy = head;
  copy.authority = str(head.authority, "-shadow");
  change_headers(copy.headers, mirror_.to.request);
  copy.headers.remove("content-length");
  if (!body.empty()) copy.headers.add("content-length", str(body.size()));
  http::ClientCallbacks callbacks;
  callbacks.on_end = [this](http::Headers) { over(); };
  callbacks.on_error = [this](http::UpstreamError) { over(); };
  http::Upstream to = worker_.upstream(*endpoint_, backend.policy(), head.version, head.authority);
  up_ = worker_.pool().open(to, copy, body.empty(), std::move(callbacks));
  if (!body.empty()) up_->send_data(body, true);
  return true;
}

void Shadow::over() {
  if (!endpoint_) return;
  if (up_) up_->reset();
  up_ = nullptr;
  mirror_.to.backend->leave(worker_.loop().now(), std::exchange(endpoint_, nullptr).get());
  worker_.unlink(*this);
}

void Shadow::tick(MonoTime now) {
  if (now >= deadline_) over();
}

void Shadow::give_up() { over(); }

}  // namespace proa::gateway
