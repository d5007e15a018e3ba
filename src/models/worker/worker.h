// One thread that serves: a loop, its Service over the shared models, REST and gRPC on its
// listeners. Several share the ports by SO_REUSEPORT.
//
// Made and started by serve; lives until its loop has stopped.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "foundation/async/loop.h"
#include "foundation/http/http.h"
#include "models/protocols/grpc/inference_service.h"
#include "models/protocols/rest/rest.h"
#include "models/protocols/tfserving/tensorflow_service.h"
#include "models/service/model_service.h"
#include "models/worker/options.h"

namespace proa::models {

struct Ports {
  uint16_t http = 0, grpc = 0, metrics = 0;
  bool has_grpc = true;  // a port of its own
};

class Worker {
 public:
  using Metrics = protocols::Rest::Metrics;
  Worker(const ServeOptions& options, repository::Repository& repository, Metrics metrics);
  ~Worker();

  // Ports of 0 in `ports` are chosen, and set; others are shared with the worker that chose them.
  Status listen(Ports& ports, bool shared);
  void start();                            // runs the loop on a thread of its own
  void run() { loop_.run(); }              // or on the caller's
  void drain(std::function<void()> done);  // thread-safe; done: on the worker's thread
  void stop() { loop_.stop(); }
  size_t waiting() const { return service_.waiting(); }  // requests, to be batched; thread-safe
  async::Loop& loop() { return loop_; }

 private:
  http::ServerOptions http_options();

  const ServeOptions& options_;
  async::Loop loop_;
  service::ModelService service_;
  protocols::Rest rest_;
  protocols::GrpcInference grpc_;
  protocols::TensorflowServing tensorflow_;
  std::unique_ptr<http::Server> http_, grpc_server_;
  std::thread thread_;
};

}  // namespace proa::models
