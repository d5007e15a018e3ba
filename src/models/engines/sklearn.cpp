// The engine of scikit-learn's models: .joblib, .pkl and .pickle files, one estimator or a
// Pipeline.
#include <array>
#include <cmath>

#include "foundation/base/file.h"
#include "foundation/base/strings.h"
#include "models/engines/estimators.h"
#include "models/engines/pickle/file.h"

namespace proa::engines {
namespace {

using pickle::Kind;
using pickle::Node;

constexpr const char* kSupported =
    "supported: SVC, NuSVC, LinearSVC, LogisticRegression, StandardScaler, "
    "MinMaxScaler, Pipeline";
constexpr int kMostNesting = 16;  // pipelines in pipelines
constexpr size_t kMostSteps =
    1000;  // in all pipelines together: a file may nest one pipeline many times

struct Chain {
  std::vector<std::unique_ptr<Transformer>> transformers;
  std::unique_ptr<Classifier> classifier;
  std::vector<std::string> names;
  std::string version;
  size_t visited = 0;
};

class SklearnModel : public Model {
 public:
  SklearnModel(Chain chain, Want want, ModelInfo info)
      : chain_(std::move(chain)), want_(want), info_(std::move(info)) {}
  const ModelInfo& info() const override { return info_; }
  std::unique_ptr<Session> session() const override;
  const Chain& chain() const { return chain_; }
  Want want() const { return want_; }

 private:
  Chain chain_;
  Want want_;
  ModelInfo info_;
};

// NaN and infinity have all bits of the exponent set; a sum that is finite has met neither.
Status check_finite(const double* values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i] * 0;
  if (sum == 0) return {};
  for (size_t i = 0; i < count; ++i)
    if (std::isnan(values[i])) return error(Code::kInvalid, "Input X contains NaN.");
  return error(Code::kInvalid,
               "Input X contains infinity or a value too large for dtype('float64').");
}

class SklearnSession : public Session {
 public:
  explicit SklearnSession(const SklearnModel& model) : model_(model) {}

  Status predict(const Batch& in, Output& out) override {
    size_t expected = model_.info().features;
    if (in.columns != expected)
      return error(Code::kInvalid,
                   str("X has ", in.columns, " features, but ", model_.chain().names.front(),
                       " is expecting ", expected, " features as input"));
    CHECK(in.values.size() == in.rows * in.columns);
    TRY_STATUS(check_finite(in.values.data(), in.values.size()));
    const double* x = in.values.data();
    if (!model_.chain().transformers.empty()) {
      scratch_.input.assign(in.values.begin(), in.values.end());
      for (const auto& t : model_.chain().transformers)
        t->apply(scratch_.input.data(), in.rows, in.columns);
      TRY_STATUS(check_finite(scratch_.input.data(), scratch_.input.size()));
      x = scratch_.input.data();
    }
    answer(x, in, out);
    return {};
  }

 private:
  void answer(const double* x, const Batch& in, Output& out) {
    const Classifier& c = *model_.chain().classifier;
    if (model_.want() == Want::kLabels) {
      out.labels = &c.labels();
      out.classes.resize(in.rows);
      for (size_t r = 0; r < in.rows; ++r) out.classes[r] = c.predict(x + r * in.columns, scratch_);
      return;
    }
    bool proba = model_.want() == Want::kProbabilities;
    out.labels = nullptr;
    out.width = proba ? c.labels().json.size() : c.decision_width();
    size_t width = std::max<size_t>(out.width, 1);
    out.numbers.resize(in.rows * width);
    for (size_t r = 0; r < in.rows; ++r) {
      double* to = out.numbers.data() + r * width;
      if (proba)
        c.probabilities(x + r * in.columns, scratch_, to);
      else
        c.decision(x + r * in.columns, scratch_, to);
    }
  }

