#include "models/protocols/grpc/inference_service.h"

#include <chrono>
#include <utility>

#include "foundation/base/strings.h"
#include "foundation/grpc/wire.h"
#include "foundation/obs/metrics.h"
#include "models/protocols/grpc/infer_message.h"
#include "models/protocols/grpc/inference_proto.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::Exchange;
using grpc::Reader;
using grpc::Reply;
using grpc::Request;
using grpc::varint_tag;
using grpc::Writer;
using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kService = "inference.GRPCInferenceService";
constexpr size_t kKeptMemory = 4 << 20;

// Two texts of a small request: fields 1 and 2.
Status read_two(std::string_view message, std::string_view& first, std::string_view& second) {
  Reader r(message);
  while (r.next()) {
    if (r.tag() == bytes_tag(1)) first = r.bytes();
    if (r.tag() == bytes_tag(2)) second = r.bytes();
  }
  if (!r.ok()) return error(Code::kInvalid, "the request is no well-formed protobuf message");
  if (!is_utf8(first) || !is_utf8(second)) return error(Code::kInvalid, "a name is not UTF-8");
  return {};
}

void fail(Reply& reply, const Error& e, const Service& service) {
  reply.fail(e);
  if (e.code == Code::kUnavailable || e.code == Code::kExhausted)
    reply.trailer("retry-after", str(service.retry_after()));
}

void write_tensor(Writer& w, uint32_t field, const inference::TensorInfo& t) {
  size_t mark = w.open(field);
  w.bytes(1, t.name);
  w.bytes(2, inference::to_string(t.type));
  if (!t.shape.empty()) {
    size_t shape = w.open(3);
    for (int64_t size : t.shape) w.raw(static_cast<uint64_t>(size));
    w.close(shape);
  }
  w.close(mark);
}

void measure(const InferResponse& response, MonoTime start) {
  if (!response.stages) return;
  const StageMetrics& stages = *response.stages;
  if (stages.preprocess) stages.preprocess->observe(seconds(response.asked - start));
  if (stages.postprocess)
    stages.postprocess->observe(seconds(SteadyClock::now() - response.answered));
}

// A ModelInfer that waits in a batch. The exchange owns the message that `request` views.
class InferCall : public Call {
 public:
  InferCall(std::shared_ptr<Exchange> exchange, const Service& service)
      : exchange_(std::move(exchange)), service_(service), start_(SteadyClock::now()) {}
  Status read() {
    return read_infer_request(exchange_->request().message, work, request, raw_);
  }
  bool abandoned() const override { return exchange_->closed(); }
  void done(Status status) override {
    if (!status.ok()) {
      fail(exchange_->reply(), status.error(), service_);
    } else if (!exchange_->closed()) {
      append_infer_response(response, raw_, exchange_->reply().message());
      measure(response, start_);
    }
    exchange_->done();
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  const Service& service_;
  MonoTime start_;
  bool raw_ = false;
};

}  // namespace

GrpcInference::GrpcInference(async::Loop& loop, Service& service, grpc::Options options)
    : service_(service),
      server_(loop, options),
      health_(loop, [this](std::string_view name) { return serves(name); }) {
  add_server_methods();
  add_model_methods();
  add_repository_methods();
  health_.add_to(server_);
  Status inference = reflection_.add("inference.proto", kInferenceProto);
  Status health = reflection_.add("grpc/health/v1/health.proto", grpc::kHealthProto);
  CHECK(inference.ok() && health.ok());
  reflection_.add_to(server_);
}

std::optional<bool> GrpcInference::serves(std::string_view service) {
  if (service.empty() || service == kService) return service_.ready();
  auto ready = service_.model_ready(service, "");
  if (ready.ok()) return *ready;
  if (ready.error().code == Code::kUnavailable) return false;
  return std::nullopt;
}

void GrpcInference::add(std::string_view name,
                        bool (GrpcInference::*answer)(const Request&, Reply&)) {
  server_.add({str("/", kService, "/", name),
               [this, answer](const Request& q, Reply& r) { return (this->*answer)(q, r); },
               nullptr, nullptr});
}

void GrpcInference::add_server_methods() {
  add("ServerLive", &GrpcInference::server_live);
  add("ServerReady", &GrpcInference::server_ready);
  add("ServerMetadata", &GrpcInference::server_metadata);
}

void GrpcInference::add_model_methods() {
  add("ModelReady", &GrpcInference::model_ready);
  add("ModelMetadata", &GrpcInference::model_metadata);
  server_.add({str("/", kService, "/ModelInfer"),
               [this](const Request& q, Reply& r) { return infer(q, r); },
               [this](std::shared_ptr<Exchange> e) { infer_later(std::move(e)); }, nullptr});
}

