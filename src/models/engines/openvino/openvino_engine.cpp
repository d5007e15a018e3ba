#include "models/engines/openvino/openvino_engine.h"

#include "foundation/base/strings.h"
#include "models/engines/library/kept.h"
#include "models/engines/openvino/network.h"

namespace proa::engines {
namespace {

bool is_keras(std::string_view file) {
  return file.ends_with(".keras") || file.ends_with(".h5") || file.ends_with(".hdf5");
}

class OpenvinoEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "openvino"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kExtensions[] = {".xml",   ".pb", ".tflite", ".pdmodel",
                                                       ".keras", ".h5", ".hdf5"};
    return kExtensions;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    if (is_keras(file))
      return error(Code::kUnimplemented,
                   "files of Keras hold Python code's classes by name and are not served; save it "
                   "as a SavedModel: model.export(\"FOLDER\") in Keras 3, model.save(\"FOLDER\") "
                   "in TensorFlow before 2.16");
    TRY(auto runtime, runtime_.get());
    return openvino::Network::load(std::move(runtime), file, options);
  }
  std::vector<std::string> covers() const override {
    return {"OpenVINO IR (.xml with .bin)",
            "TensorFlow SavedModel (saved_model.pb) and frozen graphs (.pb)",
            "TensorFlow Lite (.tflite)", "Paddle (.pdmodel with .pdiparams)",
            "ONNX networks, with --framework=openvino"};
  }

 private:
  mutable Kept<openvino::Runtime> runtime_;
};

}  // namespace

const inference::Engine& openvino_engine() {
  static const OpenvinoEngine engine;
  return engine;
}

}  // namespace proa::engines
