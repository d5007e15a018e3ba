#include "models/engines/pmml/pmml_engine.h"

#include "foundation/base/file.h"
#include "models/engines/pmml/document.h"

namespace proa::engines {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;

class PmmlEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "pmml"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::string_view kExtensions[] = {".pmml"};
    return kExtensions;
  }
  Result<std::unique_ptr<inference::Model>> load(
      const std::string& file, const inference::LoadOptions& options) const override {
    TRY(std::string text, read_file(file, kMostBytes));
    return read_pmml(std::move(text), options);
  }
  std::vector<std::string> covers() const override {
    return {"TreeModel",
            "RegressionModel",
            "GeneralRegressionModel",
            "Scorecard",
            "NeuralNetwork",
            "ClusteringModel",
            "NaiveBayesModel",
            "SupportVectorMachineModel",
            "MiningModel of segments",
            "transformations",
            "targets",
            "outputs"};
  }
};

}  // namespace

const inference::Engine& pmml_engine() {
  static const PmmlEngine engine;
  return engine;
}

Result<std::unique_ptr<inference::Model>> read_pmml(std::string text,
                                                    const inference::LoadOptions&) {
  TRY(auto root, pmml::parse_xml(text));
  return pmml::Document::make(std::move(root), text.size());
}

}  // namespace proa::engines
