#include "models/engines/torch/torch_engine.h"

#include "foundation/base/strings.h"
#include "foundation/obs/log.h"
#include "models/engines/library/kept.h"
#include "models/engines/torch/archive.h"
#include "models/engines/torch/script.h"

namespace proa::engines {
namespace {

// What the file is, before libtorch is asked for: who cannot be served is told so at once.
Result<torch::Source> source_of(const std::string& file, const inference::LoadOptions& options) {
  torch::Source source;
  source.path = file;
  if (!file.ends_with(".mar")) {
    TRY_STATUS(torch::check_script_file(file));
    return source;
  }
  TRY(auto archive, torch::read_archive(file, options.memory_limit));
  if (!archive.manifest.handler.empty() && archive.manifest.handler != "base_handler")
    log::warn("serve", str("the handler ", archive.manifest.handler,
                           " is Python code and does not run: requests and answers are the "
                           "network's own tensors"));
  source.archive = true;
  source.bytes = std::move(archive.script);
  return source;
}

class TorchEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "torch"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kExtensions[] = {".pt", ".pth", ".torchscript", ".pt2",
                                                       ".mar"};
    return kExtensions;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    TRY(auto source, source_of(file, options));
    TRY(auto runtime, runtime_.get());
    TRY(auto model, torch::Script::load(std::move(runtime), source, options));
    return model;
  }
  std::vector<std::string> covers() const override {
    return {"TorchScript (.pt, .pth, .torchscript)",
            "TorchServe model archives (.mar) of TorchScript without Python handlers"};
  }

 private:
  mutable Kept<torch::Runtime> runtime_;
};

}  // namespace

const inference::Engine& torch_engine() {
  static const TorchEngine engine;
  return engine;
}

}  // namespace proa::engines
