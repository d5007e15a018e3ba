// TensorFlow Serving's gRPC over the one Service: tensorflow.serving.PredictionService (Predict,
// Classify, Regress, GetModelMetadata) and ModelService (GetModelStatus), for every kind of model.
// MultiInference and HandleReloadConfigRequest are refused with the way out.
//
//   TensorflowServing tensorflow(service);
//   tensorflow.add_to(grpc.server());
//
// Loop thread only; must outlive the grpc::Server.
#pragma once

#include <functional>

#include "foundation/grpc/server.h"
#include "models/protocols/tfserving/examples.h"
#include "models/protocols/tfserving/messages.h"

namespace proa::protocols {

class TensorflowServing {
 public:
  explicit TensorflowServing(Service& service) : service_(service) {}
  void add_to(grpc::Server& server);

 private:
  class PredictCall;
  using Answer = Status (TensorflowServing::*)(std::string_view message, std::string& out);
  void add(grpc::Server& server, std::string_view path, Answer answer);
  bool predict(const grpc::Request& request, grpc::Reply& reply);
  void predict_later(std::shared_ptr<grpc::Exchange> exchange);
  Status predict_now(std::string_view message, std::string& out);
  Status classify(std::string_view message, std::string& out) { return judge(message, false, out); }
  Status regress(std::string_view message, std::string& out) { return judge(message, true, out); }
  Status judge(std::string_view message, bool regress, std::string& out);
  Status metadata(std::string_view message, std::string& out);
  Status model_status(std::string_view message, std::string& out);
  Status multi(std::string_view message, std::string& out);
  Status reload(std::string_view message, std::string& out);
  Status begin(std::string_view message, Workspace& work, InferRequest& out);
  void fail(const Error& e, grpc::Reply& reply) const;
  void trim();

  Service& service_;
  Workspace work_;
};

// Examples through a model, for Classify and Regress of gRPC and REST. `request` has model, version
// and signature; the examples must outlive the response.
Status ask_with_examples(Service& service, const Examples& examples, InferRequest& request,
                         Workspace& work, InferResponse& out);

// The version that a label stands for, where there is one.
Result<std::string_view> resolve_version(Service& service, const ModelSpec& spec, Workspace& work);

}  // namespace proa::protocols
