#include "models/engines/onnx/onnx_engine.h"

#include <mutex>

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
    TRY(auto runtime, loaded());
    return onnx::OnnxModel::load(std::move(runtime), file, options);
  }
  std::vector<std::string> covers() const override {
    return {"ONNX models of any opset of the installed ONNX Runtime, ai.onnx.ml included"};
  }

 private:
  // The library's own state lives as long as a model that uses it, and never until the process
  // ends, when the library's has gone already.
  Result<std::shared_ptr<const onnx::Runtime>> loaded() const {
    std::lock_guard lock(mutex_);
    auto runtime = runtime_.lock();
    if (!runtime) {
      TRY(runtime, onnx::Runtime::make());
      runtime_ = runtime;
    }
    return runtime;
  }
  mutable std::mutex mutex_;
  mutable std::weak_ptr<const onnx::Runtime> runtime_;  // guarded by mutex_
};

}  // namespace

const inference::Engine& onnx_engine() {
  static const OnnxEngine engine;
  return engine;
}

}  // namespace proa::engines