void GrpcInference::add_repository_methods() {
  add("RepositoryIndex", &GrpcInference::index);
  for (bool load : {true, false}) {
    server_.add({str("/", kService, load ? "/RepositoryModelLoad" : "/RepositoryModelUnload"),
                 nullptr, [this, load](std::shared_ptr<Exchange> e) { change(std::move(e), load); },
                 nullptr});
  }
}

bool GrpcInference::server_live(const Request&, Reply& reply) {
  if (service_.live()) Writer(reply.message()).boolean(1, true);
  return true;
}

bool GrpcInference::server_ready(const Request&, Reply& reply) {
  if (service_.ready()) Writer(reply.message()).boolean(1, true);
  return true;
}

bool GrpcInference::server_metadata(const Request&, Reply& reply) {
  ServerMetadata metadata = service_.server_metadata();
  Writer w(reply.message());
  w.bytes(1, metadata.name);
  w.bytes(2, metadata.version);
  for (const std::string& extension : metadata.extensions) w.bytes(3, extension);
  return true;
}

bool GrpcInference::model_ready(const Request& request, Reply& reply) {
  std::string_view model, version;
  Status read = read_two(request.message, model, version);
  if (!read.ok()) return reply.fail(read.error()), true;
  auto ready = service_.model_ready(model, version);
  if (!ready.ok() && ready.error().code != Code::kUnavailable)
    fail(reply, ready.error(), service_);
  else if (ready.ok() && *ready)
    Writer(reply.message()).boolean(1, true);
  return true;
}

bool GrpcInference::model_metadata(const Request& request, Reply& reply) {
  std::string_view model, version;
  Status read = read_two(request.message, model, version);
  if (!read.ok()) return reply.fail(read.error()), true;
  auto metadata = service_.model_metadata(model, version);
  if (!metadata.ok()) return fail(reply, metadata.error(), service_), true;
  Writer w(reply.message());
  w.bytes(1, metadata->name);
  for (const std::string& v : metadata->versions) w.bytes(2, v);
  w.bytes(3, metadata->platform);
  for (const auto& t : metadata->inputs) write_tensor(w, 4, t);
  for (const auto& t : metadata->outputs) write_tensor(w, 5, t);
  return true;
}

bool GrpcInference::infer(const Request& request, Reply& reply) {
  ModelRef ref = peek_model(request.message);
  if (service_.defers(ref.model, ref.version)) return false;
  infer_now(request, reply);
  return true;
}

void GrpcInference::infer_now(const Request& request, Reply& reply) {
  work_.reset();
  InferRequest in;
  InferResponse out;
  bool raw = false;
  MonoTime start = SteadyClock::now();
  Status status = read_infer_request(request.message, work_, in, raw);
  if (status.ok()) status = service_.infer(in, work_, out);
  if (!status.ok()) return fail(reply, status.error(), service_);
  append_infer_response(out, raw, reply.message());
  measure(out, start);
  if (work_.capacity() > kKeptMemory) {
    work_.reset();
    work_.trim(kKeptMemory);
  }
}

void GrpcInference::infer_later(std::shared_ptr<Exchange> exchange) {
  const Request& request = exchange->request();
  ModelRef ref = peek_model(request.message);
  if (!service_.defers(ref.model, ref.version)) {
    infer_now(request, exchange->reply());
    return exchange->done();
  }
  auto call = std::make_unique<InferCall>(exchange, service_);
  Status status = call->read();
  if (!status.ok()) return call->done(std::move(status));
  service_.infer_later(std::move(call));
}

bool GrpcInference::index(const Request& request, Reply& reply) {
  bool ready_only = false;
  Reader r(request.message);
  while (r.next()) {
    if (r.tag() == varint_tag(2)) ready_only = r.boolean();
  }
  if (!r.ok()) {
    reply.fail(grpc::StatusCode::kInvalidArgument,
               "the request is no well-formed protobuf message");
    return true;
  }
  Writer w(reply.message());
  for (const IndexEntry& entry : service_.index(ready_only)) {
    size_t mark = w.open(1);
    w.bytes(1, entry.name);
    w.bytes(2, entry.version);
    w.bytes(3, entry.state);
    w.bytes(4, entry.reason);
    w.close(mark);
  }
  return true;
}

// KServe has the model's name in field 1; Triton in field 2, behind the repository's.
void GrpcInference::change(std::shared_ptr<Exchange> exchange, bool load) {
  std::string_view first, second;
  Status read = read_two(exchange->request().message, first, second);
  if (!read.ok()) {
    exchange->reply().fail(read.error());
    return exchange->done();
  }
  std::string model(second.empty() ? first : second);
  auto done = [this, exchange, model](Status status) {
    if (!status.ok()) {
      fail(exchange->reply(), status.error(), service_);
    } else {
      Writer w(exchange->reply().message());
      w.bytes(1, model);
      w.boolean(2, true);
    }
    exchange->done();
  };
  if (load)
    service_.load(model, done);
  else
    service_.unload(model, done);
}

}  // namespace proa::protocols
