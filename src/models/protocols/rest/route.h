// Paths of the V1 and V2 REST protocols. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace proa::protocols {

enum class Endpoint : uint8_t {
  kNone,
  kAlive,       // /
  kMetrics,     // /metrics
  kV1Models,    // /v1/models
  kV1Model,     // /v1/models/M[/versions/V]
  kV1Metadata,  // /v1/models/M[/versions/V]/metadata, as TensorFlow Serving has it
  kV1Classify,  // /v1/models/M[/versions/V]:classify
  kV1Regress,   // /v1/models/M[/versions/V]:regress
  kV1Predict,   // /v1/models/M[/versions/V]:predict
  kV1Explain,   // /v1/models/M:explain
  kServer,      // /v2
  kLive,        // /v2/health/live
  kReady,       // /v2/health/ready
  kV2Models,    // /v2/models
  kModel,       // /v2/models/M[/versions/V]
  kModelReady,  // /v2/models/M[/versions/V]/ready
  kInfer,       // /v2/models/M[/versions/V]/infer
  kIndex,       // /v2/repository/index
  kLoad,        // /v2/repository/models/M/load
  kUnload,      // /v2/repository/models/M/unload
};

struct Route {
  Endpoint endpoint = Endpoint::kNone;
  bool post = false;  // else GET
  std::string_view model, version;
  std::string_view label;  // of V1, in place of a version: /v1/models/M/labels/L
};

Route route(std::string_view path);  // views into `path`

}  // namespace proa::protocols
