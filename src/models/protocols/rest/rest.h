// The REST face of a Service: KServe's V1 protocol and V2, the Open Inference Protocol, with the
// model repository and metrics. Set its two functions as http::Server's inline handler and handler.
//
// Loop thread only. Service must outlive it. Requests of models that do not batch are answered
// inside the inline handler and allocate nothing once warm; the others, loads and large bodies come
// by the ordinary handler.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "foundation/http/http.h"
#include "foundation/http/inline.h"
#include "models/protocols/rest/job.h"
#include "models/protocols/service.h"

namespace proa::protocols {

class Rest {
 public:
  using Metrics = std::function<void(std::string& out)>;
  Rest(Service& service, RestOptions options, Metrics metrics);

  bool answer(const http::RequestView& request, http::ResponseBuffer& response);
  void answer_later(http::Request request, std::shared_ptr<http::Responder> responder);

 private:
  class Later;
  Route route_of(std::string_view path);
  Status resolve(Route& route);
  bool waits(const Route& route);
  HttpAnswer now(const http::RequestView& request, const Route& route, std::string& out);
  HttpAnswer infer(const http::RequestView& request, const Route& route, std::string& out);
  HttpAnswer get(const Route& route, std::string& out);
  HttpAnswer server(std::string& out);
  HttpAnswer model(const Route& route, std::string& out);
  HttpAnswer model_ready(const Route& route, std::string& out);
  HttpAnswer ready(std::string& out);
  HttpAnswer models(std::string& out);
  HttpAnswer index(std::string_view body, std::string& out);
  // As TensorFlow Serving answers: tensorflow.cpp.
  HttpAnswer version_states(const Route& route, std::string& out);
  HttpAnswer signatures(const Route& route, std::string& out);
  HttpAnswer judge(const http::RequestView& request, const Route& route, std::string& out);
  Status judge_body(std::string_view body, const Route& route, std::string& out);
  void change(const Route& route, std::shared_ptr<http::Responder> responder);

  Service& service_;
  RestOptions options_;
  Metrics metrics_;
  std::string decoded_path_, label_version_;
  Job job_;
  Workspace work_;
  InferRequest request_;
  InferResponse response_;
};

}  // namespace proa::protocols