  const SklearnModel& model_;
  Scratch scratch_;
};

std::unique_ptr<Session> SklearnModel::session() const {
  return std::make_unique<SklearnSession>(*this);
}

Status add_step(const Node& node, Chain& chain, int depth);

Status add_pipeline(const Attributes& a, Chain& chain, int depth) {
  const Node* steps = a.find("steps");
  if (!steps || steps->kind != Kind::kList || steps->items.empty())
    return a.wrong("steps is no list of steps");
  for (const Node* step : steps->items) {
    if (++chain.visited > kMostSteps) return a.wrong("too many steps");
    if (step->items.size() != 2 || (step->kind != Kind::kTuple && step->kind != Kind::kList))
      return a.wrong("a step is no pair of name and estimator");
    const Node& estimator = *step->items[1];
    bool passes = estimator.kind == Kind::kNone ||
                  (estimator.kind == Kind::kStr && estimator.text == "passthrough");
    if (passes) continue;
    std::string name = step->items[0]->kind == Kind::kStr ? shorten(step->items[0]->text, 60) : "?";
    TRY_STATUS(add_step(estimator, chain, depth + 1).context(str("step '", name, "'")));
  }
  return {};
}

Status add_step(const Node& node, Chain& chain, int depth) {
  if (depth > kMostNesting) return error(Code::kTooLarge, "pipelines are nested too deeply");
  Attributes a(node);
  std::string_view type = a.type_name(), name = a.class_name();
  if (!type.starts_with("sklearn."))
    return error(Code::kUnimplemented,
                 str("the file holds ", node.describe(), ", no estimator; ", kSupported));
  if (chain.classifier)
    return error(Code::kDataLoss, str(name, " follows a classifier in the pipeline"));
  if (chain.version.empty() && a.has("_sklearn_version")) {
    TRY(chain.version, a.text({"_sklearn_version"}));
  }
  if (name == "Pipeline") return add_pipeline(a, chain, depth);
  chain.names.emplace_back(name);
  if (name == "SVC" || name == "NuSVC") {
    TRY(chain.classifier, make_svc(a));
  } else if (name == "LinearSVC" || name == "LogisticRegression") {
    TRY(chain.classifier, make_linear(a));
  } else if (name == "StandardScaler") {
    TRY(auto t, make_standard_scaler(a));
    chain.transformers.push_back(std::move(t));
  } else if (name == "MinMaxScaler") {
    TRY(auto t, make_min_max_scaler(a));
    chain.transformers.push_back(std::move(t));
  } else
    return error(Code::kUnimplemented, str(type, " is not supported yet; ", kSupported));
  return {};
}

// All steps take the same number of features, as scalers keep it.
Status check_chain(const Chain& chain) {
  if (!chain.classifier) {
    if (chain.names.empty()) return error(Code::kInvalid, "the pipeline has no step that predicts");
    return error(Code::kInvalid,
                 str(chain.names.back(), " has no predict; the last step must be a classifier"));
  }
  for (size_t i = 0; i < chain.transformers.size(); ++i) {
    size_t n = chain.transformers[i]->features();
    if (n != 0 && n != chain.classifier->features())
      return error(Code::kDataLoss, str(chain.names[i], " has ", n, " features, ",
                                        chain.names.back(), " has ", chain.classifier->features()));
  }
  return {};
}

class SklearnEngine : public Engine {
 public:
  std::string_view name() const override { return "sklearn"; }
  std::span<const std::string_view> extensions() const override {
    static constexpr std::array<std::string_view, 3> kExtensions = {".joblib", ".pkl", ".pickle"};
    return kExtensions;
  }
  Result<std::unique_ptr<Model>> load(const std::string& file,
                                      const LoadOptions& options) const override;
};

pickle::FileLimits limits_for(const LoadOptions& options) {
  pickle::FileLimits limits;
  if (options.memory_limit != 0) limits.bytes = std::min(limits.bytes, options.memory_limit);
  return limits;
}

Result<std::unique_ptr<Model>> SklearnEngine::load(const std::string& file,
                                                   const LoadOptions& options) const {
  TRY(std::string bytes, read_file(file, limits_for(options).bytes));
  return read_sklearn(std::move(bytes), options);
}

}  // namespace

Result<std::unique_ptr<Model>> read_sklearn(std::string bytes, const LoadOptions& options) {
  auto document = pickle::read_bytes(std::move(bytes), limits_for(options));
  if (!document.ok()) {
    Error e = std::move(document).error();
    if (e.message.ends_with("is not supported yet")) e.message += str("; ", kSupported);
    return e;
  }
  Chain chain;
  const Node& root = *(*document)->root;
  TRY_STATUS(add_step(root, chain, 0));
  TRY_STATUS(check_chain(chain));
  if (options.want == Want::kProbabilities) TRY_STATUS(chain.classifier->can_tell_probabilities());
  ModelInfo info;
  info.engine = "sklearn";
  info.type = root.type_name();
  if (root.type_name().ends_with(".Pipeline"))
    info.type = str("Pipeline(", join(chain.names, ", "), ")");
  info.version = chain.version;
  info.features = chain.classifier->features();
  info.file_bytes = (*document)->bytes.size();
  return std::unique_ptr<Model>(
      std::make_unique<SklearnModel>(std::move(chain), options.want, std::move(info)));
}

const Engine& sklearn_engine() {
  static const SklearnEngine engine;
  return engine;
}

}  // namespace proa::engines
