#include "models/engines/onnx/onnx_engine.h"

#include "models/engines/library/kept.h"
#include "models/engines/onnx/session.h"

namespace proa::engines {
namespace {

class OnnxEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "onnx"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kExtensions[] = {".onnx"};
    return kExtensions;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    TRY(auto runtime, runtime_.get());
    return onnx::OnnxModel::load(std::move(runtime), file, options);
  }
  std::vector<std::string> covers() const override {
    return {"ONNX models of any opset of the installed ONNX Runtime, ai.onnx.ml included"};
  }

 private:
  mutable Kept<onnx::Runtime> runtime_;
};

}  // namespace

const inference::Engine& onnx_engine() {
  static const OnnxEngine engine;
  return engine;
}

}  // namespace proa::engines
