#include "models/protocols/tfserving/tensorflow_service.h"

#include "foundation/base/strings.h"
#include "foundation/obs/metrics.h"

namespace proa::protocols {
namespace {

using grpc::bytes_tag;
using grpc::Exchange;
using grpc::Reader;
using grpc::Reply;
using grpc::Request;
using grpc::Writer;

constexpr size_t kKeptMemory = 4 << 20;
constexpr std::string_view kPrediction = "/tensorflow.serving.PredictionService/";
constexpr std::string_view kModel = "/tensorflow.serving.ModelService/";

}  // namespace

Result<std::string_view> resolve_version(Service& service, const ModelSpec& spec, Workspace& work) {
  if (spec.version) return work.keep(str(*spec.version));
  if (spec.label.empty()) return std::string_view();
  TRY(std::string version, service.version_of(spec.name, spec.label));
  return work.keep(version);
}

Status ask_with_examples(Service& service, const Examples& examples, InferRequest& request,
                         Workspace& work, InferResponse& out) {
  TRY(ModelMetadata model, service.model_metadata(request.model, request.version));
  TRY(auto inputs, inputs_of(model, request.signature));
  TRY_STATUS(to_inputs(examples, inputs, work, request.inputs));
  return service.infer(request, work, out);
}

// A Predict that waits in a batch. The exchange owns the message that `request` views.
class TensorflowServing::PredictCall : public Call {
 public:
  PredictCall(std::shared_ptr<Exchange> exchange, TensorflowServing& face)
      : exchange_(std::move(exchange)), face_(face) {}
  Status read() {
    std::string_view message = exchange_->request().message;
    TRY_STATUS(face_.begin(message, work, request));
    return read_predict_request(message, work, request);
  }
  bool abandoned() const override { return exchange_->closed(); }
  void done(Status status) override {
    if (!status.ok())
      face_.fail(status.error(), exchange_->reply());
    else if (!exchange_->closed())
      append_predict_response(response, request.signature, work, exchange_->reply().message());
    exchange_->done();
  }

