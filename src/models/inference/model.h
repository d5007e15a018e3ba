// Model: what predicts. Engine: what makes a Model of the files of one framework.
//
// Used by the protocols, the batching and the repository. A Model is immutable and shared by
// threads; each thread brings a Workspace. Rows are independent of each other, so that rows of
// several requests may be predicted in one call (batching), and many rows in several calls.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"
#include "models/inference/values.h"
#include "models/inference/workspace.h"

namespace proa::inference {

// What may be asked of a model: scikit-learn's methods by their names. kDefault is predict, or
// transform for a model that has no predict, or as LoadOptions say.
enum class Method : uint8_t {
  kDefault,
  kPredict,
  kPredictProba,
  kPredictLogProba,
  kDecisionFunction,
  kScoreSamples,
  kTransform,
  kApply,    // leaf indices of trees
  kContrib,  // per-feature contributions (SHAP), where an engine has them
  kRaw,      // margins before the objective's link, of boosted trees
};
const char* to_string(Method method);  // "predict_proba"
std::optional<Method> method(std::string_view name);

struct TensorInfo {
  std::string name;
  DataType type = DataType::kFp64;
  std::vector<int64_t> shape;  // -1: any
  bool any_shape = false;      // of tensors: any rank, too
  bool any_type = false;       // of tensors: any datatype; `type` where a request names none
};

// What XGBClassifier.predict makes of the booster's own answer, if such a classifier saved the
// file.
enum class Classes : uint8_t {
  kNone,
  kAboveHalf,      // one number: 0 or 1, INT64
  kEachAboveHalf,  // one number a label: 0 or 1 each, FP64
  kLargest,        // one number a class: the class, INT64
  kNumber,         // the class already: as INT32
};

// One of the ways to call a model of TensorFlow that its SavedModel lists, under the names that the
// model's author chose. `type` is TensorFlow's DataType.
struct SignatureTensor {
  std::string name, tensor;  // "probabilities", "StatefulPartitionedCall:1"
  int type = 0;
  std::vector<int64_t> shape;  // -1: any
  bool any_rank = false;
};
struct Signature {
  std::string name, method;  // "serving_default", "tensorflow/serving/predict"
  std::vector<SignatureTensor> inputs, outputs;
};

struct ModelInfo {
  std::string engine;    // "sklearn"
  std::string platform;  // V2 metadata: "sklearn", "xgboost", "lightgbm", …
  std::string type;      // "sklearn.svm._classes.SVC", "Pipeline(StandardScaler, SVC)"
  std::string version;   // of the framework that wrote it, "" if unknown
  size_t features = 0;   // columns of a row; 0: any number
  std::vector<TensorInfo> inputs, outputs;  // what the default method takes and gives
  std::vector<Method> methods;              // that predict() takes
  std::vector<Signature> signatures;        // of a SavedModel; else none
  Classes classes = Classes::kNone;
  size_t file_bytes = 0;
  size_t memory_bytes = 0;  // of the loaded parameters, about
};

class TensorModel;  // tensor.h

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelInfo& info() const = 0;
  // Memory of `out` is `work`'s or the model's: valid until work.reset(). Zero rows are answered
  // with zero rows, or as the framework refuses them. Errors: kInvalid for input that the model
  // does not take (names both widths, the column, the value), kUnimplemented for a method that it
  // does not have.
  virtual Status predict(const Table& in, Method method, Workspace& work, Output& out) const = 0;
  // This, where it is asked by tensors and not by predict().
  virtual const TensorModel* tensors() const { return nullptr; }
};

struct LoadOptions {
  Method method = Method::kDefault;  // what kDefault means; PREDICT_PROBA=true: kPredictProba
  size_t memory_limit = 0;           // bytes; 0: none
  size_t threads = 1;                // of a library that has its own, for one prediction
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;                         // "sklearn"
  virtual std::span<const std::string_view> extensions() const = 0;  // ".joblib"
  // `file` is a whole path. Errors name what is wrong with the file, and the way out.
  virtual Result<std::unique_ptr<Model>> load(const std::string& file,
                                              const LoadOptions& options) const = 0;
  // What it covers, a name a line, for `proa serve --list-formats`.
  virtual std::vector<std::string> covers() const = 0;
};

}  // namespace proa::inference
