// The body of a V1 predict request, {"instances": [[…], …]} or {"inputs": …}, parsed in one pass
// straight into doubles. Strict JSON (RFC 8259); other members are checked and skipped.
//
// Used by the model server for every request; allocates nothing once its buffer is large enough.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::models {

struct Rows {
  std::vector<double> values;  // row-major, rows × columns of them; its size only grows
  size_t rows = 0, columns = 0;
};

// Errors are kInvalid: "Unrecognized request format: …" for what is no JSON, else what is wrong.
Status parse_rows(std::string_view body, Rows& out);

}  // namespace proa::models
