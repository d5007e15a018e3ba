// What KServe adds to an InferenceService for the model server that was chosen, before its objects
// are planned: MLServer's environment and model class, and a port for gRPC.
//
// Used by the InferenceService controller; pure. The stored object stays as the user wrote it.
#pragma once

#include <string_view>

#include "foundation/json/value.h"

namespace proa::serving {

json::Value with_server_defaults(json::Value isvc, std::string_view runtime);

}  // namespace proa::serving
