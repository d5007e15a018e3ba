#include "models/worker/worker.h"

#include "foundation/base/strings.h"
#include "foundation/http/inline.h"
#include "foundation/obs/log.h"

namespace proa::models {
namespace {

service::ServiceOptions service_options(const ServeOptions& o) {
  service::ServiceOptions s;
  s.flavor = o.mlserver ? service::Flavor::kMlserver : service::Flavor::kKServe;
  s.server_name = o.server_name;
  s.server_version = PROA_VERSION;
  s.batch.max_rows = o.max_batch_size;
  s.batch.max_latency = o.max_latency;
  s.batch.max_queue = o.max_queue;
  s.batch.adaptive = !o.batch_disabled;
  s.labels = o.version_labels;
  return s;
}

protocols::RestOptions rest_options(const ServeOptions& o) {
  protocols::RestOptions r;
  r.events = protocols::cloud_event_options();
  if (!o.compress) r.compress_from = SIZE_MAX;
  return r;
}

grpc::Options grpc_options(const ServeOptions& o) {
  grpc::Options g;
  g.most_message = g.most_reply = o.most_message;
  return g;
}

}  // namespace

Worker::Worker(const ServeOptions& options, repository::Repository& repository, Metrics metrics)
    : options_(options),
      service_(loop_, repository, service_options(options)),
      rest_(service_, rest_options(options), std::move(metrics)),
      grpc_(loop_, service_, grpc_options(options)),
      tensorflow_(service_) {
  tensorflow_.add_to(grpc_.server());
}

Worker::~Worker() {
  if (thread_.joinable()) thread_.join();
}

http::ServerOptions Worker::http_options() {
  http::ServerOptions o;
  o.idle_timeout = options_.idle_timeout;
  o.twin = true;
  o.inline_handler = [this](const http::RequestView& request, http::ResponseBuffer& response) {
    return rest_.answer(request, response);
  };
  if (options_.enable_grpc) grpc_.attach(o);
  return o;
}

Status Worker::listen(Ports& ports, bool shared) {
  auto later = [this](http::Request request, std::shared_ptr<http::Responder> responder) {
    rest_.answer_later(std::move(request), std::move(responder));
  };
  http_ = std::make_unique<http::Server>(loop_, http_options(), later);
  TRY(ports.http, http_->listen(options_.host, ports.http, shared));
  if (options_.metrics_port >= 0 && options_.metrics_port != ports.http) {
    TRY(ports.metrics,
        http_->listen(
            options_.host,
            ports.metrics != 0 ? ports.metrics : static_cast<uint16_t>(options_.metrics_port),
            shared));
  }
  bool same = options_.grpc_port == options_.http_port && options_.grpc_port != 0;
  if (!options_.enable_grpc || same) ports.has_grpc = false;
  if (!ports.has_grpc) return {};
  grpc_server_ = std::make_unique<http::Server>(loop_, http_options(), later);
  auto port = grpc_server_->listen(options_.host, ports.grpc, shared);
  if (port.ok()) {
    ports.grpc = *port;
    return {};
  }
  grpc_server_.reset();
  if (options_.grpc_port_given) return std::move(port).error();
  log::warn("serve", str(port.error().message, ": gRPC is served on the port of REST only"));
  ports.has_grpc = false;
  return {};
}

void Worker::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::drain(std::function<void()> done) {
  loop_.post([this, done = std::move(done)] {
    service_.drain();
    grpc_.drain();
    auto left = std::make_shared<int>(grpc_server_ ? 2 : 1);
    auto one = [left, done] {
      if (--*left == 0) done();
    };
    http_->drain(one);
    if (grpc_server_) grpc_server_->drain(one);
  });
}

}  // namespace proa::models
