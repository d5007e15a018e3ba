// Triton's config.pbtxt: which file, which versions, how requests are joined, an ensemble's steps,
// and what of it is not served here, or changes nothing.
//
// Used by the layout of model folders. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/json/value.h"
#include "models/repository/ensemble.h"
#include "models/repository/layout.h"

namespace proa::repository {

struct TritonConfig {
  std::string name, file;  // default_model_filename
  std::optional<VersionPolicy> policy;
  size_t max_batch_size = 0;  // rows of a request; 0: the first dimension is none of rows
  bool batches = false;       // dynamic_batching
  size_t preferred = 0;       // the smallest preferred_batch_size
  double delay_seconds = 0;   // max_queue_delay_microseconds
  size_t instances = 0;       // of all groups; 0: not said
  std::optional<EnsembleConfig> ensemble;
  std::vector<std::string> warnings;  // what changes nothing here
};

// kUnimplemented for a backend or a setting that is not served, with the way out; kInvalid for a
// field that ModelConfig lacks.
Result<TritonConfig> parse_triton(std::string_view text);

// A message in protobuf's text form as an object; what comes several times is a list.
Result<json::Value> parse_text_message(std::string_view text);

}  // namespace proa::repository
