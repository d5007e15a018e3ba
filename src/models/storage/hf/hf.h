// Model hubs, for models/storage's resolve(): hf://OWNER/MODEL[:REVISION] (Hugging Face, HF_TOKEN,
// HF_ENDPOINT) and modelscope://OWNER/MODEL[:REVISION] (MODELSCOPE_API_TOKEN, MODELSCOPE_ENDPOINT).
#pragma once

#include "models/storage/transfer/source.h"

namespace proa::storage {

Result<Resolved> resolve_hugging_face(const Uri& uri, const SourceOptions& options);
Result<Resolved> resolve_modelscope(const Uri& uri, const SourceOptions& options);

// The target of `<URL>; rel="next"` in a Link header; "" if there is none. Pure.
std::string next_link(std::string_view link_header);

}  // namespace proa::storage