 private:
  std::shared_ptr<Exchange> exchange_;
  TensorflowServing& face_;
};

void TensorflowServing::fail(const Error& e, Reply& reply) const {
  reply.fail(e);
  if (e.code == Code::kUnavailable || e.code == Code::kExhausted)
    reply.trailer("retry-after", str(service_.retry_after()));
}

void TensorflowServing::trim() {
  if (work_.capacity() <= kKeptMemory) return;
  work_.reset();
  work_.trim(kKeptMemory);
}

void TensorflowServing::add(grpc::Server& server, std::string_view path, Answer answer) {
  auto now = [this, answer](const Request& request, Reply& reply) {
    work_.reset();
    Status s = (this->*answer)(request.message, reply.message());
    if (!s.ok()) fail(s.error(), reply);
    trim();
    return true;
  };
  server.add({std::string(path), now, nullptr, nullptr});
}

void TensorflowServing::add_to(grpc::Server& server) {
  server.add({str(kPrediction, "Predict"),
              [this](const Request& q, Reply& r) { return predict(q, r); },
              [this](std::shared_ptr<Exchange> e) { predict_later(std::move(e)); }, nullptr});
  add(server, str(kPrediction, "Classify"), &TensorflowServing::classify);
  add(server, str(kPrediction, "Regress"), &TensorflowServing::regress);
  add(server, str(kPrediction, "GetModelMetadata"), &TensorflowServing::metadata);
  add(server, str(kPrediction, "MultiInference"), &TensorflowServing::multi);
  add(server, str(kModel, "GetModelStatus"), &TensorflowServing::model_status);
  add(server, str(kModel, "HandleReloadConfigRequest"), &TensorflowServing::reload);
}

// Model, version and signature of a request whose ModelSpec is field 1.
Status TensorflowServing::begin(std::string_view message, Workspace& work, InferRequest& out) {
  ModelSpec spec;
  TRY_STATUS(read_model_spec(message, 1, spec));
  TRY(out.version, resolve_version(service_, spec, work));
  out.model = spec.name;
  out.signature = spec.signature;
  out.id = "-";  // the protocol has none
  return {};
}

Status TensorflowServing::predict_now(std::string_view message, std::string& out) {
  InferRequest request;
  InferResponse response;
  TRY_STATUS(begin(message, work_, request));
  TRY_STATUS(read_predict_request(message, work_, request));
  TRY_STATUS(service_.infer(request, work_, response));
  append_predict_response(response, request.signature, work_, out);
  return {};
}

bool TensorflowServing::predict(const Request& request, Reply& reply) {
  work_.reset();
  InferRequest in;
  Status s = begin(request.message, work_, in);
  if (s.ok() && service_.defers(in.model, in.version)) return false;
  if (s.ok()) s = predict_now(request.message, reply.message());
  if (!s.ok()) fail(s.error(), reply);
  trim();
  return true;
}

void TensorflowServing::predict_later(std::shared_ptr<Exchange> exchange) {
  auto call = std::make_unique<PredictCall>(exchange, *this);
  if (Status s = call->read(); !s.ok()) return call->done(std::move(s));
  if (service_.defers(call->request.model, call->request.version))
    return service_.infer_later(std::move(call));
  Status s = service_.infer(call->request, call->work, call->response);
  call->done(std::move(s));
}

// ClassificationRequest and RegressionRequest: model_spec = 1, input = 2.
Status TensorflowServing::judge(std::string_view message, bool regress, std::string& out) {
  InferRequest request;
  InferResponse response;
  Examples examples;
  TRY_STATUS(begin(message, work_, request));
  Reader r(message);
  while (r.next())
    if (r.tag() == bytes_tag(2)) TRY_STATUS(read_examples(r.message(), examples));
  if (examples.rows.empty()) return error(Code::kInvalid, "Input is empty.");
  TRY_STATUS(ask_with_examples(service_, examples, request, work_, response));
  if (regress) {
    TRY(auto values, values_of(response, examples.rows.size(), work_));
    append_values(values, out);
  } else {
    TRY(auto classes, classes_of(response, examples.rows.size(), work_));
    append_classes(classes, out);
  }
  Writer w(out);
  append_model_spec(w, 2, response, request.signature);
  return {};
}

Status TensorflowServing::metadata(std::string_view message, std::string& out) {
  InferRequest request;
  TRY_STATUS(begin(message, work_, request));
  bool any = false;
  Reader r(message);
  while (r.next()) {
    if (r.tag() != bytes_tag(2)) continue;
    any = true;
    if (r.bytes() != "signature_def")
      return error(Code::kInvalid, str("Metadata field ", shorten(r.bytes(), 100),
                                       " is not supported; signature_def is"));
  }
  if (!any)
    return error(Code::kInvalid,
                 "GetModelMetadataRequest must specify at least one metadata_field");
  TRY(ModelMetadata model, service_.model_metadata(request.model, request.version));
  InferResponse spec;
  spec.model = request.model;
  spec.version = model.version;
  std::string map;
  append_signatures(signatures_of(model), map);
  Writer w(out);
  append_model_spec(w, 1, spec, request.signature);
  size_t entry = w.open(2);
  w.bytes(1, "signature_def");
  size_t any_message = w.open(2);
  w.bytes(1, "type.googleapis.com/tensorflow.serving.SignatureDefMap");
  w.bytes(2, map);
  w.close(any_message);
  w.close(entry);
  return {};
}

Status TensorflowServing::model_status(std::string_view message, std::string& out) {
  InferRequest request;
  TRY_STATUS(begin(message, work_, request));
  TRY(auto states, service_.version_states(request.model, request.version));
  Writer w(out);
  for (const VersionState& s : states) {
    size_t one = w.open(1);
    w.number(1, static_cast<uint64_t>(version_number(s.version)));
    w.number(2, s.available ? 30 : 50);  // AVAILABLE, END
    size_t status = w.open(3);
    if (!s.available) {
      w.number(1, 14);  // UNAVAILABLE
      w.bytes(2, s.reason);
    }
    w.close(status);
    w.close(one);
  }
  return {};
}

Status TensorflowServing::multi(std::string_view, std::string&) {
  return error(Code::kUnimplemented,
               "MultiInference is not served: send each of its tasks by Classify or Regress");
}

Status TensorflowServing::reload(std::string_view, std::string&) {
  return error(Code::kUnimplemented,
               "HandleReloadConfigRequest is not served: models are loaded and unloaded by "
               "inference.GRPCInferenceService's RepositoryModelLoad and RepositoryModelUnload");
}

}  // namespace proa::protocols
