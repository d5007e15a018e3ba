// inference.GRPCInferenceService: the Open Inference Protocol on gRPC, with the model repository
// extension, health and reflection, over the one Service.
//
//   GrpcInference grpc(loop, service, {});
//   grpc.attach(rest_options);   // the REST port: gRPC by content type, before what is set there
//   grpc.attach(grpc_options);   // the port of its own
//
// Loop thread only; must outlive the http::Servers that it is attached to.
#pragma once

#include <optional>
#include <string_view>

#include "foundation/grpc/health.h"
#include "foundation/grpc/reflection.h"
#include "foundation/grpc/server.h"
#include "models/protocols/service.h"

namespace proa::protocols {

class GrpcInference {
 public:
  GrpcInference(async::Loop& loop, Service& service, grpc::Options options);
  void attach(http::ServerOptions& options) { server_.attach(options); }
  grpc::Server& server() { return server_; }  // for further services, before it is attached
  // Models came, went, or the server drains: those who watch the health are told.
  void changed() { health_.changed(); }
  void drain() { health_.end(); }  // ends the streams that would never end

 private:
  void add_server_methods();
  void add_model_methods();
  void add_repository_methods();
  void add(std::string_view name,
           bool (GrpcInference::*answer)(const grpc::Request&, grpc::Reply&));
  std::optional<bool> serves(std::string_view service);

  bool server_live(const grpc::Request& request, grpc::Reply& reply);
  bool server_ready(const grpc::Request& request, grpc::Reply& reply);
  bool server_metadata(const grpc::Request& request, grpc::Reply& reply);
  bool model_ready(const grpc::Request& request, grpc::Reply& reply);
  bool model_metadata(const grpc::Request& request, grpc::Reply& reply);
  bool infer(const grpc::Request& request, grpc::Reply& reply);
  void infer_now(const grpc::Request& request, grpc::Reply& reply);
  void infer_later(std::shared_ptr<grpc::Exchange> exchange);
  bool index(const grpc::Request& request, grpc::Reply& reply);
  void change(std::shared_ptr<grpc::Exchange> exchange, bool load);

  Service& service_;
  grpc::Server server_;
  grpc::Health health_;
  grpc::Reflection reflection_;
  Workspace work_;
};

}  // namespace proa::protocols
