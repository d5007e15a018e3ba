// Triton's config.pbtxt: which file, which versions, and what of it is not served here.
//
// Used by the layout of model folders. Pure but for reading the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/json/value.h"
#include "models/repository/layout.h"

namespace proa::repository {

struct TritonConfig {
  std::string name, file;  // default_model_filename
  std::optional<VersionPolicy> policy;
};

// kUnimplemented for a backend or a scheduling that is not served, with the way out.
Result<TritonConfig> parse_triton(std::string_view text);

// A message in protobuf's text form as an object; what comes several times is a list.
Result<json::Value> parse_text_message(std::string_view text);

}  // namespace proa::repository
