// MLPClassifier, MLPRegressor: layers of products and activations. BernoulliRBM: one such layer.
#include <algorithm>
#include <cmath>

#include "foundation/base/strings.h"
#include "models/engines/sklearn/bayes/makers.h"
#include "models/engines/sklearn/linear/classifier.h"
#include "models/engines/sklearn/linear/packed.h"

namespace proa::engines::bayes {
namespace {

enum class Activation { kIdentity, kLogistic, kTanh, kRelu, kSoftmax, kExp };

Result<Activation> activation_named(const Attributes& a, std::string_view name) {
  if (name == "identity") return Activation::kIdentity;
  if (name == "logistic") return Activation::kLogistic;
  if (name == "tanh") return Activation::kTanh;
  if (name == "relu") return Activation::kRelu;
  if (name == "softmax") return Activation::kSoftmax;
  if (name == "exp") return Activation::kExp;
  return a.unsupported(str("activation '", shorten(name, 30), "'"));
}

void activate(Activation f, const Scores& s) {
  size_t n = s.count();
  switch (f) {
    case Activation::kIdentity:
      return;
    case Activation::kLogistic:
      for (size_t i = 0; i < n; ++i) s.values[i] = logistic(s.values[i]);
      return;
    case Activation::kTanh:
      for (size_t i = 0; i < n; ++i) s.values[i] = std::tanh(s.values[i]);
      return;
    case Activation::kRelu:
      for (size_t i = 0; i < n; ++i) s.values[i] = std::max(s.values[i], 0.0);
      return;
    case Activation::kExp:
      for (size_t i = 0; i < n; ++i) s.values[i] = std::exp(s.values[i]);
      return;
    case Activation::kSoftmax:
      for (size_t r = 0; r < s.rows; ++r) softmax(s.row(r), s.width);
      return;
  }
}

struct Layer {
  Packed weights;  // one row a neuron
  std::vector<double> bias;
};

struct Network {
  std::vector<Layer> layers;
  Activation hidden = Activation::kRelu, last = Activation::kIdentity;

  size_t inputs() const { return layers.front().weights.columns(); }
  size_t outputs() const { return layers.back().weights.rows(); }

  Result<Scores> forward(const Table& in, const Estimator& e, Workspace& work) const {
    TRY(Rows rows, rows_of(in, e, inputs(), work));
    Scores s;
    for (size_t l = 0; l < layers.size(); ++l) {
      const Layer& layer = layers[l];
      Scores next = take_scores(in.rows, layer.weights.rows(), work);
      if (l == 0)
        layer.weights.times(rows, next.values);
      else
        layer.weights.times(s.values, s.rows, next.values);
      for (size_t r = 0; r < next.rows; ++r)
        for (size_t k = 0; k < next.width; ++k) next.row(r)[k] += layer.bias[k];
      activate(l + 1 == layers.size() ? last : hidden, next);
      s = next;
    }
    return s;
  }
};

Result<std::vector<double>> vector_at(const Attributes& a, const pickle::Node* node,
                                      std::string_view what) {
  if (!node->array || node->array->shape.size() != 1)
    return a.wrong(str(what, " is no list of vectors"));
  return pickle::doubles(*node->array).context(what);
}

Status read_network(const Attributes& a, Network& out) {
  TRY(auto coefs, a.list({"coefs_"}));
  TRY(auto intercepts, a.list({"intercepts_"}));
  if (coefs.empty() || coefs.size() != intercepts.size())
    return a.wrong("coefs_ and intercepts_ differ in length");
  for (size_t l = 0; l < coefs.size(); ++l) {
    if (!coefs[l]->array || coefs[l]->array->shape.size() != 2)
      return a.wrong("coefs_ is no list of matrices");
    Matrix m{coefs[l]->array->shape[0], coefs[l]->array->shape[1], {}};
    TRY(m.values, pickle::doubles(*coefs[l]->array).context("coefs_"));
    Layer layer;
    TRY(layer.bias, vector_at(a, intercepts[l], "intercepts_"));
    size_t inputs = l == 0 ? m.rows : out.layers.back().weights.rows();
    if (m.rows == 0 || m.columns == 0 || m.rows != inputs || layer.bias.size() != m.columns)
      return a.wrong(str("layer ", l, " has weights of (", m.rows, ", ", m.columns, ") and ",
                         layer.bias.size(), " biases after ", inputs, " inputs"));
    layer.weights = Packed::transposed(m);
    out.layers.push_back(std::move(layer));
  }
  TRY(std::string hidden, a.text({"activation"}));
  TRY(out.hidden, activation_named(a, hidden));
  TRY(std::string last, a.text({"out_activation_"}));
  TRY(out.last, activation_named(a, last));
  return check_features(a, out.inputs());
}

class NetworkRegressor : public Estimator {
 public:
  Network network;
  bool has(Method m) const override { return m == Method::kPredict; }
  Status predict(Method, const Table& in, Workspace& work, Output& out) const override {
    TRY(Scores s, network.forward(in, *this, work));
    set_output(s, s.width == 1, out);
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.shape.clear();
    if (network.outputs() > 1) info.shape = {static_cast<int64_t>(network.outputs())};
    return info;
  }
};

class NetworkClassifier : public Classifier {
 public:
  Network network;

