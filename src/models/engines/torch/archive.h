// TorchServe's model archives (.mar), and what a PyTorch file is by what lies in it.
//
// Private to this folder. Python code is never run: what needs it is refused with the way out.
#pragma once

#include <string>

#include "foundation/base/result.h"
#include "models/engines/torch/zip.h"

namespace proa::torch {

struct Manifest {
  std::string name, version, serialized_file, handler, model_file;
};
// MAR-INF/MANIFEST.json.
Result<Manifest> parse_manifest(std::string_view json);
// kUnimplemented for an archive that needs Python; kInvalid for one that holds no model.
Status check_manifest(const Manifest& manifest);

// A TorchScript file, told by its entries; else why not, and the way out.
Status check_script(const Zip& zip);
// The same of a file; also one that is no zip file at all.
Status check_script_file(const std::string& path);

struct Archive {
  Manifest manifest;
  std::string script;  // the bytes of the TorchScript file
};
Result<Archive> read_archive(const std::string& path, size_t memory_limit);

}  // namespace proa::torch
