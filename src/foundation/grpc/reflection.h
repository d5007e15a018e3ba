// Server reflection (grpc.reflection.v1 and v1alpha), so that grpcurl and its like need no .proto.
//
// Give it the .proto texts of all services; it brings its own. Loop thread only; must outlive the
// Server that it is added to.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/grpc/proto.h"
#include "foundation/grpc/server.h"

namespace proa::grpc {

class Reflection {
 public:
  Reflection();
  Status add(std::string_view name, std::string_view source);
  void add_to(Server& server);
  // The answer to one ServerReflectionRequest; kInternal if it is malformed.
  Status answer(std::string_view request, std::string& out) const;

 private:
  struct Query;
  void resolve(const Query& query, std::string_view request, std::string& out) const;
  const ProtoFile* by_symbol(std::string_view symbol) const;

  std::vector<ProtoFile> files_;
  std::map<std::string, size_t, std::less<>> symbols_;
  const Server* server_ = nullptr;
};

}  // namespace proa::grpc
