// Numbers of a JSON request as the elements of a tensor. Private to this folder; pure.
#pragma once

#include <span>
#include <string_view>

#include "foundation/base/result.h"
#include "models/protocols/request.h"

namespace proa::protocols {

Error wrong_input(std::string_view name, std::string_view what);

// The doubles as `type` holds them, in `work`, or where they are; kInvalid names the element that
// `type` cannot hold.
Result<const void*> as_type(std::span<const double> from, DataType type, std::string_view name,
                            Workspace& work);

}  // namespace proa::protocols
