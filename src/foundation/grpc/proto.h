// Descriptors of .proto files, for server reflection: the source text that a service is written by
// is compiled to a FileDescriptorProto when the server starts.
//
// Taken: proto3 with package, message, enum, oneof, map, repeated, service, reserved (skipped) and
// options (skipped); no imports, extensions or groups. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::grpc {

struct ProtoFile {
  std::string name;        // "grpc/health/v1/health.proto"
  std::string descriptor;  // a serialized FileDescriptorProto
  // Full names of messages, enums, services and methods ("a.B.C"), for lookups by symbol.
  std::vector<std::string> symbols;
};

// kInvalid names the line and what is wrong with it.
Result<ProtoFile> compile_proto(std::string_view name, std::string_view source);

}  // namespace proa::grpc