 protected:
  Status choose(const Table& in, Workspace& work, std::span<uint32_t> best) const override {
    TRY(Scores s, network.forward(in, *this, work));
    for (size_t r = 0; r < s.rows; ++r)
      best[r] = s.width == 1 ? (s.values[r] > 0.5 ? 1 : 0) : largest(s.row(r), s.width);
    return {};
  }
  Result<Scores> probabilities(const Table& in, Workspace& work) const override {
    TRY(Scores s, network.forward(in, *this, work));
    return s.width == 1 ? two_columns(s, work) : s;
  }
};

// Fitted with several labels a row: one column of 0 and 1 a label.
class MultilabelNetwork : public Estimator {
 public:
  Network network;
  bool has(Method m) const override {
    return m == Method::kPredict || m == Method::kPredictProba || m == Method::kPredictLogProba;
  }
  Status predict(Method method, const Table& in, Workspace& work, Output& out) const override {
    TRY(Scores s, network.forward(in, *this, work));
    if (method != Method::kPredict) {
      if (method == Method::kPredictLogProba) take_logs(s);
      set_output(s, false, out);
      return {};
    }
    std::span<int64_t> on = work.take<int64_t>(s.count());
    for (size_t i = 0; i < s.count(); ++i) on[i] = s.values[i] > 0.5 ? 1 : 0;
    out.first = {DataType::kInt64, 2, {s.rows, s.width}, nullptr, on.data(), nullptr};
    return {};
  }
  inference::TensorInfo output_info(Method method) const override {
    inference::TensorInfo info = Estimator::output_info(method);
    info.type = method == Method::kPredict ? DataType::kInt64 : DataType::kFp64;
    info.shape = {static_cast<int64_t>(network.outputs())};
    return info;
  }
};

class BoltzmannMachine : public Estimator {
 public:
  Layer layer;
  bool has(Method m) const override { return m == Method::kTransform; }
  Status transform(const Table& in, Workspace& work, Table& out) const override {
    TRY(Rows rows, rows_of(in, *this, layer.weights.columns(), work));
    Scores s{nullptr, in.rows, layer.weights.rows()};
    s.values = dense_output(in.rows, s.width, work, out).data();
    layer.weights.times(rows, s.values);
    for (size_t r = 0; r < s.rows; ++r)
      for (size_t k = 0; k < s.width; ++k) s.row(r)[k] += layer.bias[k];
    activate(Activation::kLogistic, s);
    return {};
  }
};

}  // namespace

Made make_mlp_regressor(const Attributes& a, Maker&) {
  auto out = std::make_unique<NetworkRegressor>();
  TRY_STATUS(read_network(a, out->network));
  out->features = out->network.inputs();
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_mlp_classifier(const Attributes& a, Maker&) {
  Network network;
  TRY_STATUS(read_network(a, network));
  TRY(Attributes binarizer, a.object({"_label_binarizer"}));
  TRY(std::string kind, binarizer.text({"y_type_"}));
  if (std::string_view(kind).starts_with("multilabel")) {
    auto many = std::make_unique<MultilabelNetwork>();
    many->network = std::move(network);
    many->features = many->network.inputs();
    return std::unique_ptr<Estimator>(std::move(many));
  }
  auto out = std::make_unique<NetworkClassifier>();
  TRY_STATUS(read_classes(binarizer, *out, 2));
  size_t n = out->classes.size(), outputs = network.outputs();
  if (outputs != n && !(outputs == 1 && n == 2))
    return a.wrong(str("the last layer has ", outputs, " outputs for ", n, " classes"));
  out->network = std::move(network);
  out->features = out->network.inputs();
  out->probabilistic = true;
  return std::unique_ptr<Estimator>(std::move(out));
}

Made make_boltzmann_machine(const Attributes& a, Maker&) {
  auto out = std::make_unique<BoltzmannMachine>();
  TRY(Matrix components, a.matrix({"components_"}));
  TRY(out->layer.bias, a.vector({"intercept_hidden_"}));
  if (components.rows == 0 || components.columns == 0 || out->layer.bias.size() != components.rows)
    return a.wrong("components_ and intercept_hidden_ differ in length");
  TRY_STATUS(check_features(a, components.columns));
  out->layer.weights = Packed(components);
  out->features = components.columns;
  return std::unique_ptr<Estimator>(std::move(out));
}

}  // namespace proa::engines::bayes
