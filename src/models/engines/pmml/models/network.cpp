// NeuralNetwork: layers of neurons between fields and targets.
#include <unordered_map>

#include "foundation/base/strings.h"
#include "models/engines/pmml/core/expression.h"
#include "models/engines/pmml/models/evaluator.h"

namespace proa::pmml {
namespace {

struct Connection {
  size_t from;
  double weight;
};
struct Neuron {
  double bias = 0, width = 0, altitude = 1;
  std::vector<Connection> inputs;
};
struct Layer {
  std::string_view activation, normalization;
  double threshold = 0, width = 0, altitude = 1;
  size_t first = 0;  // place of its first neuron
  std::vector<Neuron> neurons;
};
struct OutputOf {
  size_t neuron;
  std::string_view label;        // of a class
  std::unique_ptr<Curve> curve;  // of a number
};

double activate(std::string_view f, double x, double threshold) {
  if (f == "threshold") return x > threshold ? 1 : 0;
  if (f == "logistic") return 1 / (1 + std::exp(-x));
  if (f == "tanh") return std::tanh(x);
  if (f == "identity") return x;
  if (f == "exponential") return std::exp(x);
  if (f == "reciprocal") return 1 / x;
  if (f == "square") return x * x;
  if (f == "Gauss") return std::exp(-x * x);
  if (f == "sine") return std::sin(x);
  if (f == "cosine") return std::cos(x);
  if (f == "Elliott") return x / (1 + std::fabs(x));
  if (f == "arctan") return 2 * std::atan(x) / M_PI;
  if (f == "rectifier") return std::max(0.0, x);
  return NAN;
}

class Network : public Evaluator {
 public:
  std::vector<std::unique_ptr<Expression>> inputs;
  std::vector<Layer> layers;
  std::vector<OutputOf> outputs;
  size_t size = 0;  // inputs and neurons
  bool classifies = false;

  std::vector<std::string_view> labels() const override {
    std::vector<std::string_view> all;
    if (classifies)
      for (const OutputOf& o : outputs) all.push_back(o.label);
    return all;
  }
  void evaluate(Row& row, Answer& out) const override {
    auto values = row.work().take<double>(size);
    for (size_t i = 0; i < inputs.size(); ++i) {
      values[i] = number_of(inputs[i]->evaluate(row));
      if (std::isnan(values[i])) return;
    }
    for (const Layer& l : layers) run(l, values);
    if (!classifies) {
      double y = values[outputs[0].neuron];
      out.predicted = Value::of(outputs[0].curve ? outputs[0].curve->inverse(y) : y);
      return;
    }
    for (const OutputOf& o : outputs) out.scores.push_back({o.label, values[o.neuron]});
    out.choose();
  }

 private:
  static void run(const Layer& l, std::span<double> values) {
    std::vector<Score> scores;
    for (size_t i = 0; i < l.neurons.size(); ++i) {
      const Neuron& n = l.neurons[i];
      double z = l.activation == "radialBasis" ? radial(l, n, values) : n.bias;
      if (l.activation != "radialBasis") {
        for (const Connection& c : n.inputs) z += c.weight * values[c.from];
        z = activate(l.activation, z, l.threshold);
      }
      values[l.first + i] = z;
      scores.push_back({{}, z});
    }
    normalize(l.normalization, scores);
    for (size_t i = 0; i < scores.size(); ++i) values[l.first + i] = scores[i].probability;
  }
  static double radial(const Layer& l, const Neuron& n, std::span<const double> values) {
    double sum = 0, width = n.width != 0 ? n.width : l.width;
    double altitude = n.altitude != 1 ? n.altitude : l.altitude;
    for (const Connection& c : n.inputs) {
      double d = values[c.from] - c.weight;
      sum += d * d;
    }
    auto count = static_cast<double>(n.inputs.size());
    return std::exp(count * std::log(altitude) - sum / (2 * width * width));
  }
};

using Places = std::unordered_map<std::string_view, size_t>;

Status read_inputs(const Element& e, const Scope& scope, Network& n, Places& places) {
  TRY(const Element* inputs, e.required_child("NeuralInputs"));
  for (const Element* i : inputs->all("NeuralInput")) {
    TRY(std::string_view id, i->required("id"));
    TRY(const Element* field, i->required_child("DerivedField"));
    TRY(auto expression, expression_in(*field, scope));
    places[id] = n.inputs.size();
    n.inputs.push_back(std::move(expression));
  }
  n.size = n.inputs.size();
  return {};
}

Status read_layer(const Element& e, const Element& model, Network& n, Places& places) {
  Layer l;
  l.activation = e.get("activationFunction", model.get("activationFunction"));
  l.normalization = e.get("normalizationMethod", model.get("normalizationMethod", "none"));
  if (l.activation != "radialBasis" && std::isnan(activate(l.activation, 0.5, 0)))
    return error(Code::kUnimplemented,
                 e.wrong(str("activationFunction=", l.activation, " is not covered")).message);
  TRY(double threshold, model.number("threshold", 0));
  TRY(l.threshold, e.number("threshold", threshold));
  TRY(double width, model.number("width", 1));
  TRY(l.width, e.number("width", width));
  TRY(double altitude, model.number("altitude", 1));
  TRY(l.altitude, e.number("altitude", altitude));
  l.first = n.size;
  std::vector<std::string_view> ids;
  for (const Element* neuron : e.all("Neuron")) {
    Neuron made;
    TRY(std::string_view id, neuron->required("id"));
    TRY(made.bias, neuron->number("bias", 0));
    TRY(made.width, neuron->number("width", 0));
    TRY(made.altitude, neuron->number("altitude", 1));
    for (const Element* con : neuron->all("Con")) {
      TRY(std::string_view from, con->required("from"));
      TRY(double weight, con->number("weight"));
      auto at = places.find(from);
      if (at == places.end()) return con->wrong(str("no neuron before it is '", from, "'"));
      made.inputs.push_back({at->second, weight});
    }
    ids.push_back(id);
    l.neurons.push_back(std::move(made));
  }
  for (std::string_view id : ids) places[id] = n.size++;
  n.layers.push_back(std::move(l));
  return {};
}

Status read_outputs(const Element& e, Network& n, const Places& places) {
  TRY(const Element* outputs, e.required_child("NeuralOutputs"));
  for (const Element* o : outputs->all("NeuralOutput")) {
    OutputOf made{};
    TRY(std::string_view id, o->required("outputNeuron"));
    auto at = places.find(id);
    if (at == places.end()) return o->wrong(str("there is no neuron '", id, "'"));
    made.neuron = at->second;
    TRY(const Element* field, o->required_child("DerivedField"));
    if (const Element* discrete = field->child("NormDiscrete")) made.label = discrete->get("value");
    if (const Element* continuous = field->child("NormContinuous")) {
      TRY(Curve curve, Curve::make(*continuous));
      made.curve = std::make_unique<Curve>(std::move(curve));
    }
    n.outputs.push_back(std::move(made));
  }
  return n.outputs.empty() ? Status{outputs->wrong("it is empty")} : Status{};
}

}  // namespace

MadeEvaluator make_network(const Element& e, const Scope& scope) {
  auto n = std::make_unique<Network>();
  n->classifies = e.get("functionName") == "classification";
  Places places;
  TRY_STATUS(read_inputs(e, scope, *n, places));
  for (const Element* l : e.all("NeuralLayer")) TRY_STATUS(read_layer(*l, e, *n, places));
  TRY_STATUS(read_outputs(e, *n, places));
  return std::unique_ptr<Evaluator>(std::move(n));
}

}  // namespace proa::pmml
