// Admission: what other parts do to objects on their way into the store; a list of them is given by
// app/.
//
// Called on any thread, several at once, without a lock held; `old` is null on create. mutate comes
// after the schema's defaults, validate after the schema's checks. Neither is called for a write to
// a subresource. An error refuses the write: kForbidden → 403, kInvalid → 400, kUnprocessable →
// 422.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/client.h"

namespace proa::apiserver {

using Warnings = std::vector<std::string>;

struct Admission {
  client::Kind kind;
  std::function<Result<void>(json::Value& object, const json::Value* old)> mutate;  // may be empty
  std::function<Result<Warnings>(const json::Value& object, const json::Value* old)>
      validate;  // may be empty
};

}  // namespace proa::apiserver
