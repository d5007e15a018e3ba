#include "foundation/grpc/health.h"

#include <utility>

#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"

namespace proa::grpc {
namespace {

constexpr size_t kMostWatchers = 1000;
constexpr uint64_t kServing = 1, kNotServing = 2, kServiceUnknown = 3;

Result<std::string_view> service_of(std::string_view message) {
  std::string_view service;
  Reader r(message);
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) service = r.bytes();
  }
  if (!r.ok()) return error(Code::kInternal, "the HealthCheckRequest is malformed");
  return service;
}

}  // namespace

const char* const kHealthProto = R"(
syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
service Health {
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}
)";

struct Health::Watcher {
  std::shared_ptr<Exchange> exchange;
  std::optional<std::string> service;  // once asked
  uint64_t told = UINT64_MAX;
};

Health::Health(async::Loop& loop, Source source) : loop_(loop), source_(std::move(source)) {}
Health::~Health() { loop_.cancel(timer_); }

uint64_t Health::status(std::string_view service) const {
  auto serves = source_(service);
  return !serves ? kServiceUnknown : *serves ? kServing : kNotServing;
}

void Health::add_to(Server& server) {
  auto check = [this](const Request& request, Reply& reply) {
    auto service = service_of(request.message);
    if (!service.ok()) {
      reply.fail(service.error());
      return true;
    }
    uint64_t now = status(*service);
    if (now == kServiceUnknown)
      reply.fail(StatusCode::kNotFound, str("unknown service ", shorten(*service, 200)));
    else
      Writer(reply.message()).number(1, now);
    return true;
  };
  server.add({"/grpc.health.v1.Health/Check", check, nullptr, nullptr});
  server.add({"/grpc.health.v1.Health/Watch", nullptr, nullptr,
              [this](std::shared_ptr<Exchange> exchange) { watch(std::move(exchange)); }});
}

void Health::watch(std::shared_ptr<Exchange> exchange) {
  if (watchers_.size() >= kMostWatchers)
    return exchange->finish(StatusCode::kResourceExhausted, "too many watch the health");
  auto watcher = std::make_shared<Watcher>();
  watcher->exchange = exchange;
  watchers_.push_back(watcher);
  exchange->on_message([this, watcher](std::string_view message) { begin(watcher, message); });
  arm();
}

void Health::begin(const std::shared_ptr<Watcher>& watcher, std::string_view message) {
  if (watcher->service) return;
  auto service = service_of(message);
  if (!service.ok())
    return watcher->exchange->finish(StatusCode::kInternal, service.error().message);
  watcher->service = std::string(*service);
  tell(*watcher);
}

void Health::tell(Watcher& watcher) {
  if (!watcher.service) return;
  uint64_t now = status(*watcher.service);
  if (now == watcher.told) return;
  watcher.told = now;
  std::string message;
  Writer(message).number(1, now);
  watcher.exchange->send(message);
}

void Health::changed() {
  std::erase_if(watchers_, [](const auto& w) { return w->exchange->closed(); });
  auto watchers = watchers_;
  for (const auto& watcher : watchers) tell(*watcher);
}

void Health::end() {
  changed();
  for (const auto& watcher : std::exchange(watchers_, {}))
    watcher->exchange->finish(StatusCode::kUnavailable, "the server is shutting down");
}

void Health::arm() {
  if (timer_) return;
  timer_ = loop_.after(std::chrono::seconds(1), [this] {
    timer_ = 0;
    changed();
    if (!watchers_.empty()) arm();
  });
}

}  // namespace proa::grpc
