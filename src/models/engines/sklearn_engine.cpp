#include "models/engines/sklearn_engine.h"

#include <algorithm>
#include <array>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/maker.h"
#include "models/engines/pickle/file.h"
#include "models/engines/sklearn_model.h"

namespace proa::engines {
namespace {

using inference::LoadOptions;
using inference::Model;

class SklearnEngine : public inference::Engine {
 public:
  std::string_view name() const override { return "sklearn"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::array<std::string_view, 3> kExtensions = {".joblib", ".pkl", ".pickle"};
    return kExtensions;
  }
  Result<std::unique_ptr<Model>> load(const std::string& file,
                                      const LoadOptions& options) const override;
  std::vector<std::string> covers() const override { return sklearn_classes(); }
};

pickle::FileLimits limits_for(const LoadOptions& options) {
  pickle::FileLimits limits;
  limits.pickle.allow = sklearn_allows;
  if (options.memory_limit == 0) return limits;
  limits.bytes = std::min(limits.bytes, options.memory_limit);
  limits.pickle.nodes = std::min(limits.pickle.nodes, options.memory_limit / 128 + 10'000);
  limits.pickle.memo = std::min(limits.pickle.memo, limits.pickle.nodes);
  return limits;
}

Result<std::unique_ptr<Model>> SklearnEngine::load(const std::string& file,
                                                   const LoadOptions& options) const {
  TRY(std::string bytes, read_file(file, limits_for(options).bytes));
  return read_sklearn(std::move(bytes), options);
}

// What to do about a class of a known library that is not in the catalogue.
Error with_way_out(Error e) {
  constexpr std::string_view kEnd = "is not supported yet";
  if (e.code != Code::kUnimplemented || !e.message.ends_with(kEnd)) return e;
  e.message.resize(e.message.size() - 4);
  if (e.message.starts_with("pandas."))
    e.message +=
        "; a model that keeps pandas objects (a callable with a DataFrame, a lookup table) is not "
        "read: keep numpy arrays or lists in it";
  else
    e.message += str("; ", kWayOut);
  return e;
}

// The module without its private parts: "sklearn.svm._classes" → "sklearn.svm".
std::string_view public_module(std::string_view modules) {
  std::string_view best;
  for (std::string_view module : split(modules, ' ')) {
    size_t cut = module.find("._");
    if (cut != std::string_view::npos) return module.substr(0, cut);
    if (best.empty()) best = module;
  }
  return best;
}

}  // namespace

pickle::Verdict sklearn_allows(std::string_view module, std::string_view name) {
  if (find_entry(module, name)) return pickle::Verdict::kAllowed;
  return pickle::classify(module, name);
}

std::vector<std::string> sklearn_classes() {
  std::vector<std::string> out;
  for (std::span<const Entry> family : catalog())
    for (const Entry& e : family)
      if (e.make) out.push_back(str(public_module(e.modules), ".", e.name));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<std::unique_ptr<Model>> read_sklearn(std::string bytes, const LoadOptions& options) {
  size_t file_bytes = bytes.size();
  auto document = pickle::read_bytes(std::move(bytes), limits_for(options));
  if (!document.ok()) return with_way_out(std::move(document).error());
  const pickle::Node& root = *(*document)->root;
  std::string version(pickle::sklearn_version((*document)->bytes));
  FileMaker maker(version);
  TRY(auto estimator, maker.make(&root));
  inference::ModelInfo info;
  info.version = version;
  info.file_bytes = file_bytes;
  info.memory_bytes = (*document)->bytes.size();
  TRY(auto model, SklearnModel::make(root, std::move(estimator), options, std::move(info)));
  return std::unique_ptr<Model>(std::move(model));
}

const inference::Engine& sklearn_engine() {
  static const SklearnEngine engine;
  return engine;
}

}  // namespace proa::engines
