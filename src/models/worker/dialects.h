// The command lines of the model servers that `proa serve` stands in for: tritonserver,
// tensorflow_model_server, OpenVINO's model server, torchserve. What their flags mean in ours.
//
// Used by the options. Pure but for reading torchserve's config.properties.
#pragma once

#include <string>
#include <string_view>

#include "models/worker/options.h"

namespace proa::models {

// "tritonserver", "torchserve": the first word of their arguments.
bool is_server_name(std::string_view word);
// "model_store" → "model_dir"; others as they are. Names have '_' for '-'.
std::string our_flag(std::string_view name);
// A flag of theirs that is taken without effect.
bool means_nothing_here(std::string_view name);
// kUnimplemented, with the way out, for what such a server has and this one does not.
Status check_served(std::string_view name, std::string_view value);

// torchserve's config.properties: model_store, load_models, model_snapshot. A file that is not
// there says nothing.
Status read_torchserve_config(ServeOptions& options, const std::string& path);
Status parse_torchserve_config(ServeOptions& options, std::string_view text);
// A model store that is not there: the folder above it, so that a plain model file is served too.
void use_plain_folder(ServeOptions& options);

}  // namespace proa::models
