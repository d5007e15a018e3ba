// Engine and Model: a file of trained parameters becomes something that predicts.
//
// Used by the model server. An Engine knows the files of one framework; a Model is immutable and
// may be shared by threads; a Session is one thread's scratch memory over it, so that predicting
// allocates nothing once warm. Batching is calling predict() with the rows of several requests.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/base/result.h"

namespace proa::engines {

// Dense rows of doubles, row-major.
struct Batch {
  std::span<const double> values;
  size_t rows = 0, columns = 0;
};

enum class Want { kLabels, kProbabilities, kDecision };

// The class labels, each already as JSON: 1, 1.0, "setosa", true.
struct Labels {
  enum class Type { kInt, kFloat, kBool, kText } type = Type::kInt;
  std::vector<std::string> json;
};

// What came out; reused from call to call.
struct Output {
  const Labels* labels = nullptr;  // then classes: one index a row; else numbers
  std::vector<uint32_t> classes;
  std::vector<double> numbers;  // rows × width; width 0: one number a row, not in a list of its own
  size_t width = 0;
};

struct ModelInfo {
  std::string engine;   // "sklearn"
  std::string type;     // "sklearn.svm._classes.SVC", "Pipeline(StandardScaler, SVC)"
  std::string version;  // of the framework that wrote it, "" if unknown
  size_t features = 0;  // numbers in a row
  size_t file_bytes = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  // kInvalid for a wrong width (names both numbers), NaN or infinity.
  virtual Status predict(const Batch& in, Output& out) = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelInfo& info() const = 0;
  virtual std::unique_ptr<Session> session() const = 0;  // must not outlive the model
};

struct LoadOptions {
  Want want = Want::kLabels;
  size_t memory_limit = 0;  // bytes; 0: none
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string_view name() const = 0;
  virtual std::span<const std::string_view> extensions() const = 0;  // ".joblib"
  virtual Result<std::unique_ptr<Model>> load(const std::string& file,
                                              const LoadOptions&) const = 0;
};

// The one model file in `dir` (which may also be the file), as KServe's servers choose it: exactly
// one with an extension of one of the engines. Refuses a file above the memory limit before reading
// it.
Result<std::unique_ptr<Model>> load_folder(const std::string& dir, const LoadOptions& options,
                                           std::span<const Engine* const> engines);

const Engine& sklearn_engine();

// As Python writes a float: 1.0, 0.1, 1e-07.
void append_float(std::string& out, double v);

}  // namespace proa::engines
