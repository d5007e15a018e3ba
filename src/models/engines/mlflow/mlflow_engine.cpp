#include "models/engines/mlflow/mlflow_engine.h"

#include <sys/stat.h>

#include <algorithm>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "foundation/json/yaml.h"
#include "models/engines/mlflow/signature.h"

namespace proa::engines {
namespace {

using inference::Cell;
using inference::Engine;
using inference::Model;
using inference::Table;
using inference::Workspace;

constexpr size_t kMostBytes = 4 << 20;

// A flavour, the engine that reads it, and where MLmodel says its file is.
struct Flavour {
  std::string_view name, engine, member, other_file;
};
constexpr Flavour kFlavours[] = {
    {"sklearn", "sklearn", "pickled_model", "model.pkl"},
    {"xgboost", "xgboost", "data", "model.xgb"},
    {"lightgbm", "lightgbm", "data", "model.lgb"},
    {"catboost", "catboost", "data", "model.cb"},
    {"onnx", "onnx", "data", "model.onnx"},
    {"tensorflow", "openvino", "saved_model_dir", "data/model"},
    {"paddle", "openvino", "pickled_model", "model.pdmodel"},
};

bool is_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

// Below the model's folder, whatever the file says.
bool is_inside(std::string_view path) {
  if (path.empty() || path.starts_with('/')) return false;
  for (std::string_view part : split(path, '/'))
    if (part == "..") return false;
  return true;
}

// A model of rows whose signature says what its columns are.
class Signed : public Model {
 public:
  Signed(std::unique_ptr<Model> inner, Signature signature)
      : inner_(std::move(inner)), signature_(std::move(signature)), info_(inner_->info()) {
    info_.platform = "mlflow";
    if (!signature_.inputs.empty()) info_.inputs = signature_.inputs;
    if (signature_.outputs.size() == info_.outputs.size())
      for (size_t i = 0; i < info_.outputs.size(); ++i) {
        info_.outputs[i].type = signature_.outputs[i].type;
        info_.outputs[i].shape = signature_.outputs[i].shape;
      }
  }
  const inference::ModelInfo& info() const override { return info_; }
  Status predict(const Table& in, inference::Method method, Workspace& work,
                 inference::Output& out) const override {
    if (in.names.empty() || !signature_.has_columns || in.form == Table::Form::kSparse)
      return inner_->predict(in, method, work, out);
    TRY(Table ordered, in_order(in, work));
    return inner_->predict(ordered, method, work, out);
  }

 private:
  // The columns of the signature, in its order; others are left out, as MLflow does.
  Result<Table> in_order(const Table& in, Workspace& work) const {
    size_t count = signature_.inputs.size();
    auto places = work.take<size_t>(count);
    auto names = work.take<std::string_view>(count);
    for (size_t i = 0; i < count; ++i) {
      names[i] = signature_.inputs[i].name;
      auto at = std::find(in.names.begin(), in.names.end(), names[i]);
      places[i] = static_cast<size_t>(at - in.names.begin());
      if (at == in.names.end() && signature_.required[i])
        return error(Code::kInvalid, str("Model is missing inputs ['", names[i], "']."));
      if (at == in.names.end()) return in;  // an optional one: the model decides
    }
    Table out = in;
    out.columns = count;
    out.names = names;
    bool dense = in.form == Table::Form::kDense;
    auto numbers = work.take<double>(dense ? std::max<size_t>(in.rows * count, 1) : 1);
    auto cells = work.take<Cell>(dense ? 1 : std::max<size_t>(in.rows * count, 1));
    for (size_t r = 0; r < in.rows; ++r)
      for (size_t c = 0; c < count; ++c) {
        size_t from = r * in.columns + places[c];
        if (dense)
          numbers[r * count + c] = in.dense[from];
        else
          cells[r * count + c] = in.cells[from];
      }
    out.dense = numbers.data();
    out.cells = cells.data();
    return out;
  }

  std::unique_ptr<Model> inner_;
  Signature signature_;
  inference::ModelInfo info_;
};

// The file of a flavour: what MLmodel names, or of a folder the SavedModel in it.
Result<std::string> file_of(const std::string& folder, const Flavour& flavour,
                            const json::Value& entry) {
  std::string relative(entry[flavour.member].str());
  if (relative.empty()) relative = flavour.other_file;
  if (!is_inside(relative))
    return error(Code::kInvalid, str("the flavour ", flavour.name, " names the file '",
                                     shorten(relative, 100), "', outside of the model's folder"));
  std::string path = str(folder, "/", relative);
  for (const char* inside : {"/saved_model.pb", "/model/saved_model.pb", "/model.keras"})
    if (is_file(path + inside)) return path + inside;
  if (is_file(path)) return path;
  return error(Code::kNotFound,
               str("the flavour ", flavour.name, " names ", relative, ", which is not there"));
}

Error not_covered(const json::Value& flavours) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : flavours.object()) names.push_back(name);
  return error(Code::kUnimplemented,
               str("its flavours (", shorten(join(names, ", "), 200),
                   ") need Python; sklearn, xgboost, lightgbm, catboost, onnx and tensorflow "
                   "(SavedModel) are served: log the model with one of them, or export it to ONNX "
                   "(mlflow.onnx.log_model), or run it as a custom container"));
}

}  // namespace

std::span<const std::string_view> MlflowEngine::extensions() const {
  static constexpr std::string_view kExtensions[] = {"MLmodel"};
  return kExtensions;
}

std::vector<std::string> MlflowEngine::covers() const {
  std::vector<std::string> all;
  for (const Flavour& f : kFlavours) all.push_back(str("flavour ", f.name));
  return all;
}

const Engine* MlflowEngine::find(std::string_view engine) const {
  for (const Engine* e : others_)
    if (e->name() == engine) return e;
  return nullptr;
}

Result<std::unique_ptr<Model>> MlflowEngine::load(const std::string& file,
                                                  const inference::LoadOptions& options) const {
  TRY(std::string text, read_file(file, kMostBytes));
  TRY(json::Value model, json::parse_yaml(text));
  std::string folder = file.substr(0, file.rfind('/'));
  const json::Value& flavours = model["flavors"];
  for (const Flavour& f : kFlavours) {
    if (flavours[f.name].is_null()) continue;
    const Engine* engine = find(f.engine);
    if (!engine) continue;
    TRY(std::string path, file_of(folder, f, flavours[f.name]));
    auto loaded = engine->load(path, options);
    if (!loaded.ok())
      return std::move(loaded).error().with_context(str("flavour ", f.name, ", ", path));
    if ((*loaded)->tensors()) return loaded;
    TRY(Signature signature, read_signature(model["signature"]));
    return std::unique_ptr<Model>(
        std::make_unique<Signed>(std::move(*loaded), std::move(signature)));
  }
  return not_covered(flavours);
}

}  // namespace proa::engines
